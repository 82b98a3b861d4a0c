"""Progress of one acting job: from looks at native jobs to percentages that only go up. Pure."""

from collections.abc import Sequence
from typing import Final

from wua.model.enums import DownloadPhase
from wua.model.jobs import JobKind, Progress
from wua.model.states import JobState, overall_percent
from wua.native.jobs import Look

_CHANGING: Final = frozenset({JobState.LOCKING, JobState.VERIFYING, JobState.INSTALLING})


class Percent:
    """Keeps the newest progress of a job."""

    def __init__(self, kind: JobKind, *, downloads: bool, last: Progress | None = None) -> None:
        left_out = _CHANGING if kind is JobKind.DOWNLOAD else frozenset()
        self._left_out = left_out | (
            {JobState.REPAIRING} if downloads else {JobState.REPAIRING, JobState.DOWNLOADING}
        )
        self.last = last or Progress(JobState.QUEUED)

    def enter(self, state: JobState) -> Progress:
        """The beginning of a phase."""
        phase = DownloadPhase.INITIALIZING if state is JobState.PLANNING else self.last.download_phase
        return self._keep(
            Progress(state, overall_percent(state, 0.0, self._left_out), -1, download_phase=phase)
        )

    def look(self, state: JobState, look: Look, places: Sequence[int]) -> Progress:
        """A look at a native job; ``places`` are the job's indexes of what that one was given."""
        current = places[look.current] if look.has_begun and 0 <= look.current < len(places) else -1
        return self._keep(
            Progress(
                state,
                overall_percent(state, look.percent / 100, self._left_out),
                current,
                look.current_percent,
                bytes_done=look.bytes_done,
                bytes_total=look.bytes_total,
                current_bytes_done=look.current_bytes_done,
                current_bytes_total=look.current_bytes_total,
                download_phase=look.phase if state is JobState.DOWNLOADING else DownloadPhase.VERIFYING,
            )
        )

    def final(self, count: int) -> Progress:
        """The last one: 100 %, failed updates counted as processed."""
        return self._keep(
            Progress(JobState.ENDED, 100, max(count - 1, 0), 100, download_phase=DownloadPhase.VERIFYING)
        )

    def _keep(self, progress: Progress) -> Progress:
        last = self.last
        same = progress.phase is last.phase and progress.current == last.current
        self.last = Progress(
            progress.phase,
            max(progress.percent, last.percent),
            progress.current if progress.current >= 0 else last.current,
            max(progress.current_percent, last.current_percent) if same else progress.current_percent,
            bytes_done=progress.bytes_done,
            bytes_total=progress.bytes_total,
            current_bytes_done=progress.current_bytes_done,
            current_bytes_total=progress.current_bytes_total,
            download_phase=progress.download_phase,
        )
        return self.last
