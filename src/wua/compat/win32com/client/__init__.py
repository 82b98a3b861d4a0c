"""``win32com.client``: creating late-bound objects, and the constants of wuapi.h."""

from typing import Any, Final, NoReturn

from wua.compat.pythoncom import MkParseDisplayName, must_be_here
from wua.wuapi import dispatch as late
from wua.wuapi import enums
from wua.wuapi.dispatch import LateBound
from wua.wuapi.dispatch import LateBound as CDispatch
from wua.wuapi.ole import unwrap

__all__ = ["CDispatch", "CastTo", "Dispatch", "DispatchEx", "GetObject", "constants"]


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
    must_be_here(machine)
    return late.Dispatch(clsid, userName)


def GetObject(Pathname: str | None = None, Class: str | None = None, clsctx: int | None = None) -> NoReturn:
    """Raises com_error MK_E_SYNTAX: there are no monikers, WMI's among them."""
    MkParseDisplayName(Pathname or "")


def CastTo(ob: LateBound, target: str) -> LateBound:
    """The object itself, which has the members of its newest interface anyway.

    Raises:
        ValueError: it does not stand behind that interface.
    """
    if target not in type(unwrap(ob))._interfaces_:
        raise ValueError(f"The interface name '{target}' does not appear in the interfaces of {ob!r}")
    return ob
