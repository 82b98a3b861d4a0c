"""Supervised runs as the job host sees them: starting one, finding one again, waiting for one."""

import contextlib
import json
import math
import os
import select
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar, Final

import msgspec

from wua.engine import supervisor
from wua.model.plugins import Clock, Command
from wua.model.problems import error
from wua.system import process
from wua.system.clock import SYSTEM_CLOCK
from wua.system.inotify import IN_CREATE, IN_MODIFY, IN_MOVED_TO, Inotify
from wua.system.process import ProcessRef

REMAINS_GRACE: Final = 60.0  # seconds for what a failed installer left running
TICK: Final = 1.0  # seconds
PAUSE: Final = 0.05  # seconds from one look at the lines to the next: apt writes hundreds a second


class Undecided(Exception):
    """Whether a run took place can't be settled now: nothing may be concluded, it is tried again."""


class Spawner:
    """The small process that forks supervisors. Restarted when it was killed. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._channel: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def _begin(self) -> socket.socket:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", supervisor.__file__, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        self._channel = ours
        return ours

    def warm(self) -> None:
        """Start the process now, so that the first run does not wait for it."""
        with self._lock:
            if self._channel is None:
                self._begin()

    def start(self, folder: str, lock: int | None) -> ProcessRef | None:
        """Have a supervisor start the command of a run folder; None when that supervisor has ended already.

        Raises:
            WuaError: host-failed, when no supervisor can be started.
        """
        with self._lock:
            for _ in range(2):
                channel = self._channel or self._begin()
                try:
                    socket.send_fds(channel, [folder.encode()], [] if lock is None else [lock])
                    if answer := channel.recv(64):
                        return ProcessRef.of(int(answer))
                except OSError:
                    pass
                self._end()
        raise error("host-failed", "the spawner of supervisors can't be started")

    def _end(self) -> None:
        if self._channel is not None:
            self._channel.close()
            self._channel = None
        if self._process is not None:
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End the spawner; supervisors at work go on."""
        with self._lock:
            self._end()


def write_command(folder: Path, command: Command) -> None:
    """Make the run folder with what the supervisor is to run.

    Raises:
        WuaError: disk-full, store-unwritable.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "command.json").write_bytes(msgspec.json.encode(command))
    except OSError as failure:
        kind = "disk-full" if failure.errno in (28, 122) else "store-unwritable"
        raise error(kind, f"{failure.filename}: {failure.strerror}") from None


def _read(folder: Path, name: str) -> dict[str, Any] | None:
    """A record of a run; one that the power was lost over is there, and says nothing.

    Raises:
        Undecided: the folder can't be looked into.
    """
    try:
        found: dict[str, Any] = json.loads((folder / name).read_bytes())
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise Undecided(f"{folder}: {failure.strerror}") from None
    except ValueError:
        return {"unreadable": True}
    return found


def _process(record: dict[str, Any] | None) -> ProcessRef | None:
    if record is None or "pid" not in record:
        return None
    return ProcessRef(record["pid"], record["start"], record["boot"])


def fence(folder: Path) -> bool:
    """Take a run that may not have begun; True: its installer never ran and never will.

    The supervisor makes the same file before it starts anything, so one of the two wins.

    Raises:
        Undecided: the folder can't be written, for example because the disk is full.
    """
    mine = folder / f".fence.{os.getpid()}"
    try:
        if (claim := _read(folder, "claim")) is not None:
            return claim == {}
        folder.mkdir(parents=True, exist_ok=True)
        mine.write_text("{}")
        try:
            os.link(mine, folder / "claim")
        except FileExistsError:
            return _read(folder, "claim") == {}
        finally:
            mine.unlink()
    except OSError as failure:
        raise Undecided(f"{folder}: {failure.strerror}") from None
    return True


class Outcome(msgspec.Struct, frozen=True):
    """How a run ended: ``exit`` as of waitpid, negative for a signal, None when it is lost."""

    exit: int | None
    ran: bool


class Wakeup:
    """Lets another thread interrupt a wait; a descriptor for poll. Setting a closed one does nothing."""

    def __init__(self) -> None:
        self._fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._guard = threading.Lock()  # the number of a closed descriptor may be another file's by now

    def fileno(self) -> int:
        return self._fd

    def set(self) -> None:
        with self._guard:
            if self._fd >= 0:
                os.eventfd_write(self._fd, 1)

    def clear(self) -> None:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._fd)

    def close(self) -> None:
        with self._guard:
            if self._fd >= 0:
                os.close(self._fd)
                self._fd = -1


class FolderNews:
    """Which files of a folder were made or changed.

    Descriptors of inotify are used again: the kernel takes many milliseconds to close one.

    Raises:
        OSError: there is none to be had.
    """

    _spare: ClassVar[list[Inotify]] = []

    def __init__(self, folder: Path) -> None:
        self._notify = self._spare.pop() if self._spare else Inotify()
        try:
            self._watch = self._notify.add(str(folder), IN_MODIFY | IN_CREATE | IN_MOVED_TO)
        except BaseException:
            self._spare.append(self._notify)
            raise

    def fileno(self) -> int:
        return self._notify.fileno()

    def names(self) -> set[str]:
        """Of what happened since the last call."""
        return {name for watch, name in self._notify.drain() if watch == self._watch}

    def __enter__(self) -> "FolderNews":
        return self

    def __exit__(self, *_: object) -> None:
        self._notify.remove(self._watch)
        self._spare.append(self._notify)


class RunWatch:
    """Follows one run to its end, whoever started it.

    ``on_lines`` gets new status lines; ``on_wake`` is called when ``wakeup`` was set (an abort was asked
    for) and when there is something to signal; ``on_tick`` about once a second, however busy the
    installer is, with the seconds since there was evidence of life (lines, output, CPU time). All on
    the calling thread, and by ``clock``, whose moves have to set ``wakeup``.
    """

    def __init__(
        self,
        folder: Path,
        wakeup: Wakeup,
        *,
        on_lines: Callable[[list[str]], None],
        on_wake: Callable[[], None],
        on_tick: Callable[[float], None],
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.folder = folder
        self._clock = clock
        self._wakeup = wakeup
        self._on_lines, self._on_wake, self._on_tick = on_lines, on_wake, on_tick
        self._offset = 0
        self._partial = b""
        self._evidence: tuple[int, int, int] = (-1, 0, 0)
        self._alive_at = clock.monotonic()
        self._next_tick = self._alive_at + TICK

    @property
    def installer(self) -> ProcessRef | None:
        return _process(_read(self.folder, "started"))

    def signal(self, number: int) -> bool:
        """Signal the installer's own process alone; False when it does not run."""
        installer = self.installer
        return installer is not None and installer.send(number)

    def follow(self, launched: ProcessRef | None) -> Outcome:
        """Wait for the end of the supervisor, and of what it left behind if it was killed.

        ``launched`` is the supervisor as the spawner knows it; None to take it from its claim.

        Raises:
            Undecided: the run folder can't be written.
        """
        keeper = launched
        while True:
            self._until_ended(keeper)
            code = (_read(self.folder, "status") or {}).get("exit")
            if code == 0:
                self._read_lines()
                return Outcome(0, True)
            if fence(self.folder):
                return Outcome(None, False)
            owner = _process(_read(self.folder, "claim"))
            if owner is None or owner == keeper:
                break
            keeper = owner  # the request was heard twice, and another supervisor has the run
        installer = self.installer
        if installer is None:
            return Outcome(None, False)  # the installer waits for this record before it executes
        self._until_ended(installer)  # it goes on when its supervisor is killed
        self._wait_for_remains(installer)
        self._read_lines()
        return Outcome(code, True)

    def _until_ended(self, who: ProcessRef | None) -> None:
        fd = who.open() if who is not None else None
        if fd is None:
            return
        with contextlib.ExitStack() as stack:
            stack.callback(os.close, fd)
            news = self._news(stack)
            self._on_wake()  # what happened until now, nobody was notified of
            self._until_readable(fd, news)

    def _news(self, stack: contextlib.ExitStack) -> FolderNews | None:
        """None when there is no inotify to be had (its number is limited): the ticks read the lines then."""
        with contextlib.suppress(OSError):
            return stack.enter_context(FolderNews(self.folder))
        return None

    def _until_readable(self, fd: int, news: FolderNews | None) -> None:
        look_at = 0.0
        while True:
            pause = look_at - time.monotonic()
            if news is not None and pause <= 0:
                ready = self._wait([fd, news.fileno()])
                names = news.names() if news.fileno() in ready else set()
                if "started" in names:
                    self._on_wake()  # an abort may have waited for something to signal
                if "lines" in names:
                    self._read_lines()
                    look_at = time.monotonic() + PAUSE
            else:
                ready = self._wait([fd], pause if news is not None else TICK)
            if fd in ready:
                return

    def _wait(self, fds: list[int], at_most: float = math.inf) -> set[int]:
        """Until one is readable, the wakeup is set, a tick is due, or so many seconds have passed."""
        poll = select.poll()
        for fd in [*fds, self._wakeup.fileno()]:
            poll.register(fd, select.POLLIN)
        left = self._clock.real(max(0.0, self._next_tick - self._clock.monotonic()))
        seconds = at_most if left is None else min(at_most, left)
        ready = {fd for fd, _ in poll.poll(None if seconds == math.inf else math.ceil(seconds * 1000))}
        if self._wakeup.fileno() in ready:
            self._wakeup.clear()
            self._on_wake()
        if self._clock.monotonic() >= self._next_tick:
            self._next_tick = self._clock.monotonic() + TICK
            self._read_lines()
            self._tick()
        return ready

    def _tick(self) -> None:
        installer = self.installer
        ticks = process.cpu_ticks(installer.pid) if installer else 0
        evidence = (ticks, _size(self.folder / "lines"), _size(self.folder / "output"))
        if evidence != self._evidence:
            self._evidence = evidence
            self._alive_at = self._clock.monotonic()
        self._on_tick(self._clock.monotonic() - self._alive_at)

    def _read_lines(self) -> None:
        try:
            with open(self.folder / "lines", "rb") as file:
                file.seek(self._offset)
                data = file.read()
        except FileNotFoundError:
            return
        self._offset += len(data)
        *lines, self._partial = (self._partial + data).split(b"\n")
        if lines:
            self._on_lines([line.decode(errors="replace") for line in lines])

    def _wait_for_remains(self, installer: ProcessRef) -> None:
        """Wait for processes of the installer's session: dpkg outlives a killed apt for a moment."""
        if installer.boot != process.boot_id():
            return
        deadline = time.monotonic() + REMAINS_GRACE
        while (members := process.session_members(installer.pid)) and time.monotonic() < deadline:
            for member in members:
                member.wait(max(0.0, deadline - time.monotonic()))


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
