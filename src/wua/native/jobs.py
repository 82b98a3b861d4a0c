"""One native job, from Begin to End: completed by its callback or by polling, whichever comes first.

On rare occasions the original neither calls back nor says IsCompleted although every update has reached its
end; such a job counts as completed after a while. A job that shows no progress is reported as stalled, and
one that takes longer than its time-out is asked to abort and, if it does not, left behind.
"""

import threading
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from wua.model.enums import ResultCode
from wua.model.problems import WuaError, error
from wua.native.lane import Lane
from wua.native.natives import Natives
from wua.native.pace import Pace

FINAL: Final = (
    ResultCode.SUCCEEDED,
    ResultCode.SUCCEEDED_WITH_ERRORS,
    ResultCode.FAILED,
    ResultCode.ABORTED,
)


class Part(NamedTuple):
    """What the native agent says of one update."""

    code: int
    hresult: int = 0
    reboot_required: bool = False


class Look(NamedTuple):
    """The progress of a native job at one moment, as comparable values."""

    percent: int
    current: int
    current_percent: int
    parts: tuple[Part, ...]
    bytes_done: int = 0
    bytes_total: int = 0
    current_bytes_done: int = 0
    current_bytes_total: int = 0
    phase: int = 1

    @property
    def is_settled(self) -> bool:
        return bool(self.parts) and all(part.code in FINAL for part in self.parts)

    @property
    def has_begun(self) -> bool:
        """Whether ``current`` is an update at work; the index 0 also stands for none yet."""
        first = self.parts[0].code if self.parts else ResultCode.NOT_STARTED
        return self.current > 0 or self.current_percent > 0 or first != ResultCode.NOT_STARTED


class Kind(NamedTuple):
    """The native names of one kind of job. ``progress`` is "" where there is none."""

    begin: str
    end: str
    completed: str
    progress: str


SEARCH: Final = Kind("BeginSearch", "EndSearch", "ISearchCompletedCallback", "")
DOWNLOAD: Final = Kind(
    "BeginDownload", "EndDownload", "IDownloadCompletedCallback", "IDownloadProgressChangedCallback"
)
INSTALL: Final = Kind(
    "BeginInstall", "EndInstall", "IInstallationCompletedCallback", "IInstallationProgressChangedCallback"
)
UNINSTALL: Final = Kind("BeginUninstall", "EndUninstall", INSTALL.completed, INSTALL.progress)


class Limits(NamedTuple):
    """Seconds, 0 for none. ``phase`` names what is limited, for people."""

    phase: str
    timeout: float = 0.0
    stall_after: float = 0.0


class Hearing(NamedTuple):
    """Who is told, on the thread that conducts the job."""

    progress: Callable[[Look], None] = lambda look: None
    stalled: Callable[[float], None] = lambda seconds: None


class NativeJob:
    """Conducts one native job. ``wake`` may be called from any thread, the rest from one of the lane's."""

    def __init__(
        self,
        natives: Natives,
        lane: Lane,
        kind: Kind,
        limits: Limits,
        pace: Pace,
        hearing: Hearing,
        aborting: Callable[[], bool],
    ) -> None:
        self._natives, self._lane, self._kind, self._limits = natives, lane, kind, limits
        self._pace, self._hearing, self._aborting = pace, hearing, aborting
        self._news = threading.Event()
        self._called = threading.Event()
        self._asked_to_abort = False
        self._last: Look | None = None

    def wake(self) -> None:
        """Have the job looked at now: an abort may have been asked for."""
        self._news.set()

    def run(self, owner: Any, *given: Any) -> Any:
        """Begin on ``owner``, wait, and answer the native result.

        A result that the native agent does not hand over is answered as a ``Look``.

        Raises:
            WuaError: timed-out, naming the phase; what Begin or End refused.
        """
        job = self._lane.here(self._kind.begin, lambda: self._begin(owner, given))
        completed = self._watch(job)
        try:
            end = getattr(owner, self._kind.end)
            return self._lane.call(self._kind.end, lambda: end(job), None if completed else self._pace.grace)
        except WuaError as failure:
            if completed or failure.problem.id != "timed-out" or self._last is None:
                raise
            return self._last
        finally:
            self._lane.later(lambda: self._clean_up(job))

    def _begin(self, owner: Any, given: tuple[Any, ...]) -> Any:
        completed = self._natives.callback(self._kind.completed, self._completed)
        if not self._kind.progress:
            return getattr(owner, self._kind.begin)(*given, completed, None)
        progress = self._natives.callback(self._kind.progress, self._news.set)
        return getattr(owner, self._kind.begin)(*given, progress, completed, None)

    def _completed(self) -> None:
        self._called.set()
        self._news.set()

    def _clean_up(self, job: Any) -> None:
        """Let the native side release our callbacks; it waits for one that is running."""
        try:
            job.CleanUp()
        except Exception as failure:
            if self._natives.refusal(failure) is None:
                raise

    def _watch(self, job: Any) -> bool:
        """Wait for the end; False when the job never said that it had come, but every update has ended."""
        begun = quiet_since = self._pace.clock()
        stalled = False
        while True:
            self._news.wait(self._pace.poll)
            self._news.clear()
            if self._called.is_set() or job.IsCompleted:
                self._look(job)
                return True
            now = self._pace.clock()
            if self._look(job):
                quiet_since, stalled = now, False
            elif self._limits.stall_after and not stalled and now - quiet_since >= self._limits.stall_after:
                stalled = True
                self._hearing.stalled(now - quiet_since)
            if self._last is not None and self._last.is_settled and now - quiet_since >= self._pace.settle:
                return False
            if self._aborting():
                self._abort(job)
            self._check_time(job, now - begun)

    def _check_time(self, job: Any, used: float) -> None:
        limit = self._limits.timeout
        if not limit or used < limit:
            return
        self._abort(job)
        if used >= limit + self._pace.grace:
            raise error(
                "timed-out",
                f"{self._limits.phase}: longer than {limit:g} s, and Windows Update did not obey an abort",
            )

    @property
    def timed_out(self) -> bool:
        """Whether the job was asked to abort although nobody else wanted it to."""
        return self._asked_to_abort and not self._aborting()

    def _abort(self, job: Any) -> None:
        if not self._asked_to_abort:
            self._asked_to_abort = True
            self._lane.here("RequestAbort", job.RequestAbort)

    def _look(self, job: Any) -> bool:
        """Whether there is progress since the last look; a job without any shows none."""
        if not self._kind.progress:
            return False
        found = look(job)
        if found == self._last:
            return False
        self._last = found
        self._hearing.progress(found)
        return True


def look(job: Any) -> Look:
    """The progress of a download, installation or removal."""
    progress = job.GetProgress()
    count = job.Updates.Count
    bytes_done = getattr(progress, "TotalBytesDownloaded", None)
    parts = tuple(part(progress.GetUpdateResult(index)) for index in range(count))
    basic = Look(
        progress.PercentComplete, progress.CurrentUpdateIndex, progress.CurrentUpdatePercentComplete, parts
    )
    if bytes_done is None:
        return basic
    return basic._replace(
        bytes_done=int(bytes_done),
        bytes_total=int(progress.TotalBytesToDownload),
        current_bytes_done=int(progress.CurrentUpdateBytesDownloaded),
        current_bytes_total=int(progress.CurrentUpdateBytesToDownload),
        phase=progress.CurrentUpdateDownloadPhase,
    )


def part(result: Any) -> Part:
    """One update's result, of a job or of its progress; a download has no restart."""
    return Part(
        result.ResultCode, result.HResult & 0xFFFFFFFF, bool(getattr(result, "RebootRequired", False))
    )


def parts_of(result: Any, count: int) -> tuple[Part, ...]:
    """Every update's result, of a native result or of the last look at the job."""
    if isinstance(result, Look):
        return result.parts
    return tuple(part(result.GetUpdateResult(index)) for index in range(count))
