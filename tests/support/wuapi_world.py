"""A scripted machine and recorders, for tests of wuapi over any implementation of the Agent protocol."""

import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from types import ModuleType
from typing import Any

import wua
from wua.model import codes
from wua.model.updates import Service
from wua.system.process import ProcessRef
from wua.testing.machine import SimulatedMachine, SimulatedUpdate
from wua.wuapi import UpdateCollection, UpdateDownloader, UpdateInstaller, UpdateSearcher, UpdateSession

LONG = 30.0  # seconds; only a test that fails waits so long


class Gate:
    """A FIFO that scripted installers wait at."""

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.exists():
            os.mkfifo(path)
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def open(self, times: int = 1) -> None:
        """Let one through, or more."""
        os.write(self._file, b"go\n" * times)

    def close(self) -> None:
        self.open(8)
        os.close(self._file)


class World:
    """One machine whose updates each test chooses anew, and an agent for it.

    ``late``: its objects are reached through IDispatch, with its conversions and without its losses.
    """

    late = False

    def __init__(self, root: Path, agent: wua.Agent, direct: wua.Agent) -> None:
        self.root = root
        self.agent = agent
        self.direct = direct  # the agent underneath, whatever is wrapped around it
        self.gates: list[Gate] = []

    @property
    def machine_lock(self) -> Path:
        return self.root / "machine.lock"

    def set(
        self, *updates: SimulatedUpdate, downloaded: bool = True, services: Sequence[Service] = ()
    ) -> SimulatedMachine:
        """Give the machine these updates and nothing else; ``services`` answer beside its own."""
        for folder in ("installed", "cache", "hidden"):
            for path in (self.root / folder).iterdir():
                path.unlink()
        (self.root / "reboot-required").unlink(missing_ok=True)
        machine = SimulatedMachine.create(self.root, updates, services=services)
        for leaf in (leaf for update in updates if downloaded for leaf in update.leaves):
            (self.root / "cache" / leaf.name).write_text("content\n")
        return machine

    def gate(self, name: str = "gate") -> Gate:
        gate = Gate(self.root / name)
        self.gates.append(gate)
        return gate

    def found(self, criteria: str = "IsInstalled=0 or IsInstalled=1") -> UpdateCollection:
        """The updates, in the order in which they were given."""
        return self.searcher().Search(criteria).Updates

    def session(self, **options: Any) -> UpdateSession:
        return UpdateSession(agent=self.agent, **options)

    def searcher(self, **options: Any) -> UpdateSearcher:
        return UpdateSearcher(agent=self.agent, **options)

    def downloader(self, updates: UpdateCollection | None = None, **options: Any) -> UpdateDownloader:
        downloader = UpdateDownloader(agent=self.agent, **options)
        downloader.Updates = self.found() if updates is None else updates
        return downloader

    def installer(self, updates: UpdateCollection | None = None, **options: Any) -> UpdateInstaller:
        installer = UpdateInstaller(agent=self.agent, **options)
        installer.Updates = self.found() if updates is None else updates
        return installer

    def shown(self, thing: Any) -> Any:
        """An object that no member hands out, as a program would get it."""
        return thing

    def success(self, code: int) -> int | None:
        """What a call answers that succeeds with a code of its own: late binding loses it."""
        return None if self.late else code

    @property
    def null_text(self) -> str | None:
        """A null string as callers see it: to COM it is an empty one."""
        return "" if self.late else None

    @property
    def wrong_kind(self) -> int:
        """What an object of another kind than a member takes is refused with."""
        return codes.DISP_E_TYPEMISMATCH if self.late else codes.E_NOINTERFACE

    def standing_in(self, module: ModuleType) -> AbstractContextManager[None]:
        """Put this world's classes into the place of those that a module of tests has imported."""
        return nullcontext()

    def close(self) -> None:
        """Let whatever still waits at a gate go, and see it end."""
        for gate in self.gates:
            gate.open(8)
        for record in self.agent.jobs(active=True):
            self.agent.job(record.id).wait(LONG)
        for gate in self.gates:
            gate.close()
            gate.path.unlink(missing_ok=True)
        self.gates.clear()


class Recorder:
    """A callback with Invoke that keeps its calls; ``then`` is called in each of them."""

    def __init__(self, then: Callable[[Any, Any], Any] | None = None) -> None:
        self.calls: list[tuple[Any, Any]] = []
        self.threads: list[int] = []
        self.answers: list[Any] = []
        self.then = then
        self._changed = threading.Condition()

    def Invoke(self, job: Any, args: Any) -> Any:
        self.threads.append(threading.get_ident())
        try:
            answer = self.then(job, args) if self.then else None
            self.answers.append(answer)
        finally:
            with self._changed:
                self.calls.append((job, args))
                self._changed.notify_all()
        return answer

    def wait(self, count: int = 1) -> None:
        """Until there have been ``count`` calls."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.calls) >= count, LONG), "no callback came"

    def wait_until(self, condition: Callable[[Any, Any], bool]) -> tuple[Any, Any]:
        """The first call that a condition holds for."""
        with self._changed:
            assert self._changed.wait_for(lambda: any(condition(*c) for c in self.calls), LONG)
            return next(c for c in self.calls if condition(*c))


class Trap:
    """A callback that stays in its call until it is let go."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go = threading.Event()
        self.left = threading.Event()
        self.calls = 0

    def Invoke(self, job: Any, args: Any) -> None:
        self.calls += 1
        self.entered.set()
        assert self.go.wait(LONG)
        self.left.set()


class InThread:
    """A call on a thread of its own; ``result`` waits for it and hands out what it answered or raised."""

    def __init__(self, function: Callable[[], Any]) -> None:
        self._function = function
        self._result: Any = None
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._result = self._function()
        except BaseException as failure:  # noqa: BLE001 - handed to whoever asks
            self._failure = failure

    @property
    def done(self) -> bool:
        return not self._thread.is_alive()

    def result(self) -> Any:
        self._thread.join(LONG)
        assert self.done, "the call did not return"
        if self._failure is not None:
            raise self._failure
        return self._result


@contextmanager
def opened(root: Path, wrap: Callable[[Any], Any]) -> Iterator[World]:
    """A world in an empty folder; ``wrap`` turns the agent underneath into the implementation to test."""
    root.mkdir(parents=True, exist_ok=True)
    machine = SimulatedMachine.create(root, [])
    direct = wua.open(target=machine)
    agent = wua.Agent(wrap(direct.protocol)) if wrap is not None else direct
    try:
        yield World(root, agent, direct)
    finally:
        if agent is not direct:
            agent.close()
        pid = direct.info().host_pid
        direct.close()
        host = ProcessRef.of(pid) if pid else None
        if host is not None and host.send(signal.SIGTERM):
            assert host.wait(LONG)
