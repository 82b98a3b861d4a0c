"""Creating an object by its class's name, as late-bound programs do."""

from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from wua.api.agent import Agent
from wua.wuapi.automatic import AutomaticUpdates
from wua.wuapi.collections import StringCollection, UpdateCollection
from wua.wuapi.declare import ComObject
from wua.wuapi.downloader import UpdateDownloader
from wua.wuapi.errors import CO_E_CLASSSTRING, REGDB_E_CLASSNOTREG, fail
from wua.wuapi.installer import UpdateInstaller
from wua.wuapi.machine import InstallationAgent, SystemInformation, WindowsUpdateAgentInfo
from wua.wuapi.proxy import WebProxy
from wua.wuapi.searcher import UpdateSearcher
from wua.wuapi.service_manager import UpdateServiceManager
from wua.wuapi.session import UpdateSession
from wua.wuapi.table import COCLASSES

_OF_AN_AGENT: Final[tuple[Callable[..., ComObject], ...]] = (
    AutomaticUpdates,
    InstallationAgent,
    SystemInformation,
    UpdateDownloader,
    UpdateInstaller,
    UpdateSearcher,
    UpdateServiceManager,
    UpdateSession,
)
_ON_THEIR_OWN: Final[tuple[Callable[..., ComObject], ...]] = (
    StringCollection,
    UpdateCollection,
    WebProxy,
    WindowsUpdateAgentInfo,
)
_CLASSES: Final = {made.__name__: made for made in (*_OF_AN_AGENT, *_ON_THEIR_OWN)}
_BY_PROGID: Final = {each.progid.lower(): each.name for each in COCLASSES}
_BY_CLSID: Final = {each.clsid: each.name for each in COCLASSES}
_CLSIDS: Final = {each.name: each.clsid for each in COCLASSES}


def CreateObject(name: str, *, agent: Agent | None = None, strict: bool | None = None) -> Any:
    """A new object of a class of wuapi.h, by ProgID (``Microsoft.Update.Session``) or CLSID, in any case.

    A ProgID may end in its version (``.1``), a CLSID may stand in braces. ``agent`` and ``strict`` are those
    of ``UpdateSession``; classes that need no machine take no notice of them.

    Raises:
        ComError: CO_E_CLASSSTRING for what is no class's name, REGDB_E_CLASSNOTREG for a CLSID that none
            has; the agent cannot be opened.
    """
    found = _class_of(name.strip().lower())
    made = _CLASSES[found]
    return made(agent=agent, strict=strict) if made in _OF_AN_AGENT else made()


def class_id(progid: str) -> str | None:
    """The CLSID that a ProgID stands for, None for one that no class here has."""
    name = _BY_PROGID.get(progid.strip().lower().removesuffix(".1"))
    return _CLSIDS[name] if name else None


def _class_of(name: str) -> str:
    found = _BY_PROGID.get(name.removesuffix(".1"))
    if found is not None:
        return found
    braces = name.startswith("{") and name.endswith("}")
    try:
        clsid = str(UUID(name[1:-1] if braces else name))
    except ValueError:
        fail(CO_E_CLASSSTRING, "Invalid class string")
    if clsid not in _BY_CLSID:
        fail(REGDB_E_CLASSNOTREG, "Class not registered")
    return _BY_CLSID[clsid]
