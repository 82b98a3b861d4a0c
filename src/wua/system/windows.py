"""What is asked of Windows itself, through ctypes. Imported on Windows only."""

import ctypes
import os
import sys
from ctypes import wintypes
from typing import Final

assert sys.platform == "win32"

import msvcrt  # noqa: E402

_QUERY: Final = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_STILL_ACTIVE: Final = 259
_EXCLUSIVE: Final = 0x2  # LOCKFILE_EXCLUSIVE_LOCK
_kernel: Final = ctypes.WinDLL("kernel32", use_last_error=True)
_kernel.OpenProcess.restype = wintypes.HANDLE
_kernel.OpenProcess.argtypes = [wintypes.DWORD, wintypes.BOOL, wintypes.DWORD]
_kernel.CloseHandle.argtypes = [wintypes.HANDLE]
_kernel.GetExitCodeProcess.argtypes = [wintypes.HANDLE, ctypes.POINTER(wintypes.DWORD)]
_kernel.GetProcessTimes.argtypes = [wintypes.HANDLE] + [ctypes.POINTER(wintypes.FILETIME)] * 4


class _Overlapped(ctypes.Structure):
    _fields_ = (
        ("Internal", ctypes.c_void_p),
        ("InternalHigh", ctypes.c_void_p),
        ("Offset", wintypes.DWORD),
        ("OffsetHigh", wintypes.DWORD),
        ("hEvent", wintypes.HANDLE),
    )


_kernel.LockFileEx.argtypes = [
    wintypes.HANDLE,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    wintypes.DWORD,
    ctypes.POINTER(_Overlapped),
]


def process_start(pid: int) -> int | None:
    """When a living process began, in units of 100 ns since 1601; None when there is none with this pid."""
    handle = _kernel.OpenProcess(_QUERY, False, pid)
    if not handle:
        return None
    try:
        code = wintypes.DWORD()
        if not _kernel.GetExitCodeProcess(handle, ctypes.byref(code)) or code.value != _STILL_ACTIVE:
            return None
        times = [wintypes.FILETIME() for _ in range(4)]
        if not _kernel.GetProcessTimes(handle, *map(ctypes.byref, times)):
            return None
        return (times[0].dwHighDateTime << 32) | times[0].dwLowDateTime
    finally:
        _kernel.CloseHandle(handle)


def lock_file(fd: int, *, alone: bool) -> None:
    """Wait for a lock on an open file; it ends when the file is closed. Raises OSError."""
    at = _Overlapped()
    handle = msvcrt.get_osfhandle(fd)
    if not _kernel.LockFileEx(handle, _EXCLUSIVE if alone else 0, 0, 1, 0, ctypes.byref(at)):
        raise ctypes.WinError(ctypes.get_last_error())


def version() -> tuple[int, int, int]:
    """Major and minor version and build of the system, whatever the program says it is made for."""
    return sys.getwindowsversion().platform_version


def is_administrator() -> bool:
    """Whether this process may change the machine: its token has the administrators' rights."""
    return bool(ctypes.windll.shell32.IsUserAnAdmin())


def program_data() -> str:
    """The folder of the machine's programs' data."""
    return os.environ.get("PROGRAMDATA", r"C:\ProgramData")
