"""What the objects of one session share, and how an object finds its agent."""

import os
from typing import Final, NamedTuple, Self

from wua.api.agent import Agent
from wua.api.current import current
from wua.model import codes
from wua.model.agent import Agent as AgentProtocol
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import asking, fail

LONGEST_APPLICATION_ID: Final = 255  # characters; the original truncates too, at a length it does not tell
UNKNOWN: Final = "Unknown"  # what ClientApplicationID reads when it was never set


class Context(NamedTuple):
    """``strict``: the documented behaviour where it is narrower than what real programs rely on."""

    agent: Agent
    strict: bool

    @property
    def protocol(self) -> AgentProtocol:
        return self.agent.protocol

    def may_act(self) -> bool:
        """Whether the caller is what wuapi calls an administrator: one who may change the machine."""
        with asking:
            return self.protocol.info().may_act

    def must_act(self) -> None:
        """Raises ComError E_ACCESSDENIED unless the caller may change the machine."""
        with asking:
            info = self.protocol.info()
        if not info.may_act:
            fail(codes.E_ACCESSDENIED, info.may_act_reason)


def context(agent: Agent | None, strict: bool | None) -> Context:
    """For an object that a program creates.

    Args:
        agent: None for the one of ``wua.use`` and its defaults.
        strict: None for what WUA_STRICT says, "1" for true.

    Raises:
        ComError: the agent cannot be opened.
    """
    if strict is None:
        strict = os.environ.get("WUA_STRICT") == "1"
    with asking:
        return Context(agent or current(), strict)


class Connected(ComObject):
    """An object that a program makes for an agent, and nothing more."""

    __slots__ = ("_context",)

    def __init__(self, *, agent: Agent | None = None, strict: bool | None = None) -> None:
        """``context`` says what None means."""
        self._context = context(agent, strict)


class Application(ComObject):
    """What session, searcher, downloader, installer and service manager have alike."""

    __slots__ = ("_application", "_context")

    def __init__(self, *, agent: Agent | None = None, strict: bool | None = None) -> None:
        """An object of its own; ``context`` says what None means."""
        self._start(context(agent, strict), None)

    @classmethod
    def _of(cls, shared: Context, application: str | None) -> Self:
        """One that a session makes."""
        made = cls.__new__(cls)
        made._start(shared, application)
        return made

    def _start(self, shared: Context, application: str | None) -> None:
        self._context = shared
        self._application = application  # None: never set

    @property
    def ClientApplicationID(self) -> str:
        """The name of the calling program, kept in history and logs; Unknown until it is set.

        What is longer than 255 characters is cut off; null is kept as empty. An object that a session makes
        takes over the session's name as it is at that moment.
        """
        return UNKNOWN if self._application is None else self._application

    @ClientApplicationID.setter
    def ClientApplicationID(self, value: str | None) -> None:
        self._application = (value or "")[:LONGEST_APPLICATION_ID]
