"""What is known of a running job: its newest progress, and the updates that have reached their end.

A snapshot never changes: it remembers how much had been settled when it was made.
"""

from collections.abc import Sequence
from typing import NamedTuple

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import JobResult, Progress, UpdateResult
from wua.model.states import JobState
from wua.model.updates import UpdateId


class PartResult(NamedTuple):
    """What a result object says of one update."""

    code: ResultCode
    hresult: int = codes.S_OK
    reboot_required: bool = False


NOT_STARTED = PartResult(ResultCode.NOT_STARTED)
IN_PROGRESS = PartResult(ResultCode.IN_PROGRESS)
_AT_WORK = (JobState.DOWNLOADING, JobState.REPAIRING, JobState.VERIFYING, JobState.INSTALLING)


class Bytes(NamedTuple):
    done: int
    total: int


class Tally:
    """Counts for one job. Written by one thread, read by any.

    The agent knows each update once; the caller's list may name one several times. Places are indexes
    into the caller's list, indexes are the agent's.
    """

    def __init__(self, updates: Sequence[UpdateId], sizes: Sequence[int]) -> None:
        self.unique = tuple(dict.fromkeys(updates))
        index = {update: number for number, update in enumerate(self.unique)}
        self.index_at = [index[update] for update in updates]
        first = {number: place for place, number in reversed(list(enumerate(self.index_at)))}
        self._place_of = [first[number] for number in range(len(self.unique))]
        self._sizes = [sizes[place] for place in self._place_of]
        self._progress = Progress(JobState.QUEUED)
        self._fetched = Bytes(0, sum(self._sizes))
        self._begun: dict[int, int] = {}  # index to how many had begun before it
        self._settled: dict[int, tuple[int, PartResult]] = {}
        self.result: JobResult | None = None

    def __len__(self) -> int:
        return len(self.index_at)

    def advance(self, progress: Progress) -> None:
        """Take in the newest progress."""
        if progress.phase is JobState.DOWNLOADING:
            total = max(progress.bytes_total, self._fetched.total if not progress.bytes_total else 0)
            self._fetched = Bytes(max(self._fetched.done, progress.bytes_done), total)
        if progress.phase is JobState.ENDED and self._all_succeeded():
            self._fetched = Bytes(self._fetched.total, self._fetched.total)
        if progress.phase in _AT_WORK and progress.current >= 0:
            self._begun.setdefault(progress.current, len(self._begun))
        self._progress = progress

    def _all_succeeded(self) -> bool:
        good = sum(part.code is ResultCode.SUCCEEDED for _, part in self._settled.values())
        return good == len(self.unique)

    def settle(self, index: int, result: UpdateResult) -> None:
        """One update has reached its end."""
        part = PartResult(result.code, result.hresult, result.reboot_required)
        self._settled.setdefault(index, (len(self._settled), part))

    def end(self, result: JobResult) -> None:
        """The job has ended."""
        self.result = result

    def snapshot(self) -> "Snapshot":
        """How things stand now."""
        progress = self._progress
        index = max(progress.current, 0)
        size = self._sizes[index] if index < len(self._sizes) else 0
        total = progress.current_bytes_total or size
        over = progress.current_percent == 100
        current = Bytes(total if over else min(progress.current_bytes_done, total), total)
        place = self._place_of[index] if index < len(self._place_of) else 0
        counts = (len(self._begun), len(self._settled))
        return Snapshot(self, progress, place, self._fetched, current, counts, self.result)

    def part_of(self, index: int, begun: int, settled: int) -> PartResult:
        """How an update stood when that many had begun, and that many had reached their end."""
        found = self._settled.get(index)
        if found is not None and found[0] < settled:
            return found[1]
        return IN_PROGRESS if self._begun.get(index, begun) < begun else NOT_STARTED


class Snapshot(NamedTuple):
    """A job at one moment. ``place`` is that of the current update in the caller's list, 0 for none yet."""

    tally: Tally
    progress: Progress
    place: int
    fetched: Bytes
    current: Bytes
    counts: tuple[int, int]  # updates that had begun, and that had reached their end
    result: JobResult | None

    def part(self, place: int) -> PartResult:
        """The update at a place of the caller's list."""
        index = self.tally.index_at[place]
        if self.result is not None and index < len(self.result.updates):
            whole = self.result.updates[index]
            return PartResult(whole.code, whole.hresult, whole.reboot_required)
        return self.tally.part_of(index, *self.counts)
