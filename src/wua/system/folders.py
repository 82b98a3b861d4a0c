"""Holding a folder against other processes."""

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def folder_lock(path: Path, *, alone: bool = False) -> Iterator[None]:
    """Hold an existing folder, together with others who share it or ``alone``.

    Leaves no file behind; on Windows, where a folder can't be locked, one named ``.lock``.

    Raises:
        OSError: the folder can't be opened.
    """
    if sys.platform == "win32":
        from wua.system.windows import lock_file

        fd = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOINHERIT, 0o644)
        hold = lock_file
    else:
        import fcntl

        fd = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)

        def hold(fd: int, *, alone: bool) -> None:
            fcntl.flock(fd, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)

    try:
        hold(fd, alone=alone)
        yield
    finally:
        os.close(fd)
