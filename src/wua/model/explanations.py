"""What a result code means, why one meets it, and what to do: for people who have nothing but the number.

Takes a number in any of the forms that programs print, a symbolic name, or the id of a problem of wua's.
"""

import difflib
from collections.abc import Iterator
from functools import cache
from typing import Final, NamedTuple

from wua.model.advice import ADVICE, FOREIGN
from wua.model.code_meanings import MEANINGS
from wua.model.problems import CATALOGUE, error
from wua.model.struct import Value

FACILITIES: Final = {
    0: "general",
    1: "remote procedure call",
    2: "automation (IDispatch)",
    3: "storage",
    4: "interface of its own",
    7: "Win32",
    8: "Windows",
    9: "security",
    10: "control",
    11: "certificates and trust",
    12: "internet",
    15: "setup and servicing",
    36: "Windows Update",
    0x190: "feature update setup",
}
_WIN32: Final = 7
_NEAREST: Final = 5


class Known(NamedTuple):
    """A code with a name."""

    value: int
    name: str
    group: str
    meaning: str


class Here(Value, frozen=True):
    """What wua means when it answers with this code."""

    problem: str
    cause: str
    next_step: str


class Explanation(Value, frozen=True):
    """All that is known about a code. ``name`` is "" for one that nobody named; texts may be "" too.

    ``value`` is unsigned. ``facility`` and ``code`` are the parts of the number: who it belongs to, and
    its number there (for facility 7 a Win32 error number).
    """

    value: int
    name: str
    meaning: str
    cause: str
    next_step: str
    group: str
    failure: bool
    facility: int
    facility_name: str
    code: int
    other_names: tuple[str, ...] = ()
    here: tuple[Here, ...] = ()


def explain(text: str) -> Explanation:
    """Explain ``0x80240016``, ``-2145124330``, ``2149842966``, ``80240016``, ``WU_E_…`` or a problem id.

    Raises:
        WuaError: invalid-argument, for what is neither a number nor a known name; near names are told.
    """
    text = text.strip()
    if text.lower() in CATALOGUE:
        row = CATALOGUE[text.lower()]
        return _explanation(row.hresult, (Here(text.lower(), row.cause, row.next_step),))
    value = number(text)
    if value is None:
        value = _by_name().get(text.upper())
    if value is None:
        raise _unknown(text)
    return _explanation(value, tuple(_here(value)))


def number(text: str) -> int | None:
    """The unsigned 32-bit number that a text means; None when it is not one."""
    digits = text.strip().removesuffix("L").removesuffix("l")
    bare_hex = len(digits) == 8 and digits[0] in "8Cc0" and not digits.startswith("00000")
    for base, tried in ((16, bare_hex), (0, True), (10, True), (16, len(digits) == 8)):
        try:
            value = int(digits, base) if tried else None
        except ValueError:
            continue
        if value is not None and -(2**31) <= value < 2**32:
            return value & 0xFFFFFFFF
    return None


def name_of(value: int) -> str:
    """The symbolic name of an unsigned HRESULT; "" when it has none."""
    known = _by_value().get(value)
    return known[0].name if known else ""


def _explanation(value: int, here: tuple[Here, ...]) -> Explanation:
    names = _by_value().get(value, ())
    first = names[0] if names else Known(value, "", "", "")
    advice = next((ADVICE[each.name] for each in names if each.name in ADVICE), None)
    foreign = FOREIGN.get(first.name)
    facility = value >> 16 & 0x7FF
    return Explanation(
        value=value,
        name=first.name,
        meaning=first.meaning,
        cause=advice.cause if advice else foreign.cause if foreign else "",
        next_step=advice.next_step if advice else foreign.next_step if foreign else "",
        group=first.group,
        failure=bool(value >> 31),
        facility=facility,
        facility_name=FACILITIES.get(facility, ""),
        code=value & 0xFFFF,
        other_names=tuple(each.name for each in names[1:]),
        here=here,
    )


def _here(value: int) -> Iterator[Here]:
    for kind, row in CATALOGUE.items():
        if row.hresult == value:
            yield Here(kind, row.cause, row.next_step)


@cache
def _by_value() -> dict[int, tuple[Known, ...]]:
    found: dict[int, tuple[Known, ...]] = {}
    for known in _all():
        found[known.value] = (*found.get(known.value, ()), known)
    return found


@cache
def _by_name() -> dict[str, int]:
    return {known.name: known.value for known in _all()}


def _all() -> Iterator[Known]:
    for name, (value, group, meaning) in MEANINGS.items():
        yield Known(value, name, group, meaning)
    for name, row in FOREIGN.items():
        yield Known(row.value, name, FACILITIES.get(row.value >> 16 & 0x7FF, ""), row.meaning)


def near(text: str) -> tuple[str, ...]:
    """Names that a mistyped one may have meant, nearest first."""
    wanted = text.strip().upper().replace("-", "_").replace(" ", "_")
    names = [*_by_name(), *CATALOGUE]
    folded = {name.upper().replace("-", "_"): name for name in names}
    inside = sorted((name for name in folded if len(wanted) >= 4 and wanted in name), key=len)
    close = difflib.get_close_matches(wanted, folded, n=_NEAREST, cutoff=0.7)
    return tuple(folded[name] for name in dict.fromkeys([*inside, *close]))[:_NEAREST]


def _unknown(text: str) -> Exception:
    nearest = near(text)
    advice = (
        f"Did you mean {', '.join(nearest)}?"
        if nearest
        else "Give a number, a name such as WU_E_NO_UPDATE, or a problem id."
    )
    return error(
        "invalid-argument", f"{text!r} is neither a number of 32 bits nor a known name", next_step=advice
    )
