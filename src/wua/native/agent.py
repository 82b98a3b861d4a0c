"""The agent that drives Microsoft's own: a third implementation of the Agent protocol.

The service behind the native objects installs, and outlives its callers; so there is neither a job host
nor a supervisor here. Jobs run in the process that holds this agent. Whatever one of them left unfinished
the next judges, from the native history and the updates' state.
"""

import os
import threading
import traceback
from collections.abc import Callable
from pathlib import Path

from wua import _version
from wua.model.agent import AgentInfo
from wua.model.asking import updates_asked
from wua.model.enums import AbortAnswer, ResultCode
from wua.model.jobs import (
    Delivery,
    JobEvent,
    JobKind,
    JobRecord,
    JobResult,
    JobSpec,
    Subscription,
)
from wua.model.problems import Problem, WuaError, error, problem
from wua.model.states import TABLE, JobState, OnCancel
from wua.model.struct import replace
from wua.native import journal, searching
from wua.native.acting import Acting
from wua.native.known import Known
from wua.native.lane import Lane
from wua.native.natives import Natives
from wua.native.pace import USUAL, Pace
from wua.native.queue import Queue
from wua.native.reading import Reading
from wua.native.searching import Searching
from wua.native.shop import Shop
from wua.native.trouble import problem_of
from wua.store.state import StateStore
from wua.system.process import ProcessRef
from wua.system.watches import Watch, Watches

STATE_FILE = "state.db"


class NativeAgent(Reading):
    """Implements the Agent protocol over the objects of ``natives``; ``state`` is the store's folder.

    ``hosted``: this process is there to run jobs for others.
    """

    def __init__(self, natives: Natives, state: Path, pace: Pace = USUAL, *, hosted: bool = False) -> None:
        self._state = state
        self._hosted = hosted
        self._store = StateStore(state / STATE_FILE)
        self._lane = Lane(natives)
        self._watches = Watches()
        self._shop = Shop(natives, self._lane, Known(natives), self._store, pace, self._watches.tell)
        self._queue = Queue(self._begin)
        self._guard = threading.Lock()
        self._running: dict[str, Acting | Searching | None] = {}
        self._found: dict[str, JobResult] = {}
        self._closed = False
        self._take_over()

    # --- about the agent

    def info(self) -> AgentInfo:
        about = self._shop.natives.about()
        return AgentInfo(
            version=_version.__version__,
            target=about.kind,
            target_name=about.name,
            os=about.os,
            architectures=(about.architecture,),
            state=str(self._state),
            cache="",
            may_act=not about.needed,
            may_act_reason=about.needed,
            host_pid=os.getpid() if self._hosted else 0,
        )

    def close(self) -> None:
        """What is being installed goes on in the native service; the next agent judges it."""
        with self._guard:
            if self._closed:
                return
            self._closed = True
            running = list(self._running)
        self._queue.close()
        self._watches.clear()
        for job_id in running:
            if self._store.job(job_id).kind.acting:
                self._store.own(job_id, None)
            else:
                self._finish(job_id, _failed(problem("caller-died", "the agent was closed")))
        for job, owner in self._store.unfinished(acting=True):
            if owner == ProcessRef.current():
                self._store.own(job.id, None)
        self._lane.close()
        self._store.close()

    # --- jobs

    def submit(self, spec: JobSpec) -> JobRecord:
        if spec.kind in (JobKind.REHEARSE, JobKind.REMOVE):
            raise error("not-supported", f"{spec.kind.value}: Windows Update has no such thing")
        updates = updates_asked(spec)
        if spec.kind.acting:
            self._must_act()
        if spec.kind.changes_target and not spec.queue and self.is_busy():
            raise error("busy", "Windows Update is installing")
        job, new = self._store.add_job(spec, updates, owner=ProcessRef.current())
        if not new:
            return job
        if spec.kind.acting:
            self._watches.tell(job.id)
            self._queue.put(job)
        else:
            self._begin(job)
        return job

    def _begin(self, job: JobRecord, judged: Problem | None = None) -> None:
        work = Acting(self._shop, job) if job.kind.acting else self._asking(job)
        with self._guard:
            self._running[job.id] = work

        def run() -> None:
            try:
                if not isinstance(work, Acting):
                    self._work(job, work)
                elif judged is None:
                    work.run()
                else:
                    work.judge(judged)
            finally:
                with self._guard:
                    self._running.pop(job.id, None)
                self._queue.ended(job.id)

        self._lane.start(run)

    def _asking(self, job: JobRecord) -> Searching | None:
        if job.kind is not JobKind.SEARCH:
            return None
        return Searching(self._shop, job, lambda: self._is_aborting(job.id))

    def _is_aborting(self, job_id: str) -> bool:
        return self._closed or self._store.abort_requested(job_id)

    def _work(self, job: JobRecord, search: Searching | None) -> None:
        """A search or plan to its end. Never raises."""
        try:
            if search is not None:
                full = search.run()
            else:
                full = JobResult(ResultCode.SUCCEEDED, plan=searching.plan(self._shop, job))
        except WuaError as failure:
            full = _failed(failure.problem)
        except Exception as failure:  # noqa: BLE001 - whatever it is, the job must end and say so
            refusal = self._shop.natives.refusal(failure)
            found = problem_of(refusal) if refusal else problem("unexpected", traceback.format_exc(limit=-3))
            full = _failed(found)
        self._finish(job.id, full)

    def _finish(self, job_id: str, full: JobResult) -> None:
        if full.search is not None:
            with self._guard:
                self._found[job_id] = full
        try:
            if not self._store.finish(job_id, replace(full, search=None), durable=False):
                self._found.pop(job_id, None)  # aborted meanwhile
        except WuaError:
            self._found.pop(job_id, None)  # the agent was closed, or the store takes nothing: told on reading
        self._watches.tell(job_id)

    def _take_over(self) -> None:
        """Bring the jobs of processes that are gone to their end, or run them where they had not begun."""
        for job in journal.left_behind(self._store):
            if job.state is JobState.QUEUED:
                self._queue.put(job)
            else:
                how = f"{job.kind.value} was interrupted while {job.state.value}"
                self._begin(job, problem("interrupted", how))

    def job(self, job_id: str) -> JobRecord:
        return self._store.job(job_id)

    def jobs(self, *, limit: int = 50, active: bool = False) -> tuple[JobRecord, ...]:
        return self._store.jobs(limit=limit, active=active)

    def events(self, job_id: str, after: int = 0, limit: int = 1000) -> tuple[JobEvent, ...]:
        return self._store.events(job_id, after, limit)

    def result(self, job_id: str) -> JobResult:
        job = self._store.job(job_id)
        if job.result is None:
            raise error("invalid-argument", f"job {job.id} has not ended: {job.state.value}")
        with self._guard:
            return self._found.pop(job.id, job.result)

    def output(self, job_id: str, offset: int = 0) -> str:
        """Nothing: the native agent shows no output of installers."""
        self._store.job(job_id)
        return ""

    def abort(self, job_id: str) -> AbortAnswer:
        job = self._store.job(job_id)
        if job.result is not None:
            return AbortAnswer.ENDED
        if job.kind.acting:
            self._must_act()
        state = self._store.request_abort(job.id)
        if state is JobState.ENDED:
            return AbortAnswer.ENDED
        if not job.kind.acting or self._queue.take_back(job.id):
            self._end_at_once(job)
        with self._guard:
            running = self._running.get(job.id)
        if running is not None:
            running.wake()
        obeyed = TABLE[state].cancel in (OnCancel.END_NOW, OnCancel.SIGNAL)
        return AbortAnswer.AT_ONCE if obeyed else AbortAnswer.AFTER_STEP

    def _end_at_once(self, job: JobRecord) -> None:
        cause = problem("aborted", f"the {job.kind.value} was aborted")
        if job.kind.acting:
            Acting(self._shop, job).give_up(cause)
        else:
            self._finish(job.id, _failed(cause))

    # --- watching

    def watch(self, listener: Callable[[str], None]) -> Watch:
        return self._watches.add(listener)

    def subscribe(self, job_id: str, subscription: Subscription) -> Delivery:
        """Raises WuaError not-supported: programs are not started on Windows yet."""
        self._store.job(job_id)
        raise error("not-supported", "programs to be told of a job's end can't be registered on Windows yet")

    def deliveries(self, job_id: str = "") -> tuple[Delivery, ...]:
        return self._store.deliveries(job_id)


def _failed(cause: Problem) -> JobResult:
    code = ResultCode.ABORTED if cause.id in ("aborted", "caller-died") else ResultCode.FAILED
    return JobResult(code, cause.hresult, problem=cause)
