"""Callables on a few daemon threads: a hanging mirror or callback cannot keep an interpreter from ending."""

import queue
import threading
from collections.abc import Callable
from typing import Final

MOST: Final = 8  # threads


class Workers:
    """Runs callables on a few daemon threads, started when needed."""

    def __init__(self, name: str, most: int = MOST) -> None:
        self._name, self._most = name, most
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._done = threading.Condition(self._guard)
        self._unfinished = 0
        self._threads = 0
        self._idle = 0  # threads that wait, less what is queued for them
        self._closed = False

    def put(self, work: Callable[[], None]) -> bool:
        """Have ``work`` called; it must not raise. False, and nothing happens, after ``close``."""
        with self._guard:
            if self._closed:
                return False
            if self._idle <= 0 and self._threads < self._most:
                self._threads += 1
                number = self._threads
                threading.Thread(target=self._loop, name=f"{self._name}-{number}", daemon=True).start()
            else:
                self._idle -= 1
            self._unfinished += 1
            self._queue.put(work)
        return True

    def wait(self, timeout: float | None) -> bool:
        """Wait until nothing is queued or at work, ``timeout`` seconds at most; whether it came to that."""
        with self._guard:
            return self._done.wait_for(lambda: self._unfinished == 0, timeout)

    def _loop(self) -> None:
        while True:
            work = self._queue.get()
            if work is None:
                return
            work()
            del work  # what it refers to must not live until this thread has something else to do
            with self._guard:
                self._idle += 1
                self._unfinished -= 1
                if self._unfinished == 0:
                    self._done.notify_all()

    def close(self) -> None:
        """Let the threads end after what is queued."""
        with self._guard:
            if not self._closed:
                self._closed = True
                for _ in range(self._threads):
                    self._queue.put(None)
