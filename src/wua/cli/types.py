"""Values that people type: durations and moments."""

import re
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import click

_PARTS: Final = re.compile(r"(\d+(?:\.\d+)?)\s*(s|min|m|h|d)?\s*", re.IGNORECASE)
_SECONDS: Final = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class Duration(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """``90``, ``90s``, ``5m``, ``1h30m``: seconds."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        seconds = seconds_of(str(value))
        if seconds is None:
            self.fail(f"{value!r} is no duration; write 90s, 5m or 1h30m.", param, ctx)
        return seconds


class Moment(click.ParamType):  # type: ignore[type-arg]  # generic in newer versions only
    """``22:30``, ``2031-01-05 22:30``, ``+2h``: seconds since 1970 UTC; times are local."""

    name = "time"

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if isinstance(value, int | float):
            return float(value)
        moment = moment_of(str(value), self._clock())
        if moment is None:
            self.fail(f"{value!r} is no time; write 22:30, '2031-01-05 22:30' or +2h.", param, ctx)
        return moment


def seconds_of(text: str) -> float | None:
    """Seconds of a duration; None when it is none."""
    text = text.strip()
    parts = list(_PARTS.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        return None
    if len(parts) > 1 and not all(part[2] for part in parts):
        return None
    return sum(float(part[1]) * _SECONDS[(part[2] or "s").lower()] for part in parts)


def moment_of(text: str, now: float) -> float | None:
    """When a text means, seen from ``now``: a bare clock time is the next such; None when it is none."""
    text = text.strip()
    if text.startswith("+"):
        wait = seconds_of(text[1:])
        return None if wait is None else now + wait
    if re.fullmatch(r"\d{1,2}:\d{2}", text):
        return _next_clock(text, datetime.fromtimestamp(now).astimezone())
    try:
        return datetime.fromisoformat(text).astimezone().timestamp()
    except ValueError:
        return None


def _next_clock(text: str, now: datetime) -> float | None:
    hour, minute = map(int, text.split(":"))
    if hour > 23 or minute > 59:
        return None
    moment = now.replace(hour=hour, minute=minute, second=0, microsecond=0)
    if moment <= now:
        moment += timedelta(days=1)
    return moment.timestamp()
