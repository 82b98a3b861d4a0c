"""A caller's connection to the job host: starting it when needed, waking it, hearing from it."""

import contextlib
import os
import select
import socket
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Final

from wua.engine import sockets
from wua.model.problems import WuaError, error

START_TIMEOUT: Final = 30.0  # seconds
STARTS: Final = 3  # how often a host is started that ends without a word
PAUSES: Final = (0.0, 0.1, 0.5, 2.0, 5.0)  # seconds before each attempt to start a lost host again


def start_host(state: Path, run_dir: Path) -> None:
    """Start a job host, unless one is there; returns when one listens.

    Raises:
        WuaError: host-failed, with what it said.
    """
    run_dir.mkdir(parents=True, exist_ok=True)
    log = run_dir / "host.log"
    for _ in range(STARTS):
        said = _started(state, log)
        if said in ("ready", "exists"):
            return
        if said:
            break
    raise error("host-failed", f"{said or 'the job host ended at once'}; its log is {log}")


def _started(state: Path, log: Path) -> str:
    """What a new job host says; "" when it ended without a word, as one that is killed does."""
    import subprocess

    ready, theirs = os.pipe()
    try:
        with open(log, "ab") as out:
            child = subprocess.Popen(
                [sys.executable, "-P", "-m", "wua.engine", str(state), str(theirs)],
                pass_fds=[theirs],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                start_new_session=True,
                cwd="/",
                env=_environment(),
            )
        os.close(theirs)
        theirs = -1
        child.wait()
        poll = select.poll()
        poll.register(ready, select.POLLIN | select.POLLHUP)
        if not poll.poll(START_TIMEOUT * 1000):
            raise error("host-failed", f"the job host said nothing for {START_TIMEOUT:g} s; its log is {log}")
        return os.read(ready, 4096).decode()
    finally:
        os.close(ready)
        if theirs >= 0:
            os.close(theirs)


def _environment() -> dict[str, str]:
    """The caller's environment, with absolute module paths: the host runs in another folder."""
    env = dict(os.environ)
    if "PYTHONPATH" in env:
        env["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in env["PYTHONPATH"].split(os.pathsep))
    return env


class HostLink:
    """Wakes the job host and passes on what it says; reconnects, and restarts it, while that is wanted.

    ``heard`` is called with a job id on the reader's thread, and with "" after a reconnection (look at
    everything). ``wanted`` says whether a host is needed when the connection was lost.
    """

    def __init__(
        self,
        state: Path,
        run_dir: Path,
        *,
        may_start: bool,
        heard: Callable[[str], None],
        wanted: Callable[[], bool],
    ) -> None:
        self._state, self._run_dir, self._may_start = state, run_dir, may_start
        self._heard, self._wanted = heard, wanted
        self._guard = threading.RLock()
        self._answered = threading.Condition(self._guard)
        self._socket: socket.socket | None = None
        self._generation = 0  # grows with every connection made and lost
        self._sent = self._acks = 0  # wake lines on this connection, and answers to them
        self._reader: threading.Thread | None = None
        self._closed = threading.Event()
        self.broken: WuaError | None = None  # why a wanted host can't be started

    def wake(self) -> None:
        """Tell the host that there is something new in the store; a host has heard it when this returns.

        Where this caller may not start a host and none runs, nothing happens: the next one finds it.

        Raises:
            WuaError: host-failed.
        """
        for _ in range(5):
            with self._guard:
                connection = self._connected(start=True)
                if connection is None or self._is_heard(connection):
                    return
        raise self._failed("ends as soon as it is started")

    def _is_heard(self, connection: socket.socket) -> bool:
        """Send a line and wait for the answer to it; False when the connection is lost."""
        generation = self._generation
        self._sent += 1
        mine = self._sent
        try:
            connection.sendall(b"wake\n")
        except OSError:
            self._lose(generation)
            return False

        def answered() -> bool:
            return self._generation != generation or self._acks >= mine

        if not self._answered.wait_for(answered, START_TIMEOUT):
            raise self._failed("does not answer")
        return self._generation == generation

    def _failed(self, how: str) -> WuaError:
        return error("host-failed", f"the job host {how}; its log is {self._run_dir}/host.log")

    def listen(self) -> None:
        """Connect if a host runs, so that its news arrive; start one if one is wanted."""
        wanted = self._may_start and self._wanted()
        with self._guard:
            self._connected(start=wanted)

    def close(self) -> None:
        """Disconnect; ``heard`` and ``wanted`` are not called any more when this returns."""
        with self._guard:
            self._closed.set()
            self._lose(self._generation)
        reader = self._reader
        if reader is not None and reader is not threading.current_thread():
            reader.join()

    def _connected(self, *, start: bool) -> socket.socket | None:
        if self._closed.is_set():
            return None
        if self._socket is None:
            found = sockets.connect(self._run_dir)
            for _ in range(5):
                if found is not None or not (start and self._may_start):
                    break
                start_host(self._state, self._run_dir)
                found = sockets.connect(self._run_dir)
            if found is not None:
                self._socket = found
                self._generation += 1
                self._sent = self._acks = 0
                self.broken = None
                self._reader = threading.Thread(
                    target=self._read, args=(found, self._generation), name="wua-link", daemon=True
                )
                self._reader.start()
        return self._socket

    def _lose(self, generation: int) -> None:
        with self._guard:
            if self._generation != generation or self._socket is None:
                return
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
            self._socket.close()
            self._socket = None
            self._generation += 1
            self._answered.notify_all()

    def _read(self, connection: socket.socket, generation: int) -> None:
        rest = b""
        while True:
            try:
                data = connection.recv(65536)
            except OSError:
                data = b""
            if not data:
                break
            *lines, rest = (rest + data).split(b"\n")
            for line in lines:
                word, _, job = line.decode().partition(" ")
                if word == "ok":
                    with self._guard:
                        self._acks += 1
                        self._answered.notify_all()
                else:
                    self._heard(job)
        self._lose(generation)
        self._come_back()

    def _come_back(self) -> None:
        """After a lost connection: a host that died with work to do is started again, ever more slowly."""
        for pause in PAUSES:
            if self._closed.wait(pause):
                break
            try:
                if not self._wanted():
                    break
                with self._guard:
                    if self._connected(start=True) is not None:
                        break
            except WuaError as failure:
                self.broken = failure
        if not self._closed.is_set():
            self._heard("")
