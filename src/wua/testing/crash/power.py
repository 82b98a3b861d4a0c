"""Rounds in which a scripted machine loses its power in the middle of a job.

Everything dies at once, at a step of one of the processes, and what was not synced may be gone:

* of the state store, whose writes are recorded, what ``disk.after_loss`` says;
* the files of the job's folder, of which only an exit status is synced, are there, cut off, zeroed or gone;
* packages in the cache may be gone, and so is everything in the folder for sockets and locks.

Then the machine boots (the boot id is another one), somebody asks for the job, and the books are compared:
with what the machine shows, and with what a caller was told before the loss. Not lost in this model: what
installers did to the machine, which is theirs to sync (dpkg does), and the notes of what the target is.
"""

import random
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import msgspec

from wua.engine.wiring import STATE_FILE, save_spec
from wua.model.jobs import JobResult, JobSpec, Subscription
from wua.model.states import JobState
from wua.store.state import StateStore
from wua.system.locks import FileLock
from wua.testing.crash import disk, points, rounds, victims
from wua.testing.crash.rounds import Begun, Calls, Round
from wua.testing.crash.simulated import NAMES, SimulatedWorkload, fates, install, uninstall
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

# How many steps each role takes in an ordinary job, writes and syncs included; beyond the end it has ended.
STEPS: Final = {"host": 140, "supervisor": 20, "caller": 80}
BOOT: Final = "00000000-1111-2222-3333-444444444444"
FATES: Final = ("there", "cut off", "zeroed", "gone")


class PowerWorkload:
    """Rounds, each on a new machine. Not thread-safe."""

    def __init__(self, folder: Path, *, trust: bool = True) -> None:
        """``folder`` is absent or empty. ``trust`` False plays a disk that says synced and lies."""
        self.folder = folder.absolute()
        self.figures: Counter[str] = Counter()
        self._trust = trust
        self._machine: _Machine | None = None

    def round(self, dice: random.Random) -> Round:
        folder = self.folder / f"round-{self.figures['rounds']}"
        self._machine = machine = _Machine(folder, dice)
        installing = len(machine.before) < 3
        changing = [u for u in machine.updates if (u.name in machine.before) != installing]
        chosen = dice.sample(changing, dice.randint(1, 3))
        done = machine.lose_power(install(chosen) if installing else uninstall(chosen), self._trust)
        machine.boot(done)
        self._count(done)
        if not done.broken:
            shutil.rmtree(folder)
        return done

    def _count(self, done: Round) -> None:
        figures = self.figures
        figures["rounds"] += 1
        figures[f"job {done.kind.value}"] += 1
        figures[f"result {done.code or 'none'}"] += 1
        figures[f"lost while {done.state or 'unknown'}"] += 1
        figures["broken"] += bool(done.broken)

    def close(self) -> list[str]:
        """Nothing is left of a round but what it has answered."""
        return []

    def abandon(self) -> None:
        if self._machine is not None:
            self._machine.kill()


class _Machine:
    """One machine, before and after the loss."""

    def __init__(self, folder: Path, dice: random.Random) -> None:
        self._folder, self._dice = folder, dice
        self.root = folder / "machine"
        self.root.mkdir(parents=True)
        there = dice.sample(NAMES, dice.randint(0, len(NAMES)))
        self.updates = [msgspec.structs.replace(u, installed=u.name in there) for u in fates(dice)]
        save_spec(SimulatedMachine.create(self.root, self.updates))
        self.before = dict.fromkeys(there, SimulatedUpdate("").version)
        self._writes = folder / "writes"
        self._heard = folder / "heard"
        self._job = self._delivery = ""
        self._told: JobResult | None = None

    def lose_power(self, spec: JobSpec, trust: bool) -> Round:
        dice = self._dice
        role = dice.choices(list(STEPS), (6, 2, 2))[0]
        number = dice.randint(1, STEPS[role])
        done = Round(spec.kind, f"power, at step {number} of {role}")
        planned = points.plan(self._folder, role, number, root=self.root)
        added = points.environment(self._folder, planned) | {points.WRITES: str(self._writes)}
        with points.in_environment(added):
            caller = rounds.start_caller(self.root)
            rounds.tell(caller, msgspec.json.encode((spec, Subscription(rounds.listener(self._heard)))))
        said = rounds.end_caller(caller).splitlines()
        if said:
            self._job, self._delivery = said[0].decode().split()
        if said[1:]:
            self._told = msgspec.json.decode(said[1], type=JobResult)
        self.kill()
        lock = FileLock(self.root / "run" / "host.lock")
        lock.acquire(wait=True)  # a killed process seems to be gone while a thread of it still writes
        lock.release()
        planned.unlink(missing_ok=True)
        self._lose(trust)
        return done

    def kill(self) -> None:
        """Everything that works on the machine or for it."""
        marked = f"{points.VARIABLE}={self._folder / points.PLAN}"
        while victims.kill_all(self.root, marked=marked):
            pass

    def _lose(self, trust: bool) -> None:
        dice = self._dice
        survives = dice.choice((0.0, dice.random(), 1.0))
        state = self.root / "state"
        for path in state.glob(f"{STATE_FILE}*"):
            if not path.name.endswith("-shm") or dice.random() < 0.5:
                path.unlink()
        ops = disk.read(self._writes)
        for name, data in disk.after_loss({}, ops, dice, survives, trust=trust).items():
            (state / name).write_bytes(data)
        lose_files(state / "jobs", dice, survives)
        for path in (self.root / "cache").iterdir():
            if dice.random() > survives:
                path.unlink()
        shutil.rmtree(self.root / "run")

    def boot(self, done: Round) -> None:
        """Start again, ask for the job, and compare."""
        store = StateStore(self.root / "state" / STATE_FILE)
        if store.set_aside is not None:
            done.broken.append("the store was damaged")
        jobs = store.jobs()
        store.close()
        if self._job and self._job not in {job.id for job in jobs}:
            done.broken.append("job lost")
        if not jobs or done.broken:
            return
        done.job, done.state = jobs[0].id, jobs[0].state.value
        boot = self._folder / "boot"
        boot.write_text(BOOT)
        added = points.environment(self._folder, self._folder / points.PLAN) | {points.BOOT: str(boot)}
        with points.in_environment(added):
            caller = rounds.start_caller(self.root, done.job)
        said = rounds.end_caller(caller)
        if not said:
            done.broken.append("job lost: nobody could be told of its end")
            return
        result = msgspec.json.decode(said, type=JobResult)
        done.code = result.code.name
        if self._told is not None and result != self._told:
            done.broken.append(f"another result was told before the loss: {self._told}")
        done.broken += self._faults(done)

    def _faults(self, done: Round) -> Iterator[str]:
        workload = SimulatedWorkload(self._folder)
        try:
            if not workload.settle():
                yield "the job host does not end"
            job = workload.agent.job(done.job)
            begun = Begun(job, None, self._delivery)
            yield from workload.faults(done, begun, self.before, Calls(job))
            repairs = sum(
                run.phase is JobState.REPAIRING for run in workload.store(lambda s: s.runs(done.job))
            )
            ran = workload.log().count("begin") - repairs
            if ran > 1:
                yield f"the installer ran {ran} times"
        finally:
            left = workload.close()
        yield from left


def lose_files(folder: Path, dice: random.Random, survives: float) -> None:
    """What becomes of files that nobody has synced. An exit status was synced before it got its name."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file() or dice.random() < survives:
            continue
        data = path.read_bytes()
        fate = "gone" if path.name == "status" else dice.choice(FATES)
        if fate == "gone":
            path.unlink()
        elif fate == "cut off":
            path.write_bytes(data[: dice.randint(0, len(data))])
        elif fate == "zeroed":
            path.write_bytes(bytes(len(data)))
