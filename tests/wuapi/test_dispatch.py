"""Late binding: names, default members, values, arguments and errors as scripts know them from IDispatch."""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from tests.support.wuapi_world import Recorder, World

import wua
from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import StringCollection
from wua.wuapi.dispatch import Dispatch, LateBound
from wua.wuapi.errors import DISP_E_OVERFLOW, signed
from wua.wuapi.late_errors import DISP_E_BADPARAMCOUNT, DISP_E_PARAMNOTOPTIONAL, com_error
from wua.wuapi.table import COCLASSES
from wua.wuapi.variants import MISSING

ONLY_PYTHON = pytest.mark.not_com("what Python's late binding makes of IDispatch")
GET, METHOD = 2, 1


@pytest.fixture
def here(world: World) -> Iterator[World]:
    """Created objects talk to the world's agent."""
    with wua.use(world.agent):
        yield world


def late(world: World, *updates: SimulatedUpdate, **options: Any) -> LateBound:
    """A late-bound session, over these updates."""
    if updates:
        world.set(*updates)
    return Dispatch(world.session(**options))


def strings(*values: str) -> LateBound:
    return Dispatch(StringCollection(values))


def refused(call: Any, *arguments: Any, **named: Any) -> tuple[Any, ...]:
    with pytest.raises(com_error) as caught:
        call(*arguments, **named)
    return caught.value.args


# --- creating


@pytest.mark.parametrize(
    "name",
    [
        "Microsoft.Update.Session",
        "microsoft.update.SESSION",
        "Microsoft.Update.Session.1",
        "{4CB43D7F-7EEE-4906-8698-60DA1C38F2FE}",
        pytest.param("4cb43d7f-7eee-4906-8698-60da1c38f2fe", marks=ONLY_PYTHON),
    ],
)
def test_progids_and_class_ids(here: World, name: str) -> None:
    assert Dispatch(name).ClientApplicationID == "Unknown"


@ONLY_PYTHON
@pytest.mark.parametrize("name", sorted(each.progid.rpartition(".")[2] for each in COCLASSES))
def test_every_class_can_be_created(here: World, name: str) -> None:
    progid = f"Microsoft.Update.{name}"
    assert repr(Dispatch(progid)) == f"<COMObject {progid}>"


@pytest.mark.parametrize(
    "name", ["Microsoft.Update.Sessions", "", "{4CB43D7F}", "Scripting.FileSystemObject"]
)
def test_a_class_that_is_not_there(name: str) -> None:
    assert refused(Dispatch, name) == (-2147221005, "Invalid class string", None, None)


def test_a_class_id_that_nobody_has() -> None:
    name = "{00000000-0000-0000-0000-000000000001}"
    assert refused(Dispatch, name) == (-2147221164, "Class not registered", None, None)


def test_an_agent_that_cannot_be_opened_is_a_plain_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("WUA_TARGET", str(tmp_path / "file"))
    hresult, text, excepinfo, argerror = refused(Dispatch, "Microsoft.Update.Session")
    assert hresult < 0
    assert "file" in text
    assert (excepinfo, argerror) == (None, None)


# --- names


def test_names_in_any_case(here: World) -> None:
    here.set(SimulatedUpdate("editor", "2.0"))
    found = Dispatch("Microsoft.Update.Session").CREATEupdatesearcher().search("IsInstalled=0")
    assert [update.tiTLE for update in found.UPDATES] == ["editor 2.0"]
    searcher = Dispatch("Microsoft.Update.Searcher")
    searcher.oNLINE = False
    assert searcher.Online is False


@ONLY_PYTHON
def test_an_unknown_member_names_the_object(here: World) -> None:
    session = Dispatch("Microsoft.Update.Session")
    with pytest.raises(AttributeError) as caught:
        _ = session.NoSuchThing
    assert caught.value.args == ("Microsoft.Update.Session.NoSuchThing",)
    with pytest.raises(AttributeError) as caught:
        _ = session.CreateUpdateSearcher().Name
    assert caught.value.args == ("<unknown>.Name",)


def test_a_property_whose_put_half_has_the_first_slot(here: World) -> None:
    installer = late(here).CreateUpdateInstaller()
    assert installer.ParentWindow is None
    window = object()
    installer.parentwindow = window
    assert installer.ParentWindow is window


@ONLY_PYTHON
def test_what_cannot_be_set(here: World) -> None:
    session = Dispatch("Microsoft.Update.Session")
    for name in ("NoSuchThing", "ReadOnly", "CreateUpdateSearcher"):
        with pytest.raises(AttributeError) as caught:
            setattr(session, name, 1)
        assert caught.value.args == (f"Property 'Microsoft.Update.Session.{name}' can not be set.",)
    with pytest.raises(AttributeError) as caught:
        session.CreateUpdateSearcher().X = 1
    assert caught.value.args == ("Property '<unknown>.X' can not be set.",)


@ONLY_PYTHON
def test_names_of_pythons_own_protocols_are_no_members(here: World) -> None:
    session = Dispatch("Microsoft.Update.Session")
    assert not hasattr(session, "__deepcopy__")
    assert "CreateUpdateSearcher" in dir(session)


# --- IDispatch


def test_a_property_get_on_a_method_says_that_it_is_one(here: World) -> None:
    beneath = Dispatch("Microsoft.Update.Session")._oleobj_
    dispid = beneath.GetIDsOfNames("createUPDATEsearcher")
    assert refused(beneath.Invoke, dispid, 0, GET, True) == (
        signed(codes.DISP_E_MEMBERNOTFOUND),
        "Member not found.",
        None,
        None,
    )
    assert isinstance(beneath.Invoke(dispid, 0, METHOD, True), LateBound)
    assert beneath.Invoke(dispid, 0, METHOD, False) is None


def test_dispids_are_those_of_the_interface(here: World) -> None:
    beneath = strings("a")._oleobj_
    assert beneath.GetIDsOfNames("item") == 0
    assert beneath.GetIDsOfNames("_NewEnum") == -4
    assert beneath.GetIDsOfNames("Count") == 0x60020001
    assert beneath.GetIDsOfNames("Insert", "VALUE", "index") == (0x60020006, 1, 0)
    assert refused(beneath.GetIDsOfNames, "Nothing")[:2] == (
        signed(codes.DISP_E_UNKNOWNNAME),
        "Unknown name.",
    )
    assert refused(beneath.GetIDsOfNames, "Insert", "other")[0] == signed(codes.DISP_E_UNKNOWNNAME)
    assert refused(beneath.Invoke, 4711, 0, GET, True)[0] == signed(codes.DISP_E_MEMBERNOTFOUND)


# --- collections and default members


def test_every_way_to_an_element(here: World) -> None:
    words = strings("a", "b")
    assert [words.Item(0), words(0), words[0], words.item(index=0)] == ["a"] * 4
    assert (words.Count, len(words), list(words)) == (2, 2, ["a", "b"])
    words[1] = "c"
    assert list(words) == ["a", "c"]


@ONLY_PYTHON
def test_setting_an_element_by_its_index(here: World) -> None:
    words = strings("a", "b")
    words.SetItem(0, "d")
    assert list(words) == ["d", "b"]
    with pytest.raises(TypeError):
        words["0"]


def test_indexes_out_of_range(here: World) -> None:
    words = strings("a")
    for index in (99, 1, -1):
        with pytest.raises(IndexError):
            words[index]
        assert refused(words.Item, index)[2][5] == signed(codes.WU_E_INVALIDINDEX)


def test_an_empty_collection_is_true_and_ends_at_once(here: World) -> None:
    assert strings()
    assert list(strings()) == []


def test_the_enumerator_itself(here: World) -> None:
    found = late(here, SimulatedUpdate("a"), SimulatedUpdate("b")).CreateUpdateSearcher().Search("").Updates
    assert [update.Title for update in found._NewEnum] == ["a 1.0", "b 1.0"]


def test_what_is_added_on_the_way_is_met(here: World) -> None:
    words = strings("a")
    seen = []
    for word in words:
        seen.append(word)
        if len(seen) < 3:
            assert words.Add(word + "a") == len(seen)
    assert seen == ["a", "aa", "aaa"]


@ONLY_PYTHON
def test_default_members(here: World) -> None:
    update = late(here, SimulatedUpdate("editor", "2.0")).CreateUpdateSearcher().Search("").Updates(0)
    assert (update(), str(update)) == ("editor 2.0", "editor 2.0")
    assert str(update.Categories(0)) == update.Categories(0).Name
    assert str(strings("a")) == "<COMObject <unknown>>"
    assert refused(Dispatch("Microsoft.Update.Session"))[0] == signed(codes.DISP_E_MEMBERNOTFOUND)


@ONLY_PYTHON
def test_what_is_no_collection(here: World) -> None:
    session = late(here)
    for wrong in (lambda: len(session), lambda: list(session), lambda: session[0]):
        with pytest.raises(TypeError):
            wrong()


def test_the_same_object_is_equal(here: World) -> None:
    downloader = late(here).CreateUpdateDownloader()
    updates = Dispatch("Microsoft.Update.UpdateColl")
    downloader.Updates = updates
    assert downloader.Updates == updates
    assert len({downloader.Updates, updates}) == 1
    assert downloader.Updates != downloader
    updates.Add(late(here, SimulatedUpdate("a")).CreateUpdateSearcher().Search("").Updates[0])
    assert downloader.Updates.Count == 1


# --- values


@ONLY_PYTHON
def test_values_on_their_way_out(here: World) -> None:
    update = late(here, SimulatedUpdate("editor", size=1000)).CreateUpdateSearcher().Search("").Updates[0]
    assert update.IsInstalled is False
    assert (update.MaxDownloadSize, type(update.MaxDownloadSize)) == (Decimal(1000), Decimal)
    assert (type(update.Type), {1: "Software"}[update.Type]) == (int, "Software")
    assert type(update.InstallationBehavior.RebootBehavior) is int
    when = update.LastDeploymentChangeTime
    assert isinstance(when, datetime)
    assert when.tzinfo is UTC
    assert Dispatch("Microsoft.Update.WebProxy").Address is None
    assert update.Deadline is None


@pytest.mark.parametrize(
    ("value", "kept"),
    [(True, True), (1, True), (-1, True), (0, False), ("True", True), ("0", False), (0.0, False)],
)
def test_what_becomes_a_boolean(here: World, value: Any, kept: bool) -> None:
    searcher = late(here).CreateUpdateSearcher()
    searcher.Online = value
    assert searcher.Online is kept


@pytest.mark.parametrize(
    ("value", "kept"), [(2, 2), ("2", 2), (2.4, 2), (2.5, 2), (Decimal(1), 1), (" 1 ", 1)]
)
def test_what_becomes_a_number(here: World, value: Any, kept: int) -> None:
    searcher = late(here).CreateUpdateSearcher()
    searcher.ServerSelection = value
    assert searcher.ServerSelection == kept


@pytest.mark.parametrize(
    ("value", "kept"), [("a", "a"), (5, "5"), (1.5, "1.5"), (2.0, "2"), (True, "-1"), (False, "0")]
)
def test_what_becomes_a_string(here: World, value: Any, kept: str) -> None:
    words = strings()
    words.Add(value)
    assert words[0] == kept


# --- arguments


def test_arguments_may_be_named_in_any_case(here: World) -> None:
    words = strings("b")
    words.Insert(VALUE="a", Index=0)
    words.Insert(2, value="c")
    assert list(words) == ["a", "b", "c"]


def test_wrong_arguments_are_errors_of_the_call(here: World) -> None:
    words = strings("a")
    mismatch = signed(codes.DISP_E_TYPEMISMATCH)
    assert refused(words.Add) == (signed(DISP_E_PARAMNOTOPTIONAL), "Parameter not optional.", None, None)
    assert refused(words.Add, MISSING)[0] == signed(DISP_E_PARAMNOTOPTIONAL)
    assert refused(words.Add, "a", "b") == (
        signed(DISP_E_BADPARAMCOUNT),
        "Invalid number of parameters.",
        None,
        None,
    )
    if not here.late:  # who calls IDispatch gives each place one value
        assert refused(words.Add, "a", value="b")[0] == signed(DISP_E_BADPARAMCOUNT)
    assert refused(words.Add, text="b")[0] == signed(codes.DISP_E_UNKNOWNNAME)
    assert refused(words.Insert, "first", "a") == (mismatch, "Type mismatch.", None, 1)
    assert refused(words.Add, ["a"]) == (mismatch, "Type mismatch.", None, 1)
    assert refused(words.Item, 1 << 40) == (signed(DISP_E_OVERFLOW), "Out of present range.", None, None)
    assert list(words) == ["a"]


def test_an_object_of_another_kind_is_a_type_mismatch(here: World) -> None:
    downloader = late(here).CreateUpdateDownloader()
    for wrong in (strings("a"), late(here), "text", 5):
        with pytest.raises(com_error) as caught:
            downloader.Updates = wrong
        assert caught.value.args == (signed(codes.DISP_E_TYPEMISMATCH), "Type mismatch.", None, 1)


# --- errors of members


@ONLY_PYTHON
def test_a_member_that_fails(here: World) -> None:
    searcher = late(here).CreateUpdateSearcher()
    with pytest.raises(com_error) as caught:
        searcher.Search("Type=Software")
    hresult, text, excepinfo, argerror = caught.value.args
    assert (hresult, text, argerror) == (-2147352567, "Exception occurred.", None)
    assert (excepinfo[0], excepinfo[1], excepinfo[3], excepinfo[4]) == (0, None, None, 0)
    assert excepinfo[5] == -2145124302
    assert caught.value.excepinfo == excepinfo
    assert (caught.value.hresult, caught.value.strerror, caught.value.argerror) == (hresult, text, None)
    assert caught.value.problem is not None
    assert str(caught.value) == str(caught.value.args)
    assert repr(type(caught.value)) == "<class 'pywintypes.com_error'>"


def test_a_property_that_refuses_a_value(here: World) -> None:
    searcher = late(here).CreateUpdateSearcher()
    with pytest.raises(com_error) as caught:
        searcher.SearchScope = 3
    assert caught.value.excepinfo[5] == signed(codes.WU_E_UNSUPPORTED_SEARCHSCOPE)
    with pytest.raises(com_error) as caught:
        searcher.ServerSelection = 9
    assert caught.value.excepinfo[5] == signed(codes.E_INVALIDARG)


# --- jobs and callbacks


def test_callbacks_get_late_bound_objects(here: World) -> None:
    session = late(here, SimulatedUpdate("a"))
    installer = session.CreateUpdateInstaller()
    installer.Updates = session.CreateUpdateSearcher().Search("").Updates
    state = object()
    progress = Recorder()
    completed = Recorder(lambda job, args: installer.endinstall(job).resultcode)
    job = installer.beginInstall(progress, completed, state)
    completed.wait()
    assert completed.answers == [2]
    assert completed.calls[0][0] == job
    assert progress.calls[-1][1].progress.percentCOMPLETE == 100
    assert job.AsyncState is state
    assert job.CleanUp() is None
    assert refused(installer.EndInstall, job)[2][5] == signed(codes.WU_E_INVALID_OPERATION)


def test_a_late_bound_state_comes_back_as_it_was_given(here: World) -> None:
    searcher = late(here, SimulatedUpdate("a")).CreateUpdateSearcher()
    job = searcher.BeginSearch("", None, searcher)
    assert job.AsyncState is searcher
    assert searcher.EndSearch(job).ResultCode == 2


@ONLY_PYTHON
@pytest.mark.parametrize("parameters", [0, 1, 2])
def test_functions_as_callbacks(here: World, parameters: int) -> None:
    searcher = late(here, SimulatedUpdate("a")).CreateUpdateSearcher()
    seen: list[tuple[Any, ...]] = []
    function = (
        lambda: seen.append(()),
        lambda job: seen.append((job,)),
        lambda job, args: seen.append((job, args)),
    )
    job = searcher.BeginSearch("", function[parameters], None)
    searcher.EndSearch(job)
    job.CleanUp()
    assert [len(each) for each in seen] == [parameters]
    assert all(isinstance(each, LateBound) for each in seen[0])


@ONLY_PYTHON
async def test_a_coroutine_function_as_callback(here: World) -> None:
    searcher = late(here, SimulatedUpdate("a")).CreateUpdateSearcher()
    called: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def completed(job: Any, args: Any) -> None:
        called.set_result(searcher.EndSearch(job).ResultCode)

    searcher.BeginSearch("", completed, None)
    assert await called == 2


def test_a_dummy_is_never_called(here: World) -> None:
    searcher = late(here, SimulatedUpdate("a")).CreateUpdateSearcher()
    for dummy in (object(), 0, "nobody"):
        assert searcher.EndSearch(searcher.BeginSearch("", dummy, None)).ResultCode == 2


def test_strict_mode_takes_no_null_callback(here: World) -> None:
    searcher = late(here, SimulatedUpdate("a"), strict=True).CreateUpdateSearcher()
    assert refused(searcher.BeginSearch, "", None, None) == (
        signed(codes.DISP_E_TYPEMISMATCH),
        "Type mismatch.",
        None,
        2,
    )
