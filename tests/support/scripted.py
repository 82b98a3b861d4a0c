"""A job without processes: handler, target and spawner do what a test says, and tell what they saw.

Runs the real runner over a real store, in the test's own process and at once. A command "runs" while the
runner asks for its start: its folder is then as a supervisor would have left it.
"""

import json
import os
import select
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from wua.engine.job_runs import Workshop
from wua.engine.runner import Runner
from wua.model.enums import TargetKind
from wua.model.jobs import AnyEvent, JobKind, JobRecord, JobSpec, Noted, StateChanged
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import (
    Command,
    Holder,
    ItemEnd,
    ItemOutcome,
    RunRecord,
    StepProgress,
    TargetPaths,
    TargetSpec,
)
from wua.model.states import JobState
from wua.model.updates import RestartReason, Service, UpdateId
from wua.store.state import StateStore
from wua.system.clock import SystemClock
from wua.system.process import ProcessRef, boot_id

NOBODY: Final = 2**22 + 7  # a pid that no process has
NOW: Final = 5000.0


class FixedClock(SystemClock):
    """Where what is recorded has a time."""

    def time(self) -> float:
        return NOW


def item(name: str, change: Change = Change.INSTALL, *, requested: bool = True) -> PlanItem:
    before, after = ("1", "") if change in (Change.REMOVE, Change.PURGE) else ("", "2")
    file = f"{name}.deb" if after else ""
    return PlanItem(UpdateId(name), name, "sim", change, before, after, requested, "requested", file=file)


def command(name: str, *words: str, cancel: int = 2) -> Command:
    return Command((f"/usr/bin/{name}", *words), {}, cancel_signal=cancel)


@dataclass
class Fate:
    """What becomes of a command. ``exit`` None: its status is lost; ``begins`` False: no supervisor lives."""

    exit: int | None = 0
    begins: bool = True
    lines: str = ""
    output: str = ""
    then: Callable[[], object] = lambda: None


class ScriptedTarget:
    """Who holds its locks, what is left broken, and why it wants a restart are plain attributes."""

    def __init__(self, root: Path) -> None:
        self.paths = TargetPaths(*(str(root / name) for name in ("state", "cache", "run", "machine.lock")))
        self.spec = TargetSpec(TargetKind.SIMULATED, str(root))
        self.interrupted: tuple[str, ...] = ()
        self.restart: tuple[RestartReason, ...] = ()
        self.others: list[tuple[Holder, ...]] = []  # answers to come, one for each question

    def holders(self) -> tuple[Holder, ...]:
        return self.others.pop(0) if self.others else ()

    def is_interrupted(self) -> tuple[str, ...]:
        return self.interrupted

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        return self.restart


class ScriptedHandler:
    """Plans what ``needs`` says; ``absent`` are the files that are not in the cache.

    ``at`` holds what happens at a step, by the name of the method: a test raises or aborts there.
    """

    id = "scripted"

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.at: dict[str, Callable[[], object]] = {}
        self.needs: dict[str, list[PlanItem]] = {}
        self.absent: set[str] = set()
        self.removes: tuple[PlanItem, ...] = ()
        self.downloads: list[Command] = []
        self.installs = [command("dpkg", "-i")]
        self.repairs: list[Command] = []
        self.undone: set[str] = set()  # items that the system does not show in the end
        self.collected = 0
        self.seen: list[RunRecord] = []
        self.step: Callable[[list[str]], StepProgress] = lambda lines: StepProgress(0.5, 0)

    def _at(self, name: str) -> None:
        self.calls.append(name)
        self.at.get(name, lambda: None)()

    def plan(self, request: PlanRequest) -> Plan:
        self._at("plan")
        items: list[PlanItem] = []
        for update in request.updates:
            new = [*self.needs.get(update.update_id, []), item(update.update_id)]
            items += [each for each in new if each not in items]
        return Plan(request, "t", "w", 0.0, (*items, *self.removes), download_bytes=9, disk_bytes=9)

    def check(self, plan: Plan) -> None:
        self._at("check")

    def missing(self, plan: Plan) -> tuple[int, ...]:
        return tuple(n for n, each in enumerate(plan.items) if each.file in self.absent)

    def collect(self, plan: Plan, folder: Path) -> int:
        self._at(f"collect {folder}")
        return self.collected

    def download(self, plan: Plan) -> Sequence[Command]:
        self._at("download")
        return self.downloads

    def keep(self, plan: Plan, tell: Callable[[str], None]) -> None:
        self._at("keep")
        tell("kept")

    def verify(self, plan: Plan) -> None:
        self._at("verify")

    def install(self, plan: Plan) -> Sequence[Command]:
        self._at("install")
        return self.installs

    def next_repair(self, plan: Plan, tried: Sequence[RunRecord]) -> Command | None:
        self._at("next_repair")
        return self.repairs.pop(0) if self.repairs else None

    def reader(self, plan: Plan, phase: JobState) -> "ScriptedHandler":
        return self

    def feed(self, lines: Iterable[str]) -> tuple[StepProgress, tuple[ItemEnd, ...]]:
        return self.step(list(lines)), ()

    def judge(self, plan: Plan, runs: Sequence[RunRecord]) -> tuple[ItemOutcome, ...]:
        self._at("judge")
        self.seen = list(runs)
        return tuple(
            ItemOutcome(number, each.name not in self.undone, "said", "seen")
            for number, each in enumerate(plan.items)
        )


class ScriptedService:
    service = Service("service-id", "Scripted")
    services = (service,)

    def __init__(self, handler: ScriptedHandler) -> None:
        self._handler = handler

    def sync(self) -> tuple[()]:
        self._handler._at("sync")
        return ()


class ScriptedSpawner:
    """Leaves a run folder as a supervisor would; ``fates`` by the name of the program."""

    def __init__(self) -> None:
        self.fates: dict[str, list[Fate]] = {}
        self.started: list[str] = []
        self.locks: list[bool] = []  # whether each start was given the lock

    def start(self, folder: str, lock: int | None) -> ProcessRef | None:
        said = json.loads(Path(folder, "command.json").read_bytes())
        name = said["argv"][0].rpartition("/")[2]
        self.started.append(name)
        self.locks.append(lock is not None)
        fates = self.fates.get(name, [])
        fate = fates.pop(0) if fates else Fate()
        leave(Path(folder), fate)
        fate.then()
        return None


def leave(folder: Path, fate: Fate) -> None:
    """The files of a run that came to its end."""
    folder.mkdir(parents=True, exist_ok=True)
    if not fate.begins:
        return
    nobody = {"pid": NOBODY, "start": 1, "boot": boot_id()}
    for name in ("claim", "started"):
        (folder / name).write_text(json.dumps(nobody))
    (folder / "lines").write_text(fate.lines)
    (folder / "output").write_text(fate.output)
    if fate.exit is not None:
        (folder / "status").write_text(json.dumps({"exit": fate.exit}))


@dataclass
class Bench:
    """A store, and what a runner works with."""

    root: Path
    handler: ScriptedHandler = field(default_factory=ScriptedHandler)
    spawner: ScriptedSpawner = field(default_factory=ScriptedSpawner)
    changed: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        (self.root / "state").mkdir()
        self.store = StateStore(self.root / "state" / "state.db", clock=lambda: NOW)
        self.target: Any = ScriptedTarget(self.root)
        parts: list[Any] = [self.handler, ScriptedService(self.handler), self.spawner]
        self.shop = Workshop(self.store, self.target, *parts, self.changed.append, FixedClock())

    def add(self, *names: str, kind: JobKind = JobKind.INSTALL, **options: Any) -> str:
        updates = tuple(UpdateId(name) for name in names)
        request = PlanRequest(Operation.INSTALL, updates=updates)
        spec = JobSpec(kind, **{"request": request, **options})
        return self.store.add_job(spec, updates)[0].id

    def run(self, job: str) -> JobRecord:
        Runner(self.shop, job).run()
        return self.store.job(job)

    def install(self, *names: str, **options: Any) -> JobRecord:
        return self.run(self.add(*names, **options))

    def events(self, job: str) -> list[AnyEvent]:
        return [told.event for told in self.store.events(job)]

    def states(self, job: str) -> list[str]:
        return [e.state.value for e in self.events(job) if isinstance(e, StateChanged)]

    def notes(self, job: str) -> list[str]:
        return [e.text for e in self.events(job) if isinstance(e, Noted)]

    def abort(self, job: str) -> Callable[[], object]:
        return lambda: self.store.request_abort(job)

    def abort_newest(self) -> None:
        self.store.request_abort(self.store.jobs(limit=1)[0].id)

    def reach(self, job: str, *states: JobState, plan: Plan | None = None) -> None:
        """Walk a job to a state, as a host did that is dead by now."""
        for state in states:
            assert self.store.transition(job, state, plan=plan, owner=ProcessRef(NOBODY, 1, boot_id()))

    def begun(self, job: str, phase: JobState, fate: Fate, *, ended: bool = False) -> int:
        """A run that an earlier host began."""
        folder = self.root / "state" / "jobs" / job
        run = self.store.begin_run(job, phase, folder)
        leave(Path(run.folder), fate)
        if ended:
            self.store.end_run(job, run.n, fate.exit)
        return run.n


@contextmanager
def bench() -> Iterator[Bench]:
    """In memory where there is such a place: nothing here is about a disk, and commits wait for one."""
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) and "TMPDIR" not in os.environ else None
    with tempfile.TemporaryDirectory(prefix="wua-bench-", dir=memory) as folder:
        made = Bench(Path(folder))
        yield made
        made.store.close()


def holder(name: str, pid: int = NOBODY) -> Holder:
    return Holder(pid, name, 0, "/lock")


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """For what another thread or process does; only a test that fails waits so long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        select.select([], [], [], 0.001)  # lets the others have the interpreter
