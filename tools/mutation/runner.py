"""Draws the sample, runs each mutant in a child, and says which ones nobody noticed."""

import ast
import contextlib
import importlib
import json
import os
import random
import selectors
import signal
import sys
import tempfile
import time
import types
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Final

from mutation import child
from mutation.edits import edits
from mutation.parts import Part

SPARE: Final = 5.0  # seconds of CPU time for start and imports
PATIENCE: Final = 10.0  # seconds on the clock that a test, or all, may take longer on a busy machine
NEEDED: Final = (
    *("hypothesis.strategies", "_hypothesis_pytestplugin", "pytest_timeout", "xdist.plugin", "msgspec"),
    *("ctypes", "fcntl", "multiprocessing", "sqlite3", "subprocess", "tempfile", "uuid"),
)
_FACTOR: Final = 3.0  # a mutant may take so many times what its tests took before


class Fate(Enum):
    KILLED = "killed"
    TIMED_OUT = "timed out"
    SURVIVED = "survived"
    UNTESTED = "no test calls it"


@dataclass(frozen=True)
class Mutant:
    """The ``number``-th edit of a file."""

    file: Path
    number: int
    line: int
    before: str
    after: str
    functions: tuple[int, ...]

    def code(self) -> types.CodeType:
        tree = ast.parse(self.file.read_bytes())
        for number, edit in enumerate(edits(tree)):
            if number == self.number:
                edit.put()
                break
        return compile(tree, str(self.file), "exec", dont_inherit=True)


@dataclass(frozen=True)
class Verdict:
    mutant: Mutant
    fate: Fate
    seconds: float


class BaselineError(Exception):
    """The tests fail, or there are none, before anything was changed."""


def mutants(files: Sequence[Path]) -> list[Mutant]:
    """Every mutant of the files, in a fixed order."""
    return [
        Mutant(file, number, edit.line, edit.before, edit.after, edit.functions)
        for file in files
        for number, edit in enumerate(edits(ast.parse(file.read_bytes())))
    ]


def sample(found: Sequence[Mutant], size: int, seed: int) -> list[Mutant]:
    """``size`` of them, the same for the same seed and sources; all when there are no more."""
    return random.Random(seed).sample(found, min(size, len(found)))  # noqa: S311 - must be repeatable


class Coverage:
    """Which tests can notice a change of a function, cheapest first.

    ``cost`` is seconds of processor time and ``took`` seconds on the clock, by test.
    """

    def __init__(
        self, notes: dict[str, list[list[object]]], cost: dict[str, float], took: dict[str, float]
    ) -> None:
        self.cost, self.took = cost, took
        self._everything = sorted(took, key=lambda node: took[node])
        self._by_function: dict[tuple[str, int], set[str]] = {}
        for node, seen in notes["calls"]:
            self._note([str(node)], seen)
        for scope, seen in notes["shared"]:
            self._note([node for node in cost if node.startswith(str(scope))], seen)

    def _note(self, nodes: Sequence[str], seen: object) -> None:
        assert isinstance(seen, list)
        for file, line in seen:
            self._by_function.setdefault((file, line), set()).update(nodes)

    def tests(self, mutant: Mutant) -> list[str]:
        """All of them for code outside of functions: it runs at import."""
        if not mutant.functions:
            return self._everything
        places = ((str(mutant.file), line) for line in mutant.functions)
        wanted = set[str]().union(*(self._by_function.get(place, set()) for place in places))
        return [node for node in self._everything if node in wanted]


def baseline(part: Part, root: Path) -> Coverage:
    """Run the tests over the program as it is.

    Raises:
        BaselineError: with what pytest printed.
    """
    tests = part.test_paths(root)
    if not tests:
        raise BaselineError("none of the tests of this part exists: " + ", ".join(part.tests))
    files = [str(file) for file in part.files(root)]
    with tempfile.TemporaryDirectory(prefix="wua-mutate-") as folder:
        output, answer = Path(folder, "output"), Path(folder, "answer")
        pid = child.fork(lambda: child.record(root, tests, files, answer, part.only), output=output, cpu=3600)
        if os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) != 0:
            raise BaselineError(output.read_text(encoding="utf-8", errors="replace"))
        notes = json.loads(answer.read_text(encoding="utf-8"))
    return Coverage(notes, notes["cost"], notes["took"])


def judge(root: Path, chosen: Sequence[Mutant], coverage: Coverage, *, jobs: int = 2) -> Iterator[Verdict]:
    """The verdicts, in the order in which they are reached."""
    waiting = list(reversed(chosen))
    with _Children() as children:
        while waiting or children.running:
            while waiting and children.running < jobs:
                mutant = waiting.pop()
                wanted = coverage.tests(mutant)
                if not wanted:
                    yield Verdict(mutant, Fate.UNTESTED, 0)
                    continue
                cpu = SPARE + _FACTOR * sum(coverage.cost[node] for node in wanted)
                took = [coverage.took[node] for node in wanted]
                action = _action(root, wanted, mutant, PATIENCE + _FACTOR * max(took))
                children.start(mutant, action, cpu, PATIENCE + _FACTOR * sum(took))
            yield from children.ended()


def _action(root: Path, wanted: Sequence[str], mutant: Mutant, timeout: float) -> Callable[[], int]:
    name = ".".join(mutant.file.relative_to(root / "src").with_suffix("").parts).removesuffix(".__init__")
    return lambda: child.try_mutant(root, wanted, name, mutant.code(), timeout=timeout)


@dataclass(frozen=True)
class _Running:
    pid: int
    descriptor: int
    mutant: Mutant
    start: float
    limit: float  # of the clock that ``start`` was read from


class _Children:
    """Children under way, awaited through their process descriptors."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> "_Children":
        return self

    def __exit__(self, *exception: object) -> None:
        for running in self._all():
            self._end(running)
        self._selector.close()

    @property
    def running(self) -> int:
        return len(self._selector.get_map())

    def start(self, mutant: Mutant, action: Callable[[], int], cpu: float, wall: float) -> None:
        pid = child.fork(action, output=Path(os.devnull), cpu=cpu)
        descriptor = os.pidfd_open(pid)
        now = time.monotonic()
        running = _Running(pid, descriptor, mutant, now, now + wall)
        self._selector.register(descriptor, selectors.EVENT_READ, running)

    def ended(self) -> Iterator[Verdict]:
        """Wait until at least one has ended or is too late."""
        if not self.running:
            return
        patience = min(running.limit for running in self._all()) - time.monotonic()
        ready = {key.data for key, _ in self._selector.select(max(0.0, patience))}
        for running in self._all():
            now = time.monotonic()
            if running in ready or now >= running.limit:
                yield Verdict(running.mutant, _fate(self._end(running)), now - running.start)

    def _all(self) -> list[_Running]:
        return [key.data for key in self._selector.get_map().values()]

    def _end(self, running: _Running) -> int:
        """Reap a keeper, which ends whatever is left of its mutant first."""
        self._selector.unregister(running.descriptor)
        with contextlib.suppress(ProcessLookupError):  # it has ended
            signal.pidfd_send_signal(running.descriptor, signal.SIGTERM)
        os.close(running.descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(running.pid, 0)[1])


def _fate(exit_code: int) -> Fate:
    if exit_code == 0:
        return Fate.SURVIVED
    return Fate.TIMED_OUT if exit_code == child.TOO_LATE else Fate.KILLED


@contextlib.contextmanager
def prepared(root: Path) -> Iterator[None]:
    """Load in the parent, once, what every child needs, but nothing that is mutated.

    What the first run compiles is kept in a folder that only lives as long as this, for all later ones.
    """
    sys.path.insert(0, str(root / "src"))
    for name in NEEDED:
        importlib.import_module(name)
    with tempfile.TemporaryDirectory(prefix="wua-compiled-") as compiled:
        sys.pycache_prefix = compiled
        sys.dont_write_bytecode = True
        yield
