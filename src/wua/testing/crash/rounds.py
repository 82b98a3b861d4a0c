"""What rounds on a scripted machine and on real apt have in common: a job, a kill, a recovery, the books."""

import contextlib
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import msgspec

from wua.api.agent import Agent
from wua.api.job import Job
from wua.engine.wiring import STATE_FILE
from wua.model.jobs import AnyEvent, Ended, JobEvent, JobKind, JobSpec, Noted, StateChanged, Subscription
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.store.state import StateStore
from wua.testing.crash import books, victims
from wua.testing.crash.caller import LONG


class Round(msgspec.Struct):
    """What one round did and showed."""

    kind: JobKind
    victim: str
    killed: tuple[str, ...] = ()  # what was really hit
    state: str = ""  # the job's state when it was hit
    code: str = ""
    notes: tuple[str, ...] = ()
    job: str = ""
    broken: list[str] = []


class Portion(msgspec.Struct):
    """So many rounds on one machine: how often what happened, and what did not add up."""

    seed: str
    figures: dict[str, int]
    faults: list[str]


class Calls:
    """Counts the completed callbacks of one attachment to a job."""

    def __init__(self, job: Job[Any]) -> None:
        self._called = threading.Semaphore(0)
        self.installing = threading.Event()  # the installer is being started, or will never be
        job.on_completed(lambda _: self._called.release())
        job.on_event(self._look)

    def _look(self, told: JobEvent) -> None:
        event = told.event
        if isinstance(event, Ended) or (
            isinstance(event, StateChanged) and event.state is JobState.INSTALLING
        ):
            self.installing.set()

    def count(self) -> int:
        """Waits for the first one."""
        found = int(self._called.acquire(timeout=LONG))
        while self._called.acquire(blocking=False):
            found += 1
        return found


class CallerDied(Exception):
    """A caller ended before it had recorded a job."""


class Begun(NamedTuple):
    """A job on its way. ``caller`` is the process that submitted it, None for this one."""

    job: Job[Any]
    caller: "subprocess.Popen[bytes] | None"
    delivery: str  # "" when the caller died before it subscribed


class Rounds(Protocol):
    """Rounds that follow each other, and what they have shown."""

    figures: Counter[str]

    def round(self, dice: random.Random) -> Round:
        """Choose a job and a victim, and try it."""

    def close(self) -> list[str]:
        """Faults of the machine as a whole."""

    def abandon(self) -> None:
        """Kill whatever is left."""


class Workload:
    """A machine with its agent, on which rounds follow each other. Not thread-safe."""

    def __init__(self, folder: Path, base: Path, agent: Agent) -> None:
        """``base`` holds the agent's ``state`` and ``run``."""
        self.folder, self.base, self.agent = folder, base, agent
        self._heard = folder / "heard"
        self.figures: Counter[str] = Counter()

    def abandon(self) -> None:
        """Kill whatever is left of rounds that did not go as they should."""
        while victims.kill_all(self.base):
            pass

    # --- one round

    def begin(self, spec: JobSpec, *, elsewhere: bool) -> Begun:
        """Submit a job and subscribe to it, here or in a process of its own. Raises CallerDied."""
        subscription = Subscription(listener(self._heard))
        if not elsewhere:
            job = self.agent.submit(spec)
            return Begun(job, None, self.agent.protocol.subscribe(job.id, subscription).id)
        known = {record.id for record in self.agent.jobs(limit=5)}
        caller = start_caller(self.base)
        tell(caller, msgspec.json.encode((spec, subscription)))
        assert caller.stdout is not None
        said = caller.stdout.readline().split()
        if said:
            return Begun(self.agent.job(said[0].decode()), caller, said[1].decode())
        end_caller(caller)
        # It died before it could say so: what it had recorded is a job like any other.
        for record in self.agent.jobs(limit=5):
            if record.id not in known:
                found = [delivery.id for delivery in self.agent.deliveries(record.id)]
                return Begun(self.agent.job(record.id), None, found[0] if found else "")
        raise CallerDied("a caller could not begin its job")

    def recover(self, done: Round, begun: Begun) -> None:
        """Whoever asks next starts a job host where it is needed, and the job comes to its end."""
        try:
            done.code = begun.job.outcome(LONG).code.name
        except (TimeoutError, WuaError) as failure:
            done.broken.append(f"job lost: {failure}; there are {victims.seen(self.base, done.job)}")
        if begun.caller is not None:
            end_caller(begun.caller)

    def told(self, job: str) -> list[AnyEvent]:
        return [told.event for told in self.agent.protocol.events(job, 0, 100_000)]

    def told_faults(self, done: Round, begun: Begun, calls: Calls) -> Iterator[str]:
        """What was told of a job that has ended: its events, its result, its completed callbacks."""
        events = self.told(begun.job.id)
        done.notes = tuple(event.text for event in events if isinstance(event, Noted))
        yield from books.story(events)
        yield from books.result(begun.job.record, events)
        for name, heard in (("live", calls), ("re-attached", Calls(self.agent.job(begun.job.id)))):
            if (count := heard.count()) != 1:
                yield f"callbacks: {count} {name}"

    def history_faults(self, job: str, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
        """Where the history and what has really changed differ; versions by name."""
        plan, runs = self.store(lambda store: (store.plan(job), store.runs(job)))
        yield from books.history(
            [entry for entry in self.agent.history(count=100) if entry.job == job],
            plan.items if plan is not None else (),
            acted=any(run.phase is JobState.INSTALLING for run in runs),
            before=before,
            after=after,
        )

    def delivery_faults(self, promised: Sequence[str], job: str = "") -> Iterator[str]:
        """What is wrong with the deliveries of a job, or of all, once the job host has ended."""
        heard = Counter(self._heard.read_text().split() if self._heard.exists() else [])
        found = self.agent.deliveries(job)
        yield from books.deliveries(found, promised, heard)
        self.figures["delivered"] += sum(heard[delivery.id] > 0 for delivery in found)
        self.figures["delivered again"] += sum(heard[delivery.id] > 1 for delivery in found)

    def store(self, ask: Callable[[StateStore], Any]) -> Any:
        """Look into the state store."""
        store = StateStore(self.base / "state" / STATE_FILE)
        try:
            return ask(store)
        finally:
            store.close()

    def settle(self) -> bool:
        """Until the job host has ended, and every delivery with it; whether it came to that."""
        deadline = time.monotonic() + LONG
        while time.monotonic() < deadline:
            host = next((process for _, process in victims.victims(self.base, "host")), None)
            if host is not None:
                host.wait(LONG)
            elif not self.store(lambda store: store.deliveries(due=True)):
                return True
            else:  # a host was killed in between: somebody who watches starts the next
                self.agent.protocol.watch(lambda _: None).close()
        return False

    def count(self, done: Round, hit: Sequence[str]) -> None:
        """Add a round to the figures; ``hit`` names what was killed in it."""
        figures = self.figures
        figures["rounds"] += 1
        figures[f"job {done.kind.value}"] += 1
        figures[f"result {done.code or 'none'}"] += 1
        figures["rounds with a kill"] += bool(hit)
        for name in set(hit):
            figures[f"killed {name}"] += 1
        if hit and done.state:
            figures[f"killed while {done.state}"] += 1
        figures["adopted"] += any(note.startswith("adopted") for note in done.notes)
        figures["begun again"] += any("had not begun" in note for note in done.notes)
        figures["repaired"] += any(note.startswith("repairing") for note in done.notes)
        figures["broken"] += bool(done.broken)


def listener(heard: Path) -> tuple[str, ...]:
    """The program of a durable subscription: it notes the delivery's id in a file."""
    return ("/bin/sh", "-c", f'echo "$WUA_DELIVERY" >> {heard}')


def portion(workload: Rounds, seed: str, count: int) -> Portion:
    """Run so many rounds, and close the workload. The same seed throws the same dice."""
    faults = []
    try:
        for number in range(count):
            done = workload.round(random.Random(f"{seed}:{number}"))  # noqa: S311 - the same again is wanted
            faults += [f"round {number} of {seed}: {text} in {done}" for text in done.broken]
        faults += [f"at the end of {seed}: {text}" for text in workload.close()]
    finally:
        workload.abandon()
    return Portion(seed, dict(workload.figures), faults)


# --- callers in processes of their own


def start_caller(base: Path, job: str = "") -> "subprocess.Popen[bytes]":
    """A ``wua.testing.crash.caller`` of the machine in ``base``."""
    words = [sys.executable, "-m", "wua.testing.crash.caller", str(base / "state")]
    return subprocess.Popen(
        [*words, *([job] if job else [])],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )


def tell(caller: "subprocess.Popen[bytes]", line: bytes) -> None:
    assert caller.stdin is not None
    with contextlib.suppress(BrokenPipeError):
        caller.stdin.write(line + b"\n")
        caller.stdin.flush()


def end_caller(caller: "subprocess.Popen[bytes]") -> bytes:
    """Wait for its end; what it had left to say."""
    assert caller.stdin is not None
    assert caller.stdout is not None
    with contextlib.suppress(BrokenPipeError):
        caller.stdin.close()
    said = caller.stdout.read()
    caller.stdout.close()
    caller.wait()
    return said
