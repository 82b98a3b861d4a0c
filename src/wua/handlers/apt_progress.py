"""Progress of the apt handler's commands, from apt's status lines. It never falls and never passes 1.0."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from wua.handlers.status_lines import StatusLine, parse
from wua.model.plans import Change, Plan, PlanItem
from wua.model.plugins import ItemEnd, StepProgress

# How far a package is when a step of it begins. apt unpacks all before it configures any.
_FORWARD: Final[Mapping[str, float]] = {
    "Preparing": 1 / 6,
    "Unpacking": 2 / 6,
    "Installing": 3 / 6,
    "Preparing to configure": 4 / 6,
    "Configuring": 5 / 6,
    "Installed": 1.0,
}
_BACKWARD: Final[Mapping[str, float]] = {
    "Preparing for removal of": 1 / 4,
    "Removing": 2 / 4,
    "Completely removing": 3 / 4,
    "Removed": 1.0,
    "Completely removed": 1.0,
}
_GOING: Final = (Change.REMOVE, Change.PURGE)


class TransactionReader:
    """Reads a package transaction. Each item counts the same."""

    def __init__(self, plan: Plan) -> None:
        self._items = plan.items
        self._within = [0.0] * len(plan.items)
        self._ended: set[int] = set()
        self._last = StepProgress()

    def feed(self, lines: Iterable[str]) -> tuple[StepProgress, tuple[ItemEnd, ...]]:
        """Progress after these lines, and the items that ended in them."""
        ends: list[ItemEnd] = []
        for line in lines:
            status = parse(line)
            if status is None:
                continue
            end = self._failed(status) if status.kind == "pmerror" else self._moved(status)
            if end is not None and end.item not in self._ended:
                self._ended.add(end.item)
                ends.append(end)
        return self._last, tuple(ends)

    def _moved(self, status: StatusLine) -> ItemEnd | None:
        if status.kind != "pmstatus" or not status.step:
            return None
        index = self._index(status)
        if index is None:
            return None
        ended = self._advance(index, status.step)
        self._tell(index, status.text)
        return ItemEnd(index) if ended else None

    def _advance(self, index: int, step: str) -> bool:
        """Move an item on; whether it is at its end now."""
        going = self._items[index].change in _GOING
        before = self._within[index]
        within = (_BACKWARD if going else _FORWARD).get(step, before)
        if step == "Removing" and self._items[index].change is Change.REMOVE and before >= within:
            within = 1.0  # dpkg says it once more when only the configuration is left
        self._within[index] = max(before, within)
        return self._within[index] >= 1.0

    def _failed(self, status: StatusLine) -> ItemEnd | None:
        index = item_of(self._items, status.subject)
        if index is None:
            return None
        self._within[index] = 1.0
        self._tell(index, status.text)
        return ItemEnd(index, status.text)

    def _index(self, status: StatusLine) -> int | None:
        """The item that a line speaks of. Two architectures of a name are told apart by the text."""
        found = [index for index, item in enumerate(self._items) if item.name == status.name]
        exact = [index for index in found if self._items[index].architecture == status.architecture]
        return next(iter(exact or found), None)

    def _tell(self, index: int, text: str) -> None:
        whole = sum(self._within) / len(self._within)
        self._last = StepProgress(min(whole, 1.0), index, self._within[index], text)


def item_of(items: Sequence[PlanItem], subject: str) -> int | None:
    """The item that dpkg names in an error: a package, with or without architecture, or a .deb's path."""
    file = subject.rpartition("/")[2]
    name, _, architecture = subject.partition(":")
    for index, item in enumerate(items):
        if subject.endswith(".deb"):
            if file == item.file or file in item.local:
                return index
            if file.startswith(f"{item.name}_") and file.endswith(f"_{item.architecture}.deb"):
                return index
        elif item.name == name and architecture in ("", item.architecture):
            return index
    return None


# apt follows redirections for ever, and writes a status line at each. A slow line gives two in a second, and
# apt gives up a silent connection, and a network that is not there after some retries (more than a thousand
# lines on a busy machine), long before it has written so many.
STUCK_LINES: Final = 5000


class Circling:
    """Counts download status lines that say nothing new."""

    def __init__(self) -> None:
        self._text = ""
        self._same = 0
        self.longest = 0

    def add(self, status: StatusLine) -> None:
        text = f"{status.subject} {status.percent}"
        self._same = self._same + 1 if text == self._text else 0
        self._text = text
        self.longest = max(self.longest, self._same)

    def __str__(self) -> str:
        if self.longest < STUCK_LINES:
            return ""
        return "the server sends apt round in circles: not a byte came while it asked again and again"


class DownloadReader:
    """Reads a download: apt's percentage, and the sizes of the files as they grow.

    apt's lines name no package, so ``sizes`` answers how many bytes of each file are there now.
    """

    def __init__(
        self, plan: Plan, archives: Path, sizes: Callable[[Path, PlanItem], int] | None = None
    ) -> None:
        self._items = plan.items
        self._archives = archives
        self._sizes = sizes or bytes_there
        self._done = [0] * len(plan.items)
        self._total = sum(item.size for item in plan.items)
        self._ended: set[int] = set()
        self._last = StepProgress(bytes_total=self._total)
        self._circling = Circling()

    def feed(self, lines: Iterable[str]) -> tuple[StepProgress, tuple[ItemEnd, ...]]:
        """Progress after these lines, and the files that are complete."""
        status = downloads(lines)
        if not status:
            return self._last, ()
        for line in status:
            self._circling.add(line)
        growing, ends = -1, []
        for index, item in enumerate(self._items):
            there = min(self._sizes(self._archives, item), item.size)
            if self._done[index] < there < item.size:
                growing = index
            self._done[index] = max(self._done[index], there)
            if item.file and self._done[index] >= item.size and index not in self._ended:
                self._ended.add(index)
                ends.append(ItemEnd(index))
        self._tell(growing if growing >= 0 else self._last.item, status[-1])
        return self._last, tuple(ends)

    def _tell(self, index: int, status: StatusLine) -> None:
        done = sum(self._done)
        within = max(self._last.within, status.percent / 100, done / self._total if self._total else 0.0)
        there, size = (self._done[index], self._items[index].size) if index >= 0 else (0, 0)
        self._last = StepProgress(
            within=min(within, 1.0),
            item=index,
            item_within=there / size if size else 0.0,
            text=status.text,
            bytes_done=done,
            bytes_total=self._total,
            item_bytes_done=there,
            item_bytes_total=size,
            stuck=str(self._circling),
        )


def downloads(lines: Iterable[str]) -> list[StatusLine]:
    """The lines that speak of a download."""
    return [found for line in lines if (found := parse(line)) and found.kind == "dlstatus"]


def bytes_there(archives: Path, item: PlanItem) -> int:
    """Bytes of an item's file, complete or partial, in apt's archives."""
    for path in (archives / item.file, archives / "partial" / item.file):
        try:
            return path.stat().st_size
        except FileNotFoundError:
            continue
    return 0
