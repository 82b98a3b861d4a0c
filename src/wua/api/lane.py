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


def spawn(loop: asyncio.AbstractEventLoop, coroutine: Coroutine[Any, Any, Any]) -> Future[Any] | None:
    """Run a coroutine on a loop of another thread; None when that loop is closed."""
    import asyncio

    try:
        return asyncio.run_coroutine_threadsafe(coroutine, loop)
    except RuntimeError:
        coroutine.close()
        if not loop.is_closed():
            raise
        return None
