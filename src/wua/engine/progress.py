"""Progress of one job: from steps of a handler to percentages that only go up. Pure."""

from collections.abc import Callable
from typing import Final

from wua.model.enums import DownloadPhase
from wua.model.jobs import JobKind, JobRecord, Progress
from wua.model.plans import Plan
from wua.model.plugins import StepProgress
from wua.model.states import JobState, overall_percent
from wua.model.updates import UpdateId

_CHANGING: Final = frozenset({JobState.LOCKING, JobState.REPAIRING, JobState.VERIFYING, JobState.INSTALLING})
INTERVAL: Final = 0.1  # seconds between two progress events of one phase and update


def left_out(job: JobRecord, plan: Plan | None) -> frozenset[JobState]:
    """The states that a job will not come to, or will pass in no time."""
    if job.kind is JobKind.DOWNLOAD:
        return _CHANGING
    nothing_to_fetch = plan is not None and plan.download_bytes == 0
    return frozenset({JobState.DOWNLOADING}) if nothing_to_fetch or not job.spec.download else frozenset()


class ProgressTracker:
    """Keeps the newest progress; ``advance`` answers it when it is worth telling, else None.

    ``now`` is a monotonic clock in seconds. ``last`` is what was told before, by another host perhaps.
    ``left_out`` are states that the job will not come to. ``interval``: seconds between two steps of the same
    update and phase.
    """

    def __init__(
        self,
        updates: tuple[UpdateId, ...],
        plan: Plan | None,
        now: Callable[[], float],
        last: Progress | None = None,
        left_out: frozenset[JobState] = frozenset(),
        interval: float = INTERVAL,
    ) -> None:
        index = {update: number for number, update in enumerate(updates)}
        self._index = [index.get(item.update, -1) for item in plan.items] if plan else []
        self._now = now
        self._left_out = left_out
        self._interval = interval
        self.last = last or Progress(JobState.QUEUED)
        self._told_at = -1e9
        self._bytes_at: tuple[float, int] = (now(), 0)

    def advance(self, phase: JobState, step: StepProgress) -> Progress | None:
        """Take in a step of ``phase``."""
        current = self._index[step.item] if 0 <= step.item < len(self._index) else -1
        if current < 0:
            current = self.last.current
        same_update = current == self.last.current and phase is self.last.phase
        item_percent = int(100 * min(max(step.item_within, 0.0), 1.0))
        progress = Progress(
            phase=phase,
            percent=max(self.last.percent, overall_percent(phase, step.within, self._left_out)),
            current=current,
            current_percent=max(item_percent, self.last.current_percent) if same_update else item_percent,
            text=step.text,
            bytes_done=step.bytes_done,
            bytes_total=step.bytes_total,
            current_bytes_done=step.item_bytes_done,
            current_bytes_total=step.item_bytes_total,
            download_phase=self._download_phase(phase),
            rate=self._rate(phase, step.bytes_done),
        )
        worth = not same_update or (progress != self.last and self._now() - self._told_at >= self._interval)
        self.last = progress
        if not worth:
            return None
        self._told_at = self._now()
        return progress

    def final(self) -> Progress:
        """The last one: 100 %, failed updates counted as processed."""
        last = max(self._index, default=0)
        self.last = Progress(JobState.ENDED, 100, max(last, 0), 100, download_phase=DownloadPhase.VERIFYING)
        return self.last

    @staticmethod
    def _download_phase(phase: JobState) -> int:
        if phase is JobState.DOWNLOADING:
            return DownloadPhase.DOWNLOADING
        before = (JobState.QUEUED, JobState.PLANNING)
        return DownloadPhase.INITIALIZING if phase in before else DownloadPhase.VERIFYING

    def _rate(self, phase: JobState, done: int) -> float:
        """Bytes per second since the phase began, or since its counter began anew."""
        now = self._now()
        if phase is not self.last.phase or done < self.last.bytes_done:
            self._bytes_at = (now, done)
        since, base = self._bytes_at
        return (done - base) / (now - since) if now > since else 0.0
