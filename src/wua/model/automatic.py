"""Automatic updates: how they are set, and how they stand."""

from enum import IntEnum
from typing import Final

from wua.model.struct import Value

APPLICATION: Final = "wua automatic updates"  # what automatic updates call themselves in their jobs
LONGEST_PAUSE: Final = 8 * 3600.0  # seconds


class Level(IntEnum):
    """How far automatic updates go by themselves (AutomaticUpdatesNotificationLevel)."""

    NOT_CONFIGURED = 0
    DISABLED = 1
    SEARCH = 2  # notify before download
    DOWNLOAD = 3  # notify before installation
    INSTALL = 4  # at the scheduled hour


class AutomaticSettings(Value, frozen=True):
    """``day`` 0 is every day, 1 Sunday to 7 Saturday; ``hour`` is local time, 0 to 23.

    ``recommended``: all needed updates count, not only important ones. ``elevated`` is kept and gives
    nobody a right. ``enabled``: somebody has turned automatic updates on.
    """

    level: Level = Level.NOT_CONFIGURED
    day: int = 0
    hour: int = 3
    recommended: bool = False
    elevated: bool = False
    enabled: bool = False


class Automatic(Value, frozen=True):
    """How automatic updates stand. Times are seconds since 1970 UTC, 0 for never.

    ``last_installation`` is of the last one of theirs that installed anything.
    """

    settings: AutomaticSettings
    paused_until: float = 0.0
    paused: bool = False  # now
    last_search: float = 0.0
    last_installation: float = 0.0
    now: float = 0.0  # by the machine's clock, when this was asked
