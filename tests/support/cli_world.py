"""A scripted machine for the command line: in this process, as a program, and on a terminal of its own."""

import contextlib
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import wua
from wua.cli.main import run
from wua.engine.wiring import save_spec
from wua.model.jobs import JobRecord
from wua.system.process import ProcessRef
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

LONG = 30.0  # seconds; only a test that fails waits so long
ESCAPES = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|\x1b[=>]")


class Ran(NamedTuple):
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        return self.out.splitlines()

    @property
    def json(self) -> Any:
        """The envelope: the last line of the output."""
        return json.loads(self.lines[-1])

    @property
    def result(self) -> Any:
        return self.json["result"]


class Gate:
    """A FIFO that a scripted installer waits at."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.path = path
        self._file = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def open(self, times: int = 1) -> None:
        os.write(self._file, b"go\n" * times)

    def close(self) -> None:
        self.open(8)
        os.close(self._file)


class Desk:
    """A machine in a folder, and the ways to run ``wua`` on it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.gates: list[Gate] = []
        self.machine = self.set()

    def set(self, *updates: SimulatedUpdate) -> SimulatedMachine:
        machine = SimulatedMachine.create(self.root, updates)
        save_spec(machine)
        return machine

    def gate(self, name: str = "gate") -> Gate:
        gate = Gate(self.root / name)
        self.gates.append(gate)
        return gate

    def here(self, *words: str) -> Ran:
        """In this process; quick, and with no terminal."""
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = run(["--root", str(self.root), *words])
        return Ran(code, out.getvalue(), err.getvalue())

    def json(self, *words: str) -> Ran:
        return self.here(*words, "--json")

    def program(self, *words: str, typed: str = "", **env: str) -> Ran:
        """As a process of its own, its target named by the environment. ``typed`` is its standard input."""
        return self.process(self.command(*words), typed, **env)

    def process(self, command: Sequence[str], typed: str = "", **env: str) -> Ran:
        """The same for any program."""
        done = subprocess.run(
            command,
            env=self.env(**env),
            input=typed,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-W", "error", "-m", "wua", *words]

    def env(self, **more: str) -> dict[str, str]:
        return {**os.environ, "WUA_TARGET": str(self.root)} | more

    @contextlib.contextmanager
    def terminal(self, *words: str, columns: int = 80, **env: str) -> Iterator["Terminal"]:
        terminal = Terminal(
            self.command(*words), self.env(**{"TERM": "xterm", "COLUMNS": str(columns), **env})
        )
        try:
            yield terminal
        finally:
            terminal.close()

    def active(self) -> tuple[JobRecord, ...]:
        with wua.open(self.root) as agent:
            return agent.jobs(active=True)

    def wait_until_idle(self) -> None:
        """Every job has ended."""
        with wua.open(self.root) as agent:
            for record in agent.jobs(active=True):
                assert agent.job(record.id).wait(LONG)

    def close(self) -> None:
        for gate in self.gates:
            gate.open(8)
        self.wait_until_idle()
        for gate in self.gates:
            gate.close()
        with wua.open(self.root) as agent:
            pid = agent.info().host_pid
        host = ProcessRef.of(pid) if pid else None
        if host is not None and host.send(signal.SIGTERM):
            assert host.wait(LONG)


class Terminal:
    """A program on a terminal of its own; what it shows is read without the escapes that steer it."""

    def __init__(self, command: Sequence[str], env: dict[str, str]) -> None:
        self._master, slave = pty.openpty()
        termios.tcsetwinsize(slave, (40, int(env["COLUMNS"])))
        self.process = subprocess.Popen(
            ["setsid", "--ctty", *command], env=env, stdin=slave, stdout=slave, stderr=slave
        )
        os.close(slave)
        self._shown = b""

    @property
    def raw(self) -> str:
        return self._shown.decode(errors="replace")

    @property
    def text(self) -> str:
        return ESCAPES.sub("", self.raw).replace("\r\n", "\n").replace("\r", "\n")

    def type(self, text: str) -> None:
        os.write(self._master, text.encode())

    def interrupt(self) -> None:
        self.type("\x03")

    def read_until(self, wanted: str, times: int = 1) -> str:
        """Read until the screen has shown a text so many times; answers all that it has shown."""
        deadline = time.monotonic() + LONG
        while self.text.count(wanted) < times:
            assert self._read(deadline), f"{wanted!r} was not shown; this was:\n{self.text[-2000:]}"
        return self.text

    def end(self) -> int:
        """Read to the end; answers the exit code."""
        deadline = time.monotonic() + LONG
        while self._read(deadline):
            pass
        return self.process.wait(LONG)

    def _read(self, deadline: float) -> bool:
        ready, _, _ = select.select([self._master], [], [], max(deadline - time.monotonic(), 0))
        if not ready:
            return False
        try:
            data = os.read(self._master, 65536)
        except OSError:  # the other side is closed
            return False
        self._shown += data
        return bool(data)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._master)


@contextlib.contextmanager
def desk_in(root: Path) -> Iterator[Desk]:
    desk = Desk(root)
    try:
        yield desk
    finally:
        desk.close()
