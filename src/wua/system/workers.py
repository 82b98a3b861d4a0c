"""Callables on a few daemon threads: a hanging mirror or callback cannot keep an interpreter from ending."""

import queue
import sys
import threading
from collections.abc import Callable
from typing import Final

MOST: Final = 8  # threads
PATIENCE: Final = 0.05  # seconds in which none comes free, before there are more


class Workers:
    """Runs callables on a few daemon threads, started when needed.

    ``quick`` of ``most`` threads are started at once for work that waits. More follow only where all of them
    are held up for ``PATIENCE``, and again: a burst of short work takes few threads, and work that blocks
    holds up nothing for long.
    """

    def __init__(self, name: str, most: int = MOST, quick: int | None = None) -> None:
        self._name, self._most = name, most
        self._quick = most if quick is None else min(quick, most)
        self._queue: queue.SimpleQueue[Callable[[], None] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._done = threading.Condition(self._guard)
        self._moved = threading.Condition(self._guard)
        self._finished = 0
        self._unfinished = 0
        self._threads = 0
        self._idle = 0  # threads that wait, less what is queued for them
        self._growing = False
        self._closed = False

    def put(self, work: Callable[[], None]) -> bool:
        """Have ``work`` called; what it raises is a defect, told by ``threading.excepthook``.

        False, and nothing happens, after ``close``.
        """
        with self._guard:
            if self._closed:
                return False
            self._idle -= 1
            if self._idle < 0 and self._threads < self._quick:
                self._start(1)
            elif self._idle < 0 and self._threads < self._most and not self._growing:
                self._growing = True
                threading.Thread(target=self._grow, name=f"{self._name}-more", daemon=True).start()
            self._unfinished += 1
            self._queue.put(work)
        return True

    def wait(self, timeout: float | None) -> bool:
        """Wait until nothing is queued or at work, ``timeout`` seconds at most; whether it came to that."""
        with self._guard:
            return self._done.wait_for(lambda: self._unfinished == 0, timeout)

    def _start(self, count: int) -> None:
        for _ in range(count):
            self._threads += 1
            self._idle += 1
            name = f"{self._name}-{self._threads}"
            threading.Thread(target=self._loop, name=name, daemon=True).start()

    def _loop(self) -> None:
        while True:
            work = self._queue.get()
            if work is None:
                return
            try:
                work()
            except BaseException:  # noqa: BLE001 - as for any thread; this one goes on with other work
                threading.excepthook(threading.ExceptHookArgs((*sys.exc_info(), threading.current_thread())))
            del work  # a thread that waits keeps nothing alive: no job, no callback, no state
            with self._guard:
                self._idle += 1
                self._finished += 1
                self._unfinished -= 1
                if self._growing:
                    self._moved.notify()
                if self._unfinished == 0:
                    self._done.notify_all()

    def _grow(self) -> None:
        """Twice as many threads, as often as nothing moves while work waits; until none waits."""
        with self._guard:
            while self._idle < 0 and self._threads < self._most and not self._closed:
                before = self._finished
                self._moved.wait(PATIENCE)
                if self._finished == before:
                    self._start(max(0, min(-self._idle, self._threads, self._most - self._threads)))
            self._growing = False

    def close(self) -> None:
        """Let the threads end after what is queued."""
        with self._guard:
            if not self._closed:
                self._closed = True
                for _ in range(self._threads):
                    self._queue.put(None)
