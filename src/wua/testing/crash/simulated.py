"""Rounds on a scripted machine: real processes, cheap installers, something killed in each.

``SimulatedWorkload(folder).round(dice)`` runs one job, kills, lets the next start recover, and compares.
"""

import contextlib
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from wua.api.agent import Agent
from wua.api.job import Job
from wua.engine.agent import LocalAgent
from wua.model.jobs import DeliveryState, JobKind, JobSpec, Noted, Subscription
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.store.state import StateStore
from wua.testing.crash import books, points, victims
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

LONG: Final = 60.0  # seconds; a job that takes longer counts as lost
SPAN: Final = 0.06  # seconds after its beginning within which a process is killed at a moment
NAMES: Final = ("a", "b", "c", "d", "e")
# How many steps each role takes in an ordinary job; a number beyond the end hits nothing.
STEPS: Final[Mapping[str, int]] = {"host": 64, "supervisor": 22, "caller": 18}
MOMENTS: Final = (
    ("host",),
    ("supervisor",),
    ("installer",),
    ("host", "supervisor"),
    ("host", "installer"),
    ("supervisor", "installer"),
    ("host", "supervisor", "installer"),
)


class Round(msgspec.Struct):
    """What one round did and showed."""

    kind: JobKind
    victim: str
    killed: tuple[str, ...] = ()  # what was really hit
    code: str = ""
    notes: tuple[str, ...] = ()
    job: str = ""
    broken: list[str] = []


class Choice(msgspec.Struct, frozen=True):
    """What is killed: ``role`` at its step ``number``, or ``victims`` ``delay`` seconds after it began."""

    victims: tuple[str, ...] = ()
    role: str = ""
    number: int = 0
    everything: bool = False
    delay: float = 0.0

    def __str__(self) -> str:
        if self.role:
            return f"{self.role} at step {self.number}{' and everything else' if self.everything else ''}"
        return " and ".join(self.victims) or "nothing"


class SimulatedWorkload:
    """A machine with its agent; rounds follow each other on the same machine. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is absent or empty, or one that an earlier workload has left."""
        self.folder = folder.absolute()
        self.root = self.folder / "machine"
        self.root.mkdir(parents=True, exist_ok=True)
        self.target = SimulatedMachine.create(self.root, map(SimulatedUpdate, NAMES))
        self.agent = Agent(LocalAgent(self.target))
        self._heard = self.folder / "heard"
        self.figures: Counter[str] = Counter()

    # --- one round

    def round(self, dice: random.Random) -> Round:
        """Choose a job and a victim, and try it."""
        updates = self._updates(dice)
        chosen = dice.sample(updates, dice.randint(1, 3))
        installing = dice.random() < 0.6
        spec = self._spec([update.id for update in chosen], installing=installing)
        return self.attempt(spec, self._choice(dice), abort=dice.random() < 0.1)

    def attempt(self, spec: JobSpec, choice: Choice, *, abort: bool = False) -> Round:
        """Run one job with the machine as it is, kill, recover, compare."""
        before = self._installed()
        done = Round(spec.kind, str(choice))
        with self._armed(choice) as planned:
            try:
                job, caller, delivery = self._begin(spec, elsewhere=choice.role == "caller")
            except CallerDied as failure:
                self._count(done, choice, hit=planned is not None and points.has_happened(planned))
                if not (planned is not None and points.has_happened(planned)):
                    done.broken.append(str(failure))
                return done
            done.job = job.id
            calls = Calls(job)
            if choice.victims:
                job.wait(choice.delay)
                done.killed = victims.kill(self.root, *choice.victims)
            if abort:
                with contextlib.suppress(WuaError):
                    job.abort()
            self._recover(done, job, caller)
            hit = bool(done.killed) or (planned is not None and points.has_happened(planned))
        if not done.broken:
            self._compare(done, job, before, calls, delivery)
        self._count(done, choice, hit=hit)
        return done

    def _updates(self, dice: random.Random) -> list[SimulatedUpdate]:
        """The same updates as ever, with fates of this round."""
        (self.root / "reboot-required").unlink(missing_ok=True)
        for path in (self.root / "cache").iterdir():
            if dice.random() < 0.5:
                path.unlink()
        updates = [
            SimulatedUpdate(
                name,
                exit=3 if dice.random() < 0.15 else 0,
                lie=dice.random() < 0.1,
                reboot=dice.random() < 0.1,
            )
            for name in NAMES
        ]
        SimulatedMachine.create(self.root, updates)
        return updates

    @staticmethod
    def _spec(ids: Sequence[UpdateId], *, installing: bool) -> JobSpec:
        kind = JobKind.INSTALL if installing else JobKind.UNINSTALL
        operation = Operation.INSTALL if installing else Operation.UNINSTALL
        return JobSpec(kind, request=PlanRequest(operation, updates=tuple(ids)))

    @staticmethod
    def _choice(dice: random.Random) -> Choice:
        way = dice.random()
        if way < 0.03:
            return Choice()
        if way < 0.5:
            return Choice(dice.choice(MOMENTS), delay=dice.uniform(0, SPAN))
        role = dice.choices(points.ROLES, (6, 3, 1))[0]
        return Choice(
            role=role, number=dice.randint(1, STEPS[role]), everything=role == "host" and dice.random() < 0.4
        )

    @contextlib.contextmanager
    def _armed(self, choice: Choice) -> Iterator[Path | None]:
        """Put the hook into the environment of the processes that this round starts."""
        if not choice.role:
            yield None
            return
        planned = points.plan(
            self.folder, choice.role, choice.number, root=self.root if choice.everything else None
        )
        old = dict(os.environ)
        os.environ.update(points.environment(self.folder, planned))
        try:
            yield planned
        finally:
            os.environ.clear()
            os.environ.update(old)
            planned.unlink(missing_ok=True)

    def _begin(
        self, spec: JobSpec, *, elsewhere: bool
    ) -> tuple[Job[Any], "subprocess.Popen[bytes] | None", str]:
        subscription = Subscription(("/bin/sh", "-c", f'echo "$WUA_DELIVERY" >> {self._heard}'))
        if not elsewhere:
            job = self.agent.submit(spec)
            return job, None, self.agent.protocol.subscribe(job.id, subscription).id
        known = {record.id for record in self.agent.jobs(limit=5)}
        caller = subprocess.Popen(
            [sys.executable, "-m", "wua.testing.crash.caller", str(self.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert caller.stdin is not None
        assert caller.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            caller.stdin.write(msgspec.json.encode((spec, subscription)) + b"\n")
            caller.stdin.flush()
        said = caller.stdout.readline().split()
        if said:
            return self.agent.job(said[0].decode()), caller, said[1].decode()
        _end(caller)
        # It died before it could say so: what it had recorded is a job like any other.
        for record in self.agent.jobs(limit=5):
            if record.id not in known:
                found = [delivery.id for delivery in self.agent.deliveries(record.id)]
                return self.agent.job(record.id), None, found[0] if found else ""
        raise CallerDied("a caller could not begin its job")

    def _recover(self, done: Round, job: Job[Any], caller: "subprocess.Popen[bytes] | None") -> None:
        """Whoever asks next starts a job host where it is needed, and the job comes to its end."""
        try:
            done.code = job.outcome(LONG).code.name
        except (TimeoutError, WuaError) as failure:
            done.broken.append(f"job lost: {failure}")
        if caller is not None:
            _end(caller)
        if not self.settle():
            done.broken.append("the job host does not end")

    def settle(self) -> bool:
        """Until the job host has ended, and every delivery with it; whether it came to that."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            host = next((process for _, process in victims.victims(self.root, "host")), None)
            if host is not None:
                host.wait(LONG)
            elif not self._store(lambda store: store.deliveries(due=True)):
                return True
            else:  # a host was killed in between: somebody who watches starts the next
                self.agent.protocol.watch(lambda _: None).close()
        return False

    def _store(self, ask: Any) -> Any:
        store = StateStore(self.root / "state" / "state.db")
        try:
            return ask(store)
        finally:
            store.close()

    # --- the books

    def _installed(self) -> frozenset[str]:
        return frozenset(
            path.name for path in (self.root / "installed").iterdir() if not path.name.endswith(".part")
        )

    def _compare(
        self, done: Round, job: Job[Any], before: frozenset[str], calls: "Calls", delivery: str
    ) -> None:
        record = job.record
        events = [told.event for told in self.agent.protocol.events(job.id, 0, 100_000)]
        done.notes = tuple(event.text for event in events if isinstance(event, Noted))
        done.broken += books.story(events)
        done.broken += books.result(record, events)
        done.broken += self._run_faults(done)
        plan, runs = self._store(lambda store: (store.plan(job.id), store.runs(job.id)))
        done.broken += books.history(
            [entry for entry in self.agent.history(count=30) if entry.job == job.id],
            plan.items if plan is not None else (),
            acted=any(run.phase is JobState.INSTALLING for run in runs),
            before=before,
            after=self._installed(),
        )
        for name, heard in (("live", calls), ("re-attached", Calls(self.agent.job(job.id)))):
            if (count := heard.count()) != 1:
                done.broken.append(f"callbacks: {count} {name}")
        done.broken += self._delivery_faults(job.id, delivery)
        if left := self.target.is_interrupted():
            done.broken.append(f"left broken: {', '.join(left)}")
        if processes := victims.leftovers(self.root):
            done.broken.append(f"left running: {', '.join(processes)}")

    def _run_faults(self, done: Round) -> Iterator[str]:
        """No installer ran twice for one job, and no two at a time."""
        ran = 0
        for folder in (self.root / "state" / "jobs" / done.job).glob("run-*"):
            note, output = folder / "run.json", folder / "output"
            installs = note.exists() and '"installing"' in note.read_text()
            ran += installs and output.exists() and output.stat().st_size > 0
        if ran > 1:
            yield f"the installer ran {ran} times"

    def _delivery_faults(self, job: str, delivery: str) -> Iterator[str]:
        heard = self._heard.read_text().split() if self._heard.exists() else []
        for found in self.agent.deliveries(job):
            if found.state is not DeliveryState.DELIVERED:
                yield f"delivery {found.id}: {found.state.value}, tried {found.tried}: {found.last_error}"
            if found.id not in heard:
                yield f"delivery {found.id}: never heard"
            self.figures["delivered"] += 1
            self.figures["delivered again"] += heard.count(found.id) - 1
        if delivery and delivery not in {found.id for found in self.agent.deliveries(job)}:
            yield f"delivery {delivery}: lost"
        self._heard.unlink(missing_ok=True)

    def _count(self, done: Round, choice: Choice, *, hit: bool) -> None:
        figures = self.figures
        figures["rounds"] += 1
        figures[f"job {done.kind.value}"] += 1
        figures[f"result {done.code or 'none'}"] += 1
        if hit:
            figures["rounds with a kill"] += 1
            named = [*done.killed, *([choice.role] if choice.role else [])]
            for name in {*named, *(["everything"] if choice.everything else [])}:
                figures[f"killed {name}"] += 1
        figures["adopted"] += any(note.startswith("adopted") for note in done.notes)
        figures["begun again"] += any("had not begun" in note for note in done.notes)
        figures["repaired"] += any(note.startswith("repairing") for note in done.notes)
        figures["broken"] += bool(done.broken)

    def close(self) -> list[str]:
        """Faults of the machine as a whole."""
        faults = [] if self.settle() else ["the job host does not end"]
        self.agent.close()
        if not self._store(lambda store: store.is_sound()):
            faults.append("the store is damaged")
        if active := self._store(lambda store: [job.id for job in store.jobs(active=True)]):
            faults.append(f"jobs that never end: {active}")
        return faults


class CallerDied(Exception):
    """A caller ended before it had begun its job."""


class Calls:
    """Counts the completed callbacks of one attachment to a job."""

    def __init__(self, job: Job[Any]) -> None:
        self._called = threading.Semaphore(0)
        job.on_completed(lambda _: self._called.release())

    def count(self) -> int:
        """Waits for the first one."""
        found = int(self._called.acquire(timeout=LONG))
        while self._called.acquire(blocking=False):
            found += 1
        return found


def _end(caller: "subprocess.Popen[bytes]") -> None:
    for pipe in (caller.stdin, caller.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    caller.wait()
