"""Locks on files that name their holder. They belong to the open descriptor, so a child can inherit one."""

import fcntl
import os
import time
from pathlib import Path
from typing import Any

import msgspec

from wua.model.plugins import Holder
from wua.system import process


class FileLock:
    """An exclusive flock. Its file says who holds it; the kernel says whether it is held."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._fd: int | None = None

    def acquire(self, *, wait: bool = False) -> bool:
        """Take the lock; ``wait`` blocks until it is free. False when another holds it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            os.close(fd)
            return False
        except BaseException:
            os.close(fd)
            raise
        mine = {"pid": os.getpid(), "program": process.program(os.getpid()), "since": time.time()}
        os.ftruncate(fd, 0)
        os.pwrite(fd, msgspec.json.encode(mine), 0)
        self._fd = fd
        return True

    def fileno(self) -> int:
        assert self._fd is not None, "the lock is not held"
        return self._fd

    @property
    def held(self) -> bool:
        """Whether this object holds it."""
        return self._fd is not None

    def release(self) -> None:
        """Let go of it here; a process that inherited the descriptor keeps it."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> "FileLock":
        if not self.held:
            self.acquire(wait=True)
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def lock_holder(path: str | Path) -> Holder | None:
    """Who holds a FileLock now; None when it is free or has never been taken."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            try:
                said = msgspec.json.decode(os.pread(fd, 4096, 0) or b"{}", type=dict[str, Any])
            except msgspec.DecodeError:  # the holder is just writing it
                said = {}
            return Holder(
                int(said.get("pid", 0)), str(said.get("program", "")), float(said.get("since", 0)), str(path)
            )
        return None
    finally:
        os.close(fd)
