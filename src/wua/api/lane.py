"""The callbacks of one job: in order, never two at a time, and apart from whoever waits for the job."""

from __future__ import annotations

import sys
import threading
from collections import deque
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import asyncio
    from concurrent.futures import Future

Run = Callable[[Callable[[], None]], None]


class Lane:
    """Calls one thing after the other; ``run`` has work done on a thread. What a call raises is reported."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._guard = threading.Lock()
        self._waiting: deque[Callable[[], Any]] = deque()
        self._busy = False

    def put(self, call: Callable[[], Any]) -> None:
        """Have ``call`` called after what waits. If it answers a future, the next call waits for that."""
        with self._guard:
            self._waiting.append(call)
            if self._busy:
                return
            self._busy = True
        self._run(self._drain)

    def _drain(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._busy = False
                    return
                call = self._waiting.popleft()
            future = guarded(call)
            if future is not None:
                future.add_done_callback(self._go_on)
                return

    def _go_on(self, future: Future[Any]) -> None:
        if not future.cancelled() and (failure := future.exception()) is not None:
            report(failure)
        self._run(self._drain)


def guarded(call: Callable[[], Any]) -> Future[Any] | None:
    """Call user code; what it raises, an exit included, is reported and stays its own."""
    try:
        answer = call()
    except BaseException as failure:  # noqa: BLE001 - see above
        report(failure)
        return None
    return answer if hasattr(answer, "add_done_callback") else None


def report(failure: BaseException) -> None:
    arguments = (type(failure), failure, failure.__traceback__, threading.current_thread())
    threading.excepthook(threading.ExceptHookArgs(arguments))


def running_loop() -> asyncio.AbstractEventLoop | None:
    """The loop that runs the calling code; asyncio is not loaded for the answer that there is none."""
    if "asyncio" not in sys.modules:
        return None
    import asyncio

    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def call_soon(loop: asyncio.AbstractEventLoop, call: Callable[..., Any], *given: Any) -> None:
    """From any thread. A loop that is closed has nobody left who waits."""
    try:
        loop.call_soon_threadsafe(call, *given)
    except RuntimeError:
        if not loop.is_closed():
            raise


def spawn(
    loop: asyncio.AbstractEventLoop, function: Callable[..., Coroutine[Any, Any, Any]], *given: Any
) -> Future[Any] | None:
    """Run a coroutine function on a loop of another thread; None when that loop is closed."""
    start = _Start(loop, function, given)
    call_soon(loop, start)
    return None if loop.is_closed() else start.future


class _Start:
    """Begins a coroutine on its loop; dropped by a loop that closes first, it is cancelled."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        function: Callable[..., Coroutine[Any, Any, Any]],
        given: tuple[Any, ...],
    ) -> None:
        from concurrent.futures import Future

        self.future: Future[Any] = Future()
        self._loop, self._function, self._given = loop, function, given
        self._begun = False

    def __call__(self) -> None:
        self._begun = True
        task = self._loop.create_task(self._function(*self._given))
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[Any]) -> None:
        if task.cancelled():
            self.future.cancel()
        elif (failure := task.exception()) is not None:
            self.future.set_exception(failure)
        else:
            self.future.set_result(None)

    def __del__(self) -> None:
        if not self._begun:
            self.future.cancel()
