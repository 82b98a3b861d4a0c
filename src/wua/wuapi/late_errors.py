"""How errors look to a late-bound caller: the exception of pywin32, to the last place of its tuple.

An error that a member raises comes as DISP_E_EXCEPTION, with the member's own HRESULT as ``scode`` in the
sixth place of the third argument; one of the call itself (no such member, wrong arguments) comes plain.
"""

from typing import Any, Final, NoReturn

from wua.model import codes
from wua.model.problems import Problem
from wua.wuapi.errors import DISP_E_OVERFLOW, ComError, signed

DISP_E_PARAMNOTFOUND: Final = 0x80020004  # of winerror.h; wuerror.h does not repeat these
DISP_E_BADPARAMCOUNT: Final = 0x8002000E
DISP_E_PARAMNOTOPTIONAL: Final = 0x8002000F
DISP_E_BADINDEX: Final = 0x8002000B
TYPE_E_ELEMENTNOTFOUND: Final = 0x8002802B
TYPE_E_LIBNOTREGISTERED: Final = 0x8002801D
TYPE_E_CANTLOADLIBRARY: Final = 0x80029C4A
MK_E_UNAVAILABLE: Final = 0x800401E3
MK_E_SYNTAX: Final = 0x800401E4
RPC_S_SERVER_UNAVAILABLE: Final = 0x800706BA

# What Windows says of them in English; clients print it, and some compare it.
TEXTS: Final = {
    codes.DISP_E_MEMBERNOTFOUND: "Member not found.",
    DISP_E_PARAMNOTFOUND: "Parameter not found.",
    codes.DISP_E_TYPEMISMATCH: "Type mismatch.",
    codes.DISP_E_UNKNOWNNAME: "Unknown name.",
    codes.DISP_E_EXCEPTION: "Exception occurred.",
    DISP_E_OVERFLOW: "Out of present range.",
    DISP_E_BADPARAMCOUNT: "Invalid number of parameters.",
    DISP_E_PARAMNOTOPTIONAL: "Parameter not optional.",
    DISP_E_BADINDEX: "Invalid index.",
    TYPE_E_ELEMENTNOTFOUND: "Element not found.",
    TYPE_E_LIBNOTREGISTERED: "Library not registered.",
    MK_E_UNAVAILABLE: "Operation unavailable",
    MK_E_SYNTAX: "Invalid syntax",
    codes.E_NOTIMPL: "Not implemented",
    codes.E_NOINTERFACE: "No such interface supported",
    RPC_S_SERVER_UNAVAILABLE: "The RPC server is unavailable.",
}

NUMBERED: Final = {codes.DISP_E_TYPEMISMATCH, DISP_E_PARAMNOTFOUND}
ExcepInfo = tuple[int, str | None, str | None, str | None, int, int]


class com_error(Exception):  # noqa: N801 - the name that clients catch
    """A late-bound call that failed, as ``pywintypes.com_error``.

    ``args`` are ``(hresult, strerror, excepinfo, argerror)``, HRESULTs signed:
    ``(-2147352567, 'Exception occurred.', (0, None, text or None, None, 0, scode), None)`` for what a member
    raises, ``(hresult, text, None, number of the wrong argument or None)`` for the call itself.

    Attributes:
        problem: likely cause and next step where the agent knows them; pywin32 has no such thing.
    """

    __module__ = "pywintypes"

    problem: Problem | None = None

    @property
    def hresult(self) -> int:
        return int(self.args[0])

    @property
    def strerror(self) -> Any:
        return self._place(1)

    @property
    def excepinfo(self) -> Any:
        return self._place(2)

    @property
    def argerror(self) -> Any:
        return self._place(3)

    def _place(self, index: int) -> Any:
        return self.args[index] if len(self.args) > index else None


def raised(failure: ComError) -> com_error:
    """What a member raised, as a late-bound caller gets it."""
    unsigned = codes.DISP_E_EXCEPTION
    error = com_error(signed(unsigned), TEXTS[unsigned], failure.excepinfo, None)
    error.problem = failure.problem
    return error


def activation(failure: ComError) -> com_error:
    """An object that could not be made."""
    error = com_error(failure.hresult, failure.text or str(failure), None, None)
    error.problem = failure.problem
    return error


def plain(hresult: int, argument: int | None = None) -> com_error:
    """An error of the call itself. ``argument`` counts from 1; IDispatch tells it for NUMBERED codes only."""
    return com_error(signed(hresult), TEXTS[hresult], None, argument if hresult in NUMBERED else None)


def refuse(hresult: int, argument: int | None = None) -> NoReturn:
    """Raise ``plain``."""
    raise plain(hresult, argument)
