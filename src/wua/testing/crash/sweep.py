"""Every step of an ordinary job tried as the last one of its process: alone, and with everything else.

``Sweep(folder).rounds(case)`` runs a job once to note the steps of job host, supervisor and caller, and
then once for each of them.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from wua.model.jobs import JobSpec
from wua.testing.crash import points
from wua.testing.crash.rounds import Portion, Round
from wua.testing.crash.simulated import Choice, SimulatedWorkload, install, uninstall
from wua.testing.machine import SimulatedUpdate

A, B, BAD = SimulatedUpdate("a"), SimulatedUpdate("b", reboot=True), SimulatedUpdate("b", exit=3)
# The jobs: what to do, and what is there before. Nothing is in the cache.
JOBS: Final[Mapping[str, tuple[JobSpec, tuple[SimulatedUpdate, ...]]]] = {
    "install": (install([A, B]), (A, B)),
    "uninstall": (uninstall([A, B]), tuple(msgspec.structs.replace(u, installed=True) for u in (A, B))),
    "failing": (install([A, BAD]), (A, BAD)),
}


class Case(msgspec.Struct, frozen=True):
    """One job of ``JOBS``, and who dies in it."""

    job: str
    role: str
    everything: bool

    def __str__(self) -> str:
        return f"{self.job}, {self.role}{' and everything else' if self.everything else ''}"


CASES: Final = tuple(
    Case(job, role, everything) for job in JOBS for role in points.ROLES for everything in (False, True)
)


def steps(folder: Path, job: str) -> dict[str, int]:
    """How many steps each role takes in a job."""
    workload = SimulatedWorkload(folder)
    try:
        _attempt(workload, job, Choice(role="caller", number=0))
        return {role: len(noted) for role, noted in points.steps(workload.folder).items()}
    finally:
        workload.close()


def rounds(folder: Path, case: Case, numbers: Iterable[int] | None = None) -> Portion:
    """Let a process die at each of its steps, or at those with the given numbers."""
    if numbers is None:
        numbers = range(1, steps(folder / "noted", case.job)[case.role] + 1)
    workload = SimulatedWorkload(folder / "tried")
    faults = []
    for number in numbers:
        done = _attempt(workload, case.job, Choice((), case.role, number, case.everything))
        faults += [f"{text} in {done}" for text in done.broken]
    faults += workload.close()
    return Portion(str(case), dict(workload.figures), faults)


def _attempt(workload: SimulatedWorkload, job: str, choice: Choice) -> Round:
    spec, updates = JOBS[job]
    workload.reset(updates)
    return workload.attempt(spec, choice)
