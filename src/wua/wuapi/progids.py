"""The one place where a ProgID or CLSID becomes an object."""

import re
from typing import Final

from wua.wuapi.declare import ComObject
from wua.wuapi.shape import CoClass
from wua.wuapi.table import COCLASSES

_GUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?")
_VERSION: Final = ".1"  # "Microsoft.Update.Session.1" is registered beside the name without it


def coclass(name: str) -> CoClass | None:
    """The class that a ProgID or a CLSID (with or without braces) names, in any case; None for others."""
    name = name.strip().lower()
    guid = _GUID.fullmatch(name)
    if guid is not None:
        return next((each for each in COCLASSES if each.clsid == guid[1]), None)
    name = name.removesuffix(_VERSION)
    return next((each for each in COCLASSES if each.progid.lower() == name), None)


def create(name: str) -> ComObject | None:
    """A new object of the class that ``name`` means; None where there is no such class.

    Its agent is that of ``wua.use`` and its defaults.

    Raises:
        ComError: the agent cannot be opened.
    """
    from wua import wuapi

    found = coclass(name)
    kind = getattr(wuapi, found.name, None) if found is not None else None
    if kind is None:
        return None
    made: ComObject = kind()
    return made
