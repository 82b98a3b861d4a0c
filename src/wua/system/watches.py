"""Those who want to hear that a job moved on."""

import threading
from collections.abc import Callable


class Watches:
    """The listeners of one agent. Methods may be called from any thread."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._open: list[Watch] = []

    def add(self, listener: Callable[[str], None]) -> "Watch":
        watch = Watch(self, listener)
        with self._guard:
            self._open.append(watch)
        return watch

    def remove(self, watch: "Watch") -> None:
        with self._guard:
            if watch in self._open:
                self._open.remove(watch)

    def tell(self, job_id: str) -> None:
        """Call every listener."""
        with self._guard:
            watches = list(self._open)
        for watch in watches:
            watch.tell(job_id)

    def clear(self) -> None:
        with self._guard:
            self._open.clear()

    def __bool__(self) -> bool:
        with self._guard:
            return bool(self._open)


class Watch:
    """One listener. Closing waits for a call that is being made, unless it is made by the same thread."""

    def __init__(self, watches: Watches, listener: Callable[[str], None]) -> None:
        self._watches, self._listener = watches, listener
        self._guard = threading.RLock()
        self._open = True

    def tell(self, job_id: str) -> None:
        with self._guard:
            if self._open:
                self._listener(job_id)

    def close(self) -> None:
        with self._guard:
            self._open = False
        self._watches.remove(self)
