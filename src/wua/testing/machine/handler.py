"""The handler of a simulated machine: one shell script installs or removes the whole batch."""

import hashlib
import shutil
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from wua.model.plans import Change, LeftOut, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import Command, ContentFile, ItemOutcome, RunRecord
from wua.model.problems import Problem, error, problem
from wua.model.states import JobState
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.system.clock import SYSTEM_CLOCK
from wua.testing.machine import script
from wua.testing.machine.reader import SimulatedReader
from wua.testing.machine.service import SimulatedCatalogue
from wua.testing.machine.target import SimulatedMachine
from wua.testing.machine.updates import CONTENT, SimulatedUpdate, hresult, with_parts


class SimulatedHandler:
    """Implements Handler."""

    id = "simulated"

    def __init__(
        self, machine: SimulatedMachine, accepted: Callable[[], frozenset[str]] = frozenset[str]
    ) -> None:
        """``accepted`` gives the ids of the updates whose licence was accepted."""
        self._machine, self._accepted = machine, accepted

    # --- planning

    def plan(self, request: PlanRequest) -> Plan:
        self._machine.wait_at("plan-gate")
        removing = request.operation is not Operation.INSTALL
        items: dict[UpdateId, PlanItem] = {}
        left_out: list[LeftOut] = []
        for update in self._wanted(request):
            if refusal := self._refusal(update, request.operation):
                left_out.append(LeftOut(update.label, refusal.seen, update.id, refusal))
            elif not request.reinstall and self._is_as_wanted(update, removing=removing):
                left_out.append(LeftOut(update.name, "nothing to change"))
            else:
                for item in self._items(update, removing=removing, everything=request.reinstall):
                    items.setdefault(item.update, item)
        return Plan(
            request,
            self._machine.name,
            self._machine.fingerprint(),
            0.0,
            tuple(items.values()),
            download_bytes=0 if removing else sum(item.size for item in items.values() if item.file),
            left_out=tuple(left_out),
        )

    def _wanted(self, request: PlanRequest) -> Iterator[SimulatedUpdate]:
        known = {update.id: update for update in self._machine.updates()}
        by_name = {update.name: update.id for update in known.values()}
        for wanted in request.updates or tuple(by_name[name] for name in request.packages):
            if wanted not in known:
                raise error("unknown-update", wanted.update_id)
            yield known[wanted]

    def _refusal(self, update: SimulatedUpdate, operation: Operation) -> Problem | None:
        if operation is Operation.INSTALL:
            declined = update.licence and update.id.update_id not in self._accepted()
            return problem("licence-declined", update.label) if declined else None
        if operation is Operation.UNINSTALL and not update.uninstallable:
            return problem("uninstall-not-allowed", f"{update.label} cannot be uninstalled")
        return None

    def _is_as_wanted(self, update: SimulatedUpdate, *, removing: bool) -> bool:
        return self._machine.absent(update) if removing else self._machine.installed(update)

    def _items(self, update: SimulatedUpdate, *, removing: bool, everything: bool) -> Iterator[PlanItem]:
        """What changes for an update: the parts of a bundle in their order, then the bundle itself."""
        for leaf in update.leaves if update.bundle else ():
            if everything or not self._is_as_wanted(leaf, removing=removing):
                yield _item(leaf, removing=removing, reason=f"part of {update.name}")
        yield _item(update, removing=removing, reason="requested")

    def check(self, plan: Plan) -> None:
        if plan.world != self._machine.fingerprint() and self.plan(plan.request).items != plan.items:
            raise error("plan-stale", "the simulated machine changed")

    def without(self, plan: Plan, items: Collection[int]) -> PlanRequest:
        left = {plan.items[index].update for index in items}
        return replace(plan.request, updates=tuple(u for u in plan.request.updates if u not in left))

    def release(self, ids: Sequence[UpdateId]) -> Sequence[Command]:
        held = [u.name for u in self._machine.updates() if u.id in ids and self._machine.held_back(u)]
        return [Command(("/bin/rm", "-f", *held), {}, str(self._machine.root / "hidden"))] if held else ()

    # --- getting the content

    def missing(self, plan: Plan) -> tuple[int, ...]:
        lacking = {n for n, item in enumerate(plan.items) if item.file and not self._is_cached(item.file)}
        # Who asked for a bundle is told of the bundle.
        absent = {plan.items[n].name for n in lacking}
        known = self._known() if absent else {}
        for number, item in enumerate(plan.items):
            if absent and not item.file and {leaf.name for leaf in known[item.name].leaves} & absent:
                lacking.add(number)
        return tuple(sorted(lacking))

    def download(self, plan: Plan) -> Sequence[Command]:
        known = self._known()
        files = [(n, known[plan.items[n].name]) for n in self.missing(plan) if plan.items[n].file]
        return [self._shell(script.download(files, virtual_time=self._is_virtual))]

    def content(self, update: UpdateId) -> Sequence[ContentFile]:
        found = next((each for each in with_parts(self._machine.updates()) if each.id == update), None)
        if found is None:
            raise error("unknown-update", update.update_id)
        digest = hashlib.sha256(CONTENT).hexdigest()
        return [ContentFile(str(self._machine.root / "cache" / leaf.name), digest) for leaf in found.leaves]

    def collect(self, plan: Plan, folder: Path) -> int:
        wanted = [plan.items[number].file for number in self.missing(plan) if plan.items[number].file]
        there = [name for name in wanted if (folder / name).is_file()]
        for name in there:
            shutil.copyfile(folder / name, self._machine.root / "cache" / name)
        return len(there)

    # --- changing the machine

    def verify(self, plan: Plan) -> None:
        self._machine.wait_at("verify-gate")
        if blocked := [each for each in self._machine.restart_reasons() if each.scope == "installer"]:
            raise error("restart-first", blocked[0].text)
        if missing := self.missing(plan):
            raise error("not-downloaded", plan.items[missing[0]].file)

    def install(self, plan: Plan) -> Sequence[Command]:
        known = self._known()
        changes = [(number, item, known[item.name]) for number, item in enumerate(plan.items)]
        return [self._shell(script.install(changes, virtual_time=self._is_virtual))]

    def next_repair(self, plan: Plan, tried: Sequence[RunRecord]) -> Command | None:
        left = self._machine.is_interrupted()
        if not left or any(record.phase is JobState.REPAIRING for record in tried):
            return None
        return self._shell(script.repair())

    def hanging(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        return ()

    def keep(self, plan: Plan, tell: Callable[[str], None]) -> None:
        pass

    # --- rehearsing

    def not_played(self, plan: Plan) -> Mapping[int, str]:
        return {}

    def scripts_left_out(self, plan: Plan) -> Mapping[int, str]:
        return {}

    def questions(self, plan: Plan, folder: Path) -> tuple[str, ...]:
        return ()

    # --- what came of it

    def reader(self, plan: Plan, phase: JobState) -> SimulatedReader:
        sizes = [item.size if item.file else 0 for item in plan.items]
        return SimulatedReader(sizes, self.missing(plan) if phase is JobState.DOWNLOADING else None)

    def judge(self, plan: Plan, runs: Sequence[RunRecord]) -> tuple[ItemOutcome, ...]:
        self._machine.wait_at("judge-gate")
        last = next((run for run in reversed(runs) if run.phase is not JobState.REPAIRING), None)
        known = self._known()
        outcomes: list[ItemOutcome] = []
        for number, item in enumerate(plan.items):
            update = known[item.name]
            outcome = self._outcome(number, item, update, last)
            if outcome.problem is not None and update.bundle:
                leaves = {leaf.name for leaf in update.leaves}
                if last is not None and last.phase is JobState.DOWNLOADING:
                    leaves = {name for name in leaves if not self._is_cached(name)}
                causes = [o.problem for o in outcomes if o.problem and plan.items[o.item].name in leaves]
                cause = causes[0] if causes else outcome.problem
                outcome = replace(outcome, problem=cause, unmapped=cause.unmapped)
            outcomes.append(outcome)
        return tuple(outcomes)

    def _outcome(
        self, number: int, item: PlanItem, update: SimulatedUpdate, last: RunRecord | None
    ) -> ItemOutcome:
        removing = item.change is Change.REMOVE
        there = self._machine.installed(update)
        seen = f"{update.name} is {'there' if there else 'not there'}"
        said = f"exit {last.exit}" if last else ""
        if self._is_as_wanted(update, removing=removing):
            return ItemOutcome(number, True, said, seen)
        cause = _cause(update, last, seen, said, removing=removing)
        return ItemOutcome(number, False, said, seen, cause, cause.unmapped)

    # --- helpers

    def _is_cached(self, name: str) -> bool:
        return (self._machine.root / "cache" / name).exists()

    @property
    def _is_virtual(self) -> bool:
        return self._machine.clock is not SYSTEM_CLOCK

    def _known(self) -> dict[str, SimulatedUpdate]:
        """By name, parts of bundles too."""
        return {update.name: update for update in with_parts(self._machine.updates())}

    def _shell(self, text: str) -> Command:
        return Command(
            ("/bin/sh", "-c", text), {"PATH": "/usr/bin:/bin"}, str(self._machine.root), cancel_signal=2
        )


def _cause(
    update: SimulatedUpdate, last: RunRecord | None, seen: str, said: str, *, removing: bool
) -> Problem:
    """Why an update is not as it was wanted, from the last command that ran."""
    if last is None or last.exit is None:
        return problem("outcome-unknown", seen)
    if last.cancelled:
        return problem("aborted", seen)
    if last.exit < 0:
        return problem("installer-killed", f"{seen}, and its installer was killed by signal {-last.exit}")
    if last.exit == 0:
        return problem("not-installed-after-all", seen)
    code = update.uninstall_code if removing else update.install_code
    if last.phase is JobState.DOWNLOADING:
        code = update.download_code
    if code:
        return replace(problem("installer-failed", f"{update.label}: {code}"), hresult=hresult(code))
    return problem("installer-failed", said, unmapped=last.exit)


def _item(update: SimulatedUpdate, *, removing: bool, reason: str) -> PlanItem:
    return PlanItem(
        update=update.id,
        name=update.name,
        architecture="sim",
        change=Change.REMOVE if removing else Change.INSTALL,
        from_version=update.version if removing else "",
        to_version="" if removing else update.version,
        requested=reason == "requested",
        reason=reason,
        title=update.label,
        origin="simulated",
        file="" if removing or update.bundle else update.name,
        size=0 if removing else update.total_size,
    )


def open_handler(machine: SimulatedMachine, memory: Any, catalogue: SimulatedCatalogue) -> SimulatedHandler:
    """Entry point of ``wua.handlers``."""
    return SimulatedHandler(machine, memory.accepted_licences)
