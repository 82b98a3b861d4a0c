"""Reads the status lines of a simulated machine's scripts."""

from collections.abc import Iterable, Sequence

from wua.model.plugins import ItemEnd, StepProgress


class SimulatedReader:
    """Implements ProgressReader. Lines are ``begin N``, ``part N PERCENT``, ``done N``, ``fail N CODE``."""

    def __init__(self, sizes: Sequence[int], fetched: Sequence[int] | None) -> None:
        """``sizes`` of the plan's items, in bytes; ``fetched`` are the items of a download, None for none."""
        self._sizes, self._fetched = sizes, fetched
        self._count = max(len(sizes), 1)
        self._part = dict.fromkeys(range(len(sizes)), 0.0)
        self._current = -1

    def feed(self, lines: Iterable[str]) -> tuple[StepProgress, tuple[ItemEnd, ...]]:
        ends = []
        for line in lines:
            word, number, *rest = line.split()
            self._current = int(number)
            if word == "part":
                self._part[self._current] = max(self._part[self._current], int(rest[0]) / 100)
            elif word in ("done", "fail"):
                self._part[self._current] = 1.0
                ends.append(ItemEnd(int(number), "" if word == "done" else f"exit {rest[0]}"))
        within = min(sum(self._part.values()) / self._count, 1.0)
        return self._step(within, self._part.get(self._current, 0.0)), tuple(ends)

    def _step(self, within: float, item_within: float) -> StepProgress:
        if self._fetched is None:
            return StepProgress(within, self._current, item_within)
        size = self._sizes[self._current] if self._current >= 0 else 0
        return StepProgress(
            within,
            self._current,
            item_within,
            bytes_done=int(sum(self._sizes[n] * self._part[n] for n in self._fetched)),
            bytes_total=sum(self._sizes[n] for n in self._fetched),
            item_bytes_done=int(size * item_within),
            item_bytes_total=size,
        )
