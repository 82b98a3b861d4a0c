"""The part of the native agent that is about services, automatic updates and reports."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import msgspec

from wua.model.automatic import LONGEST_PAUSE, Automatic, AutomaticSettings, Level
from wua.model.problems import error
from wua.model.reports import InstallerReport
from wua.model.services import Registration
from wua.model.struct import replace
from wua.model.updates import Service
from wua.native import mapping
from wua.native.natives import each
from wua.native.shop import Shop

T = TypeVar("T")
ONLINE: Final = 2  # AddServiceFlag
PENDING: Final = 1
WITH_AU: Final = 4
_AREA: Final = "native"  # in the store: what the native agent keeps and does not tell
_ASKED: Final = "service"  # that it does not list
_REPORTS: Final = "report"


class Administration:
    """Services, automatic updates and reports, as the Agent protocol has them."""

    _shop: Shop

    def _ask(self, doing: str, function: Callable[[], T], limit: float | None = None) -> T:
        return self._shop.lane.call(doing, function, limit)

    def _new(self, progid: str) -> Any:
        return self._shop.natives.create(progid)

    def _must_act(self) -> None:
        """Raises WuaError access-denied unless this caller may change the machine."""
        if needed := self._shop.natives.about().needed:
            raise error("access-denied", needed)

    # --- services

    def services(self) -> tuple[Service, ...]:
        """Those that are registered."""
        return tuple(each.service for each in self.registrations() if each.service is not None)

    def registrations(self) -> tuple[Registration, ...]:
        """Those that are registered, and those that wua asked for and the native agent still waits for."""
        return self._ask("list services", self._registrations)

    def _registrations(self) -> tuple[Registration, ...]:
        manager = self._new("Microsoft.Update.ServiceManager")
        found = tuple(_registered(native) for native in each(manager.Services))
        known = {registration.service_id for registration in found}
        asked = [service for service in self._shop.store.kept(_ASKED) if service not in known]
        waiting = (self._waiting(manager, service) for service in asked)
        return (*found, *(registration for registration in waiting if registration is not None))

    def _waiting(self, manager: Any, service_id: str) -> Registration | None:
        """A service that the native agent does not list; None when it does not wait for it either."""
        try:
            found = manager.QueryServiceRegistration(service_id)
        except Exception as failure:
            if self._shop.natives.refusal(failure) is None:
                raise
            return None
        return Registration(service_id, None, bool(found.IsPendingRegistrationWithAU))

    def register_service(
        self, service_id: str, *, online: bool, pending: bool, with_au: bool = False
    ) -> Registration:
        self._must_act()
        flags = ONLINE * online | PENDING * pending | WITH_AU * with_au

        if pending:
            self._shop.store.keep(_ASKED, service_id, b"true")

        def register() -> Registration:
            found = self._new("Microsoft.Update.ServiceManager").AddService2(service_id, flags, "")
            service = found.Service
            if service is None:
                return Registration(service_id, None, bool(found.IsPendingRegistrationWithAU))
            return _registered(service)

        return self._ask(f"register service {service_id}", register)

    def remove_service(self, service_id: str) -> None:
        self._must_act()
        manager = "Microsoft.Update.ServiceManager"
        self._ask(f"remove service {service_id}", lambda: self._new(manager).RemoveService(service_id))
        self._shop.store.keep(_ASKED, service_id, None)

    def use_service(self, service_id: str, with_au: bool) -> None:
        self._must_act()

        def use() -> None:
            manager = self._new("Microsoft.Update.ServiceManager")
            (manager.RegisterServiceWithAU if with_au else manager.UnregisterServiceWithAU)(service_id)

        self._ask(f"use service {service_id}", use)

    # --- automatic updates

    def automatic(self) -> Automatic:
        """``paused`` is known of pauses by wua only: the native agent does not tell."""
        return self._ask("read automatic updates", self._automatic)

    def _automatic(self) -> Automatic:
        native = self._new("Microsoft.Update.AutoUpdate")
        found = native.Settings
        settings = AutomaticSettings(
            Level(found.NotificationLevel),
            found.ScheduledInstallationDay,
            found.ScheduledInstallationTime,
            bool(found.IncludeRecommendedUpdates),
            bool(found.NonAdministratorsElevated),
            bool(native.ServiceEnabled),
        )
        kept = self._shop.store.kept(_AREA).get("paused", b"0.0")
        paused_until = msgspec.json.decode(kept, type=float)
        return Automatic(
            settings,
            paused_until,
            time.time() < paused_until,
            mapping.seconds(native.Results.LastSearchSuccessDate),
            mapping.seconds(native.Results.LastInstallationSuccessDate),
            time.time(),
        )

    def set_automatic(self, settings: AutomaticSettings) -> None:
        self._must_act()
        self._ask("set automatic updates", lambda: self._set_automatic(settings))

    def _set_automatic(self, settings: AutomaticSettings) -> None:
        native = self._new("Microsoft.Update.AutoUpdate")
        found = native.Settings
        now = (found.NotificationLevel, found.ScheduledInstallationDay, found.ScheduledInstallationTime)
        wanted = (int(settings.level), settings.day, settings.hour)
        extra = (bool(found.IncludeRecommendedUpdates), bool(found.NonAdministratorsElevated))
        if now != wanted or extra != (settings.recommended, settings.elevated):
            found.NotificationLevel, found.ScheduledInstallationDay, found.ScheduledInstallationTime = wanted
            found.IncludeRecommendedUpdates = settings.recommended
            found.NonAdministratorsElevated = settings.elevated
            found.Save()
        if settings.enabled and not native.ServiceEnabled:
            native.EnableService()

    def pause_automatic(self, paused: bool) -> None:
        self._must_act()

        def pause() -> None:
            native = self._new("Microsoft.Update.AutoUpdate")
            native.Pause() if paused else native.Resume()

        self._ask("pause automatic updates", pause)
        until = msgspec.json.encode(time.time() + LONGEST_PAUSE) if paused else None
        self._shop.store.keep(_AREA, "paused", until)

    # --- reports

    def record_report(self, report: InstallerReport) -> None:
        self._must_act()

        def record() -> None:
            details = self._new("Microsoft.Update.StringColl")
            for text in report.details:
                details.Add(text)
            signed = report.hresult - (1 << 32) if report.hresult >> 31 else report.hresult
            agent = self._new("Microsoft.Update.InstallationAgent")
            agent.RecordInstallationResult(report.cookie, signed, details)

        self._ask("record a report", record)
        kept = replace(report, reported=time.time())
        self._shop.store.keep(_REPORTS, report.cookie, msgspec.json.encode(kept))

    def reports(self) -> tuple[InstallerReport, ...]:
        """Those made through wua: the native agent does not hand them out."""
        found = self._shop.store.kept(_REPORTS).values()
        return tuple(msgspec.json.decode(value, type=InstallerReport) for value in found)


def _registered(native: Any) -> Registration:
    found = mapping.service(native)
    return Registration(found.id, found, bool(native.IsRegisteredWithAU))
