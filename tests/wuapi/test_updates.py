"""What an update says of itself."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.support.offers import offer as any_offer
from tests.support.wuapi_world import World

from wua.model import codes
from wua.model.enums import DeploymentAction, ResultCode, UpdateType
from wua.model.problems import error
from wua.model.updates import (
    Behavior,
    Category,
    File,
    Image,
    Offer,
    SearchResult,
    SearchWarning,
    Update,
    UpdateId,
)
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import ComError, enums
from wua.wuapi import results as wuapi_results
from wua.wuapi.context import Context
from wua.wuapi.details import BATCH

GUID = "12345678-1234-5678-9abc-123456789abc"


def offer(**fields: Any) -> Offer:
    values: dict[str, Any] = {
        "update_id": GUID,
        "revision": 7,
        "title": "hello 2.0",
        "version": "2.0",
        "deployment_action": DeploymentAction.OPTIONAL_INSTALLATION,
        "browse_only": 1,
        "auto_select": 1,
        "uninstallable": 1,
        "reboot_required": 1,
        "size": 5_000_000_000,
        "reason": "needed",
        "category_ids": ("product", "nowhere"),
    }
    return any_offer(**values | fields)


def details(update: UpdateId) -> Update:
    return Update(
        id=update,
        title="hello 2.0",
        description="A program that greets.",
        type=UpdateType.SOFTWARE,
        service_id="service",
        handler="apt",
        name="hello",
        version="2.0",
        architecture="amd64",
        files=(
            File("hello.deb", 10, "00", ("http://mirror/hello.deb", "http://other/hello.deb")),
            File("x", 1, "0"),
        ),
        installed_size=(1 << 20) + 1,
        languages=("en",),
        more_info_urls=("http://hello/",),
        support_url="http://support/",
        severity="Important",
        cve_ids=("CVE-2024-0001",),
        superseded_ids=("older",),
        published=86400.0,
        installing=Behavior(can_ask=True, impact=1, reboot=1, needs_network=True),
    )


class Described:
    """An agent that knows details, and counts how often it is asked."""

    def __init__(self, gone: frozenset[UpdateId] = frozenset()) -> None:
        self.protocol = self
        self.asked: list[int] = []
        self.gone = gone

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        self.asked.append(len(ids))
        if self.gone & set(ids):
            raise error("unknown-update", "it is gone")
        return tuple(details(each) for each in ids)


Found = Callable[..., Any]


@pytest.fixture
def found(world: World) -> Found:
    """The updates of a search that an agent has answered with these offers."""

    def make(agent: Any, *offers: Offer) -> Any:
        categories = (Category("product", "Debian 12", "Product"),)
        answer = SearchResult(ResultCode.SUCCEEDED, offers, categories)
        return world.shown(wuapi_results.SearchResult(Context(agent, False), answer)).Updates

    return make


@pytest.mark.proves("IUpdate", "Title AutoSelectOnWebSites BundledUpdates CanRequireSource Categories")
@pytest.mark.proves("IUpdate", "Deadline DeltaCompressedContentAvailable DeltaCompressedContentPreferred")
@pytest.mark.proves("IUpdate", "Description EulaAccepted EulaText HandlerID Identity Image IsBeta")
@pytest.mark.proves("IUpdate", "IsDownloaded IsHidden IsInstalled IsMandatory IsUninstallable Languages")
@pytest.mark.proves("IUpdate", "LastDeploymentChangeTime MaxDownloadSize MinDownloadSize MoreInfoUrls")
@pytest.mark.proves("IUpdate", "MsrcSeverity RecommendedCpuSpeed RecommendedHardDiskSpace RecommendedMemory")
@pytest.mark.proves("IUpdate", "ReleaseNotes SecurityBulletinIDs SupersededUpdateIDs SupportUrl Type")
@pytest.mark.proves("IUpdate", "UninstallationNotes UninstallationSteps KBArticleIDs DeploymentAction")
@pytest.mark.proves("IUpdate", "DownloadPriority")
@pytest.mark.proves("IUpdate2", "RebootRequired IsPresent CveIDs")
@pytest.mark.proves("IUpdate3", "BrowseOnly")
@pytest.mark.proves("IUpdate4", "PerUser")
@pytest.mark.proves("IUpdate5", "AutoSelection AutoDownload")
@pytest.mark.proves("IUpdateIdentity", "UpdateID RevisionNumber")
def test_every_member(found: Found) -> None:
    update = found(Described(), offer())[0]
    expected = {
        "Title": "hello 2.0",
        "Description": "A program that greets.",
        "Type": enums.utSoftware,
        "HandlerID": "urn:wua:handler:apt",
        "Image": None,
        "LastDeploymentChangeTime": datetime(1970, 1, 2, tzinfo=UTC),
        "AutoSelectOnWebSites": True,
        "BrowseOnly": True,
        "DeploymentAction": enums.daOptionalInstallation,
        "Deadline": None,
        "AutoSelection": enums.asLetWindowsUpdateDecide,
        "AutoDownload": enums.adLetWindowsUpdateDecide,
        "IsBeta": False,
        "IsMandatory": False,
        "PerUser": False,
        "MsrcSeverity": "Important",
        "IsInstalled": False,
        "IsPresent": False,
        "IsUninstallable": True,
        "RebootRequired": True,
        "IsDownloaded": False,
        "IsHidden": False,
        "EulaAccepted": True,
        "EulaText": "",
        "DownloadPriority": enums.dpNormal,
        "MaxDownloadSize": Decimal(5_000_000_000),
        "MinDownloadSize": Decimal(5_000_000_000),
        "DeltaCompressedContentAvailable": False,
        "DeltaCompressedContentPreferred": False,
        "CanRequireSource": False,
        "UninstallationNotes": "",
        "RecommendedCpuSpeed": 0,
        "RecommendedHardDiskSpace": 2,
        "RecommendedMemory": 0,
        "ReleaseNotes": "",
        "SupportUrl": "http://support/",
    }
    assert {name: getattr(update, name) for name in expected} == expected
    for name in ("MaxDownloadSize", "MinDownloadSize"):
        assert isinstance(getattr(update, name), Decimal)
    for name, value in expected.items():
        assert type(getattr(update, name)) is type(value), name
    lists = {
        "Languages": ["en"],
        "SupersededUpdateIDs": ["older"],
        "CveIDs": ["CVE-2024-0001"],
        "KBArticleIDs": [],
        "SecurityBulletinIDs": [],
        "UninstallationSteps": [],
        "MoreInfoUrls": ["http://hello/"],
    }
    assert {name: list(getattr(update, name)) for name in lists} == lists
    assert all(getattr(update, name).ReadOnly for name in lists)
    assert update.BundledUpdates.Count == 0
    assert [each.Name for each in update.Categories] == ["Debian 12"]
    assert (update.Identity.UpdateID, update.Identity.RevisionNumber) == (GUID, 7)
    every = {*expected, *lists, "BundledUpdates", "Categories", "Identity"}
    rest = {"installationbehavior", "uninstallationbehavior", "downloadcontents", "accepteula"}
    rest |= {"copyfromcache", "copytocache", "extendedstaticproperty", "evaluateextendeddynamicproperty"}
    assert {name.lower() for name in every} | rest == set(type(update)._members_)


@pytest.mark.proves("IUpdate", "IsInstalled IsDownloaded IsHidden IsMandatory AutoSelectOnWebSites")
@pytest.mark.proves("IUpdate2", "IsPresent")
def test_flags_are_booleans(found: Found) -> None:
    update = found(Described(), offer(installed=1, downloaded=1, hidden=1, mandatory=1, auto_select=0))[0]
    assert update.IsInstalled is True
    assert update.IsPresent is True
    assert update.IsDownloaded is True
    assert update.IsHidden is True
    assert update.IsMandatory is True
    assert update.AutoSelectOnWebSites is False


@pytest.mark.proves("IUpdate", "InstallationBehavior UninstallationBehavior")
@pytest.mark.proves("IInstallationBehavior", "CanRequestUserInput Impact RebootBehavior")
@pytest.mark.proves("IInstallationBehavior", "RequiresNetworkConnectivity")
def test_behavior(found: Found) -> None:
    update = found(Described(), offer())[0]
    installing = update.InstallationBehavior
    assert installing.CanRequestUserInput is True
    assert installing.Impact is enums.iiMinor
    assert installing.RebootBehavior is enums.irbAlwaysRequiresReboot
    assert installing.RequiresNetworkConnectivity is True
    assert update.UninstallationBehavior.RebootBehavior is enums.irbCanRequestReboot
    assert found(Described(), offer(uninstallable=0))[0].UninstallationBehavior is None


@pytest.mark.proves("IUpdate", "DownloadContents")
@pytest.mark.proves("IUpdateDownloadContent", "DownloadUrl")
@pytest.mark.proves("IUpdateDownloadContent2", "IsDeltaCompressedContent")
def test_contents(found: Found) -> None:
    contents = found(Described(), offer())[0].DownloadContents
    assert [each.DownloadUrl for each in contents] == ["http://mirror/hello.deb", ""]
    assert contents[0].IsDeltaCompressedContent is False


@pytest.mark.proves("IUpdate", "LastDeploymentChangeTime RecommendedHardDiskSpace")
def test_an_unknown_date_is_the_date_zero(found: Found) -> None:
    class Undated(Described):
        def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
            plain = details(ids[0])
            return (
                Update(plain.id, "", "", plain.type, "", "apt", "hello", "2.0", "amd64", superseded_ids=()),
            )

    update = found(Undated(), offer())[0]
    assert update.LastDeploymentChangeTime == datetime(1899, 12, 30, tzinfo=UTC)
    assert update.RecommendedHardDiskSpace == 0


def test_what_the_search_answered_is_not_asked_for_again(found: Found) -> None:
    agent = Described()
    for update in found(agent, offer()):
        assert update.Title
        assert update.IsInstalled is False
        assert update.Categories.Count == 1
    assert agent.asked == []


def test_details_are_fetched_in_batches(found: Found) -> None:
    agent = Described()
    offers = [offer(update_id=f"{GUID[:-4]}{n:04}") for n in range(BATCH + 5)]
    updates = found(agent, *offers)
    assert all(update.Description for update in updates)
    assert all(update.SupportUrl for update in updates)
    assert agent.asked == [BATCH, 5]


@pytest.mark.proves("IUpdate", "Description")
def test_an_update_that_is_gone_hides_no_other(found: Found) -> None:
    offers = [offer(), offer(update_id="gone")]
    updates = found(Described(frozenset({offers[1].id})), *offers)
    assert updates[0].Description == "A program that greets."
    with pytest.raises(ComError) as caught:
        assert updates[1].Description
    assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_ITEMNOTFOUND


FETCHED = [
    "Description",
    "Languages",
    "LastDeploymentChangeTime",
    "HandlerID",
    "Image",
    "SupersededUpdateIDs",
    "BundledUpdates",
    "Deadline",
    "EulaAccepted",
    "EulaText",
    "KBArticleIDs",
    "MsrcSeverity",
    "CveIDs",
    "DownloadContents",
    "InstallationBehavior",
    "UninstallationBehavior",
    "RecommendedHardDiskSpace",
    "MoreInfoUrls",
    "SupportUrl",
]
OF_DRIVERS = [
    "DriverClass",
    "DriverHardwareID",
    "DriverManufacturer",
    "DriverModel",
    "DriverProvider",
    "DriverVerDate",
    "DeviceProblemNumber",
    "DeviceStatus",
    "WindowsDriverUpdateEntries",
]


def test_what_needs_the_source_of_an_update_that_is_gone(found: Found) -> None:
    """Everything that is fetched says so; everything else stays readable."""
    gone = offer(type=UpdateType.DRIVER)
    update = found(Described(frozenset({gone.id})), gone)[0]
    read = [
        member.name
        for member in type(update)._members_.values()
        if member.get is not None and not any(row.params for row in member.rows if row.kind == "get")
    ]
    refused = {}
    for name in read:
        try:
            getattr(update, name)
        except ComError as failure:
            refused[name] = failure.hresult & 0xFFFFFFFF
    assert refused == dict.fromkeys([*FETCHED, *OF_DRIVERS], codes.WU_E_ITEMNOTFOUND)


@pytest.mark.proves("IUpdateEx", "ExtendedStaticProperty EvaluateExtendedDynamicProperty")
def test_extended_properties(found: Found) -> None:
    update = found(Described(), offer())[0]
    assert update.ExtendedStaticProperty("ContainsUpdateBootstrapper") is False
    for ask, expected in (
        (lambda: update.EvaluateExtendedDynamicProperty("DoesUpdateRequireReboot"), codes.WU_E_NOT_SUPPORTED),
        (lambda: update.EvaluateExtendedDynamicProperty("ContainsUpdateBootstrapper"), codes.E_INVALIDARG),
        (lambda: update.ExtendedStaticProperty("DoesUpdateRequireReboot"), codes.E_INVALIDARG),
        (lambda: update.ExtendedStaticProperty(None), codes.E_INVALIDARG),
    ):
        with pytest.raises(ComError) as caught:
            ask()
        assert caught.value.hresult & 0xFFFFFFFF == expected


@pytest.mark.proves("IUpdate", "Image")
@pytest.mark.proves("IImageInformation", "AltText Height Source Width")
def test_a_picture(world: World) -> None:
    shown = Image("http://pictures/a.png", 32, 16, "An a")
    world.set(SimulatedUpdate("a", image=shown), SimulatedUpdate("b"))
    with_picture, without = world.found()
    image = with_picture.Image
    assert (image.Source, image.Width, image.Height, image.AltText) == (
        "http://pictures/a.png",
        32,
        16,
        "An a",
    )
    assert without.Image is None


@pytest.mark.proves("ICategory", "Image")
def test_a_picture_of_a_category(world: World) -> None:
    categories = (Category("product", "A", "Product", image=Image("http://pictures/c.png")),)
    answer = SearchResult(ResultCode.SUCCEEDED, (), categories)
    result = wuapi_results.SearchResult(Context(Described(), False), answer)  # type: ignore[arg-type]
    (category,) = world.shown(result).RootCategories
    assert category.Image is not None
    assert (category.Image.Source, category.Image.AltText) == ("http://pictures/c.png", "")


@pytest.mark.proves("IInvalidProductLicenseException", "Product")
@pytest.mark.proves("IUpdateException", "Message")
def test_a_product_without_a_licence_is_named(world: World) -> None:
    warnings = (
        SearchWarning(codes.WU_E_INVALID_PRODUCT_LICENSE, "no licence", product="Office"),
        SearchWarning(codes.WU_E_DM_NONETWORK, "no network"),
    )
    answer = SearchResult(ResultCode.SUCCEEDED_WITH_ERRORS, (), (), warnings)
    result = wuapi_results.SearchResult(Context(Described(), False), answer)  # type: ignore[arg-type]
    first, second = world.shown(result).Warnings
    assert "IInvalidProductLicenseException" in type(first)._interfaces_
    assert (first.Message, first.Product) == ("no licence", "Office")
    assert not hasattr(second, "Product")


@pytest.mark.proves("IUpdate", "IsHidden put_IsHidden")
def test_hiding_is_kept_and_can_be_undone(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    update = world.found()[0]
    update.IsHidden = True
    assert update.IsHidden is True
    assert world.found("IsHidden=1")[0].IsHidden is True
    update.IsHidden = False
    assert update.IsHidden is False
    assert world.found("IsHidden=1").Count == 0


@pytest.mark.proves("IUpdate", "IsMandatory put_IsHidden")
def test_a_mandatory_update_cannot_be_hidden(world: World) -> None:
    world.set(SimulatedUpdate("a", mandatory=True))
    update = world.found()[0]
    assert update.IsMandatory is True
    with pytest.raises(ComError) as caught:
        update.IsHidden = True
    assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_DS_DECLINENOTALLOWED
    assert update.IsHidden is False
    update.IsHidden = False


def test_accepting_a_licence_twice_is_harmless(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    update = world.found()[0]
    update.AcceptEula()
    update.AcceptEula()
    assert update.EulaAccepted is True


@pytest.mark.proves("IUpdate", "AcceptEula")
def test_accepting_needs_the_right_to(found: Found) -> None:
    class Guarded(Described):
        may_act = False
        may_act_reason = "run it with sudo"

        def info(self) -> "Guarded":
            return self

    with pytest.raises(ComError) as caught:
        found(Guarded(), offer())[0].AcceptEula()
    assert caught.value.hresult & 0xFFFFFFFF == codes.E_ACCESSDENIED
    assert "sudo" in caught.value.text


@pytest.mark.not_com("how Python shows an object")
def test_update_objects_name_themselves(found: Found) -> None:
    assert repr(found(Described(), offer())[0]) == "<IUpdate5 'hello 2.0'>"
