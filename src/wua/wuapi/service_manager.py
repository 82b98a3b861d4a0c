"""Registering and removing services (IUpdateServiceManager, IUpdateServiceManager2)."""

import re
from pathlib import Path
from typing import Any, Final, NoReturn

from wua.model import codes
from wua.model.services import Registration
from wua.wuapi.context import Application, Context
from wua.wuapi.enums import AddServiceFlag, UpdateServiceOption
from wua.wuapi.errors import ERROR_FILE_NOT_FOUND, TRUST_E_NOSIGNATURE, asking, fail
from wua.wuapi.lockdown import Lockable
from wua.wuapi.services import UpdateService, UpdateServiceCollection, UpdateServiceRegistration, service_of

_GUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?", re.IGNORECASE)
_NOW_OR_LATER: Final = AddServiceFlag.asfAllowPendingRegistration | AddServiceFlag.asfAllowOnlineRegistration
_EVERY_FLAG: Final = _NOW_OR_LATER | AddServiceFlag.asfRegisterServiceWithAU
_SCAN_FLAGS: Final = (0, UpdateServiceOption.usoNonVolatileService)


class UpdateServiceManager(Lockable, Application, interfaces=("IUpdateServiceManager2", "IUpdateLockdown")):
    """Registers and removes services (IUpdateServiceManager2, ``Microsoft.Update.ServiceManager``).

    A Debian machine has one service of its own, in the place of Windows Update: it is registered, the
    default, and cannot be removed. Others can be asked for, and stay pending until they answer here.
    """

    __slots__ = ("_allowed", "_locked", "_warns")

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._locked = False
        self._allowed: str | None = None
        self._warns = True

    @property
    def Services(self) -> UpdateServiceCollection:
        """The registered services, as they are now; those that are waited for are not among them."""
        found = (service_of(each) for each in self._registrations())
        return UpdateServiceCollection([each for each in found if each is not None])

    def QueryServiceRegistration(self, serviceID: str | None) -> UpdateServiceRegistration:
        """How a service is registered. The id counts without case, with or without braces.

        Raises:
            ComError: E_INVALIDARG for what is no GUID; WU_E_DS_UNKNOWNSERVICE.
        """
        wanted = _guid(serviceID)
        found = [each for each in self._registrations() if each.service_id == wanted]
        if not found:
            fail(codes.WU_E_DS_UNKNOWNSERVICE, wanted)
        return UpdateServiceRegistration(found[0])

    def AddService(self, serviceID: str | None, authorizationCabPath: str | None) -> UpdateService:
        """Register a service by its authorisation cab. It is always refused.

        Raises:
            ComError: E_INVALIDARG for what is no GUID, or without a path; E_ACCESSDENIED;
                ERROR_FILE_NOT_FOUND; TRUST_E_NOSIGNATURE.

        Differs: this machine trusts no signer of such cabs.
        """
        _guid(serviceID)
        self._refuse_cab(authorizationCabPath)

    def AddService2(
        self, serviceID: str | None, flags: int, authorizationCabPath: str | None
    ) -> UpdateServiceRegistration:
        """Register a service: now (asfAllowOnlineRegistration), later (asfAllowPendingRegistration) or both.

        With both, what fails now is still noted for later. With asfRegisterServiceWithAU automatic updates
        use the service once it is registered. Without the first two a cab is needed, as for AddService.

        Raises:
            ComError: E_INVALIDARG for what is no GUID, for unknown flags, for a cab beside the first two
                flags, or without a path for want of them; E_ACCESSDENIED; WU_E_DS_UNKNOWNSERVICE, when no
                such service answers; ERROR_FILE_NOT_FOUND and TRUST_E_NOSIGNATURE for a cab.

        Differs: only the machine's own service answers at once; others stay pending.
        """
        wanted = _guid(serviceID)
        if not 0 <= flags <= _EVERY_FLAG:
            fail(codes.E_INVALIDARG, f"flags is {flags}")
        if not flags & _NOW_OR_LATER:
            self._refuse_cab(authorizationCabPath)
        if authorizationCabPath:
            fail(codes.E_INVALIDARG, "a cab and an online or pending registration exclude each other")
        with asking:
            registration = self._context.protocol.register_service(
                wanted,
                online=bool(flags & AddServiceFlag.asfAllowOnlineRegistration),
                pending=bool(flags & AddServiceFlag.asfAllowPendingRegistration),
                with_au=bool(flags & AddServiceFlag.asfRegisterServiceWithAU),
            )
        return UpdateServiceRegistration(registration)

    def RemoveService(self, serviceID: str | None) -> None:
        """Forget a service that is waited for; the machine's own stays.

        Raises:
            ComError: E_INVALIDARG for what is no GUID; WU_E_DS_UNKNOWNSERVICE; WU_E_DS_NEEDWINDOWSSERVICE
                for the machine's own; E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down.
        """
        self._unlocked()
        wanted = _guid(serviceID)
        with asking:
            self._context.protocol.remove_service(wanted)

    def RegisterServiceWithAU(self, serviceID: str | None) -> None:
        """Have automatic updates use a registered service.

        Raises:
            ComError: WU_E_DS_UNKNOWNSERVICE; WU_E_INVALID_OPERATION for what is no id, for a service other
                than AllowedServiceID and for one that automatic updates can't use; E_ACCESSDENIED.
        """
        wanted = _guid(serviceID, codes.WU_E_INVALID_OPERATION)
        if self._allowed not in (None, wanted):
            fail(codes.WU_E_INVALID_OPERATION, f"only {self._allowed} is allowed (AllowedServiceID)")
        with asking:
            self._context.protocol.use_service(wanted, True)

    def UnregisterServiceWithAU(self, serviceID: str | None) -> None:
        """Have automatic updates leave a service alone.

        Raises:
            ComError: WU_E_DS_UNKNOWNSERVICE; WU_E_DS_NEEDWINDOWSSERVICE for the last one that they use;
                WU_E_INVALID_OPERATION for what is no id; E_ACCESSDENIED.
        """
        wanted = _guid(serviceID, codes.WU_E_INVALID_OPERATION)
        with asking:
            self._context.protocol.use_service(wanted, False)

    def AddScanPackageService(
        self, serviceName: str | None, scanFileLocation: str | None, flags: int = 0
    ) -> UpdateService:
        """Register a scan package. It is always refused.

        Raises:
            ComError: E_INVALIDARG without name or file, or for flags other than 0 and usoNonVolatileService;
                E_ACCESSDENIED; WU_E_OL_INVALID_SCANFILE; WU_E_INVALID_OPERATION once locked down.

        Differs: wua can't read scan packages yet.
        """
        self._unlocked()
        if not serviceName or not scanFileLocation or flags not in _SCAN_FLAGS:
            fail(codes.E_INVALIDARG, "a name, a file and 0 or usoNonVolatileService are expected")
        self._context.must_act()
        fail(codes.WU_E_OL_INVALID_SCANFILE, f"{scanFileLocation}: wua does not read scan packages yet")

    def SetOption(self, optionName: str | None, optionValue: Any) -> None:
        """Set ``AllowedServiceID`` (a string) or ``AllowWarningUI`` (a boolean), for this object.

        Names count without case. An empty AllowedServiceID allows every service again.

        Raises:
            ComError: E_INVALIDARG for other names, or for a value of another kind; WU_E_INVALID_OPERATION
                once locked down.

        Differs: AllowWarningUI changes nothing, for there is no warning to show.
        """
        self._unlocked()
        name = (optionName or "").lower()
        if name == "allowedserviceid" and isinstance(optionValue, str):
            self._allowed = _guid(optionValue) if optionValue else None
        elif name == "allowwarningui" and isinstance(optionValue, bool):
            self._warns = optionValue
        else:
            fail(codes.E_INVALIDARG, f"no option {optionName!r} takes {optionValue!r}")

    def _registrations(self) -> tuple[Registration, ...]:
        with asking:
            return self._context.protocol.registrations()

    def _refuse_cab(self, path: str | None) -> NoReturn:
        if not path:
            fail(codes.E_INVALIDARG, "the path of an authorisation cab is needed")
        self._context.must_act()
        if not Path(path).is_file():
            fail(ERROR_FILE_NOT_FOUND, path)
        fail(TRUST_E_NOSIGNATURE, f"{path}: this machine trusts no signer of authorisation cabs")


def _guid(text: str | None, otherwise: int = codes.E_INVALIDARG) -> str:
    """A service id in the form in which the agent compares them."""
    found = _GUID.fullmatch((text or "").strip())
    if found is None:
        fail(otherwise, f"{text!r} is no service id")
    return found[1].lower()
