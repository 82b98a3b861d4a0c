"""What a VARIANT may become on its way in, and how values look to a late-bound caller on their way out.

On the way in the rules are those of VariantChangeType, which IDispatch applies before a member sees
anything: numbers, strings and booleans turn into each other, VARIANT_TRUE is -1 as a number, and what does
not fit is DISP_E_TYPEMISMATCH or DISP_E_OVERFLOW of the call itself.
"""

import math
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from enum import IntEnum, IntFlag
from typing import Any, Final, Self

from wua.model import codes
from wua.wuapi.arguments import INTEGER, converter
from wua.wuapi.errors import DISP_E_OVERFLOW, ComError, fail

_WORDS: Final = {"true": True, "false": False}
_NUMBERS: Final = (int, float, Decimal)


class Missing:
    """An optional argument that was left out, for who has to name its place (``pythoncom.Missing``)."""

    def __repr__(self) -> str:
        return "<missing>"


MISSING: Final = Missing()


class OleTime(datetime):
    """A date as pywin32 hands it out (``pywintypes.datetime``): in UTC, which it says."""

    __module__ = "pywintypes"

    @classmethod
    def of(cls, when: datetime) -> Self:
        """The same moment; one without a time zone is UTC."""
        moment = when.astimezone(UTC) if when.tzinfo else when.replace(tzinfo=UTC)
        return cls.combine(moment.date(), moment.timetz())

    def Format(self, form: str = "%c") -> str:
        """As strftime."""
        return self.strftime(form)


def given(value: Any, type_name: str) -> Any:
    """An argument as its declared type takes it.

    Raises:
        ComError: DISP_E_TYPEMISMATCH; DISP_E_OVERFLOW.
    """
    if type_name == "BSTR":
        return _text(value)
    if type_name == "VARIANT_BOOL":
        return _boolean(value)
    if type_name in {"VARIANT", "IUnknown*"}:
        return value
    if type_name.endswith("*"):
        return _object(value, type_name)
    number = _integer(value)
    if type_name in {"LONG", "DWORD", "LCID", "HWND"}:
        convert = converter(type_name)
        return convert(number) if convert else number
    return INTEGER(number)  # whether an enumeration has it is for the member to say


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "-1" if value else "0"
    if isinstance(value, _NUMBERS):
        return str(int(value)) if math.isfinite(value) and value == int(value) else str(value)
    raise ComError(codes.DISP_E_TYPEMISMATCH)


def _boolean(value: Any) -> bool:
    if isinstance(value, str) and value.strip().lower() in _WORDS:
        return _WORDS[value.strip().lower()]
    return bool(_number(value))


def _integer(value: Any) -> int:
    if isinstance(value, bool):
        return -int(value)
    number = _number(value)
    if isinstance(number, int):
        return number
    if not math.isfinite(number):
        fail(DISP_E_OVERFLOW)
    return round(number)  # halves to even, as Automation rounds


def _number(value: Any) -> int | float | Decimal:
    if isinstance(value, _NUMBERS):
        return value
    if not isinstance(value, str):
        fail(codes.DISP_E_TYPEMISMATCH)
    try:
        return Decimal(value.strip())
    except InvalidOperation:
        fail(codes.DISP_E_TYPEMISMATCH)


def _object(value: Any, type_name: str) -> Any:
    convert = converter(type_name)
    try:
        return convert(value) if convert else value
    except ComError:
        fail(codes.DISP_E_TYPEMISMATCH)  # what QueryInterface refuses is a wrong type to IDispatch


def answered(value: Any) -> Any:
    """A value as Python clients of Automation know it: plain numbers, and dates in UTC that say so.

    VARIANT_BOOL is a bool, never -1; DECIMAL a Decimal; a null BSTR None; an array a tuple.
    """
    if isinstance(value, IntEnum | IntFlag):
        return int(value)
    if isinstance(value, datetime):
        return OleTime.of(value)
    if isinstance(value, list):
        return tuple(value)
    return value
