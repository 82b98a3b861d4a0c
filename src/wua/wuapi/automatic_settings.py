"""The settings of automatic updates (IAutomaticUpdatesSettings to IAutomaticUpdatesSettings3)."""

from collections.abc import Callable
from typing import Any, Final

from wua.api import automatic
from wua.model import codes
from wua.model.automatic import AutomaticSettings, Level
from wua.model.struct import replace
from wua.wuapi.context import Context
from wua.wuapi.declare import ComObject
from wua.wuapi.enums import (
    AutomaticUpdatesNotificationLevel,
    AutomaticUpdatesPermissionType,
    AutomaticUpdatesScheduledInstallationDay,
    AutomaticUpdatesUserType,
)
from wua.wuapi.errors import asking, fail

_HOURS: Final = range(24)


class AutomaticUpdatesSettings(ComObject, interfaces=("IAutomaticUpdatesSettings3",)):
    """A working copy of the stored settings: change it, then Save (IAutomaticUpdatesSettings3).

    Setting anything needs the right to change the machine (E_ACCESSDENIED). In Windows 10's ways, as they
    are documented, level, day and hour can be set without effect, and Save stores nothing.
    """

    __slots__ = ("_context", "_modern", "_read_only", "_unlocked", "_values")

    def __init__(self, shared: Context, unlocked: Callable[[], None], *, modern: bool) -> None:
        """``unlocked`` raises once the object that these settings hang on was locked down."""
        self._context, self._unlocked, self._modern = shared, unlocked, modern
        self._load()

    def _load(self) -> None:
        with asking:
            self._values: AutomaticSettings = self._context.protocol.automatic().settings
        self._read_only = not self._modern and not self._context.may_act()

    def _set(self, **changed: Any) -> None:
        self._context.must_act()
        self._values = replace(self._values, **changed)

    @property
    def NotificationLevel(self) -> AutomaticUpdatesNotificationLevel:
        """How far automatic updates go by themselves."""
        return AutomaticUpdatesNotificationLevel(self._values.level)

    @NotificationLevel.setter
    def NotificationLevel(self, value: AutomaticUpdatesNotificationLevel) -> None:
        """Raises ComError E_ACCESSDENIED; E_INVALIDARG for a level that there is not."""
        if not self._modern:
            self._set(level=Level(value))

    @property
    def ReadOnly(self) -> bool:
        """Whether the caller lacks the right to change them; looked at when they are loaded."""
        return self._read_only

    @property
    def Required(self) -> bool:
        """False.

        Differs: there is no group policy that could demand automatic updates.
        """
        return False

    @property
    def ScheduledInstallationDay(self) -> AutomaticUpdatesScheduledInstallationDay:
        """The day of scheduled installations; counts at level aunlScheduledInstallation only."""
        return AutomaticUpdatesScheduledInstallationDay(self._values.day)

    @ScheduledInstallationDay.setter
    def ScheduledInstallationDay(self, value: AutomaticUpdatesScheduledInstallationDay) -> None:
        """Raises ComError E_ACCESSDENIED; E_INVALIDARG for a day that there is not."""
        if not self._modern:
            self._set(day=int(value))

    @property
    def ScheduledInstallationTime(self) -> int:
        """The hour, 0 to 23, local time; counts at level aunlScheduledInstallation only."""
        return self._values.hour

    @ScheduledInstallationTime.setter
    def ScheduledInstallationTime(self, value: int) -> None:
        """Raises ComError E_ACCESSDENIED; E_INVALIDARG for what is no hour."""
        if self._modern:
            return
        if value not in _HOURS:
            fail(codes.E_INVALIDARG, f"{value} is no hour from 0 to 23")
        self._set(hour=value)

    @property
    def IncludeRecommendedUpdates(self) -> bool:
        """Whether every update that is not optional counts, and not only those that are important."""
        return self._values.recommended

    @IncludeRecommendedUpdates.setter
    def IncludeRecommendedUpdates(self, value: bool) -> None:
        """Raises ComError E_ACCESSDENIED."""
        self._set(recommended=value)

    @property
    def NonAdministratorsElevated(self) -> bool:
        """Whether ordinary users may do some things too; false at first.

        Differs: kept, and gives nobody a right.
        """
        return self._values.elevated

    @NonAdministratorsElevated.setter
    def NonAdministratorsElevated(self, value: bool) -> None:
        """Raises ComError E_ACCESSDENIED."""
        self._set(elevated=value)

    @property
    def FeaturedUpdatesEnabled(self) -> bool:
        """False: there are no featured updates."""
        return False

    @FeaturedUpdatesEnabled.setter
    def FeaturedUpdatesEnabled(self, value: bool) -> None:
        """Refused. Raises ComError E_ACCESSDENIED; WU_E_NOT_SUPPORTED."""
        self._context.must_act()
        fail(codes.WU_E_NOT_SUPPORTED, "there are no featured updates")

    def CheckPermission(
        self, userType: AutomaticUpdatesUserType, permissionType: AutomaticUpdatesPermissionType
    ) -> bool:
        """Whether this caller, or an administrator, may change a kind of setting.

        Nobody may for auptSetFeaturedUpdatesEnabled.
        """
        if permissionType is AutomaticUpdatesPermissionType.auptSetFeaturedUpdatesEnabled:
            return False
        return userType is AutomaticUpdatesUserType.auutLocalAdministrator or self._context.may_act()

    def Refresh(self) -> None:
        """Load the stored settings; changes that were not saved are lost."""
        self._load()

    def Save(self) -> None:
        """Store the settings; any level but aunlDisabled also turns automatic updates on.

        What automatic updates had scheduled by the settings before is called off.

        Raises:
            ComError: WU_E_INVALID_OPERATION for level aunlNotConfigured, and once locked down;
                E_ACCESSDENIED.
        """
        self._unlocked()
        if self._modern:
            return
        if self._values.level is Level.NOT_CONFIGURED:
            fail(codes.WU_E_INVALID_OPERATION, "NotificationLevel is aunlNotConfigured")
        self._context.must_act()
        if self._values.level is not Level.DISABLED:
            self._values = replace(self._values, enabled=True)
        with asking:
            self._context.protocol.set_automatic(self._values)
            automatic.withdraw(self._context.agent)
