"""Calls into native objects, on threads of the agent's own: in the right apartment, and with an end.

A caller's thread may be in a single-threaded apartment, and a native call may never come back. So calls
are made on threads kept for it, and whoever asked waits no longer than the call's limit.
"""

import threading
from collections.abc import Callable
from typing import Final, Generic, TypeVar

from wua.model.problems import WuaError, error
from wua.native.natives import Natives
from wua.native.trouble import problem_of
from wua.system.workers import Workers

T = TypeVar("T")
LIMIT: Final = 120.0  # seconds for a call that only asks for something
SEARCHING: Final = 3600.0  # for one that searches: Windows may take that long
THREADS: Final = 32  # a call that never comes back keeps its thread


class Lane:
    """Runs native calls. Methods may be called from any thread."""

    def __init__(self, natives: Natives, limit: float = LIMIT) -> None:
        self._natives, self._limit = natives, limit
        self._jobs = Workers("wua-native-job", THREADS)
        self._calls = Workers(
            "wua-native", THREADS
        )  # apart: jobs make calls, and must not wait for each other
        self._own = threading.local()

    def call(self, doing: str, function: Callable[[], T], limit: float | None = None) -> T:
        """What ``function`` answers. ``doing`` names it for the problem; ``limit`` is seconds.

        Raises:
            WuaError: what the native objects refused; timed-out; connection-lost after ``close``.
        """
        limit = self._limit if limit is None else limit
        waiting = self.begin(doing, function)
        if not waiting.done.wait(limit):
            raise too_long(doing, limit)
        return waiting.result()

    def begin(self, doing: str, function: Callable[[], T]) -> "Call[T]":
        """Have a call made, and answer at once. Raises WuaError connection-lost after ``close``."""
        waiting = Call(self._guarded(doing, function))
        if not self._put(self._calls, waiting.run):
            raise error("connection-lost", "the agent was closed")
        return waiting

    def start(self, work: Callable[[], None]) -> bool:
        """Have a job, which must not raise, done on a thread that may use native objects."""
        return self._put(self._jobs, work)

    def later(self, work: Callable[[], None]) -> None:
        """Have a call made that nobody waits for, and that must not raise."""
        self._put(self._calls, work)

    def _put(self, workers: Workers, work: Callable[[], None]) -> bool:
        def entered() -> None:
            if not getattr(self._own, "entered", False):
                self._natives.enter_thread()
                self._own.entered = True
            work()

        return workers.put(entered)

    def here(self, doing: str, function: Callable[[], T]) -> T:
        """The same as ``call`` for a thread of ``start``: no other thread, and no limit."""
        return self._guarded(doing, function)()

    def _guarded(self, doing: str, function: Callable[[], T]) -> Callable[[], T]:
        def call() -> T:
            try:
                return function()
            except WuaError:
                raise
            except Exception as failure:
                refusal = self._natives.refusal(failure)
                if refusal is None:
                    raise
                raise WuaError(problem_of(refusal, doing)) from failure

        return call

    def close(self) -> None:
        self._jobs.close()
        self._calls.close()


def too_long(doing: str, limit: float) -> WuaError:
    """The error for a call that did not come back."""
    return error("timed-out", f"{doing}: Windows Update did not answer within {limit:g} s")


class Call(Generic[T]):
    """A call that is being made. ``result`` is there when ``done`` is set, and raises what was raised."""

    def __init__(self, function: Callable[[], T]) -> None:
        self._function = function
        self._failure: BaseException | None = None
        self._answers: list[T] = []
        self.done = threading.Event()

    def run(self) -> None:
        try:
            self._answers.append(self._function())
        except BaseException as failure:  # noqa: BLE001 - handed to whoever asked
            self._failure = failure
        self.done.set()

    def result(self) -> T:
        if self._failure is not None:
            raise self._failure
        return self._answers[0]
