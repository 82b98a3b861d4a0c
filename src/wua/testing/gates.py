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
        self._waits: int | None = None  # who was seen to wait reads from here
        self._ahead: int | None = None  # lines for those who come

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
            os.close(found[0])
            raise TimeoutError(f"nobody came to {self.path.name}")
        self._waits = found[0]

    def let_through(self, count: int = 1) -> None:
        """Let so many through: who waits, or whoever comes next."""
        if self._waits is not None and count:
            fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
            os.mkfifo(fresh)
            fresh.rename(self.path)  # who comes next is not taken for who is just leaving
            os.write(self._waits, b"go\n")
            self._forget()
            count -= 1
        if count:
            if self._ahead is None:
                self._ahead = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            os.write(self._ahead, b"go\n" * count)

    def open(self) -> None:
        """Let everybody through from now on, and whoever waits."""
        with contextlib.suppress(FileNotFoundError):
            everybody = os.open(self.path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
            self.path.unlink()
            os.write(everybody, b"go\n" * 100)
            self._forget()
            self._ahead = everybody  # somebody may have found the file, and not opened it yet

    def __del__(self) -> None:
        self._forget()

    def __enter__(self) -> "Gate":
        return self

    def __exit__(self, *_: object) -> None:
        self.open()

    def _forget(self) -> None:
        for end in (self._waits, self._ahead):
            if end is not None:
                os.close(end)
        self._waits = self._ahead = None
