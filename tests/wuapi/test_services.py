"""Services: what is registered, what is asked for, what is refused."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.codes import fails
from tests.support.wuapi_world import World

from wua.engine import registrations
from wua.model import codes
from wua.model.problems import WuaError
from wua.model.struct import replace
from wua.model.updates import Service
from wua.store.state import StateStore
from wua.testing.machine import SERVICE, SimulatedMachine
from wua.wuapi import UpdateServiceManager, enums
from wua.wuapi.errors import ERROR_FILE_NOT_FOUND, TRUST_E_NOSIGNATURE
from wua.wuapi.services import UpdateService

MICROSOFT_UPDATE = "7971f918-a847-4430-9279-4a52d1efe18d"
ONLINE = enums.asfAllowOnlineRegistration
PENDING = enums.asfAllowPendingRegistration
WITH_AU = enums.asfRegisterServiceWithAU


@pytest.fixture
def manager(world: World) -> Iterator[UpdateServiceManager]:
    made = world.session().CreateUpdateServiceManager()
    yield made
    for each in world.agent.protocol.registrations():
        if each.service is None:
            made.RemoveService(each.service_id)


@pytest.mark.proves("IUpdateServiceManager", "Services")
@pytest.mark.proves("IUpdateService", "Name ServiceID ServiceUrl SetupPrefix ContentValidationCert IssueDate")
@pytest.mark.proves("IUpdateService", "ExpirationDate IsManaged IsRegisteredWithAU CanRegisterWithAU")
@pytest.mark.proves("IUpdateService", "IsScanPackageService OffersWindowsUpdates RedirectUrls")
@pytest.mark.proves("IUpdateService2", "IsDefaultAUService")
def test_the_machine_has_a_service_of_its_own(manager: UpdateServiceManager) -> None:
    services = manager.Services
    assert services.Count == 1
    service = services[0]
    expected = {
        "Name": "Simulated updates",
        "ServiceID": SERVICE.id,
        "ServiceUrl": "",
        "SetupPrefix": "",
        "ContentValidationCert": None,
        "IssueDate": datetime(1899, 12, 30, tzinfo=UTC),
        "ExpirationDate": datetime(1899, 12, 30, tzinfo=UTC),
        "IsManaged": False,
        "IsRegisteredWithAU": True,
        "IsDefaultAUService": True,
        "CanRegisterWithAU": True,
        "IsScanPackageService": False,
        "OffersWindowsUpdates": True,
    }
    assert {name: getattr(service, name) for name in expected} == expected
    assert service.RedirectUrls.Count == 0
    assert service.RedirectUrls.ReadOnly is True
    assert {name.lower() for name in expected} | {"redirecturls"} == set(UpdateService._members_)


@pytest.mark.proves("IUpdateService", "Name ServiceID ServiceUrl IssueDate IsManaged IsRegisteredWithAU")
@pytest.mark.proves("IUpdateService", "IsScanPackageService CanRegisterWithAU OffersWindowsUpdates")
@pytest.mark.proves("IUpdateService2", "IsDefaultAUService")
def test_another_kind_of_service(world: World) -> None:
    described = Service("id", "name", "http://there/", True, False, True, True, 86400.0)
    expected = {
        "Name": "name",
        "ServiceID": "id",
        "ServiceUrl": "http://there/",
        "IssueDate": datetime(1970, 1, 2, tzinfo=UTC),
        "IsManaged": True,
        "IsRegisteredWithAU": True,
        "IsDefaultAUService": False,
        "CanRegisterWithAU": True,
        "IsScanPackageService": True,
        "OffersWindowsUpdates": False,
    }
    service = world.shown(UpdateService(described, with_au=True))
    assert {name: getattr(service, name) for name in expected} == expected
    unused = world.shown(UpdateService(replace(described, is_default=True), with_au=False))
    assert (unused.IsRegisteredWithAU, unused.IsDefaultAUService) == (False, False)


@pytest.mark.proves("IUpdateServiceManager2", "QueryServiceRegistration")
@pytest.mark.proves("IUpdateServiceRegistration", "RegistrationState ServiceID IsPendingRegistrationWithAU")
@pytest.mark.proves("IUpdateServiceRegistration", "Service")
def test_its_registration(manager: UpdateServiceManager) -> None:
    registration = manager.QueryServiceRegistration(f" {{{SERVICE.id.upper()}}} ")
    assert registration.RegistrationState is enums.usrsRegistered
    assert registration.ServiceID == SERVICE.id
    assert registration.IsPendingRegistrationWithAU is False
    assert registration.Service is not None
    assert registration.Service.Name == "Simulated updates"


@pytest.mark.proves("IUpdateServiceManager", "RemoveService UnregisterServiceWithAU")
@pytest.mark.proves("IUpdateServiceManager2", "AddService2")
def test_it_cannot_be_removed_nor_taken_from_automatic_updates(manager: UpdateServiceManager) -> None:
    assert fails(lambda: manager.RemoveService(SERVICE.id)) == codes.WU_E_DS_NEEDWINDOWSSERVICE
    assert fails(lambda: manager.UnregisterServiceWithAU(SERVICE.id)) == codes.WU_E_DS_NEEDWINDOWSSERVICE
    manager.RegisterServiceWithAU(SERVICE.id)
    assert manager.AddService2(SERVICE.id, ONLINE | WITH_AU, "").RegistrationState is enums.usrsRegistered
    assert manager.Services[0].IsRegisteredWithAU is True


@pytest.mark.proves("IUpdateServiceManager2", "AddService2 QueryServiceRegistration")
@pytest.mark.proves("IUpdateServiceManager", "RemoveService RegisterServiceWithAU")
@pytest.mark.proves("IUpdateServiceRegistration", "RegistrationState IsPendingRegistrationWithAU Service")
def test_a_service_may_be_waited_for(world: World, manager: UpdateServiceManager) -> None:
    registration = manager.AddService2(MICROSOFT_UPDATE, PENDING | WITH_AU, None)
    assert registration.RegistrationState is enums.usrsRegistrationPending
    assert registration.IsPendingRegistrationWithAU is True
    assert registration.Service is None
    other = UpdateServiceManager(agent=world.agent)
    assert other.QueryServiceRegistration(MICROSOFT_UPDATE).IsPendingRegistrationWithAU is True
    assert other.Services.Count == 1
    assert fails(lambda: other.RegisterServiceWithAU(MICROSOFT_UPDATE)) == codes.WU_E_DS_UNKNOWNSERVICE
    other.RemoveService(MICROSOFT_UPDATE)
    assert fails(lambda: manager.QueryServiceRegistration(MICROSOFT_UPDATE)) == codes.WU_E_DS_UNKNOWNSERVICE


def test_now_or_never(manager: UpdateServiceManager) -> None:
    assert fails(lambda: manager.AddService2(MICROSOFT_UPDATE, ONLINE, "")) == codes.WU_E_DS_UNKNOWNSERVICE
    assert fails(lambda: manager.QueryServiceRegistration(MICROSOFT_UPDATE)) == codes.WU_E_DS_UNKNOWNSERVICE


@pytest.mark.proves("IUpdateServiceManager2", "AddService2")
def test_now_and_otherwise_later(manager: UpdateServiceManager) -> None:
    assert fails(lambda: manager.AddService2(MICROSOFT_UPDATE, 7, "")) == codes.WU_E_DS_UNKNOWNSERVICE
    registration = manager.QueryServiceRegistration(MICROSOFT_UPDATE)
    assert registration.RegistrationState is enums.usrsRegistrationPending


@pytest.mark.proves("IUpdateServiceManager2", "AddService2")
@pytest.mark.parametrize(
    ("service_id", "flags", "cab"),
    [
        ("no guid", PENDING, ""),
        (None, PENDING, ""),
        (MICROSOFT_UPDATE, 8, ""),
        (MICROSOFT_UPDATE, -1, ""),
        (MICROSOFT_UPDATE, 0, ""),
        (MICROSOFT_UPDATE, WITH_AU, None),
        (MICROSOFT_UPDATE, PENDING, "/some.cab"),
        (MICROSOFT_UPDATE, ONLINE, "/some.cab"),
    ],
)
def test_arguments_that_do_not_fit(
    manager: UpdateServiceManager, service_id: Any, flags: int, cab: Any
) -> None:
    assert fails(lambda: manager.AddService2(service_id, flags, cab)) == codes.E_INVALIDARG


@pytest.mark.proves("IUpdateServiceManager", "AddService")
@pytest.mark.proves("IUpdateServiceManager2", "AddService2")
def test_nobody_vouches_for_an_authorisation_cab(manager: UpdateServiceManager, tmp_path: Path) -> None:
    cab = tmp_path / "some.cab"
    assert fails(lambda: manager.AddService(MICROSOFT_UPDATE, str(cab))) == ERROR_FILE_NOT_FOUND
    cab.write_bytes(b"MSCF")
    assert fails(lambda: manager.AddService(MICROSOFT_UPDATE, str(cab))) == TRUST_E_NOSIGNATURE
    assert fails(lambda: manager.AddService2(MICROSOFT_UPDATE, 0, str(cab))) == TRUST_E_NOSIGNATURE
    assert fails(lambda: manager.AddService(MICROSOFT_UPDATE, "")) == codes.E_INVALIDARG


@pytest.mark.proves("IUpdateServiceManager", "AddScanPackageService")
def test_scan_packages_cannot_be_read_yet(manager: UpdateServiceManager, tmp_path: Path) -> None:
    cab = tmp_path / "wsusscn2.cab"
    cab.write_bytes(b"MSCF")
    assert fails(lambda: manager.AddScanPackageService("a", str(cab))) == codes.WU_E_OL_INVALID_SCANFILE
    assert fails(lambda: manager.AddScanPackageService("a", "/nowhere", 1)) == codes.WU_E_OL_INVALID_SCANFILE
    assert fails(lambda: manager.AddScanPackageService("a", str(cab), 2)) == codes.E_INVALIDARG
    assert fails(lambda: manager.AddScanPackageService("", str(cab))) == codes.E_INVALIDARG


@pytest.mark.proves("IUpdateServiceManager", "SetOption RegisterServiceWithAU")
def test_options(manager: UpdateServiceManager) -> None:
    manager.SetOption("AllowWarningUI", False)
    manager.SetOption("allowedServiceID", MICROSOFT_UPDATE.upper())
    assert fails(lambda: manager.RegisterServiceWithAU(SERVICE.id)) == codes.WU_E_INVALID_OPERATION
    manager.SetOption("AllowedServiceID", SERVICE.id)
    manager.RegisterServiceWithAU(SERVICE.id)
    for name, value in (
        ("AllowedServiceID", 5),
        ("AllowedServiceID", "no guid"),
        ("AllowWarningUI", "yes"),
        ("Other", True),
        (None, True),
    ):
        assert fails(lambda name=name, value=value: manager.SetOption(name, value)) == codes.E_INVALIDARG  # type: ignore[misc]


@pytest.mark.proves("IUpdateServiceManager", "RegisterServiceWithAU UnregisterServiceWithAU RemoveService")
def test_what_is_no_id_cannot_be_used(manager: UpdateServiceManager) -> None:
    assert fails(lambda: manager.RegisterServiceWithAU("x")) == codes.WU_E_INVALID_OPERATION
    assert fails(lambda: manager.UnregisterServiceWithAU(None)) == codes.WU_E_INVALID_OPERATION
    assert fails(lambda: manager.UnregisterServiceWithAU(MICROSOFT_UPDATE)) == codes.WU_E_DS_UNKNOWNSERVICE
    assert fails(lambda: manager.RemoveService(MICROSOFT_UPDATE)) == codes.WU_E_DS_UNKNOWNSERVICE
    assert fails(lambda: manager.RemoveService("x")) == codes.E_INVALIDARG


def test_changes_need_the_right_to(world: World, manager: UpdateServiceManager, monkeypatch: Any) -> None:
    monkeypatch.setattr(SimulatedMachine, "may_act", lambda self: "run it with sudo")
    for change in (
        lambda: manager.AddService2(MICROSOFT_UPDATE, PENDING, ""),
        lambda: manager.AddService(MICROSOFT_UPDATE, "/some.cab"),
        lambda: manager.RemoveService(SERVICE.id),
        lambda: manager.RegisterServiceWithAU(SERVICE.id),
        lambda: manager.UnregisterServiceWithAU(SERVICE.id),
        lambda: manager.AddScanPackageService("a", "/some.cab"),
    ):
        assert fails(change) == codes.E_ACCESSDENIED
    assert manager.Services.Count == 1


@pytest.mark.proves("IUpdateSession3", "CreateUpdateServiceManager")
def test_the_application_id_is_the_sessions(world: World) -> None:
    session = world.session()
    session.ClientApplicationID = "patcher"
    assert session.CreateUpdateServiceManager().ClientApplicationID == "patcher"


# --- machines with several services


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    made = StateStore(tmp_path / "state.db")
    yield made
    made.close()


OWN = Service("own", "own", is_default=True)
OTHER = Service("other", "other", can_register=True)
CLOSED = Service("closed", "closed")


def with_au(store: StateStore, *answering: Service) -> list[str]:
    known = registrations.registrations(answering, registrations.asked(store))
    return [each.service_id for each in known if each.service and each.with_au]


def test_automatic_updates_can_change_their_service(store: StateStore) -> None:
    answering = (OWN, OTHER, CLOSED)
    assert with_au(store, *answering) == ["own"]
    registrations.use(store, answering, "other", True)
    registrations.use(store, answering, "own", False)
    registrations.use(store, answering, "own", False)
    assert with_au(store, *answering) == ["other"]
    with pytest.raises(WuaError) as caught:
        registrations.use(store, answering, "other", False)
    assert caught.value.problem.id == "service-needed"
    with pytest.raises(WuaError) as caught:
        registrations.use(store, answering, "closed", True)
    assert caught.value.problem.id == "not-for-automatic-updates"


def test_a_service_that_was_waited_for_is_registered_once_it_answers(store: StateStore) -> None:
    registrations.register(store, (OWN,), "other", online=False, pending=True, with_au=True)
    assert with_au(store, OWN) == ["own"]
    assert with_au(store, OWN, OTHER) == ["own", "other"]
