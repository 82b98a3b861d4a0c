"""``win32api``: the few functions that update scripts touch. Nothing here restarts the machine."""

import getpass
import os
import socket
import time
from typing import NoReturn

from wua.compat.pywintypes import error
from wua.compat.winerror import ERROR_NOT_SUPPORTED
from wua.model.code_meanings import MEANINGS

__all__ = [
    "CloseHandle",
    "ExitWindowsEx",
    "FormatMessage",
    "GetComputerName",
    "GetFullPathName",
    "GetTempPath",
    "GetUserName",
    "InitiateSystemShutdown",
    "Sleep",
    "error",
]


def GetComputerName() -> str:
    """The name of this machine."""
    return socket.gethostname()


def GetUserName() -> str:
    """The name of who runs this program."""
    return getpass.getuser()


def GetFullPathName(path: str) -> str:
    """A path from the root on, whether or not there is such a file."""
    return os.path.abspath(path)


def GetTempPath() -> str:
    """A folder for passing files of this user alone, as on Windows. It need not exist."""
    caches = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(caches, "wua", "tmp")


def Sleep(milliseconds: int, alertable: int = 0) -> int:
    """Wait; callbacks come meanwhile."""
    time.sleep(milliseconds / 1000)
    return 0


def FormatMessage(code: int, *_: object) -> str:
    """What a result code means, "" for an unknown one."""
    unsigned = code & 0xFFFFFFFF
    return next((meaning for value, meaning, *_ in MEANINGS.values() if value == unsigned), "")


def CloseHandle(handle: object) -> None:
    """Nothing is to be closed: handles go when nothing refers to them."""


def InitiateSystemShutdown(*_: object) -> NoReturn:
    """Raises ``error`` ERROR_NOT_SUPPORTED: a restart is left to whoever runs the machine."""
    raise error(ERROR_NOT_SUPPORTED, "InitiateSystemShutdown", "The request is not supported.")


def ExitWindowsEx(*_: object) -> NoReturn:
    """Raises ``error`` ERROR_NOT_SUPPORTED: a restart is left to whoever runs the machine."""
    raise error(ERROR_NOT_SUPPORTED, "ExitWindowsEx", "The request is not supported.")
