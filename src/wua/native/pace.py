"""How long the native agent is given, and by which clock."""

import time
from collections.abc import Callable
from typing import Final, NamedTuple


class Pace(NamedTuple):
    """Seconds, all of them. The clock is monotonic."""

    poll: float = 1.0  # between two looks at a job whose callbacks are silent
    settle: float = 30.0  # every update is final, and the job does not say that it has completed
    grace: float = 120.0  # for the native agent to obey an abort after a time-out, or to hand over a result
    clock: Callable[[], float] = time.monotonic


USUAL: Final = Pace()
