"""Asynchronous operations (ISearchJob, IDownloadJob, IInstallationJob).

A job is watched on one of the agent's callback threads, which only takes notes; callbacks run on another.
So a callback that blocks holds up the callbacks after it, and neither IsCompleted nor ``End…``.
"""

import threading
from collections.abc import Sequence
from typing import Any

from wua.api.job import Job as AgentJob
from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import Ended, JobEvent, JobResult, JobSpec, Progressed, UpdateEnded
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.model.struct import replace
from wua.wuapi import callbacks, order
from wua.wuapi.callbacks import Call
from wua.wuapi.collections import UpdateCollection, updates
from wua.wuapi.context import Context
from wua.wuapi.declare import ComObject
from wua.wuapi.delivery import Delivery
from wua.wuapi.errors import asking, com_error, fail
from wua.wuapi.found import NamedUpdates
from wua.wuapi.progress import DownloadProgress, InstallationProgress
from wua.wuapi.tally import Tally
from wua.wuapi.updates import Update, identify, note_downloaded, size


class AsyncJob(ComObject):
    """What the three kinds of job have in common."""

    __slots__ = (
        "_claimed",
        "_completed",
        "_delivery",
        "_ended",
        "_guard",
        "_job",
        "_on_completed",
        "_outcome",
        "_state",
        "_trouble",
    )
    _job: AgentJob[Any]

    def __init__(self, shared: Context, on_completed: Call | None, state: Any) -> None:
        self._state = state
        self._on_completed = on_completed
        self._delivery = Delivery(shared.agent.run)
        self._guard = threading.Lock()
        self._ended = threading.Event()
        self._outcome: JobResult | None = None
        self._trouble: WuaError | None = None
        self._claimed = False
        self._completed = False

    @property
    def AsyncState(self) -> Any:
        """The object that was given to ``Begin…`` as state."""
        return self._state

    @property
    def IsCompleted(self) -> bool:
        """Processed completely, which does not mean successfully."""
        return self._completed

    def CleanUp(self) -> int | None:
        """Wait for the end of the job and of its callbacks, then let go of the callbacks.

        Inside one of the job's own callbacks it does not wait: no further callback comes, and it answers
        WU_S_MARKED_FOR_DISCONNECT. It does not cancel; see RequestAbort. ``End…`` works afterwards.
        """
        if self._delivery.is_inside():
            self._disconnect()
            return codes.WU_S_MARKED_FOR_DISCONNECT
        self._ended.wait()
        self._delivery.wait()
        self._disconnect()
        return None

    def RequestAbort(self) -> None:
        """Ask the job to stop, without waiting for it.

        It still ends, its completed callback comes, and ``End…`` answers a result: orcAborted, unless
        every update had reached its end already.

        Raises:
            ComError: E_ACCESSDENIED.
        """
        with asking:
            self._job.abort()

    @property
    def wua_job_id(self) -> str:
        """An extension: what ``UpdateSession.wua_attach`` takes the job up again by, and ``wua`` names it."""
        return self._job.id

    # --- for Begin and End

    def _begin(self, shared: Context, spec: JobSpec) -> None:
        """Submit the job and watch it. What is raised here, the program gets from ``Begin…``."""
        order.before_begin(self._delivery)
        with asking:
            job = shared.agent.submit(spec)
        self._follow(shared, job)

    def _follow(self, shared: Context, job: AgentJob[Any], after: int = 0) -> None:
        """Watch a job, from the events over ``after`` on."""
        self._job = job
        job.on_event(
            self._hear,
            after=after,
            lost=lambda trouble: self._lose(trouble, closed=shared.agent.closed),
        )
        order.before_return(self._delivery)

    def _end(self) -> JobResult:
        """The job's outcome, waited for; once.

        Raises:
            ComError: WU_E_INVALID_OPERATION the second time; what kept the job from having an outcome.
        """
        with self._guard:
            if self._claimed:
                fail(codes.WU_E_INVALID_OPERATION, "the job was ended before")
            self._claimed = True
        try:
            self._ended.wait()
        except BaseException:  # e.g. Ctrl-C while waiting: the result was not handed out
            self._claimed = False
            raise
        if self._trouble is not None:
            raise com_error(self._trouble) from self._trouble
        assert self._outcome is not None
        return self._outcome

    # --- on the watching thread

    def _hear(self, event: JobEvent) -> None:
        if not isinstance(event.event, Ended):
            return
        try:
            outcome = self._job.outcome()  # there in a moment: the end has been told
        except WuaError as trouble:
            self._lose(trouble, closed=False)
            return
        self._outcome = outcome
        self._take_end(outcome)
        self._complete()

    def _take_end(self, outcome: JobResult) -> None:
        """Whatever follows from the outcome and must stand before anybody is told."""

    def _lose(self, trouble: WuaError, *, closed: bool) -> None:
        """The agent can't say how the job goes on: nothing more will be heard of it here."""
        if self._ended.is_set():
            return
        self._trouble = trouble
        if not closed:
            self._complete()
            return
        # By this program: it wants no more calls. Whoever waits is released; the job itself may go on.
        self._ended.set()
        self._disconnect()
        self._delivery.finish(None)

    def _complete(self) -> None:
        self._completed = True
        self._ended.set()
        call = self._on_completed
        args = self._completed_args()
        self._delivery.finish(None if call is None else lambda: call(self, args))
        self._on_completed = None

    def _completed_args(self) -> Any:
        raise NotImplementedError

    def _disconnect(self) -> None:
        self._delivery.disconnect()
        self._on_completed = None


class SearchJob(AsyncJob, interfaces=("ISearchJob",)):
    """An asynchronous search (ISearchJob): it has neither progress nor updates."""

    __slots__ = ("_users_only",)

    def __init__(self, shared: Context, on_completed: Call | None, state: Any, *, users_only: bool) -> None:
        super().__init__(shared, on_completed, state)
        self._users_only = users_only

    def _completed_args(self) -> callbacks.SearchCompletedCallbackArgs:
        return callbacks.SearchCompletedCallbackArgs()


class _UpdatesJob(AsyncJob):
    """A job with a list of updates and with progress."""

    __slots__ = ("_on_progress", "_tally", "_updates")

    def __init__(
        self,
        shared: Context,
        chosen: tuple[Update, ...] | NamedUpdates,
        on_progress: Call | None,
        on_completed: Call | None,
        state: Any,
    ) -> None:
        super().__init__(shared, on_completed, state)
        self._on_progress = on_progress
        self._updates = updates(chosen)
        if isinstance(chosen, NamedUpdates):
            self._tally = Tally(chosen.ids, [0] * len(chosen))  # sizes come with the progress
        else:
            self._tally = Tally([identify(each) for each in chosen], [size(each) for each in chosen])

    @property
    def Updates(self) -> UpdateCollection:
        """The updates of the operation, as they were chosen when it began; read-only."""
        return self._updates

    def _take_up(self, shared: Context, job: AgentJob[Any], past: Sequence[JobEvent]) -> None:
        """Watch a job that has a past. Callbacks come for how far it is by now, and from then on."""
        order.before_begin(self._delivery)
        for event in past:
            self._count(event)
        self._report()
        self._follow(shared, job, past[-1].seq if past else 0)

    def _hear(self, event: JobEvent) -> None:
        if self._count(event):
            self._report()
        super()._hear(event)

    def _count(self, event: JobEvent) -> bool:
        """Take in what an event says; whether it was progress."""
        what = event.event
        if isinstance(what, UpdateEnded):
            self._tally.settle(what.index, what.result)
        elif isinstance(what, Progressed):
            self._tally.advance(what.progress)
            return True
        return False

    def _report(self) -> None:
        progress = self._tally.snapshot().progress
        call = self._on_progress
        if call is not None:
            args = self._progress_args()
            self._delivery.put(lambda: call(self, args), key=(progress.phase, progress.current))

    def _take_end(self, outcome: JobResult) -> None:
        self._tally.end(outcome)
        last = self._tally.snapshot().progress
        if outcome.code is not ResultCode.ABORTED and last.percent < 100:
            self._tally.advance(replace(last, phase=JobState.ENDED, percent=100, current_percent=100))
            self._report()
        self._on_progress = None

    def _looked_at(self) -> Sequence[Update]:
        """The update objects that a program may hold."""
        chosen = self._updates._items
        return chosen.made if isinstance(chosen, NamedUpdates) else chosen

    def _progress_args(self) -> Any:
        raise NotImplementedError

    def _disconnect(self) -> None:
        super()._disconnect()
        self._on_progress = None


class DownloadJob(_UpdatesJob, interfaces=("IDownloadJob",)):
    """An asynchronous download (IDownloadJob)."""

    __slots__ = ()

    def GetProgress(self) -> DownloadProgress:
        """How far it is now: a new object each time, which does not change."""
        return DownloadProgress(self._tally.snapshot())

    def _take_end(self, outcome: JobResult) -> None:
        super()._take_end(outcome)
        now = self._tally.snapshot()
        for place, update in enumerate(self._looked_at()):
            note_downloaded(update, now.part(place).code)

    def _completed_args(self) -> callbacks.DownloadCompletedCallbackArgs:
        return callbacks.DownloadCompletedCallbackArgs()

    def _progress_args(self) -> callbacks.DownloadProgressChangedCallbackArgs:
        return callbacks.DownloadProgressChangedCallbackArgs(self.GetProgress())


class InstallationJob(_UpdatesJob, interfaces=("IInstallationJob",)):
    """An asynchronous installation or removal (IInstallationJob); it does not say which."""

    __slots__ = ()

    def GetProgress(self) -> InstallationProgress:
        """How far it is now: a new object each time, which does not change."""
        return InstallationProgress(self._tally.snapshot())

    def _completed_args(self) -> callbacks.InstallationCompletedCallbackArgs:
        return callbacks.InstallationCompletedCallbackArgs()

    def _progress_args(self) -> callbacks.InstallationProgressChangedCallbackArgs:
        return callbacks.InstallationProgressChangedCallbackArgs(self.GetProgress())
