"""What the store keeps of automatic updates."""

from collections.abc import Iterable
from typing import Final

import msgspec

from wua.model.automatic import APPLICATION, LONGEST_PAUSE, Automatic, AutomaticSettings
from wua.model.jobs import JobKind
from wua.model.problems import error
from wua.store.state import StateStore

AREA: Final = "automatic"  # in the store
_DAYS: Final = range(8)
_HOURS: Final = range(24)


def read(store: StateStore, searched: Iterable[StateStore], now: float) -> Automatic:
    """How automatic updates stand; ``searched`` are the stores that their searches may be in."""
    kept = store.kept(AREA)
    settings = msgspec.json.decode(kept.get("settings", b"{}"), type=AutomaticSettings)
    paused_until = msgspec.json.decode(kept.get("paused", b"0.0"), type=float)
    return Automatic(
        settings,
        paused_until,
        now < paused_until,
        max(each.last_success(JobKind.SEARCH, APPLICATION) for each in searched),
        store.last_success(JobKind.INSTALL, APPLICATION),
        now,
    )


def write(store: StateStore, settings: AutomaticSettings) -> None:
    """Raises WuaError invalid-argument for a day or hour that there is not."""
    if settings.day not in _DAYS or settings.hour not in _HOURS:
        raise error("invalid-argument", f"day {settings.day}, hour {settings.hour}")
    store.keep(AREA, "settings", msgspec.json.encode(settings))


def pause(store: StateStore, paused: bool, now: float) -> None:
    """Begin a pause of the longest kind, or end it."""
    store.keep(AREA, "paused", msgspec.json.encode(now + LONGEST_PAUSE) if paused else None)
