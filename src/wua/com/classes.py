"""Ids of our own: the type library, and one class id beside each of those of Windows' own agent."""

from typing import Final
from uuid import UUID, uuid5

from wua.wuapi.table import COCLASSES

_NAMESPACE: Final = UUID("abc01811-c4f4-4ac1-8b37-678a9bafca46")  # the project's; never changes
LIBRARY_ID: Final = uuid5(_NAMESPACE, "com:library")
LIBRARY_VERSION: Final = "2.0"
PROGIDS: Final = "Wua.Update."
ORIGINAL_PROGIDS: Final = "Microsoft.Update."


def own_clsid(name: str) -> UUID:
    """The class id of ours for a class of wuapi.h, such as "UpdateSession"."""
    if all(each.name != name for each in COCLASSES):
        raise KeyError(name)
    return uuid5(_NAMESPACE, f"com:{name}")
