"""``win32com.client``: creating late-bound objects, and the constants of wuapi.h."""

import socket
from typing import Any, Final, NoReturn

from wua.wuapi import dispatch as late
from wua.wuapi import enums
from wua.wuapi.dispatch import LateBound
from wua.wuapi.dispatch import LateBound as CDispatch
from wua.wuapi.late_errors import RPC_S_SERVER_UNAVAILABLE, com_error, plain
from wua.wuapi.ole import unwrap

__all__ = ["CDispatch", "CastTo", "Dispatch", "DispatchEx", "GetObject", "constants"]

_HERE: Final = {"", ".", "localhost", "127.0.0.1", "::1"}
_MK_E_SYNTAX: Final = -2147221020


class Constants:
    """Every value of the enumerations of wuapi.h, by its name. There at once, without makepy."""

    def __getattr__(self, name: str) -> int:
        if name not in enums.__all__ or not isinstance(getattr(enums, name), int):
            raise AttributeError(name)
        return int(getattr(enums, name))


constants: Final = Constants()


def Dispatch(
    dispatch: Any,
    userName: str | None = None,
    resultCLSID: Any = None,
    typeinfo: Any = None,
    clsctx: int = 0,
) -> LateBound:
    """An object by its ProgID or CLSID, as ``wua.wuapi.dispatch.Dispatch``; the rest does not matter."""
    return late.Dispatch(dispatch, userName)


def DispatchEx(
    clsid: Any,
    machine: str | None = None,
    userName: str | None = None,
    resultCLSID: Any = None,
    typeinfo: Any = None,
    clsctx: int | None = None,
) -> LateBound:
    """As Dispatch, on a named machine, which can only be this one.

    Raises:
        com_error: RPC_S_SERVER_UNAVAILABLE for another machine.
    """
    if machine is not None and machine.lower().lstrip("\\") not in _HERE | {socket.gethostname().lower()}:
        raise plain(RPC_S_SERVER_UNAVAILABLE)
    return late.Dispatch(clsid, userName)


def GetObject(Pathname: str | None = None, Class: str | None = None, clsctx: int | None = None) -> NoReturn:
    """Raises com_error MK_E_SYNTAX: there are no monikers, WMI's among them."""
    raise com_error(_MK_E_SYNTAX, "Invalid syntax", None, None)


def CastTo(ob: LateBound, target: str) -> LateBound:
    """The object itself, which has the members of its newest interface anyway.

    Raises:
        ValueError: it does not stand behind that interface.
    """
    if target not in type(unwrap(ob))._interfaces_:
        raise ValueError(f"The interface name '{target}' does not appear in the interfaces of {ob!r}")
    return ob
