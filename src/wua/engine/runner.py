"""Runs one acting job through the states of the job table, from wherever it stands.

Every state is saved before anything is done in it, so a job that is found in a state, by this host or by
the next, is entered there again: ``run`` is the normal way and the recovery at once.
"""

import time
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from wua.engine import locking, results
from wua.engine.progress import ProgressTracker
from wua.engine.runs import Outcome, RunWatch, Spawner, Wakeup, fence, write_command
from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    JobKind,
    Noted,
    Progressed,
    Stalled,
    UpdateEnded,
    UpdateResult,
    Waiting,
)
from wua.model.plans import Plan
from wua.model.plugins import Command, Handler, Holder, ItemOutcome, RunRecord, StepProgress, Target
from wua.model.problems import Problem, WuaError, problem
from wua.model.states import TABLE, JobState, OnCancel
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.store.state import Run, StateStore
from wua.system.locks import FileLock
from wua.system.process import ProcessRef, boot_id

S: Final = JobState


class Workshop(msgspec.Struct, frozen=True):
    """What every runner of one job host shares. ``changed`` tells watchers that a job moved on."""

    store: StateStore
    target: Target
    handler: Handler
    service_id: str
    spawner: Spawner
    changed: Callable[[str], None]
    clock: Callable[[], float] = time.time


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
        self._timed_out: Problem | None = None
        self._phase_began = time.monotonic()
        self._stalled = False
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
        """Take the job to its end. Never raises for what happens to the job."""
        self._job = self._store.job(self._id)
        owner: ProcessRef | None = ProcessRef.current()
        if owner is not None and self._job.state is not S.QUEUED:
            self._store.own(self._id, owner)
        self._settled = self._settled_before()
        self._plan = saved = self._store.plan(self._id)
        self._track()
        try:
            state = self._job.state
            if state is S.VERIFYING and self._job.kind.changes_target:
                self._take_lock()
            while state is not S.ENDED:
                self._stop_if_asked(state)
                self._phase_began = time.monotonic()
                following = self._steps[state]()
                if following is not S.ENDED:
                    self._enter(following, owner if state is S.QUEUED else None, saved=self._plan is saved)
                    saved = self._plan
                state = following
        except (Aborted, locking.Interrupted):
            self._come_to_nothing(problem("aborted", "the job was aborted before it changed anything"))
        except WuaError as failure:
            self._come_to_nothing(failure.problem)
        except Exception:  # noqa: BLE001 - a defect must end the job with its name, not leave a caller waiting for ever
            self._come_to_nothing(problem("unexpected", traceback.format_exc(limit=-3)))
        finally:
            if self._lock is not None:
                self._lock.release()
            self._wakeup.close()
        self._shop.changed(self._id)

    def _enter(self, state: JobState, owner: ProcessRef | None, *, saved: bool) -> None:
        progress = self._tracker.advance(state, StepProgress())
        events = () if progress is None else (Progressed(progress),)
        plan = None if saved else self._plan
        self._store.transition(self._id, state, plan=plan, owner=owner, events=events)
        self._shop.changed(self._id)

    # --- states

    def _planning(self) -> JobState:
        spec = self._job.spec
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
        self._track()
        if not self._plan.items:
            return S.EVALUATING
        return S.DOWNLOADING if spec.download or self._job.kind is JobKind.DOWNLOAD else S.LOCKING

    def _downloading(self) -> JobState:
        plan = self._needed_plan()
        if self._job.spec.cache and (taken := self._handler.collect(plan, Path(self._job.spec.cache))):
            self._note(f"{taken} files taken from {self._job.spec.cache} and verified")
        missing = self._handler.missing(plan)
        if missing:
            for command in self._handler.download(plan):
                self._run(command, S.DOWNLOADING)
            self._stop_if_asked(S.DOWNLOADING)
            if self._timed_out:
                raise WuaError(self._timed_out)
            missing = self._handler.missing(plan)
        if self._job.kind is JobKind.DOWNLOAD:
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
        self._adopt(S.REPAIRING)
        self._take_lock()
        installed = self._has_run(S.INSTALLING)
        while command := self._handler.next_repair(plan, self._records()):
            self._note("repairing: " + " ".join(command.argv[:1] + command.argv[-2:]))
            self._run(command, S.REPAIRING)
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
        self._adopt(S.INSTALLING)
        self._take_lock()
        done = len([run for run in self._store.runs(self._id) if run.phase is S.INSTALLING])
        for command in self._handler.install(plan)[done:]:
            self._run(command, S.INSTALLING)
        killed = any(
            r.exit is None or r.exit < 0 or r.cancelled for r in self._records() if r.phase is S.INSTALLING
        )
        left = self._shop.target.is_interrupted()
        return S.REPAIRING if left and (killed or "journal" in left) else S.EVALUATING

    def _evaluating(self) -> JobState:
        plan = self._plan
        outcomes: tuple[ItemOutcome, ...] = ()
        records = self._records()
        if plan is not None and plan.items:
            outcomes = self._handler.judge(plan, records)
            if self._job.kind is JobKind.DOWNLOAD:
                outcomes = self._download_outcomes(plan, outcomes)
        found = results.update_results(self._job, plan, outcomes, self._settled)
        acted = self._job.kind.changes_target and any(r.phase is S.INSTALLING for r in records)
        restart = self._restart_reasons() if acted else ()
        cancelled = any(record.cancelled for record in records)
        output = next((r.output for r in reversed(records) if r.phase is S.INSTALLING), "")
        whole = results.job_result(
            found, aborted=cancelled, restart=restart, output=output, cause=self._timed_out
        )
        entries = []
        if acted and plan is not None:
            entries = results.history_entries(
                self._job, plan, outcomes, self._shop.service_id, self._shop.clock()
            )
        self._store.finish(self._id, whole, entries, events=self._last_events(found))
        return S.ENDED

    # --- ends and helpers

    def _come_to_nothing(self, cause: Problem) -> None:
        found = results.failed_results(self._job, cause, self._settled)
        aborted = cause.id == "aborted"
        whole = results.job_result(found, aborted=aborted, cause=cause)
        self._store.finish(self._id, whole, events=self._last_events(found, aborted=aborted))

    def _last_events(self, found: tuple[UpdateResult, ...], *, aborted: bool = False) -> list[AnyEvent]:
        """Every update's end, and 100 % unless the job was aborted before it did anything."""
        events: list[AnyEvent] = [
            UpdateEnded(index, result) for index, result in enumerate(found) if index not in self._settled
        ]
        if not aborted:
            events.append(Progressed(self._tracker.final()))
        return events

    def _stop_if_asked(self, state: JobState) -> None:
        if TABLE[state].cancel in (OnCancel.END_NOW, OnCancel.SIGNAL) and self._store.abort_requested(
            self._id
        ):
            raise Aborted

    def _needed_plan(self) -> Plan:
        assert self._plan is not None, "states after planning have a plan"
        return self._plan

    def _track(self) -> None:
        self._tracker = ProgressTracker(self._job.updates, self._plan, time.monotonic)

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
                aborting=lambda: not self._store.runs(self._id) and self._store.abort_requested(self._id),
                tell=self._waiting,
            )

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
        index = self._job.updates.index(update)
        result = UpdateResult(update, ResultCode.FAILED, cause.hresult, problem=cause)
        self._settled[index] = result
        self._tell(UpdateEnded(index, result))

    def _download_outcomes(self, plan: Plan, judged: tuple[ItemOutcome, ...]) -> tuple[ItemOutcome, ...]:
        missing = set(self._handler.missing(plan))
        cancelled = any(record.cancelled for record in self._records())
        outcomes = []
        for outcome in judged:
            if outcome.item not in missing:
                outcomes.append(replace(outcome, done=True, seen="in the cache", problem=None))
                continue
            file = plan.items[outcome.item].file
            cause = outcome.problem or problem("download-failed", file)
            if cancelled:
                cause = problem("aborted", f"{file} was not fetched")
            outcomes.append(replace(outcome, done=False, seen="not in the cache", problem=cause))
        return tuple(outcomes)

    def _download_failed(self, plan: Plan, missing: tuple[int, ...]) -> None:
        """Settle every update of an install whose download failed, each with its own reason, and give up."""
        outcomes = {
            o.item: o for o in self._download_outcomes(plan, self._handler.judge(plan, self._records()))
        }
        first = outcomes[missing[0]].problem or problem("download-failed", plan.items[missing[0]].file)
        for index in missing:
            item = plan.items[index]
            cause = outcomes[index].problem
            if item.requested and cause is not None and item.update in self._job.updates:
                self._settle(item.update, cause)
        raise WuaError(first)

    def _restart_reasons(self) -> tuple[str, ...]:
        return tuple(r.text for r in self._shop.target.restart_reasons() if r.scope == "machine")

    # --- runs

    def _folder(self) -> Path:
        return Path(self._shop.target.paths.state) / "jobs" / self._id

    def _has_run(self, phase: JobState) -> bool:
        return any(run.phase is phase for run in self._store.runs(self._id))

    def _records(self) -> tuple[RunRecord, ...]:
        return tuple(
            RunRecord(
                run.phase,
                run.exit,
                f"{run.folder}/output",
                f"{run.folder}/lines",
                run.cancelled,
                self._command(run).argv,
            )
            for run in self._store.runs(self._id)
            if run.ended
        )

    def _run(self, command: Command, phase: JobState) -> Outcome:
        """Run a command under a supervisor, having recorded that it will be run."""
        run = self._store.begin_run(self._id, phase, self._folder())
        write_command(Path(run.folder), command)
        lock = self._lock.fileno() if self._lock is not None else None
        launched = self._shop.spawner.start(run.folder, lock)
        return self._follow(run, launched)

    def _adopt(self, phase: JobState) -> None:
        """Deal with runs of an earlier host: wait for a living one, credit an ended one."""
        for run in [run for run in self._store.runs(self._id) if run.phase is phase and not run.ended]:
            folder = Path(run.folder)
            same_boot = run.boot == boot_id()
            if same_boot and fence(folder):
                self._store.forget_run(self._id, run.n)
                self._note(f"run {run.n} had not begun when its job host died; it is begun again")
                continue
            self._note(f"adopted by job host {ProcessRef.current().pid}")
            outcome = self._follow(run, None)
            said = "is lost" if outcome.exit is None else f"was {outcome.exit}"
            self._note(f"the installer's exit status {said}")

    def _follow(self, run: Run, launched: ProcessRef | None) -> Outcome:
        reader = self._handler.reader(self._needed_plan(), run.phase)
        watch = RunWatch(
            Path(run.folder),
            self._wakeup,
            on_lines=lambda lines: self._on_lines(run, reader.feed(lines)[0]),
            on_wake=lambda: self._cancel_if_asked(run, watch),
            on_tick=lambda idle: self._on_tick(run, watch, idle),
        )
        self._cancel_if_asked(run, watch)
        outcome = watch.follow(launched)
        self._store.end_run(self._id, run.n, outcome.exit)
        return outcome

    def _on_lines(self, run: Run, step: StepProgress) -> None:
        self._stalled = False
        self._progress(run.phase, step)

    def _cancel_if_asked(self, run: Run, watch: RunWatch) -> None:
        number = self._command(run).cancel_signal
        if number and (self._store.abort_requested(self._id) or self._timed_out):
            self._store.mark_cancelled(self._id, run.n)
            watch.signal(number)

    @staticmethod
    def _command(run: Run) -> Command:
        return msgspec.json.decode((Path(run.folder) / "command.json").read_bytes(), type=Command)

    def _on_tick(self, run: Run, watch: RunWatch, idle: float) -> None:
        spec = self._job.spec
        took = time.monotonic() - self._phase_began
        if spec.phase_timeout and took > spec.phase_timeout and not self._timed_out:
            self._timed_out = problem(
                "timed-out", f"{run.phase.value} took longer than {spec.phase_timeout:g} s"
            )
            self._note(str(self._timed_out))
        self._cancel_if_asked(run, watch)
        if spec.stall_after and idle >= spec.stall_after and not self._stalled:
            self._stalled = True
            text = f"no bytes, status lines, output or CPU time for {idle:.0f} s"
            self._tell(Stalled(run.phase, idle, text))
