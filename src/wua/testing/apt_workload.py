"""Crash testing on real apt: jobs in a plain root, something killed in each, then the books are compared.

``AptWorkload(folder).round(dice)`` runs one job (install, upgrade, undo or removal of generated packages,
some with maintainer scripts), kills one of its processes or all of them at a random moment, lets the next
start recover, and answers what happened; whatever does not add up is in ``Round.broken``.
``python -m wua.testing.apt_workload FOLDER --rounds N --seed S`` prints the figures as JSON.
"""

import argparse
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

import wua
from wua.api.agent import Agent
from wua.api.job import Job
from wua.model.enums import ResultCode, TargetKind
from wua.model.jobs import (
    DeliveryState,
    Ended,
    JobEvent,
    JobKind,
    JobRecord,
    JobSpec,
    Noted,
    Progressed,
    StateChanged,
    Subscription,
)
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.system.locks import FileLock
from wua.system.process import ProcessRef, program, session_members
from wua.system.run import run
from wua.targets import create_root, open_root
from wua.targets.roots import RootTarget
from wua.testing.debian import Package, Repository

LONG: Final = 120.0  # seconds; a job that takes longer counts as lost
SPAN: Final = 0.5  # seconds after the beginning of a job within which something is killed
ACTING_SPAN: Final = 0.25  # the same after the beginning of its transaction
VERSIONS: Final = 9
VICTIMS: Final = ("caller", "host", "supervisor", "apt", "dpkg", "host and apt", "all", "nothing")
STUB: Final = "wua-host-base"

_SCRIPT: Final = """#!/bin/sh
set -e
echo "$0 $*" >> "$DPKG_ROOT/var/log/scripts"
for n in 1 2 3 4 5 6 7 8; do cat "$DPKG_ROOT/var/log/scripts" > /dev/null; done
"""


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


class System(msgspec.Struct, frozen=True):
    """The root as dpkg and apt show it: versions of what is properly installed, automatic marks."""

    versions: dict[str, str]
    automatic: frozenset[str]
    unwanted: frozenset[str]  # there, and marked in dpkg for removal


def packages(version: int, *, scripts: bool) -> Iterator[Package]:
    """One version of each generated package: alone, depending, with many files, with scripts."""
    number = str(version)
    all_scripts = dict.fromkeys(("preinst", "postinst", "prerm", "postrm"), _SCRIPT) if scripts else {}
    yield Package("plain", number, files={"/usr/share/plain": number * 5000})
    yield Package("base", number, files={"/usr/share/base": number})
    yield Package("needs", number, depends=f"base (>= {number})")
    yield Package("many", number, files={f"/usr/share/many/{n}": number * 50 for n in range(150)})
    yield Package("settings", number, conffiles={"/etc/settings.conf": number})
    yield Package("scripted", number, scripts=all_scripts, files={"/usr/share/scripted": number})
    yield Package("both", number, depends="scripted, plain", scripts=all_scripts)


class AptWorkload:
    """A root with its agent; rounds follow each other on the same root. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is absent or empty, or one that an earlier workload has left."""
        self.folder = folder.absolute()
        self.root = self.folder / "root"
        self._heard = self.folder / "heard"
        made = open_root(self.root) if self.root.exists() else self._create()
        assert isinstance(made, RootTarget)
        self.target = made
        self.agent: Agent = wua.open(root=self.root)
        self._deliveries: set[str] = set()
        self.figures: Counter[str] = Counter()

    def _create(self) -> Any:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        repository = Repository(self.folder / "repository")
        made = create_root(self.root, TargetKind.PLAIN_ROOT, sources=repository.source_line())
        assert isinstance(made, RootTarget)
        for version in range(1, VERSIONS + 1):
            for package in packages(version, scripts=not made.unconfined):
                repository.add(package)
        repository.write()
        (made.root_dir / "var/log").mkdir(parents=True, exist_ok=True)
        (made.root_dir / "var/log").chmod(0o777)
        with wua.open(root=self.root) as agent:
            agent.search(refresh=True).result(LONG)
        return made

    # --- one round

    def round(self, dice: random.Random) -> Round:
        """Run one job, kill, recover, compare."""
        before = self.system()
        spec = self._job(dice, before)
        done = Round(spec.kind, dice.choice(VICTIMS))
        acting = dice.random() < 0.7
        delay = dice.uniform(0.0, ACTING_SPAN if acting else SPAN)
        try:
            job, caller = self._begin(spec, elsewhere=done.victim in ("caller", "all"))
        except CallerDied as failure:
            done.broken.append(str(failure))
            return done
        done.job = job.id
        calls = Calls(job)
        if acting:
            calls.installing.wait(LONG)
        job.wait(delay)
        self._kill(done, job, caller)
        self._recover(done, job, caller)
        if not done.broken:
            self._compare(done, job, before, calls)
        self._count(done)
        return done

    def _job(self, dice: random.Random, before: System) -> JobSpec:
        """What to do: mostly upgrades and installs; undo and removal when there is something to take back."""
        choice = dice.random()
        acted = [record for record in self.agent.jobs(limit=6) if _has_acted(record)]
        if acted and choice < 0.25:
            request = PlanRequest(Operation.UNDO, job=dice.choice(acted).id, allow_removals=True)
            return JobSpec(JobKind.UNDO, request=request)
        full = sum(version == str(VERSIONS) for version in before.versions.values()) > 3
        if before.versions and (full or choice < 0.35):
            count = len(before.versions) if full else dice.randint(1, 2)
            names = tuple(dice.sample(sorted(before.versions), count))
            request = PlanRequest(Operation.REMOVE, packages=names, allow_removals=True)
            return JobSpec(JobKind.REMOVE, request=request)
        words = []
        everything = [package.name for package in packages(1, scripts=False)]
        for name in dice.sample(everything, dice.randint(1, 4)):
            version = min(int(before.versions.get(name, "0")) + dice.randint(1, 3), VERSIONS)
            words.append(f"{name}={version}")
        request = PlanRequest(Operation.INSTALL, updates=self.agent.identify(words))
        return JobSpec(JobKind.INSTALL, request=request)

    def _begin(self, spec: JobSpec, *, elsewhere: bool) -> tuple[Job[Any], "subprocess.Popen[bytes] | None"]:
        subscription = Subscription(("/bin/sh", "-c", f"cat >> {self._heard}; echo >> {self._heard}"))
        if not elsewhere:
            job = self.agent.submit(spec)
            self._deliveries.add(self.agent.protocol.subscribe(job.id, subscription).id)
            return job, None
        caller = subprocess.Popen(
            [sys.executable, "-m", "wua.testing.apt_workload", "--caller", str(self.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert caller.stdin is not None
        assert caller.stdout is not None
        caller.stdin.write(msgspec.json.encode((spec, subscription)) + b"\n")
        caller.stdin.flush()
        said = caller.stdout.readline().split()
        if len(said) != 2:
            caller.wait()
            raise CallerDied("a caller could not begin its job")
        self._deliveries.add(said[1].decode())
        return self.agent.job(said[0].decode()), caller

    def _kill(self, done: Round, job: Job[Any], caller: "subprocess.Popen[bytes] | None") -> None:
        """SIGKILL to whatever of the victim there is at this moment."""
        done.state = job.record.state.value
        hit = []
        for name, process in self._victims(done.victim, job, caller):
            with contextlib.suppress(ProcessLookupError):
                if process.send(signal.SIGKILL):
                    hit.append(name)
        done.killed = tuple(hit)

    def _victims(
        self, victim: str, job: Job[Any], caller: "subprocess.Popen[bytes] | None"
    ) -> Iterator[tuple[str, ProcessRef]]:
        everything = victim == "all"
        if caller is not None and (process := ProcessRef.of(caller.pid)):
            yield "caller", process
        if everything or "host" in victim:
            yield from _named("host", self.agent.info().host_pid)
        for folder in sorted(self.root.glob(f"wua/state/jobs/{job.id}/run-*")):
            supervisor, installer = _recorded(folder / "claim"), _recorded(folder / "started")
            if supervisor is not None and (everything or victim == "supervisor"):
                yield "supervisor", supervisor
            if installer is None or not installer.alive():
                continue
            members = session_members(installer.pid)
            for process in members if everything or victim == "dpkg" else ():
                if "/dpkg" in program(process.pid) and process != installer:
                    yield "dpkg", process
            if everything or "apt" in victim:
                yield "apt", installer

    def _recover(self, done: Round, job: Job[Any], caller: "subprocess.Popen[bytes] | None") -> None:
        """Whoever asks next starts a job host where it is needed, and the job comes to its end."""
        if caller is not None:
            assert caller.stdin is not None
            assert caller.stdout is not None
            caller.stdin.close()
            caller.wait()
            caller.stdout.close()
        try:
            done.code = job.outcome(LONG).code.name
        except (TimeoutError, WuaError) as failure:
            done.broken.append(f"job lost: {failure}")

    # --- the books

    def system(self) -> System:
        """What is installed now, and the automatic marks of it."""
        words = ("-W", "-f", "${Package} ${Version} ${db:Status-Want} ${db:Status-Status}\n")
        rows = [line.split() for line in run(self.target.apt("dpkg-query", *words)).stdout.splitlines()]
        rows = [row for row in rows if row[-1] == "installed" and row[0] != STUB]
        versions = {row[0]: row[1] for row in rows}
        unwanted = frozenset(row[0] for row in rows if row[2] != "install")
        marks = run(self.target.apt("apt-mark", "showauto")).stdout.split()
        return System(versions, frozenset(marks) & versions.keys(), unwanted)

    def _compare(self, done: Round, job: Job[Any], before: System, calls: "Calls") -> None:
        """Law 3, dpkg's health, and that the history says exactly what has changed."""
        after = self.system()
        record = job.record
        done.notes = tuple(e.event.text for e in self._events(record) if isinstance(e.event, Noted))
        say = done.broken.append
        again = Calls(self.agent.job(job.id))
        for name, heard in (("live", calls), ("re-attached", again)):
            if (count := heard.count()) != 1:
                say(f"callbacks: {count} {name}")
        percents = [e.event.progress.percent for e in self._events(record) if isinstance(e.event, Progressed)]
        if percents != sorted(percents):
            say(f"progress fell: {percents}")
        if active := [r.id for r in self.agent.jobs(active=True) if r.kind.acting]:
            say(f"jobs that never end: {active}")
        if after.unwanted:
            say(f"left to be removed: {', '.join(sorted(after.unwanted))}")
        if left := self.target.is_interrupted():
            say(f"left broken: {', '.join(left)}")
        if audit := run(self.target.apt("dpkg", "--audit")).stdout:
            say(f"dpkg --audit: {audit}")
        for text in _history_faults(self._entries(record.id), before, after):
            say(text)
        for text in _mark_faults(self._named(record), before, after):
            say(text)

    def _events(self, record: JobRecord) -> Sequence[Any]:
        return self.agent.protocol.events(record.id, 0, 100_000)

    def _entries(self, job: str) -> list[Any]:
        return [entry for entry in self.agent.history(count=100) if entry.job == job]

    def _named(self, record: JobRecord) -> set[str]:
        """Packages that the job was asked to install, which makes them manual where they are new."""
        return {update.name for update in self.agent.details(record.updates)}

    def _count(self, done: Round) -> None:
        figures = self.figures
        figures["rounds"] += 1
        figures[f"job {done.kind.value}"] += 1
        figures[f"result {done.code or 'none'}"] += 1
        for name in done.killed:
            figures[f"killed {name}"] += 1
        if done.killed:
            figures["rounds with a kill"] += 1
            figures[f"killed while {done.state}"] += 1
        figures["adopted"] += any(note.startswith("adopted") for note in done.notes)
        figures["repaired"] += any(note.startswith("repairing") for note in done.notes)
        figures["broken"] += bool(done.broken)

    def close(self) -> list[str]:
        """Wait until the job host has delivered everything; what was not delivered as promised."""
        watch = self.agent.protocol.watch(lambda _: None)  # a host is started if something is left to deliver
        lock = FileLock(Path(self.target.paths.run) / "host.lock")
        lock.acquire(wait=True)
        lock.release()
        watch.close()
        states = {d.id: d.state for d in self.agent.deliveries()}
        text = self._heard.read_text() if self._heard.exists() else ""
        heard = Counter(json.loads(line)["delivery"] for line in text.splitlines() if line)
        broken = [
            f"delivery {delivery}: {states.get(delivery)}, heard {heard[delivery]} times"
            for delivery in sorted(self._deliveries)
            if states.get(delivery) is not DeliveryState.DELIVERED or not heard[delivery]
        ]
        self.figures["delivered"] += len(self._deliveries) - len(broken)
        self.figures["delivered twice"] += sum(heard[d] > 1 for d in self._deliveries)
        self.agent.close()
        return broken


class Calls:
    """Counts the completed callbacks of one attachment to a job."""

    def __init__(self, job: Job[Any]) -> None:
        self._called = threading.Semaphore(0)
        self.installing = threading.Event()  # the installer is being started, or will never be
        job.on_completed(lambda _: self._called.release())
        job.on_event(self._look)

    def _look(self, event: JobEvent) -> None:
        if isinstance(event.event, Ended | StateChanged):
            state = event.event.state if isinstance(event.event, StateChanged) else JobState.ENDED
            if state in (JobState.INSTALLING, JobState.ENDED):
                self.installing.set()

    def count(self) -> int:
        """Waits for the first one."""
        found = int(self._called.acquire(timeout=LONG))
        while self._called.acquire(blocking=False):
            found += 1
        return found


class CallerDied(Exception):
    """A caller ended before it had begun its job."""


def _history_faults(entries: Sequence[Any], before: System, after: System) -> Iterator[str]:
    """Where the history and what has really changed differ."""
    told = {}
    for entry in entries:
        now = after.versions.get(entry.name, "")
        succeeded = entry.code is ResultCode.SUCCEEDED
        if succeeded != (now == entry.to_version):
            yield f"history: {entry.name} to {entry.to_version!r} {entry.code.name}, and dpkg shows {now!r}"
        if entry.from_version != before.versions.get(entry.name, ""):
            was = before.versions.get(entry.name)
            yield f"history: {entry.name} from {entry.from_version!r}, but it was {was}"
        if entry.name in told:
            yield f"history: {entry.name} twice"
        told[entry.name] = entry
    for name in sorted(before.versions.keys() | after.versions.keys()):
        if before.versions.get(name) != after.versions.get(name) and name not in told:
            yield f"history: silent on {name} {before.versions.get(name)} to {after.versions.get(name)}"


def _mark_faults(asked: set[str], before: System, after: System) -> Iterator[str]:
    """Automatic marks that changed though nobody asked for the package; new ones only on what is new."""
    kept = before.versions.keys() & after.versions.keys()
    for name in sorted((before.automatic ^ after.automatic) & kept - asked):
        yield f"mark of {name} changed: automatic {name in before.automatic} to {name in after.automatic}"
    for name in sorted((after.automatic - before.automatic) & before.versions.keys() & asked):
        yield f"{name} became automatic"


def _has_acted(record: JobRecord) -> bool:
    """An ended job that may be undone."""
    good = (ResultCode.SUCCEEDED, ResultCode.SUCCEEDED_WITH_ERRORS)
    return (
        record.kind in (JobKind.INSTALL, JobKind.UNDO)
        and record.result is not None
        and record.result.code in good
    )


def _named(name: str, pid: int) -> Iterator[tuple[str, ProcessRef]]:
    if pid and (process := ProcessRef.of(pid)):
        yield name, process


def _recorded(file: Path) -> ProcessRef | None:
    """The process that a file of a run folder names."""
    try:
        said = json.loads(file.read_text() or "{}")
    except FileNotFoundError:
        return None
    return ProcessRef(said["pid"], said["start"], said["boot"]) if "pid" in said else None


def caller(root: Path) -> None:
    """A program that begins one job, says its id, and waits until it is over or nobody listens."""
    spec, subscription = msgspec.json.decode(sys.stdin.buffer.readline(), type=tuple[JobSpec, Subscription])
    with wua.open(root=root) as agent:
        job = agent.submit(spec)
        delivery = agent.protocol.subscribe(job.id, subscription)
        sys.stdout.write(f"{job.id} {delivery.id}\n")
        sys.stdout.flush()
        job.wait(LONG)


def rounds(folder: Path, count: int, seed: int) -> dict[str, Any]:
    """Run so many rounds; the figures, and every round that did not add up."""
    workload = AptWorkload(folder)
    found = []
    for number in range(count):
        dice = random.Random(f"{seed}:{number}")  # noqa: S311 - the same again is what is wanted
        done = workload.round(dice)
        if done.broken:
            found.append({"round": number, **msgspec.to_builtins(done)})
    undelivered = workload.close()
    return {
        "seed": seed,
        **dict(sorted(workload.figures.items())),
        "undelivered": undelivered,
        "faults": found,
    }


def main(words: Sequence[str]) -> int:
    """See the module."""
    parser = argparse.ArgumentParser(prog="apt_workload")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--caller", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args(words)
    if options.caller:
        caller(options.folder)
        return 0
    os.environ.setdefault("WUA_HOST_IDLE", "1")
    figures = rounds(options.folder, options.rounds, options.seed)
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 1 if figures["faults"] or figures["undelivered"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
