"""From what a Python caller gives to what a declared parameter type takes."""

import operator
from collections.abc import Callable
from enum import IntEnum, IntFlag
from typing import Any, Final

from wua.model import codes
from wua.wuapi import enums
from wua.wuapi.errors import DISP_E_OVERFLOW, fail

Converter = Callable[[Any], Any]


def text(value: Any) -> str | None:
    """BSTR. A null string is kept apart from an empty one; most members treat them alike."""
    if value is not None and not isinstance(value, str):
        fail(codes.DISP_E_TYPEMISMATCH, f"a string is expected, not {value!r}")
    return value


def boolean(value: Any) -> bool:
    """VARIANT_BOOL: True and False, or their numbers -1 and 0. Anything else is an error, as documented."""
    if not isinstance(value, int):
        fail(codes.DISP_E_TYPEMISMATCH, f"a boolean is expected, not {value!r}")
    if not isinstance(value, bool) and value not in (-1, 0):
        fail(codes.E_INVALIDARG, f"VARIANT_TRUE (-1) or VARIANT_FALSE (0) is expected, not {value}")
    return bool(value)


def _integer(least: int, most: int) -> Converter:
    def convert(value: Any) -> int:
        try:
            number = operator.index(value)
        except TypeError:
            fail(codes.DISP_E_TYPEMISMATCH, f"an integer is expected, not {value!r}")
        if not least <= number <= most:
            fail(DISP_E_OVERFLOW, f"{number} is out of range")
        return number

    return convert


def _enumerated(kind: type[IntEnum | IntFlag]) -> Converter:
    def convert(value: Any) -> IntEnum | IntFlag:
        number = INTEGER(value)
        try:
            return kind(number)
        except ValueError:
            fail(codes.E_INVALIDARG, f"{number} is no {kind.__name__}")

    return convert


def _object(interface: str) -> Converter:
    def convert(value: Any) -> Any:
        if value is not None and interface not in getattr(type(value), "_interfaces_", ()):
            fail(codes.E_NOINTERFACE, f"{interface} is expected, not {value!r}")
        return value

    return convert


INTEGER: Final = _integer(-(1 << 31), (1 << 31) - 1)
_UNSIGNED: Final = _integer(0, (1 << 32) - 1)
_PLAIN: Final[dict[str, Converter | None]] = {
    "BSTR": text,
    "VARIANT_BOOL": boolean,
    "LONG": INTEGER,
    "DWORD": _UNSIGNED,
    "LCID": _UNSIGNED,
    "HWND": _integer(-(1 << 63), (1 << 63) - 1),
    "VARIANT": None,
    "IUnknown*": None,  # what a callback may be is decided in callbacks
}


def converter(type_name: str) -> Converter | None:
    """The conversion for a parameter type of wuapi.json; None where every value is taken as it is."""
    if type_name in _PLAIN:
        return _PLAIN[type_name]
    if type_name.endswith("*"):
        return _object(type_name.removesuffix("*"))
    return _enumerated(getattr(enums, type_name))
