"""Calling back: in order, one at a time, on threads of our own, and never after a disconnect."""

import logging
import threading
from collections import deque
from collections.abc import Callable, Hashable
from contextvars import ContextVar, copy_context
from typing import Any, Final, NamedTuple

from wua.wuapi.errors import signed

log: Final = logging.getLogger("wua.wuapi")
Work = Callable[[], Any]


class _Waiting(NamedTuple):
    key: Hashable  # calls with the same key that follow one another become the newest one; None for never
    call: Work


class _Stay:
    """One callback on some stack; ``over`` once it has returned."""

    def __init__(self, delivery: "Delivery") -> None:
        self.delivery = delivery
        self.over = False


_inside: ContextVar[tuple[_Stay, ...]] = ContextVar("callbacks that this code runs in", default=())


class Delivery:
    """The callbacks of one job. ``spawn`` has work done on a callback thread."""

    def __init__(self, spawn: Callable[[Work], None]) -> None:
        self._spawn = spawn
        self._context = copy_context()  # callbacks see the context variables of the operation's beginning
        self._guard = threading.Lock()
        self._waiting: deque[_Waiting] = deque()
        self._calling = False
        self._held = False
        self._complete = False  # nothing will be added any more
        self._connected = True
        self._over = threading.Event()

    def is_inside(self) -> bool:
        """Whether the calling code runs in one of these callbacks."""
        return any(stay.delivery is self and not stay.over for stay in _inside.get())

    def put(self, call: Work, key: Hashable = None) -> None:
        """Have something called after what is waiting."""
        with self._guard:
            if self._complete or not self._connected:
                return
            if key is not None and self._waiting and self._waiting[-1].key == key:
                self._waiting.pop()
            self._waiting.append(_Waiting(key, call))
            if self._calling or self._held:
                return
            self._calling = True
        self._spawn(self._drain)

    def finish(self, call: Work | None) -> None:
        """Have the last call made, on this thread unless another one is calling. Once only."""
        with self._guard:
            if self._complete:
                return
            self._complete = True
            if call is not None and self._connected:
                self._waiting.append(_Waiting(None, call))
            if self._calling or self._held:
                return
            self._calling = True
        self._drain()

    def hold(self) -> None:
        """Call nothing until ``resume``."""
        self._held = True

    def resume(self) -> None:
        with self._guard:
            self._held = False
            if self._calling:
                return
            self._calling = True
        self._spawn(self._drain)

    def wait(self) -> None:
        """Until the last call has returned, or was dropped."""
        self._over.wait()

    def disconnect(self) -> None:
        """Call nothing any more; a call that is being made goes on."""
        with self._guard:
            self._connected = False
            self._waiting.clear()
            if not self._calling:
                self._over.set()

    def _drain(self) -> None:
        while True:
            with self._guard:
                if not self._waiting:
                    self._calling = False
                    if self._complete or not self._connected:
                        self._over.set()
                    return
                call = self._waiting.popleft().call
            self._context.run(self._make, call)

    def _make(self, call: Work) -> None:
        stay = _Stay(self)
        token = _inside.set((*_inside.get(), stay))
        try:
            _report(call())
        except BaseException:  # whatever a callback does stays its own, an exit included
            log.warning("a callback raised; the job goes on", exc_info=True)
        finally:
            stay.over = True
            _inside.reset(token)


def _report(answer: Any) -> None:
    if isinstance(answer, int) and signed(answer) < 0:
        log.warning("a callback answered 0x%08X; the job goes on", answer & 0xFFFFFFFF)
