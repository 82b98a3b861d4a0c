"""Rounds on a scripted machine: real processes, cheap installers, something killed in each.

``SimulatedWorkload(folder).round(dice)`` runs one job, kills, lets the next start recover, and compares.
"""

import contextlib
import os
import random
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wua.api.agent import Agent
from wua.engine.agent import LocalAgent
from wua.model.jobs import JobKind, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.model.updates import UpdateId
from wua.testing.crash import points, victims
from wua.testing.crash.caller import LONG
from wua.testing.crash.rounds import Begun, CallerDied, Calls, Round, Workload
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

SPAN: Final = 0.06  # seconds after its beginning within which a process is killed at a moment
ACTING_SPAN: Final = 0.02  # the same after the beginning of its installer
LOOK: Final = 0.002  # seconds from one look for an installer to the next
NAMES: Final = ("a", "b", "c", "d", "e")
# How many steps each role takes in an ordinary job; a number beyond the end hits nothing.
STEPS: Final[Mapping[str, int]] = {"host": 66, "supervisor": 20, "caller": 18}
MOMENTS: Final = (
    ("host",),
    ("supervisor",),
    ("installer",),
    ("host", "supervisor"),
    ("host", "installer"),
    ("supervisor", "installer"),
    ("host", "supervisor", "installer"),
)


class Choice(msgspec.Struct, frozen=True):
    """What is killed: ``role`` at its step ``number``, or ``victims`` ``delay`` seconds after it began.

    ``acting``: after its installer began, which then waits, so that there is something to hit.
    """

    victims: tuple[str, ...] = ()
    role: str = ""
    number: int = 0
    everything: bool = False
    delay: float = 0.0
    acting: bool = False

    def __str__(self) -> str:
        if self.role:
            return f"{self.role} at step {self.number}{' and everything else' if self.everything else ''}"
        return " and ".join(self.victims) or "nothing"


class SimulatedWorkload(Workload):
    """A machine with its agent; rounds follow each other on the same machine. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is absent or empty, or one that an earlier workload has left."""
        folder = folder.absolute()
        self.root = folder / "machine"
        self.root.mkdir(parents=True, exist_ok=True)
        self.target = SimulatedMachine.create(self.root, map(SimulatedUpdate, NAMES))
        self._gate = Gate(self.root / "gate")
        super().__init__(folder, self.root, Agent(LocalAgent(self.target)))

    # --- one round

    def round(self, dice: random.Random) -> Round:
        choice = self._choice(dice)
        updates = self._updates(dice, waiting=choice.acting)
        there = [update for update in updates if self.target.installed(update)]
        missing = [update for update in updates if update not in there]
        installing = bool(missing) and (not there or dice.random() < 0.6)
        changing = missing if installing else there
        others = [update for update in updates if update not in changing and dice.random() < 0.1]
        chosen = dice.sample(changing, min(len(changing), dice.randint(1, 3))) + others
        return self.attempt(
            install(chosen) if installing else uninstall(chosen), choice, abort=dice.random() < 0.1
        )

    def attempt(self, spec: JobSpec, choice: Choice, *, abort: bool = False) -> Round:
        """Run one job with the machine as it is, kill, recover, compare."""
        before = self.installed()
        done = Round(spec.kind, str(choice))
        self._gate.close()
        with self._armed(choice) as planned:
            try:
                begun = self.begin(spec, elsewhere=choice.role == "caller")
            except CallerDied as failure:
                if planned is None or not points.has_happened(planned):
                    done.broken.append(str(failure))
                self.count(done, ["caller"])
                return done
            done.job = begun.job.id
            calls = Calls(begun.job)
            if choice.victims:
                self._kill(done, choice, begun, calls)
            if abort:
                with contextlib.suppress(WuaError):
                    begun.job.abort()
            self._gate.open()
            self.recover(done, begun)
            if not self.settle():
                done.broken.append("the job host does not end")
            if planned is not None and points.has_happened(planned):
                done.killed = (choice.role, *(["everything"] if choice.everything else []))
        if not done.broken:
            done.broken += self.faults(done, begun, before, calls)
        self.count(done, done.killed)
        return done

    def _kill(self, done: Round, choice: Choice, begun: Begun, calls: Calls) -> None:
        if choice.acting:
            calls.installing.wait(LONG)
            while not begun.job.wait(LOOK) and not any(victims.victims(self.base, "installer")):
                pass
        begun.job.wait(choice.delay)
        done.state = begun.job.record.state.value
        done.killed = victims.kill(self.base, *choice.victims)

    def _updates(self, dice: random.Random, *, waiting: bool) -> list[SimulatedUpdate]:
        """The same updates as ever, with fates of this round."""
        (self.root / "reboot-required").unlink(missing_ok=True)
        for path in (self.root / "cache").iterdir():
            if dice.random() < 0.5:
                path.unlink()
        updates = fates(dice, waiting=waiting)
        SimulatedMachine.create(self.root, updates)
        return updates

    @staticmethod
    def _choice(dice: random.Random) -> Choice:
        way = dice.random()
        if way < 0.03:
            return Choice()
        if way < 0.5:
            acting = dice.random() < 0.6
            return Choice(
                dice.choice(MOMENTS), delay=dice.uniform(0, ACTING_SPAN if acting else SPAN), acting=acting
            )
        role = dice.choices(points.ROLES, (6, 3, 1))[0]
        return Choice(role=role, number=dice.randint(1, STEPS[role]), everything=dice.random() < 0.4)

    @contextlib.contextmanager
    def _armed(self, choice: Choice) -> Iterator[Path | None]:
        """Put the hook into the environment of the processes that this round starts."""
        if not choice.role:
            yield None
            return
        planned = points.plan(
            self.folder, choice.role, choice.number, root=self.root if choice.everything else None
        )
        with points.in_environment(points.environment(self.folder, planned)):
            try:
                yield planned
            finally:
                planned.unlink(missing_ok=True)

    def reset(self, updates: Iterable[SimulatedUpdate]) -> None:
        """Begin again with these updates, and an empty cache."""
        (self.root / "reboot-required").unlink(missing_ok=True)
        for folder in ("cache", "installed"):
            for path in (self.root / folder).iterdir():
                path.unlink()
        SimulatedMachine.create(self.root, updates)

    # --- the books

    def installed(self) -> dict[str, str]:
        """Versions of what is installed, by name."""
        found = (self.root / "installed").iterdir()
        return {path.name: path.read_text().strip() for path in found if path.suffix != ".part"}

    def log(self) -> list[str]:
        """``begin`` and ``end`` of every installer that ran."""
        path = self.root / "log"
        return path.read_text().split() if path.exists() else []

    def faults(self, done: Round, begun: Begun, before: Mapping[str, str], calls: Calls) -> Iterator[str]:
        """What does not add up, now that the job has ended and the machine is at rest."""
        job = begun.job.id
        yield from self.told_faults(done, begun, calls)
        yield from self._run_faults(job)
        yield from self.history_faults(job, before, self.installed())
        yield from self.delivery_faults([begun.delivery] if begun.delivery else [], job)
        self._heard.unlink(missing_ok=True)
        if left := self.target.is_interrupted():
            yield f"left broken: {', '.join(left)}"
        if processes := victims.leftovers(self.base, job):
            yield f"left running: {', '.join(processes)}"

    def _run_faults(self, job: str) -> Iterator[str]:
        """No installer ran twice for one job, and no two at a time."""
        ran = 0
        for folder in (self.base / "state" / "jobs" / job).glob("run-*"):
            note, output = folder / "run.json", folder / "output"
            installs = note.exists() and '"installing"' in note.read_text()
            ran += installs and output.exists() and output.stat().st_size > 0
        if ran > 1:
            yield f"the installer ran {ran} times"

    def close(self) -> list[str]:
        faults = [] if self.settle() else ["the job host does not end"]
        self.agent.close()
        self._gate.remove()
        if not self.store(lambda store: store.is_sound()):
            faults.append("the store is damaged")
        if active := self.store(lambda store: [job.id for job in store.jobs(active=True)]):
            faults.append(f"jobs that never end: {active}")
        return faults


class Gate:
    """A FIFO at which installers wait while it is closed."""

    def __init__(self, path: Path) -> None:
        self._path = path
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        self._end = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # open at both ends: nobody waits for the other

    def close(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self._end, 4096):
                pass

    def open(self) -> None:
        os.write(self._end, b"go\n" * 100)  # one for each that comes, and some left

    def remove(self) -> None:
        os.close(self._end)
        self._path.unlink(missing_ok=True)


def fates(dice: random.Random, *, waiting: bool = False) -> list[SimulatedUpdate]:
    """Most succeed, some fail, lie or want a restart; ``waiting``: at the gate."""
    updates = []
    for name in NAMES:
        place = dice.choice(("gate", "midway", "")) if waiting else ""
        updates.append(
            SimulatedUpdate(
                name,
                exit=3 if dice.random() < 0.1 else 0,
                lie=dice.random() < 0.1,
                reboot=dice.random() < 0.1,
                gate="gate" if place == "gate" else "",
                midway="gate" if place == "midway" else "",
            )
        )
    return updates


def install(updates: Sequence[SimulatedUpdate]) -> JobSpec:
    return _spec(JobKind.INSTALL, Operation.INSTALL, [update.id for update in updates])


def uninstall(updates: Sequence[SimulatedUpdate]) -> JobSpec:
    return _spec(JobKind.UNINSTALL, Operation.UNINSTALL, [update.id for update in updates])


def _spec(kind: JobKind, operation: Operation, ids: Sequence[UpdateId]) -> JobSpec:
    return JobSpec(kind, request=PlanRequest(operation, updates=tuple(ids)))
