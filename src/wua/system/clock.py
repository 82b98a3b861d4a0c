"""The system's own time, as a clock that is handed to whatever waits."""

import time
from collections.abc import Callable
from typing import Final


class SystemClock:
    """Implements Clock; it cannot be moved."""

    def time(self) -> float:
        return time.time()

    def monotonic(self) -> float:
        return time.monotonic()

    def real(self, seconds: float) -> float | None:
        return seconds

    def on_move(self, call: Callable[[], None]) -> None:
        """It is never called."""


SYSTEM_CLOCK: Final = SystemClock()
