"""A scripted machine: real child processes, real files, no packages.

Its updates and what installing each of them does stand in ``machine.json``; installing runs a small shell
script that may wait on a gate (a FIFO), fail, or ask for a restart. Everything else — job host,
supervisor, store, callbacks — is the real thing, which is what it is for.

    machine = SimulatedMachine.create(folder, [SimulatedUpdate("editor", "2.0"), ...])
    with wua.open(target=machine) as agent: ...

A FIFO in the machine's folder named ``search-gate``, ``plan-gate``, ``verify-gate``, ``judge-gate`` or
``repair-gate`` stops whoever comes to that step until a line is written to it. ``log`` tells when installers
began and ended. A lock (fcntl) on ``package.lock`` makes its holder another package manager at work.
"""

import hashlib
import os
import shlex
import shutil
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from wua.model.enums import DeploymentAction, TargetKind, UpdateType
from wua.model.identity import deb_update_id
from wua.model.plans import Change, LeftOut, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import (
    Command,
    ContentFile,
    Holder,
    ItemEnd,
    ItemOutcome,
    OsFacts,
    RunRecord,
    StepProgress,
    TargetPaths,
    TargetSpec,
)
from wua.model.problems import error, problem
from wua.model.states import JobState
from wua.model.struct import Value, replace
from wua.model.updates import (
    Behavior,
    Category,
    DriverEntry,
    Image,
    Offer,
    Reason,
    RestartReason,
    SearchWarning,
    Service,
    Update,
    UpdateId,
    Verdict,
)
from wua.store.matching import matching
from wua.system.fcntl_locks import lock_holders

SERVICE: Final = Service("5e1f0a52-6a0e-4d0c-9b6e-1f2a3c4d5e6f", "Simulated updates", is_default=True)
CATEGORY: Final = Category("0fa1201d-4330-4fa8-8ae9-b877473b6441", "Security Updates", "UpdateClassification")

CONTENT: Final = b"content\n"  # of the one file that each update has


class SimulatedUpdate(Value, frozen=True):
    """One update and its fate.

    ``gate``: a FIFO that the installer reads a line from before it goes on; ``midway``: the same halfway;
    ``download_gate``: the same for fetching it.

    ``exit`` other than 0 makes the installer fail with that code; ``lie`` makes it report success
    and change nothing; ``reboot`` asks for a restart; ``stubborn`` makes the installer of a batch with it
    deaf to requests to abort; ``size`` in bytes; ``important`` as a security upgrade is.
    One with ``drivers`` is a driver update.

    The file of each in the cache has the content ``CONTENT``, whatever its ``size`` says.
    """

    name: str
    version: str = "1.0"
    installed: bool = False
    size: int = 1000
    exit: int = 0
    lie: bool = False
    reboot: bool = False
    gate: str = ""
    midway: str = ""
    download_exit: int = 0
    download_gate: str = ""
    mandatory: bool = False
    stubborn: bool = False
    important: bool = True
    installing: Behavior = Behavior()
    drivers: tuple[DriverEntry, ...] = ()
    image: Image | None = None

    @property
    def id(self) -> UpdateId:
        return UpdateId(deb_update_id(self.name, "sim", self.version))

    @property
    def type(self) -> UpdateType:
        return UpdateType.DRIVER if self.drivers else UpdateType.SOFTWARE


class SimulatedMachine:
    """Implements Target for a folder."""

    def __init__(self, spec: TargetSpec) -> None:
        self.spec = spec
        self.root = Path(spec.root)

    @classmethod
    def create(cls, root: Path, updates: Iterable[SimulatedUpdate]) -> "SimulatedMachine":
        """Make a machine in an empty folder, or change the updates of one."""
        for folder in ("installed", "cache", "state", "run"):
            (root / folder).mkdir(parents=True, exist_ok=True)
        updates = list(updates)
        (root / "machine.json").write_bytes(msgspec.json.encode(updates))
        for update in updates:
            if update.installed:
                (root / "installed" / update.name).write_text(update.version)
        names = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
        return cls(TargetSpec(TargetKind.SIMULATED, str(root), names))

    @property
    def name(self) -> str:
        return f"simulated machine in {self.root}"

    @property
    def paths(self) -> TargetPaths:
        return TargetPaths(
            str(self.root / "state"),
            str(self.root / "cache"),
            str(self.root / "run"),
            str(self.root / "machine.lock"),
        )

    def updates(self) -> list[SimulatedUpdate]:
        return msgspec.json.decode((self.root / "machine.json").read_bytes(), type=list[SimulatedUpdate])

    def installed(self, update: SimulatedUpdate) -> bool:
        return (self.root / "installed" / update.name).exists()

    def downloaded(self, update: SimulatedUpdate) -> bool:
        return (self.root / "cache" / update.name).exists()

    def os(self) -> OsFacts:
        return OsFacts("simulated", "1", "Simulated machine", "", "sim")

    def may_act(self) -> str:
        return "" if os.access(self.root, os.W_OK) else f"the owner of {self.root} may change this machine"

    def fingerprint(self) -> str:
        names = sorted(path.name for path in (self.root / "installed").iterdir())
        return ",".join(names)

    def holders(self) -> tuple[Holder, ...]:
        return lock_holders([self.root / "package.lock"])

    def wait_at(self, name: str) -> None:
        """Read a line from the FIFO of this name, if there is one."""
        gate = self.root / name
        if gate.exists():
            with gate.open() as line:
                line.readline()

    def is_interrupted(self) -> tuple[str, ...]:
        return tuple(sorted(path.stem for path in (self.root / "installed").glob("*.part")))

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        flag = self.root / "reboot-required"
        return (
            (RestartReason("machine", "update", "an update asks for a restart", str(flag)),)
            if flag.exists()
            else ()
        )

    def shadow(self, folder: Path) -> "SimulatedMachine":
        """A machine with the same updates, none of them gated or downloaded."""
        updates = [replace(u, gate="", download_gate="", installed=self.installed(u)) for u in self.updates()]
        return SimulatedMachine.create(folder, updates)


class SimulatedCatalogue:
    """The offers of a simulated machine as a table, so that criteria meet real SQL."""

    def __init__(self, machine: SimulatedMachine, hidden: Callable[[], frozenset[str]]) -> None:
        self._machine, self._hidden = machine, hidden

    def offers(self) -> list[Offer]:
        hidden = self._hidden()
        return [_offer(self._machine, update, hidden) for update in self._machine.updates()]

    def search(self, where: str, values: tuple[Any, ...]) -> list[Offer]:
        return matching(self.offers(), where, values)

    def categories(self) -> tuple[Category, ...]:
        return (CATEGORY,)

    def close(self) -> None:
        pass


def _offer(machine: SimulatedMachine, update: SimulatedUpdate, hidden: frozenset[str]) -> Offer:
    installed = machine.installed(update)
    return Offer(
        update_id=update.id.update_id,
        revision=1,
        title=f"{update.name} {update.version}",
        name=update.name,
        version=update.version,
        architecture="sim",
        installed_version=update.version if installed else "",
        type=update.type,
        deployment_action=DeploymentAction.INSTALLATION,
        installed=int(installed),
        hidden=int(update.id.update_id in hidden),
        mandatory=int(update.mandatory),
        browse_only=0,
        auto_select=int(update.important),
        downloaded=int(machine.downloaded(update)),
        uninstallable=int(installed),
        reboot_required=0,
        size=update.size,
        origin="simulated",
        reason="installed" if installed else "needed",
        category_ids=(CATEGORY.id,),
    )


class SimulatedService:
    """Implements UpdateService over the machine's own list."""

    def __init__(self, machine: SimulatedMachine, catalogue: SimulatedCatalogue) -> None:
        self._machine, self._catalogue = machine, catalogue

    @property
    def service(self) -> Service:
        return SERVICE

    def refresh(
        self, *, force: bool, max_age: float, tell: Callable[[str], None]
    ) -> tuple[SearchWarning, ...]:
        """Nothing to fetch."""
        self._machine.wait_at("search-gate")
        return ()

    def sync(self) -> tuple[SearchWarning, ...]:
        return ()

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        return tuple(_details(self._find(update)) for update in ids)

    def verdict(self, update: UpdateId) -> Verdict:
        self._find(update)
        offer = next(o for o in self._catalogue.offers() if o.id == update)
        return Verdict(offer, (Reason("installed", str(offer.installed), offer.reason, "machine.json"),))

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]:
        found = []
        for name in names:
            matches = [u.id for u in self._machine.updates() if name in (u.name, u.id.update_id)]
            if not matches:
                raise error("unknown-update", name)
            found.append(matches[0])
        return tuple(found)

    def _find(self, update: UpdateId) -> SimulatedUpdate:
        for candidate in self._machine.updates():
            if candidate.id == update:
                return candidate
        raise error("unknown-update", update.update_id)


def _details(update: SimulatedUpdate) -> Update:
    return Update(
        id=update.id,
        title=f"{update.name} {update.version}",
        description=f"Simulated update {update.name}.",
        type=update.type,
        service_id=SERVICE.id,
        handler="simulated",
        name=update.name,
        version=update.version,
        architecture="sim",
        category_ids=(CATEGORY.id,),
        installing=update.installing,
        drivers=update.drivers,
        image=update.image,
    )


class SimulatedHandler:
    """Implements Handler: one shell script installs or removes the whole batch."""

    id = "simulated"

    def __init__(self, machine: SimulatedMachine) -> None:
        self._machine = machine

    def plan(self, request: PlanRequest) -> Plan:
        self._machine.wait_at("plan-gate")
        known = {update.id: update for update in self._machine.updates()}
        removing = request.operation is not Operation.INSTALL
        items, left_out = [], []
        by_name = {update.name: update.id for update in known.values()}
        for wanted in request.updates or tuple(by_name[name] for name in request.packages):
            if wanted not in known:
                raise error("unknown-update", wanted.update_id)
            update = known[wanted]
            if self._machine.installed(update) != removing and not request.reinstall:
                left_out.append(LeftOut(update.name, "nothing to change"))
            else:
                items.append(_item(update, removing=removing))
        size = 0 if removing else sum(item.size for item in items)
        world = self._machine.fingerprint()
        return Plan(
            request,
            self._machine.name,
            world,
            0.0,
            tuple(items),
            download_bytes=size,
            left_out=tuple(left_out),
        )

    def check(self, plan: Plan) -> None:
        if plan.world != self._machine.fingerprint() and self.plan(plan.request).items != plan.items:
            raise error("plan-stale", "the simulated machine changed")

    def missing(self, plan: Plan) -> tuple[int, ...]:
        cached = self._machine.root / "cache"
        return tuple(
            n for n, item in enumerate(plan.items) if item.file and not (cached / item.file).exists()
        )

    def download(self, plan: Plan) -> Sequence[Command]:
        script = []
        for number in self.missing(plan):
            update = self._update(plan.items[number])
            script.append(f"echo begin {number} >&{{status}}")
            if update.download_gate:
                script.append(f"read answer < {shlex.quote(update.download_gate)}")
            if update.download_exit:
                script.append(f"exit {update.download_exit}")
            script.append(f"echo content > cache/{shlex.quote(update.name)}; echo done {number} >&{{status}}")
        return [self._shell(script)]

    def content(self, update: UpdateId) -> Sequence[ContentFile]:
        found = next((each for each in self._machine.updates() if each.id == update), None)
        if found is None:
            raise error("unknown-update", update.update_id)
        path = self._machine.root / "cache" / found.name
        return [ContentFile(str(path), hashlib.sha256(CONTENT).hexdigest())]

    def collect(self, plan: Plan, folder: Path) -> int:
        wanted = [plan.items[number].file for number in self.missing(plan)]
        there = [name for name in wanted if (folder / name).is_file()]
        for name in there:
            shutil.copyfile(folder / name, self._machine.root / "cache" / name)
        return len(there)

    def release(self, ids: Sequence[UpdateId]) -> Sequence[Command]:
        return ()

    def not_played(self, plan: Plan) -> Mapping[int, str]:
        return {}

    def scripts_left_out(self, plan: Plan) -> Mapping[int, str]:
        return {}

    def without(self, plan: Plan, items: Collection[int]) -> PlanRequest:
        left = {plan.items[index].update for index in items}
        return replace(plan.request, updates=tuple(u for u in plan.request.updates if u not in left))

    def questions(self, plan: Plan, folder: Path) -> tuple[str, ...]:
        return ()

    def keep(self, plan: Plan, tell: Callable[[str], None]) -> None:
        pass

    def verify(self, plan: Plan) -> None:
        self._machine.wait_at("verify-gate")
        if missing := self.missing(plan):
            raise error("not-downloaded", plan.items[missing[0]].file)

    def install(self, plan: Plan) -> Sequence[Command]:
        script = ["failed=0", "echo begin >> log"]
        if any(self._update(item).stubborn for item in plan.items):
            script.insert(0, "trap '' INT")
        for number, item in enumerate(plan.items):
            script += self._change(number, item, self._update(item))
        return [self._shell([*script, "echo end >> log", "exit $failed"])]

    def _change(self, number: int, item: PlanItem, update: SimulatedUpdate) -> list[str]:
        name = shlex.quote(update.name)
        lines = [f"echo begin {number} >&{{status}}", f"echo changing {name}"]
        if update.gate:
            lines.append(f"read answer < {shlex.quote(update.gate)}")
        if update.exit:
            return [*lines, f"failed={update.exit}; echo fail {number} {update.exit} >&{{status}}"]
        if not update.lie:
            if item.change is Change.REMOVE:
                lines.append(f"rm -f installed/{name}")
            else:
                lines.append(f"echo {shlex.quote(update.version)} > installed/{name}.part")
                if update.midway:
                    lines.append(f"read answer < {shlex.quote(update.midway)}")
                lines.append(f"mv installed/{name}.part installed/{name}")
        if update.reboot:
            lines.append("touch reboot-required")
        return [*lines, f"echo done {number} >&{{status}}"]

    def next_repair(self, plan: Plan, tried: Sequence[RunRecord]) -> Command | None:
        left = self._machine.is_interrupted()
        if not left or any(record.phase is JobState.REPAIRING for record in tried):
            return None
        gate = ["read answer < repair-gate"] if (self._machine.root / "repair-gate").exists() else []
        return self._shell(["echo begin >> log", *gate, "rm -f installed/*.part", "echo end >> log"])

    def hanging(self, pids: tuple[int, ...]) -> tuple[int, ...]:
        return ()

    def reader(self, plan: Plan, phase: JobState) -> "SimulatedReader":
        return SimulatedReader(len(plan.items))

    def judge(self, plan: Plan, runs: Sequence[RunRecord]) -> tuple[ItemOutcome, ...]:
        self._machine.wait_at("judge-gate")
        last = runs[-1] if runs else None
        outcomes = []
        for number, item in enumerate(plan.items):
            update = self._update(item)
            there = self._machine.installed(update)
            done = there != (item.change is Change.REMOVE)
            seen = f"{update.name} is {'there' if there else 'not there'}"
            said = f"exit {last.exit}" if last else ""
            if done:
                outcomes.append(ItemOutcome(number, True, said, seen))
                continue
            if last is None or last.exit is None:
                cause = problem("outcome-unknown", seen)
            elif last.cancelled:
                cause = problem("aborted", seen)
            elif last.exit == 0:
                cause = problem("not-installed-after-all", seen)
            else:
                cause = problem("installer-failed", said, unmapped=last.exit)
            outcomes.append(ItemOutcome(number, False, said, seen, cause, cause.unmapped))
        return tuple(outcomes)

    def _update(self, item: PlanItem) -> SimulatedUpdate:
        return next(update for update in self._machine.updates() if update.name == item.name)

    def _shell(self, lines: Sequence[str]) -> Command:
        return Command(
            ("/bin/sh", "-c", "\n".join(lines)),
            {"PATH": "/usr/bin:/bin"},
            str(self._machine.root),
            cancel_signal=2,
        )


def _item(update: SimulatedUpdate, *, removing: bool) -> PlanItem:
    return PlanItem(
        update=update.id,
        name=update.name,
        architecture="sim",
        change=Change.REMOVE if removing else Change.INSTALL,
        from_version=update.version if removing else "",
        to_version="" if removing else update.version,
        requested=True,
        reason="requested",
        title=f"{update.name} {update.version}",
        origin="simulated",
        file="" if removing else update.name,
        size=0 if removing else update.size,
    )


class SimulatedReader:
    """Reads the scripts' own status lines: ``begin N``, ``done N``, ``fail N CODE``."""

    def __init__(self, items: int) -> None:
        self._items, self._done, self._current = max(items, 1), 0, -1

    def feed(self, lines: Iterable[str]) -> tuple[StepProgress, tuple[ItemEnd, ...]]:
        ends = []
        for line in lines:
            word, number, *rest = line.split()
            self._current = int(number)
            if word in ("done", "fail"):
                self._done += 1
                ends.append(ItemEnd(int(number), "" if word == "done" else f"exit {rest[0]}"))
        within = min(self._done / self._items, 1.0)
        item_within = 1.0 if ends and ends[-1].item == self._current else 0.0
        return StepProgress(within, self._current, item_within), tuple(ends)


def open_target(spec: TargetSpec) -> SimulatedMachine:
    """Entry point of ``wua.targets``."""
    return SimulatedMachine(spec)


def open_service(machine: SimulatedMachine, memory: Any) -> tuple[SimulatedService, SimulatedCatalogue]:
    """Entry point of ``wua.services``."""
    catalogue = SimulatedCatalogue(machine, memory.hidden)
    return SimulatedService(machine, catalogue), catalogue


def open_handler(machine: SimulatedMachine, memory: Any, catalogue: SimulatedCatalogue) -> SimulatedHandler:
    """Entry point of ``wua.handlers``."""
    return SimulatedHandler(machine)
