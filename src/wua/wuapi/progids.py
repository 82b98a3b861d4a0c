"""The one place where a ProgID or CLSID becomes an object."""

import re
from typing import Final

from wua.wuapi.declare import ComObject
from wua.wuapi.shape import CoClass
from wua.wuapi.table import COCLASSES

_GUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?")
_VERSION: Final = ".1"  # "Microsoft.Update.Session.1" is registered beside the name without it


def guid(text: str) -> str | None:
    """A GUID, with or without braces, as the tables have it; None for other text."""
    found = _GUID.fullmatch(text.strip().lower())
    return found[1] if found else None


def coclass(name: str) -> CoClass | None:
    """The class that a ProgID or a CLSID (with or without braces) names, in any case; None for others."""
    clsid = guid(name)
    if clsid is not None:
        return next((each for each in COCLASSES if each.clsid == clsid), None)
    name = name.strip().lower().removesuffix(_VERSION)
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
