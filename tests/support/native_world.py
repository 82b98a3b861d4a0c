"""The native agent over our own wuapi: both ends of the contract in one process."""

import tempfile
from pathlib import Path
from typing import Any

from wua.api.agent import Agent
from wua.native.agent import NativeAgent
from wua.native.pace import USUAL, Pace
from wua.testing.natives import RoundTrip


class _Closing(NativeAgent):
    """Closes the agent underneath, and its own store's folder, with itself."""

    def __init__(self, inner: Agent, pace: Pace) -> None:
        self._inner = inner
        self._folder = tempfile.TemporaryDirectory(prefix="wua-native-")
        super().__init__(RoundTrip(inner), Path(self._folder.name), pace)

    def close(self) -> None:
        super().close()
        self._inner.close()
        self._folder.cleanup()


def round_trip(protocol: Any, pace: Pace = USUAL) -> Any:
    """An agent of the protocol that reaches ``protocol`` through the objects of wuapi only."""
    return _Closing(Agent(protocol), pace)
