"""Downloads, installations and removals: one job from planning to its result."""

import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from wua.model import codes
from wua.model.jobs import JobKind, JobRecord, Noted, Progressed, Stalled, Waiting
from wua.model.plans import Change, Plan
from wua.model.problems import Problem, WuaError, error, problem
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.native import jobs, journal, mapping, planning, results
from wua.native.account import Aborted, Account
from wua.native.jobs import Hearing, Kind, Limits, Look, NativeJob, Part
from wua.native.lane import SEARCHING, too_long
from wua.native.results import Seen
from wua.native.shop import Shop
from wua.native.trouble import problem_of

S = JobState
ANOTHER: Final = "another installation by Windows Update"


class Acting(Account):
    """Runs one acting job, on a thread that may use native objects."""

    def __init__(self, shop: Shop, job: JobRecord) -> None:
        super().__init__(shop, job)
        self._said: dict[UpdateId, Part] = {}
        self._removing = job.kind is JobKind.UNINSTALL
        self._plan: Plan | None = None
        self._began = False  # the native agent may have changed the machine
        self._cause: Problem | None = None
        self._native: NativeJob | None = None
        self._news = threading.Event()

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
            except Exception as failure:  # noqa: BLE001 - whatever it is, the job must end and say so
                self._stopped_by(self._problem_of(failure))
        except WuaError:
            # The store cannot take the end, or the agent was closed: the next agent judges the job.
            self._shop.changed(self._job.id)

    def _problem_of(self, failure: Exception) -> Problem:
        if isinstance(failure, WuaError):
            return failure.problem
        refusal = self._shop.natives.refusal(failure)
        return problem_of(refusal) if refusal else problem("unexpected", traceback.format_exc(limit=-3))

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
        self._cause = self._cause or results.cause_of(result)
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
        if self._shop.store.job(self._job.id).state is S.INSTALLING:
            self._wait_for_what_goes_on()
        self._enter_evaluating()
        said = journal.said_of(self._shop.natives, self._job.id)
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

    def _evaluate(self) -> None:
        """Ask the system, and write the result."""
        self._conclude(self._look(self._open(), S.EVALUATING))

    def _open(self) -> list[UpdateId]:
        """The updates whose fate is not decided."""
        return [update for index, update in enumerate(self._updates) if index not in self._settled]

    def _conclude(self, found: Mapping[UpdateId, Any]) -> None:
        """Write the result; ``found`` is what a search shows, nothing where none could be made."""
        kind = JobKind.UNINSTALL if self._removing else self._job.kind
        kind = JobKind.INSTALL if kind is JobKind.UNDO else kind
        for update in self._open():
            native = found.get(update)
            title = native.Title if native is not None else update.update_id
            seen = Seen(None) if native is None else results.seen_of(kind, native)
            told = results.conclude(kind, update, title, self._said.get(update), seen, self._cause)
            self._settle_as(update, told)
        parts = [self._settled[index] for index in range(len(self._updates))]
        self._finish(parts, self._cause if not self._aborting() else None)

    def _stopped_by(self, cause: Problem) -> None:
        """End a job that can't go on: from the system where the native agent had begun, else as failed."""
        self._cause = self._cause or cause
        if not self._began:
            self._come_to_nothing(cause)
            return
        try:
            self._enter_evaluating()
            self._evaluate()
        except Exception as failure:  # noqa: BLE001 - as above: what fails in judging ends the job, too
            self._tell(Noted(f"the system could not be asked: {self._problem_of(failure)}"))
            self._conclude({})
