"""``win32com.client.gencache``: nothing is generated; every object knows its members."""

from typing import Any

from wua.compat.win32com.client import Dispatch
from wua.wuapi.dispatch import LateBound

__all__ = ["EnsureDispatch", "EnsureModule", "is_readonly"]

is_readonly = True


def EnsureDispatch(prog_id: Any, bForDemand: int = 1) -> LateBound:
    """As Dispatch."""
    return Dispatch(prog_id)


def EnsureModule(*_: Any, **__: Any) -> None:
    """There is no module to make."""
