"""Searching: options, criteria, results, and the asynchronous way."""

from typing import Any

import pytest
from tests.support.codes import code
from tests.support.wuapi_world import InThread, Recorder, World

from wua.criteria import escape_string
from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.struct import replace
from wua.model.updates import Category, SearchResult, SearchWarning
from wua.testing.machine import SERVICE, SimulatedUpdate
from wua.wuapi import (
    ComError,
    orcAborted,
    orcSucceeded,
    orcSucceededWithErrors,
    searchScopeCurrentUserOnly,
    searchScopeMachineOnly,
    ssDefault,
    ssManagedServer,
    ssOthers,
    ssWindowsUpdate,
    uecSearchIncomplete,
)
from wua.wuapi import results as wuapi_results
from wua.wuapi.context import Context


def titles(result: Any) -> list[str]:
    return [update.Title for update in result.Updates]


@pytest.mark.proves("IUpdateSearcher", "CanAutomaticallyUpgradeService IncludePotentiallySupersededUpdates")
@pytest.mark.proves("IUpdateSearcher", "ServerSelection ServiceID Online")
@pytest.mark.proves("IUpdateSearcher2", "IgnoreDownloadPriority")
@pytest.mark.proves("IUpdateSearcher3", "SearchScope")
def test_defaults(world: World) -> None:
    searcher = world.searcher()
    assert searcher.CanAutomaticallyUpgradeService is False
    assert searcher.IncludePotentiallySupersededUpdates is False
    assert searcher.ServerSelection == ssDefault
    assert searcher.ServiceID == ""
    assert searcher.Online is True
    assert searcher.IgnoreDownloadPriority is False
    assert searcher.SearchScope == 0


SWITCHES = [
    "CanAutomaticallyUpgradeService",
    "IncludePotentiallySupersededUpdates",
    "Online",
    "IgnoreDownloadPriority",
]


@pytest.mark.proves("IUpdateSearcher", "CanAutomaticallyUpgradeService put_CanAutomaticallyUpgradeService")
@pytest.mark.proves("IUpdateSearcher", "IncludePotentiallySupersededUpdates")
@pytest.mark.proves("IUpdateSearcher", "put_IncludePotentiallySupersededUpdates Online put_Online")
@pytest.mark.proves("IUpdateSearcher2", "IgnoreDownloadPriority put_IgnoreDownloadPriority")
@pytest.mark.parametrize("name", SWITCHES)
def test_switches_take_true_and_false(world: World, name: str) -> None:
    searcher = world.searcher()
    for value, meant in ((True, True), (False, False), (-1, True), (0, False)):
        setattr(searcher, name, value)
        assert getattr(searcher, name) is meant


@pytest.mark.not_com("IDispatch makes a boolean of every number")
@pytest.mark.parametrize("name", SWITCHES)
def test_switches_take_nothing_else(world: World, name: str) -> None:
    searcher = world.searcher()
    setattr(searcher, name, False)
    for value in (1, 2, -2):
        with pytest.raises(ComError) as caught:
            setattr(searcher, name, value)
        assert code(caught) == codes.E_INVALIDARG
    assert getattr(searcher, name) is False


@pytest.mark.proves("IUpdateSearcher", "put_IncludePotentiallySupersededUpdates")
def test_superseded_updates_are_kept_when_asked_for(world: World) -> None:
    world.set(SimulatedUpdate("old"), SimulatedUpdate("new", supersedes=("old",)))
    searcher = world.searcher()
    assert titles(searcher.Search("")) == ["new 1.0"]
    searcher.IncludePotentiallySupersededUpdates = True
    assert titles(searcher.Search("")) == ["old 1.0", "new 1.0"]


@pytest.mark.proves("IUpdateSearcher", "Search")
def test_what_is_needed_and_not_hidden_is_the_default(world: World) -> None:
    world.set(SimulatedUpdate("needed"), SimulatedUpdate("there", installed=True), SimulatedUpdate("hidden"))
    searcher = world.searcher()
    searcher.Search("").Updates[1].IsHidden = True
    for criteria in ("", None, "IsInstalled=0 and IsHidden=0"):
        assert titles(searcher.Search(criteria)) == ["needed 1.0"]
    assert titles(searcher.Search("IsHidden=1")) == ["hidden 1.0"]
    assert titles(searcher.Search("IsInstalled=1")) == ["there 1.0"]


@pytest.mark.proves("ISearchResult", "ResultCode RootCategories Updates Warnings")
@pytest.mark.proves("ICategory", "Name Type Parent Children Updates")
@pytest.mark.proves("IUpdate", "Categories")
def test_a_result(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    result = world.searcher().Search("")
    assert result.ResultCode == orcSucceeded
    assert result.Updates is result.Updates
    assert result.Warnings.Count == 0
    (root,) = result.RootCategories
    assert (root.Name, root.Type, root.Parent, root.Children.Count) == (
        "Security Updates",
        "UpdateClassification",
        None,
        0,
    )
    assert [update.Title for update in root.Updates] == ["a 1.0", "b 1.0"]
    assert root.Updates[0] is result.Updates[0]
    assert result.Updates[0].Categories[0] is root


@pytest.mark.proves("IUpdateSearcher", "Search")
@pytest.mark.parametrize(
    "criteria", ["Type=Software", "IsInstalled=2", "IsInstalled=0 or", "(", "Nonsense=1"]
)
def test_wrong_criteria(world: World, criteria: str) -> None:
    with pytest.raises(ComError) as caught:
        world.searcher().Search(criteria)
    assert code(caught) == codes.WU_E_INVALID_CRITERIA
    assert "column" in caught.value.text


@pytest.mark.proves("IUpdateSearcher", "EndSearch")
def test_wrong_criteria_show_when_the_search_is_ended(world: World) -> None:
    searcher = world.searcher()
    completed = Recorder()
    job = searcher.BeginSearch("Nonsense=1", completed, None)
    completed.wait()
    with pytest.raises(ComError) as caught:
        searcher.EndSearch(job)
    assert code(caught) == codes.WU_E_INVALID_CRITERIA


@pytest.mark.not_native("the language is that of the agent underneath")
def test_strict_mode_has_the_documented_language_only(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    assert titles(world.searcher().Search("DeploymentAction=*")) == ["a 1.0"]
    with pytest.raises(ComError) as caught:
        world.searcher(strict=True).Search("DeploymentAction=*")
    assert code(caught) == codes.WU_E_INVALID_CRITERIA


@pytest.mark.not_native("the language is that of the agent underneath")
def test_the_environment_can_ask_for_strict_mode(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUA_STRICT", "1")
    with pytest.raises(ComError):
        world.session().CreateUpdateSearcher().Search("DeploymentAction=*")
    assert world.searcher(strict=False).Search("DeploymentAction=*").ResultCode == orcSucceeded


@pytest.mark.proves("IUpdateSearcher", "put_ServerSelection put_ServiceID Search")
def test_services(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    searcher = world.searcher()
    searcher.ServiceID = "00000000-0000-0000-0000-000000000000"  # counts with ssOthers only
    for selection in (ssDefault, ssWindowsUpdate):
        searcher.ServerSelection = selection
        assert titles(searcher.Search("")) == ["a 1.0"]
    searcher.ServerSelection = ssOthers
    with pytest.raises(ComError) as caught:
        searcher.Search("")
    assert code(caught) == codes.WU_E_DS_UNKNOWNSERVICE
    searcher.ServiceID = SERVICE.id.upper()
    assert titles(searcher.Search("")) == ["a 1.0"]
    searcher.ServerSelection = ssManagedServer
    with pytest.raises(ComError) as caught:
        searcher.Search("")
    assert code(caught) == codes.WU_E_SERVICE_NOT_REGISTERED


def test_a_managed_server_is_searched_when_there_is_one(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.set(SimulatedUpdate("a"))
    managed = (replace(SERVICE, is_managed=True),)
    monkeypatch.setattr(world.agent.protocol, "services", lambda: managed)
    searcher = world.searcher()
    searcher.ServerSelection = ssManagedServer
    assert titles(searcher.Search("")) == ["a 1.0"]


@pytest.mark.proves("IUpdateSearcher3", "SearchScope put_SearchScope")
def test_scopes(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    searcher = world.searcher()
    searcher.SearchScope = searchScopeMachineOnly
    assert titles(searcher.Search("")) == ["a 1.0"]
    searcher.SearchScope = searchScopeCurrentUserOnly
    assert titles(searcher.Search("")) == []
    with pytest.raises(ComError):  # the criteria count all the same
        searcher.Search("(")
    for scope in (3, 4, 5):
        with pytest.raises(ComError) as caught:
            searcher.SearchScope = scope  # type: ignore[assignment]
        assert code(caught) == codes.WU_E_UNSUPPORTED_SEARCHSCOPE
    assert searcher.SearchScope == searchScopeCurrentUserOnly


@pytest.mark.proves("IUpdateSearcher", "EscapeString")
@pytest.mark.parametrize(
    ("text", "escaped"), [("it's", "it[']s"), ("[a]", "[[]a[]]"), ("", ""), ("plain %_*", "plain %_*")]
)
def test_escape_string(world: World, text: str, escaped: str) -> None:
    assert world.searcher().EscapeString(text) == escaped == escape_string(text)


@pytest.mark.proves("IUpdateSearcher", "EscapeString")
def test_escaping_null(world: World) -> None:
    with pytest.raises(ComError) as caught:
        world.searcher().EscapeString(None)
    assert code(caught) == codes.E_POINTER


@pytest.mark.proves("IUpdateSearcher", "put_Online")
def test_an_offline_search_asks_nobody(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    world.gate("search-gate")  # a search that refreshes would wait here
    searcher = world.searcher()
    searcher.Online = False
    assert titles(searcher.Search("")) == ["a 1.0"]


@pytest.mark.proves("IUpdateSearcher", "BeginSearch EndSearch")
@pytest.mark.proves("ISearchJob", "AsyncState IsCompleted")
def test_a_search_in_the_background(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    gate = world.gate("search-gate")
    searcher = world.searcher()
    completed = Recorder()
    job = searcher.BeginSearch("", completed, "state")
    assert job.IsCompleted is False
    waiting = InThread(lambda: searcher.EndSearch(job))
    assert completed.calls == []
    gate.open()
    assert titles(waiting.result()) == ["a 1.0"]
    assert job.IsCompleted is True
    completed.wait()
    assert completed.calls[0][0] is job
    assert job.AsyncState == "state"


@pytest.mark.proves("ISearchJob", "RequestAbort")
@pytest.mark.proves("ISearchResult", "ResultCode")
def test_an_aborted_search_ends_with_an_aborted_result(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    gate = world.gate("search-gate")
    searcher = world.searcher()
    completed = Recorder()
    job = searcher.BeginSearch("", completed, None)
    job.RequestAbort()
    gate.open()
    completed.wait()
    result = searcher.EndSearch(job)
    assert result.ResultCode == orcAborted
    assert result.Updates.Count == 0


@pytest.mark.proves("ISearchResult", "ResultCode RootCategories Warnings")
@pytest.mark.proves("ICategory", "Name CategoryID Children Description Order Parent Updates Image")
@pytest.mark.proves("IUpdateException", "Message HResult Context")
def test_warnings_and_the_tree_of_categories(world: World) -> None:
    categories = (
        Category("product", "Debian 12", "Product", parent_id="family", order=2),
        Category("other", "Debian 13", "Product", parent_id="family", order=1),
        Category("family", "Debian", "ProductFamily", "All of it", parent_id="company"),
        Category("company", "The Debian Project", "Company"),
    )
    warning = SearchWarning(codes.WU_E_PT_HTTP_STATUS_SERVER_ERROR, "a source was not reached", 4)
    answer = SearchResult(ResultCode.SUCCEEDED_WITH_ERRORS, (), categories, (warning,))
    result = world.shown(wuapi_results.SearchResult(Context(world.agent, False), answer))
    assert result.ResultCode == orcSucceededWithErrors
    (told,) = result.Warnings
    assert (told.Message, told.Context) == ("a source was not reached", uecSearchIncomplete)
    assert told.HResult & 0xFFFFFFFF == codes.WU_E_PT_HTTP_STATUS_SERVER_ERROR
    assert told.HResult < 0
    (company,) = result.RootCategories
    (family,) = company.Children
    assert [product.Name for product in family.Children] == ["Debian 13", "Debian 12"]
    product = family.Children[1]
    assert product.Parent is family
    assert (family.Description, family.Order, product.Order, product.CategoryID) == (
        "All of it",
        0,
        2,
        "product",
    )
    assert product.Image is None
    assert family.Updates.Count == 0


def test_null_jobs(world: World) -> None:
    with pytest.raises(ComError) as caught:
        world.searcher().EndSearch(None)
    assert code(caught) == codes.E_POINTER
    with pytest.raises(ComError) as caught:
        world.searcher().EndSearch("job")  # type: ignore[arg-type]
    assert code(caught) == world.wrong_kind
