"""Places where somebody waits until a test lets them through."""

import contextlib
import os
import threading
from pathlib import Path
from typing import Final

LONG: Final = 30.0  # seconds; only a test that fails waits so long


class Gate:
    """A FIFO that scripted installers, or the steps of a simulated machine, read a line from.

    It is closed while it is there. ``with`` opens it for good at the end.
    """

    def __init__(self, path: Path) -> None:
        """Make the gate, unless it is there."""
        self.path = path
        with contextlib.suppress(FileExistsError):
            os.mkfifo(path)
        self._end: int | None = None

    def reached(self, timeout: float = LONG) -> None:
        """Return when somebody waits at the gate.

        Raises:
            TimeoutError: nobody came for ``timeout`` seconds.
        """
        self._forget()
        found: list[int] = []
        waiting = threading.Thread(
            target=lambda: found.append(os.open(self.path, os.O_WRONLY | os.O_CLOEXEC)), daemon=True
        )
        waiting.start()
        waiting.join(timeout)
        if waiting.is_alive():
            os.close(os.open(self.path, os.O_RDONLY | os.O_NONBLOCK))  # nobody is left behind
            waiting.join()
            self._take(found)
            self._forget()
            raise TimeoutError(f"nobody came to {self.path.name}")
        self._take(found)

    def let_through(self, count: int = 1) -> None:
        """Let so many through: who waits, or whoever comes next."""
        if self._end is None:
            self._end = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
        os.write(self._end, b"go\n" * count)

    def open(self) -> None:
        """Let everybody through from now on, and whoever waits."""
        with contextlib.suppress(FileNotFoundError):
            waiting = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self.path.unlink()
            os.write(waiting, b"go\n" * 100)
            os.close(waiting)
        self._forget()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def _take(self, found: list[int]) -> None:
        self._end = found.pop() if found else None

    def _forget(self) -> None:
        if self._end is not None:
            os.close(self._end)
            self._end = None
