"""Waking up when a file grows: inotify through libc, which Python has no module for."""

import ctypes
import os
import struct
from typing import Final

IN_MODIFY: Final = 0x002
IN_CLOSE_WRITE: Final = 0x008
IN_MOVED_TO: Final = 0x080
IN_CREATE: Final = 0x100
_NONBLOCK: Final = os.O_NONBLOCK
_CLOEXEC: Final = os.O_CLOEXEC
_HEADER: Final = struct.Struct("iIII")


class Inotify:
    """A descriptor that becomes readable when something watched changes. Close it, or use ``with``."""

    def __init__(self) -> None:
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._fd: int = self._libc.inotify_init1(_NONBLOCK | _CLOEXEC)
        if self._fd < 0:
            raise OSError(ctypes.get_errno(), "inotify_init1")

    def fileno(self) -> int:
        return self._fd

    def add(self, path: str, mask: int = IN_MODIFY) -> int:
        """Watch a file or folder. Raises OSError."""
        watch: int = self._libc.inotify_add_watch(self._fd, os.fsencode(path), mask)
        if watch < 0:
            code = ctypes.get_errno()
            raise OSError(code, os.strerror(code), path)
        return watch

    def remove(self, watch: int) -> None:
        """Watch something no longer; a last event of it may still come. Nothing happens when it is gone."""
        self._libc.inotify_rm_watch(self._fd, watch)

    def drain(self) -> list[tuple[int, str]]:
        """(watch, name) of what happened since the last call; never waits."""
        found = []
        try:
            data = os.read(self._fd, 65536)
        except BlockingIOError:
            return []
        offset = 0
        while offset < len(data):
            watch, _, _, length = _HEADER.unpack_from(data, offset)
            offset += _HEADER.size
            found.append((watch, data[offset : offset + length].rstrip(b"\0").decode()))
            offset += length
        return found

    def close(self) -> None:
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "Inotify":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
