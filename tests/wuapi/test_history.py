"""The history, through searcher and session."""

from datetime import UTC, datetime, timedelta

import pytest
from tests.support.codes import code
from tests.support.wuapi_world import World

from wua.model import codes
from wua.testing.machine import SERVICE, SimulatedUpdate
from wua.wuapi import (
    ComError,
    orcFailed,
    orcSucceeded,
    ssOthers,
    uoInstallation,
    uoUninstallation,
)


@pytest.fixture
def done(world: World) -> World:
    """Two installations, one of them failed, and a removal."""
    world.set(SimulatedUpdate("good"), SimulatedUpdate("bad", exit=3))
    installer = world.installer()
    installer.ClientApplicationID = "patcher"
    installer.Install()
    installer = world.installer(world.found("IsInstalled=1"))
    installer.Uninstall()
    return world


@pytest.mark.proves("IUpdateSearcher", "GetTotalHistoryCount QueryHistory")
def test_an_empty_history(fresh_world: World) -> None:
    searcher = fresh_world.searcher()
    assert searcher.GetTotalHistoryCount() == 0
    with pytest.raises(ComError) as caught:
        searcher.QueryHistory(0, 10)
    assert code(caught) == codes.WU_E_INVALIDINDEX


@pytest.mark.proves("IUpdateSearcher", "QueryHistory")
@pytest.mark.proves("IUpdateHistoryEntry", "Operation ResultCode HResult Date UpdateIdentity Title")
@pytest.mark.proves("IUpdateHistoryEntry", "Description UnmappedResultCode ClientApplicationID")
@pytest.mark.proves("IUpdateHistoryEntry", "ServerSelection ServiceID UninstallationSteps")
@pytest.mark.proves("IUpdateHistoryEntry", "UninstallationNotes SupportUrl")
@pytest.mark.proves("IUpdateHistoryEntry2", "Categories")
@pytest.mark.proves("IUpdateIdentity", "UpdateID RevisionNumber")
def test_entries(done: World) -> None:
    removed, *installed = done.searcher().QueryHistory(0, 3)
    assert (removed.Title, removed.Operation, removed.ResultCode) == (
        "good 1.0",
        uoUninstallation,
        orcSucceeded,
    )
    assert removed.ClientApplicationID == "Unknown"
    by_title = {entry.Title: entry for entry in installed}
    good, bad = by_title["good 1.0"], by_title["bad 1.0"]
    assert (good.Operation, good.ResultCode, good.HResult) == (uoInstallation, orcSucceeded, 0)
    assert (good.UnmappedResultCode, good.ClientApplicationID) == (0, "patcher")
    assert (bad.ResultCode, bad.UnmappedResultCode) == (orcFailed, 3)
    assert bad.HResult & 0xFFFFFFFF == codes.WU_E_UH_INSTALLERFAILURE
    assert bad.HResult < 0
    assert (good.UpdateIdentity.UpdateID, good.UpdateIdentity.RevisionNumber) == SimulatedUpdate("good").id
    assert abs(datetime.now(UTC) - good.Date) < timedelta(hours=1)
    assert good.Date.tzinfo is UTC
    assert (good.ServerSelection, good.ServiceID) == (ssOthers, SERVICE.id)
    assert good.Description == "Simulated update good."
    assert (good.SupportUrl, good.UninstallationNotes, list(good.UninstallationSteps)) == ("", "", [])
    assert [category.Name for category in good.Categories] == ["Security Updates"]


@pytest.mark.proves("IUpdateHistoryEntry", "Title Description")
@pytest.mark.proves("IUpdateHistoryEntry2", "Categories")
def test_entries_outlive_the_catalogue(done: World) -> None:
    done.set(SimulatedUpdate("other"))
    entry = done.searcher().QueryHistory(0, 1)[0]
    assert (entry.Title, entry.Description, entry.Categories.Count) == ("good 1.0", "", 0)


def test_an_update_that_is_gone_hides_nothing_of_the_others(done: World) -> None:
    done.set(SimulatedUpdate("bad"))
    entries = {entry.Title: entry for entry in done.searcher().QueryHistory(0, 3)}
    assert entries["bad 1.0"].Description == "Simulated update bad."
    assert entries["bad 1.0"].Categories.Count == 1
    assert entries["good 1.0"].Description == ""


@pytest.mark.proves("IUpdateSearcher", "GetTotalHistoryCount QueryHistory")
def test_paging(done: World) -> None:
    searcher = done.searcher()
    total = searcher.GetTotalHistoryCount()
    assert total >= 3
    everything = [entry.Date for entry in searcher.QueryHistory(0, total + 100)]
    assert len(everything) == total
    assert everything == sorted(everything, reverse=True)
    assert searcher.QueryHistory(total - 1, 5).Count == 1
    assert [entry.Title for entry in searcher.QueryHistory(1, 1)] == [searcher.QueryHistory(0, 2)[1].Title]


@pytest.mark.proves("IUpdateSearcher IUpdateSession3", "QueryHistory")
@pytest.mark.parametrize(("start", "count"), [(-1, 1), (0, 0), (0, -1), (1_000_000, 1)])
def test_bad_indexes(done: World, start: int, count: int) -> None:
    for query in (
        lambda: done.searcher().QueryHistory(start, count),
        lambda: done.session().QueryHistory("", start, count),
    ):
        with pytest.raises(ComError) as caught:
            query()
        assert code(caught) == codes.WU_E_INVALIDINDEX


@pytest.mark.proves("IUpdateSession3", "QueryHistory")
def test_the_history_of_one_update(done: World) -> None:
    session = done.session()
    update_id = SimulatedUpdate("bad").id.update_id
    for criteria in (f"UpdateID='{update_id}'", f" updateid = '{update_id.upper()}' "):
        assert {entry.Title for entry in session.QueryHistory(criteria, 0, 100)} == {"bad 1.0"}
    for everything in ("", None):
        assert session.QueryHistory(everything, 0, 3).Count == 3


@pytest.mark.proves("IUpdateSession3", "QueryHistory")
@pytest.mark.parametrize(
    "criteria", ["UpdateID=5", "Title='x'", "UpdateID='a' and UpdateID='b'", "IsInstalled=1"]
)
def test_other_criteria(done: World, criteria: str) -> None:
    with pytest.raises(ComError) as caught:
        done.session().QueryHistory(criteria, 0, 10)
    assert code(caught) == codes.WU_E_INVALID_CRITERIA


def test_searches_and_downloads_leave_no_entry(world: World) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    before = world.searcher().GetTotalHistoryCount()
    world.downloader().Download()
    assert world.searcher().GetTotalHistoryCount() == before
