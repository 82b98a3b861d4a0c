"""A clock that a test moves, for every process that works on a simulated machine.

It lives in files, for those processes are several: the test, the job host, and the installer, a shell script.
``now`` holds "held MILLISECONDS", the time itself, or "free MILLISECONDS", what is added to the system's.
Who waits for the clock makes a FIFO, opens it at both ends, and only then looks at ``now`` again; who moves
the clock writes ``now``, and only then a line to every FIFO. So none of the two misses the other.
"""

import contextlib
import os
import stat
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from wua.system.files import write_atomic
from wua.system.inotify import IN_CREATE, Inotify

LONG: Final = 30.0  # seconds; only a test that fails waits so long
MOMENT: Final = 0.02  # seconds
FOLDER: Final = "clock"  # of a machine
HELD: Final = "held"
FREE: Final = "free"


class VirtualClock:
    """Implements Clock. Held, it stands still until ``advance``; free, it runs, and skips what is simulated.

    A free one is for tests that do not care: an update of an hour is installed at once, and the clock is an
    hour ahead then. Its times are seconds, with milliseconds.
    """

    def __init__(self, folder: Path) -> None:
        """``folder`` holds the clock; it is made free, at the system's time, if there is none yet."""
        self._folder = folder
        self._scripts, self._listeners = folder / "scripts", folder / "listeners"
        self._calls: list[Callable[[], None]] = []
        self._guard = threading.Lock()
        for each in (self._scripts, self._listeners):
            each.mkdir(parents=True, exist_ok=True)
        if not (folder / "now").exists():
            self._write(FREE, 0)

    # --- what whoever waits asks

    def time(self) -> float:
        mode, value = self._read()
        return (value if mode == HELD else value + _system_time()) / 1000

    def monotonic(self) -> float:
        return self.time()

    def real(self, seconds: float) -> float | None:
        return None if seconds > 0 and self.is_held else seconds

    def on_move(self, call: Callable[[], None]) -> None:
        with self._guard:
            self._calls.append(call)
            if len(self._calls) > 1:
                return
        path = self._listeners / f"{os.getpid()}-{id(self)}"
        path.unlink(missing_ok=True)
        os.mkfifo(path)
        end = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        threading.Thread(target=self._listen, args=(end,), name="wua-clock", daemon=True).start()

    def _listen(self, end: int) -> None:
        while os.read(end, 4096):
            with self._guard:
                calls = list(self._calls)
            for call in calls:
                call()

    # --- what a test does

    @property
    def is_held(self) -> bool:
        return self._read()[0] == HELD

    def hold(self) -> None:
        """Stand still from now on."""
        self._set(HELD, round(self.time() * 1000))

    def run(self) -> None:
        """Go on from the time there is; what waits for the clock goes on, too."""
        self._set(FREE, round(self.time() * 1000) - _system_time())

    def advance(self, seconds: float) -> None:
        """Move the clock on; whatever has its time by then happens.

        Scripts move a free one, too: hold it first where the exact time matters. Raises ValueError for less
        than 0.
        """
        if seconds < 0:
            raise ValueError(f"a clock that goes back by {-seconds} s")
        mode, value = self._read()
        self._set(mode, value + round(seconds * 1000))

    def advance_until(self, happened: threading.Event, step: float) -> None:
        """Move the clock on by ``step`` seconds, again and again, until something has happened.

        For what needs several looks of the agent, such as a stall: it is one when a second look finds nothing
        new. Between two steps the agent has a moment of real time to look.

        Raises:
            TimeoutError: it did not for ``LONG`` seconds of real time.
        """
        deadline = time.monotonic() + LONG
        while not happened.is_set():
            if time.monotonic() >= deadline:
                raise TimeoutError(f"it has not happened by {self.time():.0f}")
            self.advance(step)
            happened.wait(MOMENT)

    def awaited(self, count: int = 1, timeout: float = LONG) -> None:
        """Return when so many installers (or downloads) wait for the clock.

        Raises:
            TimeoutError: there were fewer for ``timeout`` seconds.
        """
        with Inotify() as news:
            news.add(str(self._scripts), IN_CREATE)
            deadline = time.monotonic() + timeout
            while len(waiting := list(self._waiting())) < count:
                left = deadline - time.monotonic()
                if left <= 0:
                    raise TimeoutError(f"{len(waiting)} of {count} wait for the clock")
                _readable(news.fileno(), left)
                news.drain()

    def _waiting(self) -> Iterator[Path]:
        """Scripts whose time has not come. The name of each is its process and the time it waits for."""
        now = self.time() * 1000
        for path in self._scripts.iterdir():
            pid, _, due = path.name.partition("-")
            if int(due) > now and Path("/proc", pid).exists():
                yield path

    def _set(self, mode: str, value: int) -> None:
        self._write(mode, value)
        for folder in (self._scripts, self._listeners):
            for path in folder.iterdir():
                _poke(path)

    def _write(self, mode: str, value: int) -> None:
        write_atomic(self._folder / "now", f"{mode} {value}\n".encode(), sync=False)

    def _read(self) -> tuple[str, int]:
        mode, value = (self._folder / "now").read_text().split()
        return mode, int(value)


def _system_time() -> int:
    return time.time_ns() // 1_000_000


def _poke(path: Path) -> None:
    """Wake who waits at a FIFO. One that nobody has open is nobody's, or its owner has yet to look."""
    with contextlib.suppress(OSError):
        end = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            if stat.S_ISFIFO(os.fstat(end).st_mode):
                os.write(end, b"\n")
        finally:
            os.close(end)


def _readable(fd: int, seconds: float) -> None:
    import select

    poll = select.poll()
    poll.register(fd, select.POLLIN)
    poll.poll(seconds * 1000)


# What a script does to wait: ``pass MILLISECONDS``. Times follow from the moment of ``since``, so that one
# big step of the clock takes a script through several of its waits.
SHELL: Final = """\
since() { read from due < clock/now; }
pass() {
  read mode now < clock/now
  if [ "$mode" = free ]; then
    echo "free $((now + $1))" > clock/.now.$$; mv clock/.now.$$ clock/now
    return
  fi
  [ "$from" = held ] || { from=held; due=$now; }
  due=$((due + $1)); me=clock/scripts/$$-$due
  mkfifo "$me"
  while read mode now < clock/now; [ "$mode" = held ] && [ "$now" -lt "$due" ]; do read line; done <> "$me"
  rm -f "$me"
}
since
"""
