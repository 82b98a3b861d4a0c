"""Downloads, installations and removals: one job from planning to its result."""

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    JobKind,
    JobRecord,
    Noted,
    Progressed,
    Stalled,
    UpdateEnded,
    UpdateResult,
    Waiting,
)
from wua.model.plans import Change, Plan
from wua.model.problems import Problem, WuaError, error, problem
from wua.model.states import TABLE, JobState
from wua.model.updates import UpdateId
from wua.native import jobs, mapping, planning, results
from wua.native.jobs import Hearing, Kind, Limits, Look, NativeJob, Part
from wua.native.known import Known
from wua.native.lane import SEARCHING, Lane, too_long
from wua.native.natives import Natives, Refusal, each
from wua.native.pace import Pace
from wua.native.progress import Percent
from wua.native.results import Seen
from wua.native.trouble import problem_of
from wua.store.state import StateStore
from wua.system.process import ProcessRef

S = JobState
ANOTHER: Final = "another installation by Windows Update"


class Shop(NamedTuple):
    """What every job of an agent works with."""

    natives: Natives
    lane: Lane
    known: Known
    store: StateStore
    pace: Pace
    changed: Callable[[str], None]  # told a job's id when it has new events


class Aborted(Exception):
    """The job was asked to abort, and nothing was changed yet."""


class Acting:
    """Runs one acting job, on a thread that may use native objects."""

    def __init__(self, shop: Shop, job: JobRecord) -> None:
        self._shop, self._job = shop, job
        self._updates = job.updates
        self._settled: dict[int, UpdateResult] = {}
        self._told: set[int] = set()
        self._said: dict[UpdateId, Part] = {}
        self._removing = job.kind is JobKind.UNINSTALL
        self._plan: Plan | None = None
        self._began = False  # the native agent may have changed the machine
        self._cause: Problem | None = None
        self._native: NativeJob | None = None
        self._news = threading.Event()
        self._percent = Percent(job.kind, downloads=self._downloads, last=job.progress)

    @property
    def _downloads(self) -> bool:
        return self._job.kind is JobKind.DOWNLOAD or (
            self._job.kind is not JobKind.UNINSTALL and self._job.spec.download
        )

    def wake(self) -> None:
        """Have the job look whether it is to be aborted. From any thread."""
        self._news.set()
        native = self._native
        if native is not None:
            native.wake()

    def run(self) -> None:
        """From the beginning to the result. Never raises."""
        self._end_with(self._go)

    def judge(self, cause: Problem) -> None:
        """Bring a job to its end whose process has gone: by the native history, and by the system.

        ``cause`` is what the updates fail with that nothing is known of.
        """
        self._began, self._cause = True, cause
        self._end_with(self._judge)

    def give_up(self, cause: Problem) -> None:
        """End a job that had not begun."""
        self._end_with(lambda: self._come_to_nothing(cause))

    def _end_with(self, work: Callable[[], None]) -> None:
        try:
            try:
                work()
            except Aborted:
                self._come_to_nothing(problem("aborted", f"the {self._job.kind.value} was aborted"))
            except WuaError as failure:
                self._stopped_by(failure.problem)
            except Exception as failure:  # noqa: BLE001 - whatever it is, the job must end and say so
                refusal = self._shop.natives.refusal(failure)
                found = None if refusal is None else problem_of(refusal)
                self._stopped_by(found or problem("unexpected", traceback.format_exc(limit=-3)))
        except WuaError:
            # The store cannot take the end, or the agent was closed: the next agent judges the job.
            self._shop.changed(self._job.id)

    # --- the phases

    def _go(self) -> None:
        self._enter(S.PLANNING)
        natives = self._prepare()
        if self._downloads and not self._removing:
            natives = self._download(natives)
        if natives and self._job.kind is not JobKind.DOWNLOAD:
            self._change(natives)
        self._enter(S.EVALUATING)
        self._evaluate()

    def _prepare(self) -> dict[UpdateId, Any]:
        """Plan, or compare an approved plan with the machine; the native updates that are to be acted on."""
        spec, shop = self._job.spec, self._shop
        plan = spec.plan
        asked = plan.request if plan is not None else spec.request
        assert asked is not None, "checked when it was submitted"
        request = planning.resolved(asked, shop.store.job)
        ids = request.updates if plan is None else planning.updates_of(plan)
        found = self._look(ids, S.PLANNING)  # not as they were met: as they are
        for update in ids:
            if update not in found:
                self._settle(update, problem("unknown-update", update.update_id))
        there = [found[update] for update in ids if update in found]
        if plan is None:
            plan = planning.make(asked, request, there, shop.natives.about().name, time.time())
        else:
            planning.check(plan, there)
        if not self._updates:
            self._updates = ids
            shop.store.set_updates(self._job.id, ids)
        self._plan = plan
        self._removing = any(item.change is Change.REMOVE for item in plan.items) or self._removing
        return self._chosen(plan, found)

    def _look(self, ids: Sequence[UpdateId], state: JobState) -> dict[UpdateId, Any]:
        """How updates stand now. It may take Windows long; before anything was changed an abort ends it."""
        doing = f"{state.value}: search for the updates"
        limit = self._job.spec.phase_timeout or SEARCHING
        pace = self._shop.pace
        deadline = pace.clock() + limit
        searching = self._shop.lane.begin(doing, lambda: self._shop.known.look(ids))
        while not searching.done.wait(pace.poll):
            if state is not S.EVALUATING and self._aborting():
                raise Aborted
            if pace.clock() >= deadline:
                raise too_long(doing, limit)
        return searching.result()

    def _chosen(self, plan: Plan, found: dict[UpdateId, Any]) -> dict[UpdateId, Any]:
        kind = self._job.kind
        for left in plan.left_out:
            if left.update is None:
                continue
            if self._removing and found[left.update].IsInstalled:
                self._settle(left.update, problem("uninstall-not-allowed", f"{left.name}: {left.reason}"))
            else:
                self._settle_as(left.update, results.nothing_to_do(kind, left.update))
        wanted = [item.update for item in plan.items]
        for update in wanted:
            if not self._removing and not found[update].EulaAccepted:
                self._settle(update, problem("licence-declined", found[update].Title))
            elif kind is JobKind.DOWNLOAD and found[update].IsDownloaded:
                self._settle_as(update, results.nothing_to_do(kind, update))
        done = {self._updates[index] for index in self._settled}
        return {update: found[update] for update in wanted if update not in done}

    def _download(self, natives: dict[UpdateId, Any]) -> dict[UpdateId, Any]:
        """Fetch what is missing; the updates that can be gone on with."""
        missing = {update: native for update, native in natives.items() if not native.IsDownloaded}
        if not missing:
            return natives
        self._enter(S.DOWNLOADING)
        downloader = self._owner("Microsoft.Update.Downloader", missing.values())
        parts = self._conduct(jobs.DOWNLOAD, S.DOWNLOADING, downloader, list(missing))
        if self._job.kind is JobKind.DOWNLOAD:
            self._said |= parts
            return {}
        if self._aborting():
            raise Aborted
        for update, part in parts.items():
            if part.code not in results.GOOD:
                title = missing[update].Title
                told = results.conclude(JobKind.DOWNLOAD, update, title, part, Seen(False), self._cause)
                self._settle_as(update, told)
        done = {self._updates[index] for index in self._settled}
        return {update: native for update, native in natives.items() if update not in done}

    def _change(self, natives: dict[UpdateId, Any]) -> None:
        """Install or remove, once nobody else does."""
        self._enter(S.LOCKING)
        installer = self._owner("Microsoft.Update.Installer", natives.values())
        installer.AllowSourcePrompts = False  # nobody sits there to be asked
        installer.ForceQuiet = True
        deadline = self._shop.pace.clock() + self._job.spec.lock_timeout
        self._wait_until_free(installer, deadline)
        self._enter(S.VERIFYING)
        self._enter(S.INSTALLING, durable=True)
        kind = jobs.UNINSTALL if self._removing else jobs.INSTALL
        while True:
            try:
                self._said |= self._conduct(kind, S.INSTALLING, installer, list(natives))
            except WuaError as failure:
                if failure.problem.hresult != codes.WU_E_OPERATIONINPROGRESS:
                    raise
                self._began = False
                self._wait_until_free(installer, deadline, at_least_once=True)
            else:
                return

    def _wait_until_free(self, installer: Any, deadline: float, *, at_least_once: bool = False) -> None:
        told = False
        while at_least_once or installer.IsBusy:
            at_least_once = False
            if self._aborting():
                raise Aborted
            if not told:
                self._tell(Waiting(ANOTHER))
                told = True
            if self._shop.pace.clock() >= deadline:
                raise error("lock-held", ANOTHER)
            self._news.wait(self._shop.pace.poll)
            self._news.clear()

    def _owner(self, progid: str, natives: Any) -> Any:
        """A downloader or installer with these updates."""
        owner = self._shop.natives.create(progid)
        owner.ClientApplicationID = mapping.application(self._job.spec.application_id, self._job.id)
        chosen = self._shop.natives.create("Microsoft.Update.UpdateColl")
        for native in natives:
            chosen.Add(native)
        owner.Updates = chosen
        if self._plan is not None and self._plan.request.reinstall:
            owner.IsForced = True
        return owner

    def _conduct(
        self, kind: Kind, state: JobState, owner: Any, ids: Sequence[UpdateId]
    ) -> dict[UpdateId, Part]:
        """One native job to its end; what was said of each update."""
        spec = self._job.spec
        places = [self._updates.index(update) for update in ids]

        def progress(look: Look) -> None:
            self._told_parts(state, ids, look)
            self._tell(Progressed(self._percent.look(state, look, places)))

        def stalled(seconds: float) -> None:
            text = f"{state.value}: no progress from Windows Update for {seconds:.0f} s"
            self._tell(Stalled(state, seconds, text))

        limits = Limits(state.value, spec.phase_timeout, spec.stall_after)
        native = NativeJob(
            self._shop.natives,
            self._shop.lane,
            kind,
            limits,
            self._shop.pace,
            Hearing(progress, stalled),
            self._aborting,
        )
        self._native = native
        self._began = self._began or state is S.INSTALLING
        try:
            result = native.run(owner)
        finally:
            self._native = None
        self._cause = self._cause or _cause_of(result)
        if native.timed_out:
            self._cause = problem("timed-out", f"{state.value}: longer than {spec.phase_timeout:g} s")
        return dict(zip(ids, jobs.parts_of(result, len(ids)), strict=True))

    def _told_parts(self, state: JobState, ids: Sequence[UpdateId], look: Look) -> None:
        """Remember what is said on the way, should the result be lost."""
        if state is S.INSTALLING:
            for update, part in zip(ids, look.parts, strict=True):
                if part.code in jobs.FINAL:
                    self._said[update] = part

    # --- judging

    def _judge(self) -> None:
        state = self._shop.store.job(self._job.id).state
        if state is S.INSTALLING:
            self._wait_for_what_goes_on()
        if state is not S.EVALUATING and S.EVALUATING in TABLE[state].next:
            self._enter(S.EVALUATING)
        said = self._from_history()
        self._said |= said
        self._tell(Noted(f"judged from the history of Windows Update ({len(said)} entries) and the system"))
        self._evaluate()

    def _wait_for_what_goes_on(self) -> None:
        """The service behind the native agent may still be at what our process had begun."""
        installer = self._shop.natives.create("Microsoft.Update.Installer")
        deadline = self._shop.pace.clock() + self._job.spec.lock_timeout
        try:
            self._wait_until_free(installer, deadline)
        except Aborted:
            self._tell(Noted("judged at once: an abort was asked for"))
        except WuaError as busy:
            self._tell(Noted(f"judged while Windows Update is at work: {busy}"))

    def _from_history(self) -> dict[UpdateId, Part]:
        """What the native history says of this job's updates."""
        searcher = self._shop.natives.create("Microsoft.Update.Searcher")
        total = searcher.GetTotalHistoryCount()
        found: dict[UpdateId, Part] = {}
        if total:
            for native in each(searcher.QueryHistory(0, min(total, 1000))):
                entry = mapping.history_entry(native, 0)
                if entry.job == self._job.id:
                    found.setdefault(entry.update, Part(entry.code, entry.hresult))
        return found

    def _evaluate(self) -> None:
        """Ask the system, and write the result."""
        kind = JobKind.UNINSTALL if self._removing else self._job.kind
        kind = JobKind.INSTALL if kind is JobKind.UNDO else kind
        open_ids = [update for index, update in enumerate(self._updates) if index not in self._settled]
        found = self._look(open_ids, S.EVALUATING)
        for update in open_ids:
            native = found.get(update)
            title = native.Title if native is not None else update.update_id
            seen = Seen(None) if native is None else _seen(kind, native)
            told = results.conclude(kind, update, title, self._said.get(update), seen, self._cause)
            self._settle_as(update, told)
        parts = [self._settled[index] for index in range(len(self._updates))]
        self._finish(parts, self._cause if not self._aborting() else None)

    def _finish(self, parts: Sequence[UpdateResult], cause: Problem | None) -> None:
        restart = ("an update asks for a restart",) if any(p.reboot_required for p in parts) else ()
        whole = results.whole(parts, aborted=self._aborting(), cause=cause, restart=restart)
        events = [*self._untold(dict(enumerate(parts)))]
        if cause is None or cause.id != "aborted":
            events.append(Progressed(self._percent.final(len(parts))))
        self._shop.store.finish(self._job.id, whole, events=events)
        self._shop.store.save_record(self._job.id)
        self._shop.changed(self._job.id)

    def _stopped_by(self, cause: Problem) -> None:
        """End a job that can't go on: from the system where the native agent had begun, else as failed."""
        self._cause = self._cause or cause
        if not self._began:
            self._come_to_nothing(cause)
            return
        try:
            state = self._shop.store.job(self._job.id).state
            if state is not S.EVALUATING:
                self._enter(S.EVALUATING)
            self._evaluate()
        except WuaError as failure:
            self._come_to_nothing(failure.problem)

    def _come_to_nothing(self, cause: Problem) -> None:
        parts = [
            self._settled.get(index) or results.failed(update, cause)
            for index, update in enumerate(self._updates)
        ]
        self._finish(parts, cause)

    # --- events

    def _enter(self, state: JobState, *, durable: bool = False) -> None:
        events: list[AnyEvent] = [*self._untold(self._settled), Progressed(self._percent.enter(state))]
        owner = ProcessRef.current() if state is S.PLANNING else None
        store = self._shop.store
        if not store.transition(self._job.id, state, owner=owner, events=events, durable=durable):
            raise Aborted
        self._told |= self._settled.keys()
        self._shop.changed(self._job.id)

    def _settle(self, update: UpdateId, cause: Problem) -> None:
        self._settle_as(update, results.failed(update, cause))

    def _settle_as(self, update: UpdateId, result: UpdateResult) -> None:
        for index, asked in enumerate(self._updates):
            if asked == update:
                self._settled[index] = result

    def _untold(self, found: dict[int, UpdateResult]) -> list[AnyEvent]:
        return [UpdateEnded(n, found[n]) for n in sorted(found) if n not in self._told]

    def _tell(self, *events: AnyEvent) -> None:
        self._shop.store.tell(self._job.id, *events)
        self._shop.changed(self._job.id)

    def _aborting(self) -> bool:
        return self._shop.store.abort_requested(self._job.id)


def _cause_of(result: Any) -> Problem | None:
    """What ended a native job as a whole; None where its updates had fates of their own."""
    if isinstance(result, Look):
        return None
    whole = jobs.part(result)
    if whole.code != ResultCode.FAILED or whole.hresult in (codes.S_OK, codes.WU_E_ALL_UPDATES_FAILED):
        return None
    return problem_of(Refusal(whole.hresult))


def _seen(kind: JobKind, native: Any) -> Seen:
    if kind is JobKind.DOWNLOAD:
        return Seen(bool(native.IsDownloaded))
    installed = bool(native.IsInstalled)
    return Seen(installed != (kind is JobKind.UNINSTALL), bool(native.RebootRequired))
