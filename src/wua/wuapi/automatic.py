"""Automatic updates (IAutomaticUpdates, IAutomaticUpdates2, IAutomaticUpdatesResults)."""

import os
import threading
from datetime import datetime
from typing import Final

from wua.api import automatic
from wua.api.agent import Agent
from wua.model import codes
from wua.model.automatic import Automatic
from wua.model.struct import replace
from wua.wuapi.automatic_settings import AutomaticUpdatesSettings
from wua.wuapi.context import Connected, Context
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import asking, fail
from wua.wuapi.lockdown import Lockable
from wua.wuapi.update_parts import date

WINDOWS_10: Final = "windows10"


class AutomaticUpdatesResults(ComObject, interfaces=("IAutomaticUpdatesResults",)):
    """When automatic updates themselves last succeeded, asked for live (IAutomaticUpdatesResults)."""

    __slots__ = ("_context",)

    def __init__(self, shared: Context) -> None:
        self._context = shared

    @property
    def LastSearchSuccessDate(self) -> datetime | None:
        """UTC; None (VT_EMPTY) when they have not searched yet."""
        return _moment(self._automatic().last_search)

    @property
    def LastInstallationSuccessDate(self) -> datetime | None:
        """UTC; of the last installation of theirs that installed anything; None when there was none."""
        return _moment(self._automatic().last_installation)

    def _automatic(self) -> Automatic:
        with asking:
            return self._context.protocol.automatic()


def _moment(seconds: float) -> datetime | None:
    return date(seconds) if seconds else None


_Settings = AutomaticUpdatesSettings  # under names that no member has
_Results = AutomaticUpdatesResults


class AutomaticUpdates(Lockable, Connected, interfaces=("IAutomaticUpdates2", "IUpdateLockdown")):
    """Automatic updates of the machine (IAutomaticUpdates2, ``Microsoft.Update.AutoUpdate``).

    They work when DetectNow is called; level, day and hour of Settings say how far they go then.
    ``compat_level="windows10"``, or WUA_COMPAT_LEVEL, makes Settings behave as Windows 10 documents it.
    """

    __slots__ = ("_guard", "_locked", "_modern", "_results", "_settings")

    def __init__(
        self, *, agent: Agent | None = None, strict: bool | None = None, compat_level: str | None = None
    ) -> None:
        super().__init__(agent=agent, strict=strict)
        level = os.environ.get("WUA_COMPAT_LEVEL", "") if compat_level is None else compat_level
        if level not in ("", WINDOWS_10):
            fail(codes.E_INVALIDARG, f"compat_level is {level!r}, not {WINDOWS_10!r}")
        self._guard = threading.Lock()
        self._locked = False
        self._modern = level == WINDOWS_10
        self._settings: _Settings | None = None
        self._results = _Results(self._context)

    @property
    def Settings(self) -> _Settings:
        """The settings, the same object on every read, so that they can be changed and saved in steps."""
        with self._guard:
            if self._settings is None:
                self._settings = _Settings(self._context, self._unlocked, modern=self._modern)
            return self._settings

    @property
    def Results(self) -> _Results:
        """When automatic updates themselves last succeeded, the same object on every read."""
        return self._results

    @property
    def ServiceEnabled(self) -> bool:
        """Whether somebody has turned automatic updates on: EnableService, or Settings.Save."""
        with asking:
            return self._context.protocol.automatic().settings.enabled

    def EnableService(self) -> None:
        """Turn them on. How far they go is still for the level to say. Raises ComError E_ACCESSDENIED."""
        with asking:
            found = self._context.protocol.automatic().settings
            self._context.protocol.set_automatic(replace(found, enabled=True))

    def DetectNow(self) -> None:
        """Begin to search, and to fetch or schedule what is found, as the level says. Answers at once.

        Who may not change the machine gets a search, and nothing more.

        Raises:
            ComError: WU_E_AU_NOSERVICE when they are off or not configured; WU_E_AU_PAUSED.

        Differs: automatic updates work when this is called, and not by a clock of their own. In Windows
        10's ways it searches whatever the settings are.
        """
        with asking:
            if self._modern:
                settings = self._context.protocol.automatic().settings
            else:
                settings = automatic.check(self._context.agent)
            automatic.detect(self._context.agent, settings)

    def Pause(self) -> None:
        """Let them do nothing for eight hours; what they had scheduled is called off.

        Raises:
            ComError: WU_E_AU_NOSERVICE; WU_E_AU_PAUSED, also when they are paused already; E_ACCESSDENIED;
                WU_E_INVALID_OPERATION once locked down.
        """
        self._unlocked()
        self._context.must_act()
        with asking:
            automatic.check(self._context.agent)
            self._context.protocol.pause_automatic(True)
            automatic.withdraw(self._context.agent)

    def Resume(self) -> None:
        """End a pause; without one it changes nothing.

        Raises:
            ComError: E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down.

        Differs: it asks neither whether they are on nor whether they are paused.
        """
        self._unlocked()
        with asking:
            self._context.protocol.pause_automatic(False)

    def ShowSettingsDialog(self) -> None:
        """Refused. Raises ComError WU_E_NO_UI_SUPPORT.

        Differs: it always fails, for wua has no windows.
        """
        fail(codes.WU_E_NO_UI_SUPPORT, "there is no window to show a dialog in")
