"""Thousands of rounds of every kind, in portions on fresh machines, going on where an earlier run stopped.

The kinds: ``cheap`` (random kills on a scripted machine), ``apt`` (the same with real apt), ``power`` (losses
of power), ``points`` (every step of an ordinary job, see ``sweep``). What was done stands in a file for each
kind and seed; a portion that was cut short is done anew, with the same dice.
"""

import multiprocessing
import os
import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Final

import msgspec

from wua.testing.crash import rounds, sweep
from wua.testing.crash.apt import AptWorkload
from wua.testing.crash.power import PowerWorkload
from wua.testing.crash.rounds import Portion
from wua.testing.crash.simulated import SimulatedWorkload

PORTION: Final = 20  # rounds on one machine
IDLE: Final[Mapping[str, str]] = {"apt": "1"}  # seconds that a job host stays, by kind
SHORTEST: Final = "0.05"
_WORKLOADS: Final[Mapping[str, Callable[[Path], rounds.Rounds]]] = {
    "cheap": SimulatedWorkload,
    "apt": AptWorkload,
    "power": PowerWorkload,
}
KINDS: Final = ("points", *_WORKLOADS)


class Done(msgspec.Struct):
    """A portion with its place in the order, and what it was measured on."""

    number: int
    commit: str
    portion: Portion


def run(kind: str, seed: int, number: int) -> Portion:
    """One portion. Changes the environment of this process."""
    os.environ["WUA_HOST_IDLE"] = IDLE.get(kind, SHORTEST)
    folder = Path(tempfile.mkdtemp(prefix="wua-soak-"))
    try:
        if kind == "points":
            return sweep.rounds(folder, sweep.CASES[number])
        return rounds.portion(_WORKLOADS[kind](folder / "w"), f"{seed}:{number}", PORTION)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Soak:
    """The rounds of one kind and seed."""

    def __init__(self, folder: Path, kind: str, seed: int) -> None:
        self._file = folder / f"{kind}-{seed}.json"
        self.kind, self.seed = kind, seed
        self._commit = commit()
        self.done: list[Done] = []
        if self._file.exists():
            self.done = msgspec.json.decode(self._file.read_bytes(), type=list[Done])

    def missing(self, count: int) -> Iterator[int]:
        """The numbers of the portions that are still to be run for so many rounds."""
        portions = len(sweep.CASES) if self.kind == "points" else -(-count // PORTION)
        there = {done.number for done in self.done}
        yield from (number for number in range(portions) if number not in there)

    def add(self, number: int, portion: Portion) -> None:
        self.done.append(Done(number, self._commit, portion))
        self._file.parent.mkdir(exist_ok=True)
        self._file.write_bytes(msgspec.json.encode(self.done))

    @property
    def faults(self) -> list[str]:
        return [text for done in self.done for text in done.portion.faults]

    def summary(self) -> str:
        """One line, as the validation ledger takes it."""
        total: Counter[str] = Counter()
        for done in self.done:
            total.update(done.portion.figures)
        count = total.pop("rounds", 0)
        figures = ", ".join(f"{name} {value}" for name, value in sorted(total.items()) if name != "broken")
        commits = "+".join(sorted({done.commit for done in self.done}))
        return (
            f"{self.kind}: {count} rounds, seed {self.seed}, commit {commits}: {figures};"
            f" did not add up: {len(self.faults)}"
        )


def soak(
    folder: Path, wanted: Mapping[str, int], seed: int, *, jobs: int, tell: Callable[[str], None]
) -> bool:
    """Run what is missing of the ``wanted`` rounds, ``jobs`` portions at a time; whether all adds up."""
    kinds = [Soak(folder, kind, seed) for kind, count in wanted.items() if count]
    # Not forked: a portion begins as a fresh process does.
    well = True
    with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as pool:
        for one in kinds:
            well = go_on(one, pool, list(one.missing(wanted[one.kind])), tell) and well
            for text in one.faults:
                tell(text)
    for one in kinds:
        tell(one.summary())
    return well and not any(one.faults for one in kinds)


def go_on(one: Soak, pool: Executor, numbers: Sequence[int], tell: Callable[[str], None]) -> bool:
    """Run these portions; whether each came to its end. One that did not is not kept."""
    running: dict[Future[Portion], int] = {
        pool.submit(run, one.kind, one.seed, number): number for number in numbers
    }
    well = True
    try:
        for future in as_completed(running):
            if failure := future.exception():
                tell(f"{one.kind}, portion {running[future]}: {failure!r}")
                well = False
                continue
            one.add(running[future], future.result())
            tell(one.summary())
    finally:
        for future in running:
            future.cancel()
    return well


def commit() -> str:
    """What the code is; "unknown" outside a clone."""
    try:
        words = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
        return subprocess.run(
            words, cwd=Path(__file__).parent, capture_output=True, text=True, check=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
