"""pywin32's own ``win32com``, unmodified, on wua's ``pythoncom``; beside it wua's, which behaves alike."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.support.salt_world import Salt
from tests.support.sources import source
from tests.support.win32com_world import found, module, refused, strings
from tests.support.wuapi_world import World

from wua import compat
from wua.testing.machine import SimulatedUpdate

WRONG_CRITERIA = -2145124302
WRONG_INDEX = -2145124345


# --- whose modules there are


def test_only_win32com_is_pywin32s(theirs: Any) -> None:
    folder = source("pywin32")
    for name in ("win32com", "win32com.client", "win32com.client.dynamic", "win32com.server.util"):
        assert module(name).__file__.startswith(folder)
    assert module("pythoncom").__name__ == "wua.compat.pythoncom"
    assert compat.install()
    assert module("win32com.client") is theirs
    session = theirs.Dispatch("Microsoft.Update.UpdateColl")
    assert type(session).__module__ == "win32com.client"
    assert isinstance(session._oleobj_, module("pythoncom").TypeIIDs[module("pythoncom").IID_IDispatch])


def test_its_cache_is_this_users(theirs: Any, short_dir: Path) -> None:
    assert module("win32com").__gen_path__.startswith(str(short_dir / "cache" / "wua" / "tmp"))


# --- names and values


def test_names_in_any_case(client: Any) -> None:
    searcher = client.Dispatch("microsoft.UPDATE.session").CREATEupdatesearcher()
    searcher.Online = False
    assert searcher.oNLINE is False
    assert [update.tiTLE for update in searcher.search("IsInstalled=0").UPDATES] == [
        "editor 2.0",
        "library 1.5",
    ]


def test_unknown_names(client: Any) -> None:
    session = client.Dispatch("Microsoft.Update.Session")
    with pytest.raises(AttributeError) as caught:
        _ = session.NoSuchThing
    assert caught.value.args == ("Microsoft.Update.Session.NoSuchThing",)
    for name in ("NoSuchThing", "ReadOnly"):
        with pytest.raises(AttributeError) as caught:
            setattr(session, name, 1)
        assert caught.value.args == (f"Property 'Microsoft.Update.Session.{name}' can not be set.",)
    assert {"CreateUpdateSearcher", "UserLocale"} <= set(dir(session))


def test_values(client: Any) -> None:
    update = found(client)[0]
    assert (update.MaxDownloadSize, type(update.MaxDownloadSize)) == (Decimal(1000), Decimal)
    assert update.IsInstalled is False
    assert (type(update.Type), update.Type) == (int, 1)
    assert isinstance(update.LastDeploymentChangeTime, module("pywintypes").TimeType)
    assert update.Deadline is None
    assert (str(update), update(), repr(update)) == ("editor 2.0", "editor 2.0", "<COMObject <unknown>>")


def test_arguments(client: Any) -> None:
    words = strings(client, "b")
    words.Insert(index=0, value="a")
    words.SetItem(1, "c")
    assert list(words) == ["a", "c"]
    assert refused(words.Insert, "first", "a") == (-2147352571, "Type mismatch.", None, 1)
    assert refused(words.Add)[0] == -2147352561


def test_a_setting_is_kept_and_a_wrong_one_refused(client: Any) -> None:
    searcher = client.Dispatch("Microsoft.Update.Searcher")
    searcher.ServerSelection = 2
    assert searcher.ServerSelection == 2
    with pytest.raises(module("pywintypes").com_error) as caught:
        searcher.ServerSelection = 9
    assert caught.value.excepinfo[5] == -2147024809


# --- collections


def test_collections(client: Any) -> None:
    updates = found(client)
    titles = ["editor 2.0", "library 1.5"]
    assert (updates.Count, len(updates), bool(updates)) == (2, 2, True)
    assert [update.Title for update in updates] == titles
    for way in (updates.Item, updates, updates.__getitem__):
        assert [way(place).Title for place in (1, 0)] == titles[::-1]
    for place in (2, 99, -1):
        with pytest.raises(IndexError):
            updates[place]
    for way in (updates.Item, updates):
        assert refused(way, 99)[2][5] == WRONG_INDEX


def test_enumeration_is_live(client: Any) -> None:
    words = strings(client, "a")
    seen = []
    for word in words:
        seen.append(word)
        if len(seen) < 3:
            words.Add(word + "a")
    assert seen == ["a", "aa", "aaa"]


def test_the_collection_itself_is_set(client: Any) -> None:
    session = client.Dispatch("Microsoft.Update.Session")
    mine = client.Dispatch("Microsoft.Update.UpdateColl")
    installer = session.CreateUpdateInstaller()
    installer.Updates = mine
    assert installer.Updates == mine
    installer.Updates.Add(found(client)[0])
    assert mine.Count == 1
    assert mine != installer


def test_enumerators(theirs: Any) -> None:
    """IEnumVARIANT, as ``win32com.client.util`` walks it."""
    words = strings(theirs, "a", "b", "c")
    walk = words._NewEnum()
    assert walk.Next(2) == ("a", "b")
    walk.Reset()
    assert walk.Next(5) == ("a", "b", "c")
    assert walk.Next() == ()
    walk.Reset()
    walk._oleobj_.Skip(1)
    clone = walk.Clone()
    assert [walk.Next(), clone.Next(2)] == [("b",), ("b", "c")]


# --- errors


def test_errors_of_members(client: Any) -> None:
    searcher = client.Dispatch("Microsoft.Update.Searcher")
    hresult, text, excepinfo, argument = refused(searcher.Search, "Type=Software")
    assert (hresult, text, argument) == (-2147352567, "Exception occurred.", None)
    assert excepinfo == (0, None, excepinfo[2], None, 0, WRONG_CRITERIA)


def test_errors_of_activation(client: Any) -> None:
    assert refused(client.Dispatch, "No.Such.Class") == (-2147221005, "Invalid class string", None, None)
    nobodys = "{00000000-0000-0000-0000-000000000001}"
    assert refused(client.Dispatch, nobodys)[0] == -2147221164
    assert refused(client.DispatchEx, "Microsoft.Update.Session", "other")[0] == -2147023174
    assert client.DispatchEx("Microsoft.Update.Session", "localhost").ReadOnly is False
    assert refused(client.GetObject, "winmgmts:")[0] == -2147221020


def test_what_is_not_running_and_not_generated(theirs: Any) -> None:
    assert refused(theirs.GetActiveObject, "Microsoft.Update.Session")[0] == -2147221021
    with pytest.raises(TypeError, match="makepy"):
        theirs.gencache.EnsureDispatch("Microsoft.Update.UpdateColl")
    with pytest.raises(TypeError, match="makepy"):
        theirs.WithEvents("Microsoft.Update.UpdateColl", object)


# --- interfaces


def test_interfaces(theirs: Any) -> None:
    pythoncom, pywintypes = module("pythoncom"), module("pywintypes")
    beneath = strings(theirs)._oleobj_
    own = pywintypes.IID("{eff90582-2ddc-480f-a06d-60f3fbc362c3}")  # IStringCollection
    for iid in (own, pythoncom.IID_IUnknown, pythoncom.IID_IDispatch):
        assert beneath.QueryInterface(iid) == beneath
    assert refused(beneath.QueryInterface, pythoncom.IID_IStream)[0] == -2147467262
    info = beneath.GetTypeInfo()
    assert (beneath.GetTypeInfoCount(), info.GetTypeAttr().iid) == (1, own)
    insert = beneath.GetIDsOfNames("insert")
    assert info.GetNames(insert) == ("Insert", "index", "value")
    assert info.GetDocumentation(-1)[0] == "IStringCollection"
    assert refused(info.GetNames, 4711)[0] == -2147319765
    assert refused(info.GetFuncDesc, 99)[0] == refused(beneath.GetTypeInfo, 1)[0] == -2147352565
    made = pythoncom.new("Microsoft.Update.StringColl")
    assert pythoncom.CoCreateInstance("Microsoft.Update.StringColl", None, 1, own) != made


def test_a_class_may_be_named_by_its_id(theirs: Any, machine: World) -> None:
    session = module("pywintypes").IID("Microsoft.Update.Session")
    assert session == "{4CB43D7F-7EEE-4906-8698-60DA1C38F2FE}"
    assert theirs.Dispatch(session).ClientApplicationID == "Unknown"


# --- Salt on top


def test_salt_on_top(short_dir: Path, machine: World) -> None:
    """In short; with slow tests the whole of test_salt runs so."""
    salt = Salt(machine.root, pywin32=True)
    editor = SimulatedUpdate("editor", "2.0").id.update_id
    got, there = salt.calls(
        ("win_wua", "get", ["editor"], {"install": True}),
        ("state", "installed", ["editor"], {}),
    )
    assert got["Install"]["Updates"][editor]["Result"] == "Installation Succeeded"
    assert there["comment"].startswith("Updates already installed")
