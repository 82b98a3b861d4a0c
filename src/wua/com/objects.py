"""Which objects a program holds, and how often it was given each."""

import threading

from wua.wuapi.declare import ComObject


class Objects:
    """The objects that one program holds, by handle. The same object always has the same handle.

    A handle is given with a count of one each time, and lives until the program has given all of them back.
    """

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._held: dict[int, ComObject] = {}
        self._counts: dict[int, int] = {}
        self._handles: dict[int, int] = {}  # by id() of objects that are held, so none is used twice
        self._last = 0

    def give(self, thing: ComObject) -> tuple[int, bool]:
        """The handle of an object, with one more count for the program; whether it is new to it."""
        with self._guard:
            handle = self._handles.get(id(thing))
            new = handle is None
            if handle is None:
                self._last += 1
                handle = self._handles[id(thing)] = self._last
                self._held[handle] = thing
            self._counts[handle] = self._counts.get(handle, 0) + 1
            return handle, new

    def get(self, handle: int) -> ComObject:
        """Raises KeyError for a handle that the program does not hold."""
        with self._guard:
            return self._held[handle]

    def take_back(self, handle: int, count: int) -> None:
        """Raises KeyError as ``get`` does; ValueError for more counts than were given."""
        with self._guard:
            left = self._counts[handle] - count
            if count < 1 or left < 0:
                raise ValueError(f"{count} counts of handle {handle} given back")
            self._counts[handle] = left
            if left == 0:
                self._drop(handle)

    def _drop(self, handle: int) -> None:
        del self._counts[handle]
        del self._handles[id(self._held.pop(handle))]

    def clear(self) -> None:
        """The program is gone."""
        with self._guard:
            self._held.clear()
            self._counts.clear()
            self._handles.clear()

    def __len__(self) -> int:
        with self._guard:
            return len(self._held)
