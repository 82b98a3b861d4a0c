"""What happens in a forked child: the tests, over the program as it is or over a mutant of it."""

import contextlib
import ctypes
import importlib.abc
import importlib.machinery
import json
import os
import resource
import signal
import sys
import tempfile
import threading
import time
import types
from collections.abc import Callable, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from typing import Any, NoReturn

import pytest

MEMORY = 4 << 30  # bytes of address space that a mutant may take
TOO_LATE = 124
PR_SET_CHILD_SUBREAPER = 36


class MutantFinder(importlib.abc.MetaPathFinder):
    """Gives one module other code than its file has."""

    def __init__(self, name: str, code: types.CodeType) -> None:
        self._name = name
        self._code = code

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: object = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = PathFinder.find_spec(fullname, path)
        assert spec
        assert spec.origin
        spec.loader = _Loader(fullname, spec.origin, self._code)
        return spec


class _Loader(SourceFileLoader):
    def __init__(self, name: str, path: str, code: types.CodeType) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, _fullname: str) -> types.CodeType:
        return self._code


class Recorder:
    """Notes which functions each test calls, and what the test costs.

    Calls made by a fixture of a wider scope count for every test of that scope, those made outside
    of tests (at import, while collecting) for every test.
    """

    def __init__(self, files: Sequence[str]) -> None:
        self._files = frozenset(files)
        self._now: dict[int, types.CodeType] = {}
        self.calls: dict[str, set[tuple[str, int]]] = {}
        self.shared: dict[str, set[tuple[str, int]]] = {}
        self.cost: dict[str, float] = {}
        self.took: dict[str, float] = {}

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        start, cpu = time.monotonic(), time.process_time()
        with self._into(self.calls, item.nodeid):
            yield
        self.took[item.nodeid] = time.monotonic() - start
        self.cost[item.nodeid] = time.process_time() - cpu

    @pytest.hookimpl(hookwrapper=True)
    def pytest_fixture_setup(self, fixturedef: Any, request: Any) -> Iterator[None]:
        if fixturedef.scope == "function":
            yield
            return
        with self._into(self.shared, request.node.nodeid):
            yield

    def trace(self, frame: types.FrameType, _event: str, _argument: object) -> None:
        self._now[id(frame.f_code)] = frame.f_code

    def notes(self) -> dict[str, object]:
        """All that was seen, for JSON."""
        self._add(self.shared, "")
        tables = {"calls": self.calls, "shared": self.shared}
        shown = {
            name: [[node, sorted(seen)] for node, seen in table.items()] for name, table in tables.items()
        }
        return {**shown, "cost": self.cost, "took": self.took}

    def _add(self, table: dict[str, set[tuple[str, int]]], node: str) -> None:
        seen = {(code.co_filename, code.co_firstlineno) for code in list(self._now.values())}
        table.setdefault(node, set()).update(each for each in seen if each[0] in self._files)

    @contextlib.contextmanager
    def _into(self, table: dict[str, set[tuple[str, int]]], node: str) -> Iterator[None]:
        outer, self._now = self._now, {}
        try:
            yield
        finally:
            self._add(table, node)
            self._now = outer


class Chooser:
    """Runs the wanted tests only, in their order, over a mutant."""

    def __init__(self, wanted: Sequence[str], finder: MutantFinder) -> None:
        self._rank = {node: rank for rank, node in enumerate(wanted)}
        self._finder = finder
        sys.meta_path.insert(0, finder)

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """pytest's own finder has stepped before it: wua has a plug-in, so pytest rewrites its assertions."""
        sys.meta_path.remove(self._finder)
        sys.meta_path.insert(0, self._finder)

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = (item for item in items if item.nodeid in self._rank)
        items[:] = sorted(chosen, key=lambda item: self._rank[item.nodeid])


def run_tests(root: Path, tests: Sequence[str], plugin: object, *, timeout: float = 0, only: str = "") -> int:
    """pytest's exit code; its output goes to where the child's goes. ``timeout`` in seconds, of each test."""
    os.chdir(root)
    options = [
        "-x",
        "-q",
        "-p",
        "no:cacheprovider",
        "--no-header",
        "--tb=short",
        "-o",
        f"timeout={timeout:g}",
        "-k",
        only,
    ]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # hypothesis was loaded by the parent
    return int(pytest.main([*options, *tests], plugins=[plugin]))


def fork(action: Callable[[], int], *, output: Path, cpu: float) -> int:
    """Run ``action`` in a child; the process id of its keeper. ``cpu`` is a limit in seconds.

    The keeper answers with the child's exit code, ``TOO_LATE`` when a limit or a SIGTERM to the keeper ended
    it, and leaves nothing behind: what the child started, in whatever session, ends with it.
    """
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        signal.signal(signal.SIGTERM, _give_up)
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # noqa: S108 - a folder of its own there
        with tempfile.TemporaryDirectory(prefix="wua-mutant-", dir=memory) as folder:
            os.chmod(folder, 0o755)  # noqa: S103 - as /tmp is: some tests look in as another user
            code = _keep(action, output, cpu, folder)
    finally:
        os._exit(code)


def _keep(action: Callable[[], int], output: Path, cpu: float, folder: str) -> int:
    try:
        child = os.fork()
        if not child:
            _run(action, output, cpu, folder)
        return _end_of(child)
    except _GivenUp:
        return TOO_LATE
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end_all()


class _GivenUp(BaseException):
    """The parent has waited long enough."""


def _give_up(*_: object) -> None:
    raise _GivenUp


def _end_of(child: int) -> int:
    """Wait for the child; orphans of its own are ours, too, and may end meanwhile."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return TOO_LATE if code in (-signal.SIGXCPU, -signal.SIGKILL) else abs(code)


def _end_all() -> None:
    """Kill until nothing is left: the children of what is killed become ours."""
    me = os.getpid()
    with contextlib.suppress(ChildProcessError):
        while True:
            for pid in Path(f"/proc/{me}/task/{me}/children").read_text().split():
                os.kill(int(pid), signal.SIGKILL)
            os.wait()


def _run(action: Callable[[], int], output: Path, cpu: float, folder: str) -> NoReturn:
    code = 70
    try:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        os.setsid()
        _redirect(output)
        resource.setrlimit(resource.RLIMIT_CPU, (max(1, round(cpu)), max(1, round(cpu)) + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        os.environ |= {
            "HYPOTHESIS_STORAGE_DIRECTORY": folder,
            "TMPDIR": folder,
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        tempfile.tempdir = None
        code = action()
    except BaseException as error:  # noqa: BLE001 - the child must never go on as its parent
        os.write(2, f"{type(error).__name__}: {error}\n".encode(errors="replace"))
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _redirect(output: Path) -> None:
    descriptor = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    null = os.open(os.devnull, os.O_RDONLY)
    for here, there in ((null, 0), (descriptor, 1), (descriptor, 2)):
        os.dup2(here, there)


def record(root: Path, tests: Sequence[str], files: Sequence[str], answer: Path, only: str = "") -> int:
    """The run over the program as it is, watched; the notes go to ``answer`` as JSON."""
    recorder = Recorder(files)
    sys.dont_write_bytecode = False  # into the folder that the parent made for it
    threading.settrace(recorder.trace)
    sys.settrace(recorder.trace)
    try:
        code = run_tests(root, tests, recorder, only=only)
    finally:
        sys.settrace(None)
        threading.settrace(None)
    answer.write_text(json.dumps(recorder.notes()), encoding="utf-8")
    return code


def try_mutant(root: Path, wanted: Sequence[str], name: str, code: types.CodeType, *, timeout: float) -> int:
    """The run of the ``wanted`` tests over a mutant of the module ``name``."""
    files = sorted({node.partition("::")[0] for node in wanted})
    return run_tests(root, files, Chooser(wanted, MutantFinder(name, code)), timeout=timeout)
