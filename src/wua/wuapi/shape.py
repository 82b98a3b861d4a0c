"""What an interface description consists of; the descriptions themselves are in ``table``."""

from typing import NamedTuple


class Param(NamedTuple):
    """A parameter that the caller gives; ``default`` is None for one that must be given."""

    name: str
    type: str
    default: str | int | None = None


class Row(NamedTuple):
    """One slot of an interface: a method, or one half of a property.

    ``kind`` is "method", "get" or "put"; both halves of a property have the same ``name`` and ``dispid``.
    ``dispid`` is None where there is none (see reference/wuapi.json, conventions).
    """

    slot: int
    name: str
    kind: str
    dispid: int | None
    params: tuple[Param, ...]
    returns: str


class Interface(NamedTuple):
    """An interface without what it inherits. ``by_caller``: the program implements it, not the agent."""

    name: str
    iid: str
    base: str
    by_caller: bool
    rows: tuple[Row, ...]


class CoClass(NamedTuple):
    """A class that a program can create by its ProgID or CLSID."""

    name: str
    clsid: str
    progid: str
    interface: str
