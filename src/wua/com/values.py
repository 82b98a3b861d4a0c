"""VARIANTs on the wire.

Plain: null (VT_EMPTY; on the way in VT_NULL and null strings and objects too), true, false, integers,
floats, strings. Else an object with one of these names first: "s" a null string, "d" a date in microseconds
since 1899-12-30, "n" a decimal's digits, "y" bytes, "a" an array of values, "o" a handle of ours (0 for
null) with its class "k" and constants "v", "c" a token of the program's with "call" when it can be called,
"m" an argument that was left out.
"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from wua.com.clients import Given, GivenCallback, Program
from wua.com.constants import class_name, constants, first_of
from wua.com.objects import Objects
from wua.wuapi.declare import ComObject
from wua.wuapi.variants import MISSING

EPOCH: Final = datetime(1899, 12, 30, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
_LONGEST_DATE: Final = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MICROSECOND


class Unreadable(Exception):
    """A value that is none of the kinds above, or names what the program does not hold."""


class Values:
    """To the wire and back, for one program."""

    def __init__(self, objects: Objects, program: Program) -> None:
        self._objects, self._program = objects, program
        self._readers: Final[dict[str, Callable[[Any, Any], Any]]] = {
            "o": self._object,
            "c": self._given,
            "d": _date,
            "n": _decimal,
            "a": self._array,
            "m": lambda value, whole: MISSING,
        }

    def write(self, value: Any, type_name: str = "VARIANT") -> Any:
        """A value as its declared type goes over the wire."""
        if value is None:
            return _null(type_name)
        if isinstance(value, ComObject):
            return self._give(value)
        if isinstance(value, Given):
            return {"c": value.token}
        if type_name == "DECIMAL" or isinstance(value, Decimal):
            return {"n": format(Decimal(value), "f")}
        return self._plain(value)

    def _give(self, thing: ComObject) -> dict[str, Any]:
        handle, new = self._objects.give(thing)
        name = class_name(type(thing))
        told = constants(thing, first_of(thing)) if new else ()
        if not told:
            return {"o": handle, "k": name}
        return {"o": handle, "k": name, "v": {n: self.write(value, kind) for n, value, kind in told}}

    def _plain(self, value: Any) -> Any:
        if isinstance(value, str):
            return value.encode(errors="replace").decode()  # half a surrogate pair is no text elsewhere
        if isinstance(value, bool | float):
            return value
        if isinstance(value, int):
            return int(value)
        if isinstance(value, datetime):
            moment = value if value.tzinfo else value.replace(tzinfo=UTC)
            return {"d": (moment - EPOCH) // _MICROSECOND}
        if isinstance(value, bytes):
            return {"y": list(value)}
        if isinstance(value, list | tuple):
            return {"a": [self.write(each) for each in value]}
        raise TypeError(f"{value!r} is no VARIANT")

    def read(self, value: Any) -> Any:
        """A value as the program gave it. Raises Unreadable."""
        if not isinstance(value, dict):
            if isinstance(value, list):
                raise Unreadable("an array without its name")
            return value
        name = next(iter(value), "")
        reader = self._readers.get(name)
        if reader is None:
            raise Unreadable(f"a value of the kind {name[:20]!r}")
        return reader(value[name], value)

    def _object(self, handle: Any, whole: Any) -> ComObject:
        try:
            return self._objects.get(handle)
        except (KeyError, TypeError):
            raise Unreadable(f"the handle {handle!r}") from None

    def _given(self, token: Any, whole: Any) -> Given:
        if not isinstance(token, int):
            raise Unreadable(f"the token {token!r}")
        if whole.get("call") is True:
            return GivenCallback(token, self._program)
        return Given(token, self._program.drop)

    def _array(self, values: Any, whole: Any) -> tuple[Any, ...]:
        if not isinstance(values, list):
            raise Unreadable("an array without elements")
        return tuple(self.read(each) for each in values)


def _null(type_name: str) -> Any:
    if type_name == "BSTR":
        return {"s": None}
    return {"o": 0} if type_name.endswith("*") else None


def _date(value: Any, whole: Any) -> datetime:
    if not isinstance(value, int) or not 0 <= value <= _LONGEST_DATE:
        raise Unreadable(f"the date {value!r}")
    return EPOCH + value * _MICROSECOND


def _decimal(value: Any, whole: Any) -> Decimal:
    try:
        return Decimal(str(value))
    except InvalidOperation:
        raise Unreadable(f"the decimal {value!r}") from None
