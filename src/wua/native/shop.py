"""What every job of a native agent works with."""

from collections.abc import Callable
from typing import NamedTuple

from wua.native.known import Known
from wua.native.lane import Lane
from wua.native.natives import Natives
from wua.native.pace import Pace
from wua.store.state import StateStore


class Shop(NamedTuple):
    """The objects that the jobs of one agent share."""

    natives: Natives
    lane: Lane
    known: Known
    store: StateStore
    pace: Pace
    changed: Callable[[str], None]  # told a job's id when it has new events
