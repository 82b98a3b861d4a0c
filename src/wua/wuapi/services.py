"""Update services and their registration (IUpdateService, IUpdateService2, IUpdateServiceRegistration)."""

from datetime import datetime

from wua.model.services import Registration
from wua.model.updates import Service as Described
from wua.wuapi.collections import Listing, StringCollection, strings
from wua.wuapi.declare import ComObject
from wua.wuapi.enums import UpdateServiceRegistrationState
from wua.wuapi.update_parts import NO_DATE, date


class UpdateService(ComObject, interfaces=("IUpdateService2",)):
    """A registered service as it was when it was asked for (IUpdateService2)."""

    __slots__ = ("_service", "_with_au")

    def __init__(self, service: Described, *, with_au: bool) -> None:
        self._service, self._with_au = service, with_au

    @property
    def Name(self) -> str:
        """Its name, for people."""
        return self._service.name

    @property
    def ServiceID(self) -> str:
        """A GUID."""
        return self._service.id

    @property
    def ServiceUrl(self) -> str:
        """Where it is reached; empty for the machine's own, whose sources are many."""
        return self._service.url

    @property
    def SetupPrefix(self) -> str:
        """Empty: it has no set-up files."""
        return ""

    @property
    def RedirectUrls(self) -> StringCollection:
        """Empty: nothing is redirected."""
        return strings()

    @property
    def ContentValidationCert(self) -> bytes | None:
        """None (VT_EMPTY).

        Differs: signed indexes vouch for content, not one certificate.
        """
        return None

    @property
    def IssueDate(self) -> datetime:
        """When its authorisation was issued; the DATE zero for a service that needs none."""
        return date(self._service.issued)

    @property
    def ExpirationDate(self) -> datetime:
        """The DATE zero: it does not expire."""
        return NO_DATE

    @property
    def IsManaged(self) -> bool:
        """Whether it is a server that an administrator runs, as WSUS is."""
        return self._service.is_managed

    @property
    def IsRegisteredWithAU(self) -> bool:
        """Whether automatic updates used it when it was asked for."""
        return self._with_au

    @property
    def IsDefaultAUService(self) -> bool:
        """Whether automatic updates used it as their default service."""
        return self._with_au and self._service.is_default

    @property
    def CanRegisterWithAU(self) -> bool:
        """Whether automatic updates can use it: the machine's own, and others that say so."""
        return self._service.can_register or self._service.is_default

    @property
    def IsScanPackageService(self) -> bool:
        """Whether it was made from a scan package; none is, see AddScanPackageService."""
        return self._service.is_scan_package

    @property
    def OffersWindowsUpdates(self) -> bool:
        """Whether it offers updates of the machine's operating system, whichever that is."""
        return self._service.is_default


_Service = UpdateService  # under a name that no member has


class UpdateServiceCollection(Listing[UpdateService], interfaces=("IUpdateServiceCollection",)):
    """The registered services (IUpdateServiceCollection)."""

    __slots__ = ()


class UpdateServiceRegistration(ComObject, interfaces=("IUpdateServiceRegistration",)):
    """How a service was registered when it was asked for (IUpdateServiceRegistration)."""

    __slots__ = ("_registration",)

    def __init__(self, registration: Registration) -> None:
        self._registration = registration

    @property
    def RegistrationState(self) -> UpdateServiceRegistrationState:
        """usrsRegistered, or usrsRegistrationPending for a service that does not answer here yet."""
        if self._registration.service is None:
            return UpdateServiceRegistrationState.usrsRegistrationPending
        return UpdateServiceRegistrationState.usrsRegistered

    @property
    def ServiceID(self) -> str:
        """The GUID of the service."""
        return self._registration.service_id

    @property
    def IsPendingRegistrationWithAU(self) -> bool:
        """Automatic updates will use it too, once it is registered."""
        return self._registration.service is None and self._registration.with_au

    @property
    def Service(self) -> UpdateService | None:
        """None while the registration is pending."""
        return service_of(self._registration)


def service_of(registration: Registration) -> _Service | None:
    """The object of a registered service; None while it is pending."""
    if registration.service is None:
        return None
    return _Service(registration.service, with_au=registration.with_au)
