"""``win32com.server.util``: any Python object can be called back here, so wrapping it changes nothing."""

from typing import TypeVar

T = TypeVar("T")


def wrap(ob: T, iid: object = None, usePolicy: object = None, useDispatcher: object = None) -> T:
    """The object itself."""
    return ob


def unwrap(ob: T) -> T:
    """The object itself."""
    return ob
