"""Sessions and what they hand on; which agent is meant."""

import threading
from pathlib import Path

import pytest
from tests.support.wuapi_world import LONG, World

import wua
from wua.api import current
from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    ComError,
    StringCollection,
    UpdateDownloader,
    UpdateInstaller,
    UpdateSearcher,
    UpdateSession,
    WebProxy,
)

GERMAN = 0x0407


@pytest.mark.proves("IUpdateSession", "ClientApplicationID put_ClientApplicationID")
def test_the_application_id_is_unknown_until_it_is_set(world: World) -> None:
    session = world.session()
    assert session.ClientApplicationID == "Unknown"
    session.ClientApplicationID = "patcher"
    assert session.ClientApplicationID == "patcher"
    session.ClientApplicationID = None  # type: ignore[assignment]
    assert session.ClientApplicationID == ""


@pytest.mark.proves("IUpdateSession", "put_ClientApplicationID")
def test_a_long_application_id_is_cut_off(world: World) -> None:
    session = world.session()
    session.ClientApplicationID = "x" * 1000
    assert session.ClientApplicationID == "x" * 255


@pytest.mark.proves("IUpdateSession", "CreateUpdateSearcher CreateUpdateDownloader CreateUpdateInstaller")
def test_objects_take_the_application_id_as_it_is_when_they_are_made(world: World) -> None:
    session = world.session()
    session.ClientApplicationID = "first"
    made = [session.CreateUpdateSearcher(), session.CreateUpdateDownloader(), session.CreateUpdateInstaller()]
    session.ClientApplicationID = "second"
    assert [each.ClientApplicationID for each in made] == ["first"] * 3


@pytest.mark.proves(
    "IUpdateSearcher IUpdateDownloader IUpdateInstaller IUpdateServiceManager2",
    "ClientApplicationID put_ClientApplicationID",
)
@pytest.mark.parametrize("name", ["Searcher", "Downloader", "Installer", "ServiceManager"])
def test_each_object_has_an_application_id_of_its_own(world: World, name: str) -> None:
    session = world.session()
    make = getattr(session, f"CreateUpdate{name}")
    assert make().ClientApplicationID == "Unknown"
    session.ClientApplicationID = "patcher"
    made = make()
    assert made.ClientApplicationID == "patcher"
    made.ClientApplicationID = "x" * 1000
    assert made.ClientApplicationID == "x" * 255
    made.ClientApplicationID = None
    assert (made.ClientApplicationID, session.ClientApplicationID) == ("", "patcher")


@pytest.mark.proves("IUpdateSession2", "UserLocale put_UserLocale")
def test_locale(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    session = world.session()
    monkeypatch.setenv("LANG", "de_DE.UTF-8")
    assert session.UserLocale == GERMAN
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    assert session.UserLocale == 0x0409
    session.UserLocale = GERMAN
    assert session.UserLocale == GERMAN


@pytest.mark.proves("IUpdateSession", "ReadOnly")
def test_a_session_may_be_changed(world: World) -> None:
    assert world.session().ReadOnly is False


@pytest.mark.proves("IUpdateSession", "WebProxy put_WebProxy")
@pytest.mark.proves("IWebProxy", "Address put_Address BypassList put_BypassList BypassProxyOnLocal")
@pytest.mark.proves("IWebProxy", "put_BypassProxyOnLocal ReadOnly UserName put_UserName PromptForCredentials")
@pytest.mark.proves("IWebProxy", "PromptForCredentialsFromHwnd AutoDetect put_AutoDetect")
def test_the_proxy_is_kept(world: World) -> None:
    session = world.session()
    assert session.WebProxy.Address == world.null_text
    assert session.WebProxy is session.WebProxy
    proxy = WebProxy()
    proxy.Address = "proxy:3128"
    proxy.AutoDetect = True
    proxy.BypassProxyOnLocal = True
    proxy.UserName = "me"
    proxy.SetPassword("secret")
    proxy.BypassList = StringCollection(["intern"])
    session.WebProxy = proxy
    kept = session.WebProxy
    assert (kept.Address, kept.AutoDetect, kept.BypassProxyOnLocal) == ("proxy:3128", True, True)
    assert (kept.UserName, list(kept.BypassList), kept.ReadOnly) == ("me", ["intern"], False)
    assert "secret" not in repr(vars(WebProxy)) + repr(kept)
    for ask in (
        lambda: kept.PromptForCredentials(None, "?"),
        lambda: kept.PromptForCredentialsFromHwnd(0, "?"),
    ):
        with pytest.raises(ComError) as caught:
            ask()
        assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_NO_UI_SUPPORT


@pytest.mark.proves("IUpdateSession", "put_WebProxy")
@pytest.mark.proves("IWebProxy", "put_BypassList")
def test_null_is_no_proxy(world: World) -> None:
    with pytest.raises(ComError) as caught:
        world.session().WebProxy = None  # type: ignore[assignment]
    assert caught.value.hresult & 0xFFFFFFFF == codes.E_POINTER
    with pytest.raises(ComError):
        WebProxy().BypassList = None  # type: ignore[assignment]


@pytest.mark.not_com("which agent is meant is the server's own")
def test_use_says_which_agent_is_meant(world: World) -> None:
    world.set(SimulatedUpdate("here"))
    with wua.use(world.agent) as agent:
        assert agent is world.agent
        titles = [update.Title for update in UpdateSession().CreateUpdateSearcher().Search("").Updates]
        assert titles == ["here 1.0"]
        assert [type(each()) for each in (UpdateSearcher, UpdateDownloader, UpdateInstaller)]


@pytest.mark.not_com("which agent is meant is the server's own")
def test_callbacks_mean_the_same_agent(world: World) -> None:
    world.set(SimulatedUpdate("here"))
    titles: list[str] = []
    called = threading.Event()

    def completed() -> None:
        titles.extend(update.Title for update in UpdateSearcher().Search("").Updates)
        called.set()

    with wua.use(world.agent):
        UpdateSearcher().BeginSearch("", completed, None)
    assert called.wait(LONG)
    assert titles == ["here 1.0"]


@pytest.mark.not_com("which agent is meant is the server's own")
def test_without_use_the_environment_says_it(monkeypatch: pytest.MonkeyPatch, world: World) -> None:
    asked: list[object] = []

    def opening(root: object) -> wua.Agent:
        asked.append(root)
        return world.agent

    monkeypatch.setattr(current, "open_agent", opening)
    monkeypatch.setattr(current, "_defaults", {})
    monkeypatch.setattr(current.atexit, "register", lambda close: None)
    UpdateSession()
    UpdateSession()
    assert asked == [None]  # this host, opened once
    monkeypatch.setenv("WUA_TARGET", "demo")
    UpdateSession()
    assert asked == [None, "demo"]


def test_an_agent_that_cannot_be_opened(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WUA_TARGET", str(tmp_path / "file"))
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ComError) as caught:
        UpdateSession()
    assert caught.value.problem is not None
    assert caught.value.problem.id == "target-unusable"
