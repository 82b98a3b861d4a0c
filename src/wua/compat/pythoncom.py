"""``pythoncom``: COM itself, of which there is nothing to set up here.

Objects of wua may be used from every thread, so initialising an apartment does nothing, and objects
stay usable after ``CoUninitialize``. Callbacks come on threads of wua's own and need no message loop.
``CoCreateInstance`` makes what pywin32's own ``win32com`` stands on; wua's own goes without.
"""

import socket
import threading
import time
from collections.abc import Sequence
from typing import Any, Final, NoReturn

from wua.compat.automation import *  # noqa: F403 - the numbers that programs read here
from wua.compat.automation import (
    CLSCTX_ALL,
    COINIT_APARTMENTTHREADED,
    IID_IDispatch,
    IID_IEnumVARIANT,
    IID_IUnknown,
)
from wua.compat.gateway import UnwrapObject, WrapObject  # noqa: F401 - programs find them here
from wua.compat.interfaces import PyIDispatch, PyIEnumVARIANT, PyIUnknown
from wua.compat.pywintypes import IID, IIDType, Time  # noqa: F401 - here too
from wua.compat.served import Served
from wua.compat.typelib import InterfaceNames, LoadRegTypeLib, ServerInterfaces, VTables  # noqa: F401
from wua.compat.win32api import FormatMessage
from wua.wuapi.dispatch import create
from wua.wuapi.late_errors import (
    MK_E_SYNTAX,
    MK_E_UNAVAILABLE,
    RPC_S_SERVER_UNAVAILABLE,
    com_error,
    refuse,
)
from wua.wuapi.variants import MISSING

error = ole_error = com_error
Missing = Empty = ArgNotFound = MISSING
Nothing = None
PyIIDType = IIDType
MakeTime = Time

# The classes behind the interfaces, as programs look them up.
TypeIIDs: Final[dict[str, type[PyIUnknown]]] = {
    IID_IUnknown: PyIUnknown,
    IID_IDispatch: PyIDispatch,
    IID_IEnumVARIANT: PyIEnumVARIANT,
}
_univgw: Final = VTables()

_BREATH: Final = 0.001  # seconds
_HERE: Final = {"", ".", "localhost", "127.0.0.1", "::1"}


def CoInitialize() -> None:
    """Nothing is needed."""


def CoInitializeEx(flags: int = COINIT_APARTMENTTHREADED) -> None:
    """Nothing is needed."""


def CoInitializeSecurity(*_: object) -> None:
    """Nothing is needed: no call leaves this process by DCOM."""


def CoUninitialize() -> None:
    """Nothing is to be undone; objects stay usable."""


def PumpWaitingMessages(*_: int) -> int:
    """No messages wait, ever. Lets other threads run, as programs call it in a loop and nothing else.

    Returns:
        0: nobody asked the program to end.
    """
    if threading.active_count() > 1:
        time.sleep(_BREATH)
    return 0


def CoCreateInstance(
    clsid: str, outer: Any = None, context: int = CLSCTX_ALL, iid: str = IID_IUnknown
) -> PyIDispatch:
    """A new object by its ProgID or CLSID.

    Raises:
        com_error: as ``wua.wuapi.dispatch.Dispatch``; E_NOINTERFACE.
    """
    return Served(create(str(clsid))).QueryInterface(iid)


def CoCreateInstanceEx(
    clsid: str, outer: Any, context: int, server: Sequence[Any] | None, iids: Sequence[str]
) -> tuple[PyIDispatch, ...]:
    """A new object by several of its interfaces, on a named machine, which can only be this one.

    Raises:
        com_error: RPC_S_SERVER_UNAVAILABLE for another machine; as CoCreateInstance.
    """
    if server is not None:
        must_be_here(server[0])
    made = CoCreateInstance(clsid, outer, context)
    return tuple(made.QueryInterface(iid) for iid in iids)


def must_be_here(machine: str | None) -> None:
    """Raises com_error RPC_S_SERVER_UNAVAILABLE unless a name is this machine's."""
    if machine is not None and machine.lower().lstrip("\\") not in _HERE | {socket.gethostname().lower()}:
        refuse(RPC_S_SERVER_UNAVAILABLE)


def new(clsid: str) -> PyIDispatch:
    """As CoCreateInstance, for IDispatch."""
    return CoCreateInstance(clsid, None, CLSCTX_ALL, IID_IDispatch)


def GetActiveObject(clsid: str) -> NoReturn:
    """Raises com_error MK_E_UNAVAILABLE: no object is kept for others to find."""
    refuse(MK_E_UNAVAILABLE)


def connect(clsid: str) -> NoReturn:
    """As GetActiveObject. Late binding asks for it first, and then makes an object."""
    refuse(MK_E_UNAVAILABLE)


def MkParseDisplayName(name: str, *_: Any) -> NoReturn:
    """Raises com_error MK_E_SYNTAX: there are no monikers, WMI's among them."""
    refuse(MK_E_SYNTAX)


def GetScodeString(code: int) -> str:
    """What a result code means, "" for an unknown one."""
    return FormatMessage(code)
