"""``win32event``: events that a script waits for until a callback sets them."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final

__all__ = [
    "INFINITE",
    "QS_ALLEVENTS",
    "QS_ALLINPUT",
    "WAIT_ABANDONED",
    "WAIT_FAILED",
    "WAIT_OBJECT_0",
    "WAIT_TIMEOUT",
    "CreateEvent",
    "MsgWaitForMultipleObjects",
    "ResetEvent",
    "SetEvent",
    "WaitForMultipleObjects",
    "WaitForSingleObject",
]

INFINITE: Final = -1
WAIT_OBJECT_0: Final = 0
WAIT_ABANDONED: Final = 0x80
WAIT_TIMEOUT: Final = 0x102
WAIT_FAILED: Final = -1
QS_ALLEVENTS: Final = 0x4BF
QS_ALLINPUT: Final = 0x4FF

_changed: Final = threading.Condition()  # one for all events, so that several can be waited for at once


class Event:
    """An event of this process. One that is not reset by hand lets a single waiter through."""

    def __init__(self, *, by_hand: bool, is_set: bool) -> None:
        self.by_hand = by_hand
        self.is_set = is_set


def CreateEvent(attributes: Any, by_hand: bool, is_set: bool, name: str | None = None) -> Event:
    """A new event. ``attributes`` do not matter, and a name is seen in this process only, by nobody else."""
    return Event(by_hand=bool(by_hand), is_set=bool(is_set))


def SetEvent(event: Event) -> None:
    """Let those who wait for it go on."""
    with _changed:
        event.is_set = True
        _changed.notify_all()


def ResetEvent(event: Event) -> None:
    """Let those who will wait for it wait."""
    with _changed:
        event.is_set = False


def WaitForSingleObject(event: Event, milliseconds: int) -> int:
    """WAIT_OBJECT_0 when it was set in time, else WAIT_TIMEOUT. INFINITE has no limit."""
    return WaitForMultipleObjects([event], True, milliseconds)


def WaitForMultipleObjects(events: Sequence[Event], all_of_them: bool, milliseconds: int) -> int:
    """WAIT_OBJECT_0 plus the place of an event that is set (0 when all were wanted), else WAIT_TIMEOUT."""
    ready: Callable[[], bool] = (
        (lambda: all(each.is_set for each in events))
        if all_of_them
        else (lambda: any(each.is_set for each in events))
    )
    limit = None if milliseconds in {INFINITE, 0xFFFFFFFF} else milliseconds / 1000
    with _changed:
        if not _changed.wait_for(ready, limit):
            return WAIT_TIMEOUT
        place = next(place for place, each in enumerate(events) if each.is_set)
        for each in events if all_of_them else [events[place]]:
            each.is_set = each.is_set and each.by_hand
    return WAIT_OBJECT_0 + (0 if all_of_them else place)


def MsgWaitForMultipleObjects(
    events: Sequence[Event], all_of_them: bool, milliseconds: int, mask: int = QS_ALLINPUT
) -> int:
    """As WaitForMultipleObjects: messages never come."""
    return WaitForMultipleObjects(events, all_of_them, milliseconds)
