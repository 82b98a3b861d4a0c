"""Runs one acting job through the states of the job table, from wherever it stands.

Every state is saved before anything is done in it, so a job that is found in a state, by this host or by
the next, is entered there again: ``run`` is the normal way and the recovery at once. Once an installer
has begun, nothing but the system says what came of the job, whatever else goes wrong.
"""

import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from wua.engine import locking, results
from wua.engine.job_runs import JobRuns, Workshop
from wua.engine.progress import INTERVAL, ProgressTracker, left_out
from wua.engine.runs import Undecided, Wakeup
from wua.engine.sources import services_of
from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    JobKind,
    Noted,
    Progress,
    Progressed,
    UpdateEnded,
    UpdateResult,
    Waiting,
)
from wua.model.plans import Plan
from wua.model.plugins import Command, Holder, ItemOutcome, StepProgress
from wua.model.problems import Problem, WuaError, problem
from wua.model.states import TABLE, JobState, OnCancel
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.system.locks import FileLock
from wua.system.process import ProcessRef

S: Final = JobState


class Aborted(Exception):
    """An abort was asked for, and nothing was changed yet."""


class Runner:
    """One job on one thread. ``wake`` may be called from any thread after an abort request."""

    def __init__(self, workshop: Workshop, job_id: str) -> None:
        self._shop = workshop
        self._store = workshop.store
        self._handler = workshop.handler
        self._id = job_id
        self._wakeup = Wakeup()
        self._lock: FileLock | None = None
        self._steps: Mapping[JobState, Callable[[], JobState]] = {
            S.QUEUED: lambda: S.PLANNING,
            S.PLANNING: self._planning,
            S.DOWNLOADING: self._downloading,
            S.LOCKING: self._locking,
            S.REPAIRING: self._repairing,
            S.VERIFYING: self._verifying,
            S.INSTALLING: self._installing,
            S.EVALUATING: self._evaluating,
        }

    def wake(self) -> None:
        self._wakeup.set()

    def run(self) -> None:
        """Take the job to its end. What happens to the job is in its result.

        Raises:
            Undecided, WuaError: the store or the state folder can't be written; it can be tried again.
        """
        try:
            self._begin()
            self._go_on(self._job.state)
        finally:
            self._release_lock()
            self._wakeup.close()
        self._shop.changed(self._id)
        self._store.save_record(self._id)

    def _begin(self) -> None:
        self._job = self._store.job(self._id)
        self._recovered = self._job.state is not S.QUEUED
        if self._recovered:
            self._store.own(self._id, ProcessRef.current())
        self._settled = self._settled_before()
        self._told = set(self._settled)
        self._plan = self._saved_plan = self._store.plan(self._id)
        self._tracker = self._track(self._job.progress)
        self._runs = JobRuns(
            self._shop, self._job, self._wakeup, self._needed_plan, tell=self._tell, progress=self._progress
        )

    def _track(self, last: Progress | None) -> ProgressTracker:
        skipped = left_out(self._job, self._plan)
        clock = self._shop.clock
        interval = clock.real(INTERVAL) or 0.0  # where time stands still, everything is worth telling
        return ProgressTracker(self._job.updates, self._plan, clock.monotonic, last, skipped, interval)

    def _go_on(self, state: JobState) -> None:
        try:
            self._walk(state)
        except (Aborted, locking.Interrupted):
            self._come_to_nothing(problem("aborted", "the job was aborted before it changed anything"))
        except Undecided:
            raise
        except WuaError as failure:
            self._stopped_by(failure.problem)
        except Exception:  # noqa: BLE001 - a defect must end the job with its name, not leave a caller waiting for ever
            self._stopped_by(problem("unexpected", traceback.format_exc(limit=-3)))

    def _walk(self, state: JobState) -> None:
        if state is S.VERIFYING and self._job.kind.changes_target:
            self._take_lock()
        while state is not S.ENDED:
            self._stop_if_asked(state)
            self._runs.phase_begins()
            following = self._steps[state]()
            if following is not S.ENDED:
                self._enter(following, first=state is S.QUEUED)
            state = following

    def _enter(self, state: JobState, *, first: bool = False) -> None:
        progress = self._tracker.advance(state, StepProgress())
        events: list[AnyEvent] = self._untold(self._settled)
        if progress is not None:
            events.append(Progressed(progress))
        plan = None if self._plan is self._saved_plan else self._plan
        owner = ProcessRef.current() if first else None
        # Nothing acts but commands, and what records the next of them makes this last, too.
        if not self._store.transition(self._id, state, plan=plan, owner=owner, events=events, durable=False):
            raise Aborted
        self._saved_plan = self._plan
        self._told |= self._settled.keys()
        self._shop.changed(self._id)

    # --- states

    def _planning(self) -> JobState:
        spec = self._job.spec
        self._shop.service.sync()
        if spec.plan is not None:
            self._plan = spec.plan
            self._handler.check(self._plan)
        elif spec.request is not None:
            self._plan = self._handler.plan(spec.request)
        else:
            raise WuaError(problem("invalid-argument", f"job {self._id} has neither a plan nor a request"))
        if not spec.download and self._job.kind is JobKind.INSTALL:
            self._plan = self._without_missing(self._plan)
        if not self._job.updates:
            self._job = replace(self._job, updates=tuple(item.update for item in self._plan.requested))
            self._store.set_updates(self._id, self._job.updates)
        self._tracker = self._track(self._tracker.last)
        if not self._plan.items:
            return S.EVALUATING
        return S.DOWNLOADING if spec.download or self._job.kind is JobKind.DOWNLOAD else S.LOCKING

    def _downloading(self) -> JobState:
        plan = self._needed_plan()
        if self._job.spec.cache and (taken := self._handler.collect(plan, Path(self._job.spec.cache))):
            self._note(f"{taken} files taken from {self._job.spec.cache} and verified")
        alone = self._job.kind is JobKind.DOWNLOAD  # then each file tells what became of it
        self._runs.adopt(S.DOWNLOADING)  # two at a time would be in each other's way
        missing = self._handler.missing(plan)
        if missing:
            for command in self._handler.download(plan):
                if not self._aborting():
                    self._start(command, S.DOWNLOADING)
            if not alone:
                self._stop_if_asked(S.DOWNLOADING)
                if self._runs.cause:
                    raise WuaError(self._runs.cause)
            missing = self._handler.missing(plan)
        if alone:
            return S.EVALUATING
        if missing:
            self._download_failed(plan, missing)
        self._handler.keep(plan, self._note)
        return S.LOCKING

    def _locking(self) -> JobState:
        self._take_lock()
        if self._shop.target.is_interrupted():
            return S.REPAIRING
        return S.VERIFYING

    def _repairing(self) -> JobState:
        plan = self._needed_plan()
        self._runs.adopt(S.REPAIRING)
        self._take_lock()
        installed = self._runs.has(S.INSTALLING)
        while command := self._handler.next_repair(plan, self._runs.records()):
            self._wait_for_others()
            self._note(f"repairing: {_short(command)}")
            self._start(command, S.REPAIRING)
        if installed:
            return S.EVALUATING
        if left := self._shop.target.is_interrupted():
            raise WuaError(problem("system-interrupted", ", ".join(left)))
        return S.VERIFYING

    def _verifying(self) -> JobState:
        plan = self._needed_plan()
        self._handler.check(plan)
        self._handler.verify(plan)
        self._stop_if_asked(S.VERIFYING)
        return S.INSTALLING

    def _installing(self) -> JobState:
        plan = self._needed_plan()
        self._runs.adopt(S.INSTALLING)
        done = sum(run.phase is S.INSTALLING for run in self._store.runs(self._id))
        commands = self._handler.install(plan)[done:]
        try:
            self._take_lock()
        except WuaError as held:
            if not done:
                raise
            self._note(f"judged without the lock: {held}")
            self._runs.cause = held.problem if commands else None
            return S.EVALUATING
        if not done:
            if self._aborting():
                raise Aborted
            if self._recovered and self._is_stale(plan):
                return S.REPAIRING
        for command in commands:
            self._start(command, S.INSTALLING)
        killed = any(
            r.exit is None or r.exit < 0 or r.cancelled
            for r in self._runs.records()
            if r.phase is S.INSTALLING
        )
        left = self._shop.target.is_interrupted()
        damaged = killed and bool(left or plan.removals)  # dpkg knows of removals before they are done
        return S.REPAIRING if damaged or left else S.EVALUATING

    def _is_stale(self, plan: Plan) -> bool:
        """Verify again what an earlier host had verified: nobody held the lock since it died.

        Whether the target must be repaired first. Raises WuaError when the plan can't be applied any more.
        """
        if self._shop.target.is_interrupted():
            return True
        self._handler.check(plan)
        self._handler.verify(plan)
        return False

    def _evaluating(self) -> JobState:
        plan = self._plan
        outcomes: tuple[ItemOutcome, ...] = ()
        records = self._runs.records()
        if plan is not None and plan.items:
            outcomes = self._handler.judge(plan, records)
            if self._job.kind is JobKind.DOWNLOAD:
                outcomes = self._download_outcomes(plan, outcomes)
        found = results.update_results(self._job, plan, outcomes, self._settled)
        acted = self._job.kind.changes_target and any(r.phase is S.INSTALLING for r in records)
        restart = self._restart_reasons() if acted else ()
        cancelled = self._aborting() or any(record.cancelled for record in records)
        output = next((r.output for r in records if r.phase is S.INSTALLING), "")  # of the transaction
        whole = results.job_result(
            found, aborted=cancelled, restart=restart, output=output, cause=self._runs.cause
        )
        entries = []
        if acted and plan is not None:
            origins = services_of(self._shop.service, [item.update for item in plan.items])
            own = self._shop.service.service.id
            entries = results.history_entries(
                self._job, plan, outcomes, lambda update: origins.get(update, own), self._shop.clock.time()
            )
        self._release_lock()  # who hears of the end may begin the next at once
        self._store.finish(self._id, whole, entries, events=self._last_events(whole.updates))
        return S.ENDED

    # --- ends and helpers

    def _stopped_by(self, cause: Problem) -> None:
        """End a job that can't go on: from the system where an installer has begun, else as failed."""
        self._runs.settle()
        if not self._runs.has(S.INSTALLING):
            self._come_to_nothing(cause)
            return
        self._runs.cause = self._runs.cause or cause
        try:
            if self._store.job(self._id).state is not S.EVALUATING:
                self._enter(S.EVALUATING)
            self._evaluating()
        except WuaError as failure:
            self._come_to_nothing(failure.problem)
        except Exception:  # noqa: BLE001 - as above: a defect in judging ends the job, too
            self._come_to_nothing(problem("unexpected", traceback.format_exc(limit=-3)))

    def _come_to_nothing(self, cause: Problem) -> None:
        found = results.failed_results(self._job, cause, self._settled)
        aborted = cause.id == "aborted"
        whole = results.job_result(found, aborted=aborted, cause=cause)
        self._release_lock()
        self._store.finish(self._id, whole, events=self._last_events(found, aborted=aborted))

    def _last_events(self, found: tuple[UpdateResult, ...], *, aborted: bool = False) -> list[AnyEvent]:
        """Every update's end, and 100 % unless the job was aborted before it did anything."""
        events = self._untold(dict(enumerate(found)))
        if not aborted:
            events.append(Progressed(self._tracker.final()))
        return events

    def _untold(self, found: Mapping[int, UpdateResult]) -> list[AnyEvent]:
        return [UpdateEnded(n, found[n]) for n in sorted(found) if n not in self._told]

    def _aborting(self) -> bool:
        return self._store.abort_requested(self._id)

    def _stop_if_asked(self, state: JobState) -> None:
        """Raises Aborted, where the state ends at once. A download that is the whole job tells by file."""
        if state is S.DOWNLOADING and self._job.kind is JobKind.DOWNLOAD:
            return
        if TABLE[state].cancel in (OnCancel.END_NOW, OnCancel.SIGNAL) and self._aborting():
            raise Aborted

    def _needed_plan(self) -> Plan:
        assert self._plan is not None, "states after planning have a plan"
        return self._plan

    def _tell(self, *events: AnyEvent) -> None:
        self._store.tell(self._id, *events)
        self._shop.changed(self._id)

    def _note(self, text: str) -> None:
        self._tell(Noted(text))

    def _progress(self, phase: JobState, step: StepProgress) -> None:
        progress = self._tracker.advance(phase, step)
        if progress is not None:
            self._tell(Progressed(progress))

    def _take_lock(self) -> None:
        if self._lock is None:
            self._lock = locking.acquire(
                self._shop.target,
                self._wakeup,
                timeout=self._job.spec.lock_timeout,
                aborting=self._may_give_up,
                tell=self._waiting,
                clock=self._shop.clock,
            )

    def _release_lock(self) -> None:
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def _wait_for_others(self) -> None:
        """A package manager that an installer left behind may outlive it."""
        locking.wait_for_others(
            self._shop.target,
            self._wakeup,
            timeout=self._job.spec.lock_timeout,
            aborting=self._may_give_up,
            tell=self._waiting,
            clock=self._shop.clock,
        )

    def _may_give_up(self) -> bool:
        """An abort ends the wait for a lock, unless something was changed already."""
        acted = any(run.phase in (S.REPAIRING, S.INSTALLING) for run in self._store.runs(self._id))
        return not acted and self._aborting()

    def _waiting(self, holder: Holder) -> None:
        self._tell(Waiting(str(holder)))

    def _settled_before(self) -> dict[int, UpdateResult]:
        events = self._store.events(self._id, limit=-1)
        return {e.event.index: e.event.result for e in events if isinstance(e.event, UpdateEnded)}

    def _without_missing(self, plan: Plan) -> Plan:
        """For an install that does not download: settle the updates without content, plan the others."""
        while missing := self._handler.missing(plan):
            items = [plan.items[index] for index in missing]
            own = [item.update for item in items if item.requested]
            culprits = own or self._needing_more(plan)
            kind = "not-downloaded" if own else "needs-another-download"
            for update in culprits:
                self._settle(update, problem(kind, ", ".join(item.file for item in items)))
            rest = tuple(u for u in plan.request.updates if u not in culprits)
            request = replace(plan.request, updates=rest)
            if not rest:
                return replace(plan, request=request, items=(), download_bytes=0, disk_bytes=0)
            plan = self._handler.plan(request)
        return plan

    def _needing_more(self, plan: Plan) -> list[UpdateId]:
        """The updates whose own closure lacks a file."""
        found = []
        for update in plan.request.updates:
            alone = self._handler.plan(replace(plan.request, updates=(update,)))
            if self._handler.missing(alone):
                found.append(update)
        return found or list(plan.request.updates)

    def _settle(self, update: UpdateId, cause: Problem) -> None:
        """Decide on an update; it is told together with the step that follows."""
        result = UpdateResult(update, ResultCode.FAILED, cause.hresult, problem=cause)
        for index, asked in enumerate(self._job.updates):
            if asked == update:
                self._settled[index] = result

    def _download_outcomes(self, plan: Plan, judged: tuple[ItemOutcome, ...]) -> tuple[ItemOutcome, ...]:
        missing = set(self._handler.missing(plan))
        cancelled = self._aborting() or any(record.cancelled for record in self._runs.records())
        outcomes = []
        for outcome in judged:
            if outcome.item not in missing:
                outcomes.append(replace(outcome, done=True, seen="in the cache", problem=None))
                continue
            file = plan.items[outcome.item].file
            cause = outcome.problem or problem("download-failed", file)
            if cancelled:
                cause = self._runs.cause or problem("aborted", f"{file} was not fetched")
            outcomes.append(replace(outcome, done=False, seen="not in the cache", problem=cause))
        return tuple(outcomes)

    def _download_failed(self, plan: Plan, missing: tuple[int, ...]) -> None:
        """Settle every update of an install whose download failed, each with its own reason, and give up."""
        outcomes = {
            o.item: o for o in self._download_outcomes(plan, self._handler.judge(plan, self._runs.records()))
        }
        first = outcomes[missing[0]].problem
        assert first is not None, "every file that is missing has its reason"
        for index in missing:
            item = plan.items[index]
            cause = outcomes[index].problem
            if item.requested and cause is not None and item.update in self._job.updates:
                self._settle(item.update, cause)
        raise WuaError(first)

    def _start(self, command: Command, phase: JobState) -> None:
        self._runs.run(command, phase, self._lock.fileno() if self._lock is not None else None)

    def _restart_reasons(self) -> tuple[str, ...]:
        return tuple(r.text for r in self._shop.target.restart_reasons() if r.scope == "machine")


def _short(command: Command) -> str:
    """A command as a person would know it, without what confines it."""
    words = command.argv[command.argv.index("--") + 1 :] if "--" in command.argv else command.argv
    return " ".join((words[0].rpartition("/")[2], *words[-2:]))
