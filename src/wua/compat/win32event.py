"""``win32event``: events that a script waits for until a callback sets them, and mutexes."""

import threading
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol
from weakref import WeakValueDictionary

from wua.compat.pywintypes import error
from wua.compat.winerror import ERROR_NOT_OWNER

__all__ = [
    "INFINITE",
    "QS_ALLEVENTS",
    "QS_ALLINPUT",
    "WAIT_ABANDONED",
    "WAIT_FAILED",
    "WAIT_OBJECT_0",
    "WAIT_TIMEOUT",
    "CreateEvent",
    "CreateMutex",
    "MsgWaitForMultipleObjects",
    "ReleaseMutex",
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


class Waitable(Protocol):
    """What can be waited for."""

    def is_ready(self) -> bool:
        """Whether whoever asks need not wait."""

    def pass_by(self) -> None:
        """Somebody has waited for it."""


class Event:
    """An event of this process. One that is not reset by hand lets a single waiter through."""

    def __init__(self, *, by_hand: bool, is_set: bool) -> None:
        self.by_hand = by_hand
        self.is_set = is_set

    def is_ready(self) -> bool:
        return self.is_set

    def pass_by(self) -> None:
        self.is_set = self.by_hand


class Mutex:
    """What one thread of this process has at a time, as often as it waited for it."""

    def __init__(self) -> None:
        self.owner: int | None = None
        self.times = 0

    def is_ready(self) -> bool:
        return self.owner in {None, threading.get_ident()}

    def pass_by(self) -> None:
        self.owner = threading.get_ident()
        self.times += 1

    def close(self) -> None:
        """Nothing is to be closed: it goes when nothing refers to it."""


_named: Final[WeakValueDictionary[str, Mutex]] = WeakValueDictionary()


def CreateEvent(attributes: Any, by_hand: bool, is_set: bool, name: str | None = None) -> Event:
    """A new event. ``attributes`` do not matter, and a name is seen in this process only, by nobody else."""
    return Event(by_hand=bool(by_hand), is_set=bool(is_set))


def CreateMutex(attributes: Any, is_owner: bool, name: str | None = None) -> Mutex:
    """A mutex; with a name the one that this process has of that name. ``attributes`` do not matter."""
    with _changed:
        mutex = _named.setdefault(name, Mutex()) if name else Mutex()
        if is_owner and mutex.owner is None:
            mutex.pass_by()
    return mutex


def ReleaseMutex(mutex: Mutex) -> None:
    """Give it back once. Raises ``error`` ERROR_NOT_OWNER for a thread that does not have it."""
    with _changed:
        if mutex.owner != threading.get_ident():
            raise error(ERROR_NOT_OWNER, "ReleaseMutex", "Attempt to release mutex not owned by caller.")
        mutex.times -= 1
        if not mutex.times:
            mutex.owner = None
            _changed.notify_all()


def SetEvent(event: Event) -> None:
    """Let those who wait for it go on."""
    with _changed:
        event.is_set = True
        _changed.notify_all()


def ResetEvent(event: Event) -> None:
    """Let those who will wait for it wait."""
    with _changed:
        event.is_set = False


def WaitForSingleObject(waited_for: Waitable, milliseconds: int) -> int:
    """WAIT_OBJECT_0 when it was ready in time, else WAIT_TIMEOUT. INFINITE has no limit."""
    return WaitForMultipleObjects([waited_for], True, milliseconds)


def WaitForMultipleObjects(waited_for: Sequence[Waitable], all_of_them: bool, milliseconds: int) -> int:
    """WAIT_OBJECT_0 plus the place of what is ready (0 when all were wanted), else WAIT_TIMEOUT."""
    ready: Callable[[], bool] = (
        (lambda: all(each.is_ready() for each in waited_for))
        if all_of_them
        else (lambda: any(each.is_ready() for each in waited_for))
    )
    limit = None if milliseconds in {INFINITE, 0xFFFFFFFF} else milliseconds / 1000
    with _changed:
        if not _changed.wait_for(ready, limit):
            return WAIT_TIMEOUT
        place = next(place for place, each in enumerate(waited_for) if each.is_ready())
        for each in waited_for if all_of_them else [waited_for[place]]:
            each.pass_by()
    return WAIT_OBJECT_0 + (0 if all_of_them else place)


def MsgWaitForMultipleObjects(
    waited_for: Sequence[Waitable], all_of_them: bool, milliseconds: int, mask: int = QS_ALLINPUT
) -> int:
    """As WaitForMultipleObjects: messages never come."""
    return WaitForMultipleObjects(waited_for, all_of_them, milliseconds)
