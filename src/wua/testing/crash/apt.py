"""Rounds on real apt: jobs in a plain root, something killed in each, then the books are compared.

``AptWorkload(folder).round(dice)`` runs one job (install, upgrade, undo or removal of generated packages,
some with maintainer scripts), kills one of its processes or all of them at a random moment, lets the next
start recover, and answers what happened; whatever does not add up is in ``Round.broken``.
"""

import random
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

import wua
from wua.model.enums import ResultCode, TargetKind
from wua.model.jobs import JobKind, JobRecord, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.system.process import ProcessRef
from wua.system.run import run
from wua.targets import create_root, open_root
from wua.targets.roots import RootTarget
from wua.testing.crash import victims
from wua.testing.crash.caller import LONG
from wua.testing.crash.rounds import Begun, CallerDied, Calls, Round, Workload
from wua.testing.debian import Package, Repository

SPAN: Final = 0.5  # seconds after the beginning of a job within which something is killed
ACTING_SPAN: Final = 0.25  # the same after the beginning of its transaction
VERSIONS: Final = 9
# What is killed in a round. A caller that may be killed is a process of its own.
VICTIMS: Final[Mapping[str, tuple[str, ...]]] = {
    "caller": (),
    "host": ("host",),
    "supervisor": ("supervisor",),
    "apt": ("apt",),
    "dpkg": ("dpkg",),
    "host and apt": ("host", "apt"),
    "all": ("host", "supervisor", "apt", "dpkg"),
    "nothing": (),
}
WITH_CALLER: Final = ("caller", "all")
STUB: Final = "wua-host-base"

_SCRIPT: Final = """#!/bin/sh
set -e
echo "$0 $*" >> "$DPKG_ROOT/var/log/scripts"
for n in 1 2 3 4 5 6 7 8; do cat "$DPKG_ROOT/var/log/scripts" > /dev/null; done
"""


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


class AptWorkload(Workload):
    """A root with its agent; rounds follow each other on the same root. Not thread-safe."""

    def __init__(self, folder: Path) -> None:
        """``folder`` is absent or empty, or one that an earlier workload has left."""
        folder = folder.absolute()
        self.root = folder / "root"
        made = open_root(self.root) if self.root.exists() else self._create(folder)
        assert isinstance(made, RootTarget)
        self.target = made
        super().__init__(folder, self.root / "wua", wua.open(root=self.root))
        self._deliveries: set[str] = set()

    def _create(self, folder: Path) -> Any:
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o755)
        repository = Repository(folder / "repository")
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
        before = self.system()
        spec = self._job(dice, before)
        done = Round(spec.kind, dice.choice(list(VICTIMS)))
        acting = dice.random() < 0.7
        delay = dice.uniform(0.0, ACTING_SPAN if acting else SPAN)
        try:
            begun = self.begin(spec, elsewhere=done.victim in WITH_CALLER)
        except CallerDied as failure:
            done.broken.append(str(failure))
            return done
        done.job = begun.job.id
        self._deliveries.add(begun.delivery)
        calls = Calls(begun.job)
        if acting:
            calls.installing.wait(LONG)
        begun.job.wait(delay)
        self._kill(done, begun)
        self.recover(done, begun)
        if not done.broken:
            self._compare(done, begun, before, calls)
        self.count(done, done.killed)
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
            count = len(before.versions) if full else min(dice.randint(1, 2), len(before.versions))
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

    def _kill(self, done: Round, begun: Begun) -> None:
        """SIGKILL to whatever of the victim there is at this moment."""
        done.state = begun.job.record.state.value
        caller = ProcessRef.of(begun.caller.pid) if begun.caller is not None else None
        hit = ("caller",) if caller is not None and caller.send(signal.SIGKILL) else ()
        done.killed = hit + victims.kill(self.base, *VICTIMS[done.victim])

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

    def _compare(self, done: Round, begun: Begun, before: System, calls: Calls) -> None:
        """Law 3, dpkg's health, and that the history says exactly what has changed."""
        after = self.system()
        record = begun.job.record
        done.broken += self.told_faults(done, begun, calls)
        done.broken += self.history_faults(record.id, before.versions, after.versions)
        done.broken += _mark_faults(self._named(record), before, after)
        say = done.broken.append
        if active := [r.id for r in self.agent.jobs(active=True) if r.kind.acting]:
            say(f"jobs that never end: {active}")
        if after.unwanted:
            say(f"left to be removed: {', '.join(sorted(after.unwanted))}")
        if left := self.target.is_interrupted():
            say(f"left broken: {', '.join(left)}")
        if audit := run(self.target.apt("dpkg", "--audit")).stdout:
            say(f"dpkg --audit: {audit}")

    def _named(self, record: JobRecord) -> set[str]:
        """Packages that the job was asked to install, which makes them manual where they are new."""
        return {update.name for update in self.agent.details(record.updates)}

    def close(self) -> list[str]:
        """Wait until the job host has delivered everything; what was not delivered as promised."""
        faults = [] if self.settle() else ["the job host does not end"]
        faults += self.delivery_faults(sorted(self._deliveries))
        if not self.store(lambda store: store.is_sound()):
            faults.append("the store is damaged")
        self.agent.close()
        return faults


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
