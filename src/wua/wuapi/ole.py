"""The IDispatch of one object: names to DISPIDs, and Invoke with its kinds of call.

A property-get on a method is DISP_E_MEMBERNOTFOUND: late-binding layers learn from it what is a method.
"""

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Final

from wua.model import codes
from wua.wuapi import extensions
from wua.wuapi.callbacks import adapt
from wua.wuapi.declare import ComObject, Member
from wua.wuapi.errors import ComError
from wua.wuapi.late_errors import (
    DISP_E_BADPARAMCOUNT,
    DISP_E_PARAMNOTOPTIONAL,
    plain,
    raised,
    refuse,
)
from wua.wuapi.shape import Param, Row
from wua.wuapi.table import INTERFACES
from wua.wuapi.variants import MISSING, answered, given

METHOD: Final = 1  # the flags of IDispatch::Invoke
GET: Final = 2
PUT: Final = 4
PUTREF: Final = 8
NEW_ENUM: Final = -4
_OWN_IDS: Final = 0x7F000000  # for members whose DISPID is not public
_UNNUMBERED: Final = (
    *sorted({row.name for each in INTERFACES.values() for row in each.rows if row.dispid is None}),
    *sorted(extensions.ROWS),
)
_TABLES: Final[dict[type[ComObject], dict[int, Member]]] = {}


class Calling:
    """``with calling:`` around a member: what it raises arrives as a late-bound caller knows it."""

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, failure: BaseException | None, at: TracebackType | None
    ) -> None:
        if isinstance(failure, ComError):
            raise raised(failure) from None  # as pywin32 shows it: one exception


calling: Final = Calling()


class Holder:
    """Whatever stands before an OleObject."""

    __slots__ = ("_oleobj_",)
    _oleobj_: "OleObject"


class OleObject:
    """What ``_oleobj_`` of a late-bound object is: its IDispatch."""

    __slots__ = ("_wrap", "beneath")

    def __init__(self, beneath: ComObject, wrap: Callable[[Any], Any]) -> None:
        self.beneath = beneath
        self._wrap = wrap

    # --- as IDispatch words it

    def GetIDsOfNames(self, *names: Any) -> int | tuple[int, ...]:
        """The DISPID of a member, written in any case; with more names also those of its parameters."""
        texts = [name for name in names if isinstance(name, str)]  # an LCID may stand before them
        member = self.member(texts[0]) if texts else None
        if member is None:
            refuse(codes.DISP_E_UNKNOWNNAME)
        own = next(number for number, each in members_by_id(type(self.beneath)).items() if each is member)
        places = [_place(member.rows[0].params, name) for name in texts[1:]]
        return (own, *places) if places else own

    def Invoke(self, dispid: int, lcid: int, flags: int, want_result: int, *arguments: Any) -> Any:
        """Call a member by its DISPID. The language does not matter; no answer unless one is wanted."""
        member = self.by_id(dispid)
        if member is None:
            refuse(codes.DISP_E_MEMBERNOTFOUND)
        answer = self.call(member, flags, arguments)
        return answer if want_result else None

    # --- as late binding uses it

    def member(self, name: str) -> Member | None:
        return type(self.beneath)._members_.get(name.lower())

    def by_id(self, dispid: int) -> Member | None:
        return members_by_id(type(self.beneath)).get(dispid)

    def names(self) -> list[str]:
        return [each.name for each in type(self.beneath)._members_.values()]

    def call(
        self, member: Member, flags: int, arguments: Sequence[Any], named: Mapping[str, Any] | None = None
    ) -> Any:
        """Call a member in one of the ways that ``flags`` allow.

        Raises:
            com_error: what the member raised; DISP_E_MEMBERNOTFOUND where it cannot be called so;
                DISP_E_BADPARAMCOUNT, DISP_E_PARAMNOTOPTIONAL, DISP_E_UNKNOWNNAME for a named argument,
                DISP_E_TYPEMISMATCH and DISP_E_OVERFLOW, with the argument's number.
        """
        function, row = way(member, flags)
        ready = self._ready(row, arguments, named or {})
        with calling:
            answer = function(self.beneath, *ready)
        if row.dispid == NEW_ENUM:
            return map(self._wrap, answer)
        # A success code beside S_OK is lost on the way through IDispatch.
        return None if row.returns == "void" else self._wrap(answered(answer))

    def _ready(self, row: Row, arguments: Sequence[Any], named: Mapping[str, Any]) -> list[Any]:
        if len(arguments) > len(row.params):
            refuse(DISP_E_BADPARAMCOUNT)
        by_place = dict(enumerate(arguments))
        for name, value in named.items():
            place = _place(row.params, name)
            if place in by_place:
                refuse(DISP_E_BADPARAMCOUNT)
            by_place[place] = value
        return [
            self._argument(place, parameter, by_place.get(place, MISSING))
            for place, parameter in enumerate(row.params)
        ]

    def _argument(self, place: int, parameter: Param, value: Any) -> Any:
        if value is MISSING:
            if parameter.default is None:
                refuse(DISP_E_PARAMNOTOPTIONAL)
            return parameter.default
        if parameter.type == "IUnknown*" and parameter.name.startswith("on"):
            return self._callback(place, value)
        if parameter.type not in {"VARIANT", "IUnknown*"}:  # those come back as they were given
            value = unwrap(value)
        try:
            return given(value, parameter.type)
        except ComError as failure:
            raise plain(failure.hresult & 0xFFFFFFFF, place + 1) from None

    def _callback(self, place: int, value: Any) -> "Relay | None":
        strict = bool(getattr(getattr(self.beneath, "_context", None), "strict", False))
        if value is None and strict:  # a VARIANT without an object cannot become IUnknown*
            refuse(codes.DISP_E_TYPEMISMATCH, place + 1)
        with calling:
            call = adapt(value, strict=strict)
        return Relay(call, self._wrap_for(value)) if call is not None else None

    def _wrap_for(self, callback: Any) -> Callable[[Any], Any]:
        """What turns a declared object into one that this callback knows."""
        return self._wrap

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OleObject) and self.beneath is other.beneath

    def __hash__(self) -> int:
        return id(self.beneath)


class Relay:
    """A late-bound program's callback: it gets late-bound objects."""

    def __init__(self, call: Callable[[Any, Any], Any], wrap: Callable[[Any], Any]) -> None:
        self._call = call
        self._wrap = wrap

    def Invoke(self, job: Any, arguments: Any) -> Any:
        return self._call(self._wrap(job), self._wrap(arguments))


def unwrap(value: Any) -> Any:
    """The declared object behind a late-bound one; every other value as it is."""
    if isinstance(value, Holder):
        value = value._oleobj_
    return value.beneath if isinstance(value, OleObject) else value


def way(member: Member, flags: int) -> tuple[Callable[..., Any], Row]:
    """What to call, and the row that says how. Scripts ask for "method or property-get" at once."""
    ways = (
        (METHOD, "method", member.call),
        (GET, "get", member.get),
        (METHOD, "get", member.get if member.rows[0].params else None),
        (PUT | PUTREF, "put", member.put),
    )
    for flag, kind, function in ways:
        if flags & flag and function is not None:
            return function, next(row for row in member.rows if row.kind == kind)
    raise plain(codes.DISP_E_MEMBERNOTFOUND)


def _place(parameters: Sequence[Param], name: str) -> int:
    wanted = name.lower()
    for place, parameter in enumerate(parameters):
        if parameter.name.lower() == wanted:
            return place
    raise plain(codes.DISP_E_UNKNOWNNAME)


def dispid_of(row: Row) -> int:
    """The DISPID of a member; one of our own where its number is not public."""
    return row.dispid if row.dispid is not None else _OWN_IDS + _UNNUMBERED.index(row.name)


def members_by_id(kind: type[ComObject]) -> dict[int, Member]:
    """The members of a class by the DISPIDs that late binding reaches them with."""
    found = _TABLES.get(kind)
    if found is None:
        found = _TABLES[kind] = {dispid_of(member.rows[0]): member for member in kind._members_.values()}
    return found
