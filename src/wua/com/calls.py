"""One call of one object: early-bound by interface and slot, late-bound as IDispatch words it."""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from wua.com.constants import Constant, beside, class_name, constants
from wua.com.wire import Early, Late
from wua.model import codes
from wua.model.code_meanings import MEANINGS
from wua.model.problems import Problem
from wua.wuapi import late_errors, ole
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import ComError, signed
from wua.wuapi.late_errors import DISP_E_BADPARAMCOUNT, com_error
from wua.wuapi.ole import GET, METHOD, PUT, PUTREF, OleObject
from wua.wuapi.shape import Row
from wua.wuapi.table import INTERFACES
from wua.wuapi.variants import answered

DEFAULT_MEMBER: Final = 0
MOST_AHEAD: Final = 64  # elements of a collection that are sent with one
_ROWS: Final = {(name, row.slot): row for name, each in INTERFACES.items() for row in each.rows}


class Outcome(NamedTuple):
    """What a call came to; ``type_name`` is the declared type of the value. See ``wire.Answer``."""

    value: Any = None
    type_name: str = "void"
    hresult: int = 0
    text: str = ""
    argument: int = 0
    constants: Sequence[Constant] = ()


def early(thing: ComObject, interface: str, slot: int, arguments: Sequence[Any]) -> Outcome:
    """Call a slot of an interface. Types are the declared ones; nothing is converted."""
    row = _ROWS.get((interface, slot))
    if row is None or interface not in type(thing)._interfaces_:
        return Outcome(hresult=signed(codes.E_NOINTERFACE))
    if len(arguments) != len(row.params):
        return Outcome(hresult=signed(DISP_E_BADPARAMCOUNT))
    member = type(thing)._members_[row.name.lower()]
    function = {"get": member.get, "put": member.put, "method": member.call}[row.kind]
    assert function is not None  # the declarations are checked against the rows
    try:
        answer = function(thing, *arguments)
    except ComError as failure:
        return failed(failure)
    if row.returns == "void":  # a method may answer another success than S_OK
        return Outcome(hresult=answer if isinstance(answer, int) else 0)
    return Outcome(answer, row.returns, constants=_beside(thing, row))


def _beside(thing: ComObject, row: Row) -> list[Constant]:
    """What goes with a property that was read."""
    return constants(thing, beside(class_name(type(thing)), row.name)) if row.kind == "get" else []


def is_quick(thing: ComObject, request: Early | Late) -> bool:
    """Whether it is a property that is read: the agent answers at once, without waiting for a job."""
    if isinstance(request, Early):
        row = _ROWS.get((request.interface, request.slot))
        return row is not None and row.kind == "get"
    member = ole.members_by_id(type(thing)).get(request.dispid)
    return member is not None and member.get is not None and not request.flags & (PUT | PUTREF)


def late(thing: ComObject, dispid: int, flags: int, arguments: Sequence[Any]) -> Outcome:
    """Call a member by its DISPID, arguments converted as IDispatch converts them.

    Arguments of a property that takes none are those of its value's default member.
    """
    try:
        return _late(thing, dispid, flags, arguments)
    except com_error as failure:
        if failure.excepinfo is None:
            return Outcome(hresult=failure.hresult, argument=failure.argerror or 0)
        scode = failure.excepinfo[5]
        text = explained(scode, failure.excepinfo[2] or "", failure.problem)
        return Outcome(hresult=scode, text=text, argument=-1)


def elements(thing: ComObject, arguments: Sequence[Any], ahead: int) -> Outcome:
    """An element of a collection and up to ``ahead`` that come after it, as an array."""
    first = late(thing, DEFAULT_MEMBER, GET, arguments)
    if first.hresult or not isinstance(arguments[0], int):
        return first
    found = [first.value]
    for index in range(arguments[0] + 1, arguments[0] + 1 + min(ahead, MOST_AHEAD)):
        following = late(thing, DEFAULT_MEMBER, GET, (index,))
        if following.hresult:
            break  # the end
        found.append(following.value)
    return Outcome(found)


def _late(thing: ComObject, dispid: int, flags: int, arguments: Sequence[Any]) -> Outcome:
    member = ole.members_by_id(type(thing)).get(dispid)
    if member is None:
        late_errors.refuse(codes.DISP_E_MEMBERNOTFOUND)
    if flags & (PUT | PUTREF):
        flags &= ~(METHOD | GET)
    beneath = OleObject(thing, _same)
    if arguments and member.get is not None and not member.rows[0].params and flags & (METHOD | GET):
        inner = beneath.call(member, GET, ())
        if not isinstance(inner, ComObject):
            late_errors.refuse(DISP_E_BADPARAMCOUNT)
        return _late(inner, DEFAULT_MEMBER, flags, arguments)
    row = _row(member.rows, flags)
    answer = answered(beneath.call(member, flags, arguments))
    return Outcome(answer, row.returns, constants=_beside(thing, row)) if row else Outcome()


def _row(rows: Sequence[Row], flags: int) -> Row | None:
    """The half of a property, or the method, that these flags mean."""
    wanted = {"put"} if flags & (PUT | PUTREF) else {"get", "method"}
    return next((row for row in rows if row.kind in wanted), None)


def _same(value: Any) -> Any:
    return value


def failed(failure: ComError) -> Outcome:
    """What a member raised."""
    text = explained(failure.hresult, failure.text, failure.problem)
    return Outcome(hresult=failure.hresult, text=text)


def explained(hresult: int, seen: str, problem: Problem | None) -> str:
    """What a person should read: what was seen, the likely cause, and the next step."""
    code = hresult & 0xFFFFFFFF
    parts = [seen or next((meaning for value, meaning, _ in MEANINGS.values() if value == code), "")]
    if problem is not None:
        parts += [problem.cause, problem.next_step]
    return " ".join(part if part.endswith((".", "!", "?")) else f"{part}." for part in parts if part)
