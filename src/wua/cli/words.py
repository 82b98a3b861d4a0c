"""Numbers, times and names in the words that people read. Pure, but for the local time zone."""

import time
from collections.abc import Sequence
from typing import Final

from wua.model.enums import ResultCode
from wua.model.jobs import JobKind

UNITS: Final = ("B", "kB", "MB", "GB", "TB")

RESULTS: Final = {
    ResultCode.NOT_STARTED: "nothing to do",
    ResultCode.IN_PROGRESS: "running",
    ResultCode.SUCCEEDED: "done",
    ResultCode.SUCCEEDED_WITH_ERRORS: "partly done",
    ResultCode.FAILED: "failed",
    ResultCode.ABORTED: "aborted",
}
# What a job of a kind did to an update that succeeded.
PAST: Final = {
    JobKind.SEARCH: "found",
    JobKind.PLAN: "planned",
    JobKind.REHEARSE: "rehearsed",
    JobKind.DOWNLOAD: "downloaded",
    JobKind.INSTALL: "installed",
    JobKind.UNINSTALL: "uninstalled",
    JobKind.UNDO: "undone",
    JobKind.REMOVE: "removed",
}


def size(number: float) -> str:
    """Bytes, in powers of 1000 as apt writes them: ``12.3 MB``."""
    value, unit = float(abs(number)), 0
    while value >= 999.5 and unit < len(UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 1 if unit and value < 99.95 else 0
    return f"{'-' if number < 0 else ''}{value:.{digits}f} {UNITS[unit]}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``12 s``, ``3 min 20 s``, ``2 h 5 min``."""
    if seconds < 9.95:
        return f"{max(seconds, 0.0):.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s" if whole % 60 else f"{whole // 60} min"
    minutes = whole // 60
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"


def clock(moment: float) -> str:
    """Local date and time of seconds since 1970 UTC; "" for 0."""
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(moment)) if moment else ""


def moment(then: float, now: float) -> str:
    """The local time of a moment of today, else its date."""
    text, today = clock(then), clock(now)
    return text[11:] if text[:10] == today[:10] else text[:10]


def count(number: int, noun: str) -> str:
    """``1 update``, ``3 updates``."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def some(names: Sequence[str], limit: int = 3) -> str:
    """``a, b, c and 4 more``."""
    if len(names) <= limit + 1:
        return ", ".join(names)
    return f"{', '.join(names[:limit])} and {len(names) - limit} more"


def clean(text: str) -> str:
    """Without control characters: what a package or a program says must not steer the terminal."""
    if text.isprintable():
        return text
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
