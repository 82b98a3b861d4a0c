"""wua: find, rehearse, install and undo updates, with callbacks that survive a restart.

    import wua

    with wua.open() as agent:
        found = agent.search("IsInstalled=0").result()

Names are loaded when first used, so that ``import wua`` costs next to nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # as type checkers know it; importing typing takes as long as all the rest
if TYPE_CHECKING:
    from typing import Any

    from wua._version import __version__
    from wua.api.agent import Agent, open  # noqa: A004 - the documented name
    from wua.api.current import use
    from wua.api.job import Job
    from wua.model.problems import Problem, WuaError

_HOMES = {
    "Agent": "wua.api.agent",
    "Job": "wua.api.job",
    "Problem": "wua.model.problems",
    "WuaError": "wua.model.problems",
    "open": "wua.api.agent",
    "use": "wua.api.current",
    "__version__": "wua._version",
}

__all__ = ["Agent", "Job", "Problem", "WuaError", "__version__", "open", "use"]


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'wua' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
