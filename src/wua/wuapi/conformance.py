"""Which classes are declared, for the conformance test and the coverage page."""

from wua.wuapi import callbacks
from wua.wuapi.declare import ComObject


def declared() -> list[type[ComObject]]:
    """Every class that stands behind an interface, by name."""
    found: set[type[ComObject]] = set()
    waiting: list[type[ComObject]] = [ComObject]
    while waiting:
        cls = waiting.pop()
        waiting += cls.__subclasses__()
        if cls._interfaces_ and cls.__module__.startswith("wua.wuapi."):
            found.add(cls)
    return sorted(found, key=lambda cls: cls.__name__)


def callback_interfaces() -> list[type[callbacks.Callback]]:
    """The interfaces that programs implement."""
    ours = [cls for cls in callbacks.Callback.__subclasses__() if cls.__module__ == callbacks.__name__]
    return sorted(ours, key=lambda cls: cls.__name__)
