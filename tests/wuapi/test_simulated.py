"""What is scripted for a simulated update shows in the wuapi objects, as it would for a real one."""

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

import pytest
from tests.support.wuapi_world import World

from wua.model import codes
from wua.model.updates import Category, Service
from wua.testing import SimulatedUpdate
from wua.wuapi import ComError, enums
from wua.wuapi.machine import SystemInformation

EVERYTHING = "IsInstalled=0 or IsInstalled=1"
OTHER = Service("3da21691-e39d-4da6-8a4b-b43877bcb1b7", "Another service")


def unsigned(value: int) -> int:
    return value & 0xFFFFFFFF


def parts(result: Any, count: int) -> list[tuple[int, int]]:
    """(ResultCode, HResult) of each update."""
    found = [result.GetUpdateResult(n) for n in range(count)]
    return [(each.ResultCode, unsigned(each.HResult)) for each in found]


def titles(updates: Iterable[Any]) -> list[str]:
    return [update.Title for update in updates]


def installed(world: World) -> list[str]:
    return sorted(path.name for path in (world.root / "installed").iterdir())


# --- licences


def test_an_unaccepted_licence_keeps_an_update_from_being_downloaded_and_installed(world: World) -> None:
    world.set(SimulatedUpdate("a", licence="Be kind."), downloaded=False)
    updates = world.found()
    assert (updates[0].EulaAccepted, updates[0].EulaText) == (False, "Be kind.")
    for act in (world.downloader(updates).Download, world.installer(updates).Install):
        result = act()
        assert (result.ResultCode, unsigned(result.HResult)) == (enums.orcFailed, codes.WU_E_EULAS_DECLINED)
        assert parts(result, 1) == [(enums.orcFailed, codes.WU_E_EULAS_DECLINED)]
    assert not updates[0].IsDownloaded
    with pytest.raises(ComError) as caught:
        updates[0].CopyFromCache(str(world.root), True)
    assert unsigned(caught.value.hresult) == codes.WU_E_EULAS_DECLINED


def test_a_licence_is_accepted_for_the_machine_and_stays_so(world: World) -> None:
    update = SimulatedUpdate("a", "7", licence="Be kind.")
    world.set(update, downloaded=False)
    updates = world.found()
    updates[0].AcceptEula()
    updates[0].AcceptEula()
    assert updates[0].EulaAccepted
    assert world.found()[0].EulaAccepted
    assert world.downloader(updates).Download().ResultCode == enums.orcSucceeded
    assert world.installer(updates).Install().ResultCode == enums.orcSucceeded
    assert installed(world) == ["a"]


def test_a_declined_licence_is_a_failure_of_its_own_update(world: World) -> None:
    world.set(SimulatedUpdate("a", licence="No."), SimulatedUpdate("b"))
    result = world.installer().Install()
    assert (result.ResultCode, result.HResult) == (enums.orcSucceededWithErrors, codes.S_OK)
    assert parts(result, 2) == [
        (enums.orcFailed, codes.WU_E_EULAS_DECLINED),
        (enums.orcSucceeded, codes.S_OK),
    ]


# --- bundles


def bundle(*made_of: SimulatedUpdate, **fields: Any) -> SimulatedUpdate:
    return SimulatedUpdate("suite", bundle=made_of, **fields)


def test_a_bundle_shows_its_parts_and_a_search_does_not(world: World) -> None:
    world.set(bundle(SimulatedUpdate("one", size=10), SimulatedUpdate("two", size=5)), downloaded=False)
    (suite,) = world.found()
    assert titles(suite.BundledUpdates) == ["one 1.0", "two 1.0"]
    assert suite.BundledUpdates.ReadOnly
    assert suite.BundledUpdates[1].BundledUpdates.Count == 0
    assert suite.MaxDownloadSize == 15
    assert world.downloader(world.found()).Download().ResultCode == enums.orcSucceeded
    (suite,) = world.found()
    assert suite.IsDownloaded
    assert suite.BundledUpdates[0].IsDownloaded


def test_a_bundle_is_installed_and_removed_as_a_whole(world: World) -> None:
    world.set(bundle(SimulatedUpdate("one", installed=True), SimulatedUpdate("two")))
    assert not world.found()[0].IsInstalled
    assert [part.IsInstalled for part in world.found()[0].BundledUpdates] == [True, False]
    assert world.installer().Install().ResultCode == enums.orcSucceeded
    assert installed(world) == ["one", "two"]
    assert world.found()[0].IsInstalled
    assert world.installer().Uninstall().ResultCode == enums.orcSucceeded
    assert installed(world) == []


@pytest.mark.parametrize("act", ["Download", "Install"])
def test_a_bundle_fails_as_its_first_part_that_fails(world: World, act: str) -> None:
    bad = {"Download": "download_code", "Install": "install_code"}[act]
    one, two = SimulatedUpdate("one"), SimulatedUpdate("two", **{bad: "WU_E_PT_HTTP_STATUS_NOT_FOUND"})
    world.set(bundle(one, two, SimulatedUpdate("three")), downloaded=act == "Install")
    worker = world.installer() if act == "Install" else world.downloader()
    result = getattr(worker, act)()
    assert parts(result, 1) == [(enums.orcFailed, codes.WU_E_PT_HTTP_STATUS_NOT_FOUND)]
    assert result.ResultCode == enums.orcFailed
    (suite,) = world.found()
    assert not suite.IsInstalled
    done = [part.IsDownloaded if act == "Download" else part.IsInstalled for part in suite.BundledUpdates]
    assert done == [True, False, True]


def test_how_a_bundle_is_installed_follows_from_its_parts(world: World) -> None:
    world.set(
        bundle(SimulatedUpdate("one", exclusive=True), SimulatedUpdate("two", reboot=True)),
        SimulatedUpdate("other"),
    )
    behaviour = world.found()[0].InstallationBehavior
    assert behaviour.Impact == enums.iiRequiresExclusiveHandling
    assert behaviour.RebootBehavior == enums.irbAlwaysRequiresReboot


# --- supersedence


def test_a_superseded_update_is_left_out_unless_it_is_asked_for(world: World) -> None:
    old, new = SimulatedUpdate("old"), SimulatedUpdate("new", supersedes=("old",))
    world.set(old, new)
    (found,) = world.found()
    assert list(found.SupersededUpdateIDs) == [old.id.update_id]
    searcher = world.searcher()
    searcher.IncludePotentiallySupersededUpdates = True
    assert titles(searcher.Search(EVERYTHING).Updates) == ["old 1.0", "new 1.0"]
    # Among the matches only: where the newer one does not match, the older one is found.
    assert titles(world.found(f"UpdateID='{old.id.update_id}'")) == ["old 1.0"]


def test_an_installed_update_takes_the_place_of_what_it_supersedes(world: World) -> None:
    world.set(SimulatedUpdate("old"), SimulatedUpdate("new", supersedes=("old",)))
    world.installer(world.found()).Install()
    assert titles(world.found("IsInstalled=0")) == []
    assert titles(world.found("IsInstalled=1")) == ["new 1.0"]


# --- updates that must be alone, and restarts


def test_an_exclusive_update_is_installed_alone(world: World) -> None:
    world.set(SimulatedUpdate("alone", exclusive=True), SimulatedUpdate("other"))
    both = world.found()
    with pytest.raises(ComError) as caught:
        world.installer(both).Install()
    assert unsigned(caught.value.hresult) == codes.WU_E_EXCLUSIVE_INSTALL_CONFLICT
    assert installed(world) == []
    first = world.found(f"UpdateID='{both[0].Identity.UpdateID}'")
    assert world.installer(first).Install().ResultCode == enums.orcSucceeded
    assert installed(world) == ["alone"]


def test_a_restart_that_is_wanted_shows_everywhere_until_it_has_been(world: World) -> None:
    machine = world.set(SimulatedUpdate("kernel", reboot=True), SimulatedUpdate("editor"))
    information = SystemInformation(agent=world.agent)
    assert not information.RebootRequired
    result = world.installer().Install()
    assert result.RebootRequired
    assert information.RebootRequired
    assert titles(world.found("RebootRequired=1")) == ["kernel 1.0"]
    assert [update.RebootRequired for update in world.found()] == [True, False]
    assert not world.installer().RebootRequiredBeforeInstallation
    machine.restart()
    assert not information.RebootRequired
    assert world.found("RebootRequired=1").Count == 0


def test_nothing_is_installed_before_a_restart_that_comes_first(world: World) -> None:
    machine = world.set(SimulatedUpdate("stack", reboot=True, reboot_blocks=True), SimulatedUpdate("editor"))
    stack, editor = world.found()
    first = world.found(f"UpdateID='{stack.Identity.UpdateID}'")
    assert world.installer(first).Install().ResultCode == enums.orcSucceeded
    second = world.installer(world.found(f"UpdateID='{editor.Identity.UpdateID}'"))
    assert second.RebootRequiredBeforeInstallation
    result = second.Install()
    assert (result.ResultCode, unsigned(result.HResult)) == (
        enums.orcFailed,
        codes.WU_E_INSTALL_NOT_ALLOWED,
    )
    assert installed(world) == ["stack"]
    machine.restart()
    assert not second.RebootRequiredBeforeInstallation
    assert second.Install().ResultCode == enums.orcSucceeded


# --- outcomes


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("WU_E_UH_INSTALLERFAILURE", codes.WU_E_UH_INSTALLERFAILURE),
        ("WU_E_DM_INCORRECTFILEHASH", codes.WU_E_DM_INCORRECTFILEHASH),
        ("0x80070070", 0x80070070),
    ],
)
@pytest.mark.parametrize("act", ["Download", "Install", "Uninstall"])
def test_any_code_comes_out_of_any_operation(world: World, act: str, code: str, expected: int) -> None:
    bad = SimulatedUpdate("bad", installed=act == "Uninstall", **{f"{act.lower()}_code": code})
    world.set(bad, SimulatedUpdate("good", installed=act == "Uninstall"), downloaded=act != "Download")
    worker = world.downloader() if act == "Download" else world.installer()
    result = getattr(worker, act)()
    assert result.ResultCode == enums.orcSucceededWithErrors
    assert parts(result, 2) == [(enums.orcFailed, expected), (enums.orcSucceeded, codes.S_OK)]
    if act != "Download":
        newest = {entry.Title: entry for entry in world.searcher().QueryHistory(0, 2)}
        assert unsigned(newest["bad 1.0"].HResult) == expected
        assert newest["good 1.0"].HResult == codes.S_OK


def test_what_cannot_be_removed_says_so_and_nothing_is_removed(world: World) -> None:
    world.set(SimulatedUpdate("stuck", installed=True, uninstallable=False))
    (stuck,) = world.found()
    assert not stuck.IsUninstallable
    assert stuck.UninstallationBehavior is None
    with pytest.raises(ComError) as refused:
        world.installer().Uninstall()
    assert refused.value.hresult & 0xFFFFFFFF == codes.WU_E_UNINSTALL_NOT_ALLOWED
    assert installed(world) == ["stuck"]


# --- what it is


def test_what_an_update_is_shows_in_its_members(world: World) -> None:
    drivers = Category("ebfc1fc5-71a4-4f7b-9aca-3b9a503104a0", "Drivers", "UpdateClassification")
    world.set(
        SimulatedUpdate(
            "a",
            title="The title",
            description="What it is for.",
            size=5_000_000_000,
            important=False,
            optional=True,
            deadline=86400.0,
            categories=(drivers,),
            severity="Critical",
            kb_ids=("5001234",),
            cve_ids=("CVE-2024-0001",),
            revision=3,
        )
    )
    assert world.found().Count == 0  # optional ones are found on request only
    (update,) = world.found("DeploymentAction='OptionalInstallation'")
    assert (update.Title, update.Description) == ("The title", "What it is for.")
    assert update.MaxDownloadSize == 5_000_000_000
    assert (update.BrowseOnly, update.AutoSelectOnWebSites) == (True, False)
    assert update.Deadline == datetime(1970, 1, 2, tzinfo=UTC)
    assert [category.Name for category in update.Categories] == ["Drivers"]
    assert update.MsrcSeverity == "Critical"
    assert (list(update.KBArticleIDs), list(update.CveIDs)) == (["5001234"], ["CVE-2024-0001"])
    assert update.Identity.RevisionNumber == 3
    chosen = f"CategoryIDs contains '{drivers.id}' and DeploymentAction='OptionalInstallation'"
    assert world.found(chosen).Count == 1


def test_an_update_with_a_deadline_cannot_be_hidden(world: World) -> None:
    world.set(SimulatedUpdate("a", deadline=4e9))
    (update,) = world.found()
    with pytest.raises(ComError) as caught:
        update.IsHidden = True
    assert unsigned(caught.value.hresult) == codes.WU_E_DS_DECLINENOTALLOWED
    assert not update.IsHidden


def test_an_update_that_is_hidden_from_the_start_can_be_shown(world: World) -> None:
    world.set(SimulatedUpdate("a", hidden=True), SimulatedUpdate("b"))
    assert titles(world.found("IsHidden=1")) == ["a 1.0"]
    world.found("IsHidden=1")[0].IsHidden = False
    assert world.found("IsHidden=1").Count == 0


# --- several services


def test_a_search_asks_one_service(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", service=OTHER.id), services=[OTHER])
    assert titles(world.found()) == ["a 1.0"]
    searcher = world.searcher()
    searcher.ServerSelection = enums.ssOthers
    searcher.ServiceID = OTHER.id
    others = searcher.Search(EVERYTHING).Updates
    assert titles(others) == ["b 1.0"]
    assert world.installer(others).Install().ResultCode == enums.orcSucceeded
    assert world.searcher().QueryHistory(0, 1)[0].ServiceID == OTHER.id


def test_a_service_that_is_not_there_is_named(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    searcher = world.searcher()
    searcher.ServerSelection = enums.ssOthers
    searcher.ServiceID = OTHER.id
    with pytest.raises(ComError) as caught:
        searcher.Search(EVERYTHING)
    assert unsigned(caught.value.hresult) == codes.WU_E_DS_UNKNOWNSERVICE


def test_every_service_is_registered(world: World) -> None:
    world.set(services=[OTHER])
    manager = world.session().CreateUpdateServiceManager()
    assert [service.Name for service in manager.Services] == ["Simulated updates", "Another service"]


# --- mistakes in a script


@pytest.mark.parametrize(
    "fields",
    [
        {"install_code": "WU_E_NO_SUCH_THING"},
        {"download_code": "-1"},
        {"bundle": (SimulatedUpdate("part"),), "exit": 1},
        {"bundle": (SimulatedUpdate("part"),), "install_code": "E_FAIL"},
    ],
)
def test_a_script_that_makes_no_sense_is_refused(fields: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"HRESULT|parts"):
        SimulatedUpdate("a", **fields)
