"""Processes: identity that survives pid reuse; on Linux waiting by pidfd, CPU time as evidence of life."""

import contextlib
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple


@cache
def boot_id() -> str:
    """A value that changes with every boot of the machine; on Windows the start of a process says enough."""
    if sys.platform == "win32":
        return "windows"
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


class ProcessRef(NamedTuple):
    """One process for ever: the pid alone would be used again.

    ``start`` is in clock ticks since boot, on Windows in units of 100 ns since 1601.
    """

    pid: int
    start: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> "ProcessRef | None":
        """The process with this pid now; None when there is none (a zombie counts as none)."""
        if sys.platform == "win32":
            from wua.system.windows import process_start

            start = process_start(pid)
            return None if start is None else cls(pid, start, boot_id())
        fields = _stat(pid)
        if fields is None or fields[0] in "ZX":
            return None
        return cls(pid, int(fields[19]), boot_id())

    @classmethod
    def current(cls) -> "ProcessRef":
        ref = cls.of(os.getpid())
        assert ref is not None
        return ref

    def alive(self) -> bool:
        return self.boot == boot_id() and ProcessRef.of(self.pid) == self

    def age(self) -> float:
        """Seconds since it began, if it is of this boot."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) - self.start / os.sysconf("SC_CLK_TCK")

    def open(self) -> int | None:
        """A pidfd, readable when the process has ended; None when it has. The caller closes it."""
        if self.boot != boot_id():
            return None
        try:
            fd = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return None
        if ProcessRef.of(self.pid) != self:  # the pid belongs to another process by now
            os.close(fd)
            return None
        return fd

    def send(self, number: int) -> bool:
        """Send a signal to this very process; False when it has ended."""
        fd = self.open()
        if fd is None:
            return False
        try:
            signal.pidfd_send_signal(fd, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(fd)
        return True

    def wait(self, timeout: float | None = None) -> bool:
        """Wait for the end, ``timeout`` seconds at most; whether it came."""
        fd = self.open()
        if fd is None:
            return True
        try:
            poll = select.poll()
            poll.register(fd, select.POLLIN)
            return bool(poll.poll(None if timeout is None else timeout * 1000))
        finally:
            os.close(fd)


def _stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat from the state on; None when there is no such process."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    return text.rpartition(")")[2].split()


def pids() -> Iterator[int]:
    for name in os.listdir("/proc"):
        if name.isdigit():
            yield int(name)


def session_members(session: int) -> tuple[ProcessRef, ...]:
    """The living processes of a session, whatever became of its leader."""
    found = []
    for pid in pids():
        fields = _stat(pid)
        if fields and int(fields[3]) == session and fields[0] not in "ZX":
            found.append(ProcessRef(pid, int(fields[19]), boot_id()))
    return tuple(found)


def cpu_ticks(session: int) -> int:
    """Clock ticks of CPU time used by a session's processes, with their ended children."""
    total = 0
    for pid in pids():
        fields = _stat(pid)
        if fields and int(fields[3]) == session:
            total += sum(int(value) for value in fields[11:15])
    return total


def program(pid: int) -> str:
    """The command line of a process, shortened; "" when it can't be read."""
    with contextlib.suppress(OSError):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        return b" ".join(words).decode(errors="replace").strip()[:120]
    return ""


def started_at(pid: int) -> float:
    """Seconds since 1970 UTC at which a process began; 0 when unknown."""
    fields = _stat(pid)
    if fields is None:
        return 0.0
    for line in Path("/proc/stat").read_text().splitlines():
        if line.startswith("btime "):
            return int(line.split()[1]) + int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return 0.0
