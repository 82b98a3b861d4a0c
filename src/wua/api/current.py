"""Which agent a program means when it names none."""

import atexit
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from wua.api.agent import Agent
from wua.api.agent import open as open_agent

_chosen: ContextVar[Agent | None] = ContextVar("wua.use", default=None)
_defaults: Final[dict[tuple[str, str], Agent]] = {}
_guard: Final = threading.Lock()


@contextmanager
def use(agent: Agent) -> Iterator[Agent]:
    """``with wua.use(agent):`` whatever names no agent in the block means this one.

    So do callbacks of jobs begun in the block, on whichever thread. Leaving does not close the agent.
    """
    token = _chosen.set(agent)
    try:
        yield agent
    finally:
        _chosen.reset(token)


@contextmanager
def everywhere(agent: Agent, root: str) -> Iterator[Agent]:
    """As ``use``, for every thread and task of this process; programs begun in the block mean ``root``.

    It is for tests: one at a time in a process, and nobody else may change WUA_TARGET and WUA_STATE then.
    """
    old = {name: os.environ.pop(name, None) for name in ("WUA_TARGET", "WUA_STATE")}
    os.environ["WUA_TARGET"] = root
    with _guard:
        _defaults[root, ""] = agent
    try:
        with use(agent):
            yield agent
    finally:
        with _guard:
            del _defaults[root, ""]
        del os.environ["WUA_TARGET"]
        os.environ.update({name: value for name, value in old.items() if value is not None})


def current() -> Agent:
    """The agent of ``use``; else of the root in WUA_TARGET; else of this machine. WUA_STATE moves its store.

    The last two are opened once for a process and closed when it ends.

    Raises:
        WuaError: target-unusable, store-newer, store-unwritable.
    """
    agent = _chosen.get()
    if agent is not None:
        return agent
    key = (os.environ.get("WUA_TARGET", ""), os.environ.get("WUA_STATE", ""))
    with _guard:
        found = _defaults.get(key)
        if found is None or found.closed:
            found = _defaults[key] = open_agent(key[0] or None)
            atexit.register(found.close)
        return found
