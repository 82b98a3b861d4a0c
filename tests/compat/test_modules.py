"""What wua.compat offers of pywin32, and when it does."""

import datetime as dt
import importlib
import pickle
import sys
import threading
import time
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from tests.support.wuapi_world import LONG, InThread, World, opened

import wua
from wua import compat
from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def installed() -> Iterator[None]:
    assert compat.install()
    yield
    compat.uninstall()


@pytest.fixture
def here(installed: None, short_dir: Any) -> Iterator[World]:
    with opened(short_dir / "machine", None) as world, wua.use(world.agent):
        world.set(SimulatedUpdate("editor", "2.0"))
        yield world
        world.close()


def module(name: str) -> Any:
    return importlib.import_module(name)


# --- installing


def test_the_modules_are_there_after_install_only() -> None:
    with pytest.raises(ImportError):
        module("win32com.client")
    assert compat.install()
    assert compat.install()
    for name in compat.MODULES:
        assert module(name).__name__ == f"wua.compat.{name}"
    import win32com.client  # type: ignore[import-untyped, unused-ignore]

    assert win32com.client.Dispatch is module("wua.compat.win32com.client").Dispatch
    compat.uninstall()
    assert not set(compat.MODULES) & set(sys.modules)


@pytest.mark.parametrize("name", ["pywintypes", "win32api"])
def test_a_pywin32_that_is_there_is_left_alone(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModuleType(name)
    monkeypatch.setitem(sys.modules, name, real)
    assert not compat.install()
    assert sys.modules[name] is real
    assert [each for each in compat.MODULES if each in sys.modules] == [name]
    compat.uninstall()
    assert sys.modules[name] is real


def test_a_win32com_alone_stays_and_stands_on_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    real = ModuleType("win32com")
    monkeypatch.setitem(sys.modules, "win32com", real)
    assert compat.install()
    assert sys.modules["win32com"] is real
    assert module("pythoncom").__name__ == "wua.compat.pythoncom"
    assert "win32com.client" not in sys.modules
    compat.uninstall()
    assert sys.modules["win32com"] is real
    assert "pythoncom" not in sys.modules


def test_a_pywin32_that_could_be_imported_is_left_alone(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "win32api.py").write_text("")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert not compat.install()
    assert "pywintypes" not in sys.modules


# --- objects


def test_objects_and_errors(here: World) -> None:
    client, pywintypes = module("win32com.client"), module("pywintypes")
    for make in (client.Dispatch, client.DispatchEx, client.dynamic.Dispatch, client.gencache.EnsureDispatch):
        session = make("Microsoft.Update.Session")
        assert isinstance(session, client.CDispatch)
    assert client.Dispatch(dispatch=session) is session
    searcher = session.CreateUpdateSearcher()
    assert [update.Title for update in searcher.Search("IsInstalled=0").Updates] == ["editor 2.0"]
    with pytest.raises(pywintypes.com_error) as caught:
        searcher.Search("Type=Software")
    assert caught.value.args[0] == -2147352567
    assert caught.value.args[2][5] == module("winerror").WU_E_INVALID_CRITERIA == -2145124302
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    assert module("pythoncom").com_error is pywintypes.com_error
    with pytest.raises(pywintypes.com_error) as caught:
        client.Dispatch("No.Such.Class")
    assert caught.value.args == (-2147221005, "Invalid class string", None, None)


def test_interfaces_may_be_cast(here: World) -> None:
    client = module("win32com.client")
    session = client.Dispatch("Microsoft.Update.Session")
    assert client.CastTo(session, "IUpdateSession") is session
    with pytest.raises(ValueError, match="IUpdateSearcher"):
        client.CastTo(session, "IUpdateSearcher")


def test_other_machines_are_out_of_reach(here: World) -> None:
    client, pywintypes = module("win32com.client"), module("pywintypes")
    name = module("win32api").GetComputerName()
    for own in (None, "", "localhost", name, name.upper()):
        client.DispatchEx("Microsoft.Update.Session", own)
    with pytest.raises(pywintypes.com_error) as caught:
        client.DispatchEx("Microsoft.Update.Session", "another-machine")
    assert caught.value.args == (-2147023174, "The RPC server is unavailable.", None, None)
    with pytest.raises(pywintypes.com_error) as caught:
        client.GetObject("winmgmts:")
    assert caught.value.hresult == -2147221020


def test_constants(installed: None) -> None:
    constants = module("win32com.client").constants
    assert (constants.ssWindowsUpdate, constants.orcAborted) == (2, 5)
    for name in ("ServerSelection", "noSuchValue"):
        with pytest.raises(AttributeError):
            getattr(constants, name)


def test_threads_and_apartments(here: World) -> None:
    """Objects stay usable on another thread, and after CoUninitialize."""
    client, pythoncom = module("win32com.client"), module("pythoncom")
    made: list[Any] = []

    def make() -> None:
        pythoncom.CoInitialize()
        made.append(client.Dispatch("Microsoft.Update.UpdateColl"))
        pythoncom.CoUninitialize()

    thread = threading.Thread(target=make)
    thread.start()
    thread.join(LONG)
    pythoncom.CoInitializeEx(pythoncom.COINIT_MULTITHREADED)
    assert made[0].Count == 0
    assert pythoncom.PumpWaitingMessages() == 0


# --- what waits, formats and names


def test_a_callback_sets_an_event(here: World) -> None:
    client, event, util = module("win32com.client"), module("win32event"), module("win32com.server.util")
    done = event.CreateEvent(None, False, False, None)
    searcher = client.Dispatch("Microsoft.Update.Searcher")

    class Completed:
        def Invoke(self, job: Any, args: Any) -> None:
            event.SetEvent(done)

    job = searcher.BeginSearch("IsInstalled=0", util.wrap(Completed()), None)
    assert event.MsgWaitForMultipleObjects([done], False, int(LONG * 1000), event.QS_ALLINPUT) == 0
    assert searcher.EndSearch(job).Updates.Count == 1


def test_events(installed: None) -> None:
    event = module("win32event")
    by_hand, single = event.CreateEvent(None, True, True, None), event.CreateEvent(None, False, True, None)
    for _ in range(2):
        assert event.WaitForSingleObject(by_hand, 0) == event.WAIT_OBJECT_0
    assert event.WaitForMultipleObjects([by_hand, single], True, 0) == event.WAIT_OBJECT_0
    assert event.WaitForSingleObject(single, 0) == event.WAIT_TIMEOUT
    assert event.WaitForMultipleObjects([single, by_hand], False, event.INFINITE) == event.WAIT_OBJECT_0 + 1
    event.ResetEvent(by_hand)
    assert event.WaitForMultipleObjects([single, by_hand], False, 1) == event.WAIT_TIMEOUT
    module("win32api").CloseHandle(single)


def test_mutexes(installed: None) -> None:
    event, pywintypes = module("win32event"), module("pywintypes")
    mutex = event.CreateMutex(None, True, "one")
    assert event.CreateMutex(None, False, "one") is mutex
    assert event.WaitForSingleObject(mutex, event.INFINITE) == event.WAIT_OBJECT_0  # it is this thread's

    def refused() -> Any:
        assert event.WaitForSingleObject(mutex, 0) == event.WAIT_TIMEOUT
        with pytest.raises(pywintypes.error) as caught:
            event.ReleaseMutex(mutex)
        return caught.value.winerror

    assert InThread(refused).result() == module("winerror").ERROR_NOT_OWNER
    waiting = InThread(lambda: event.WaitForSingleObject(mutex, event.INFINITE))
    event.ReleaseMutex(mutex)
    assert not waiting.done
    event.ReleaseMutex(mutex)
    assert waiting.result() == event.WAIT_OBJECT_0
    mutex.close()


def test_times(here: World) -> None:
    pywintypes = module("pywintypes")
    moment = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)
    seconds = moment.timestamp()
    for given in (
        moment,
        moment.replace(tzinfo=None),
        seconds,
        time.gmtime(seconds),
        tuple(time.gmtime(seconds)),
    ):
        made = pywintypes.Time(given)
        assert module("pythoncom").MakeTime(given) == made
        assert (made, type(made), made.tzinfo) == (moment, pywintypes.TimeType, dt.UTC)
    update = module("win32com.client").Dispatch("Microsoft.Update.Searcher").Search("").Updates[0]
    assert isinstance(update.LastDeploymentChangeTime, pywintypes.TimeType)
    assert pywintypes.Time(seconds).Format("%Y-%m-%d") == "2026-01-02"


def test_guids(installed: None) -> None:
    pywintypes = module("pywintypes")
    assert pywintypes.IID("4cb43d7f-7eee-4906-8698-60da1c38f2fe") == "{4CB43D7F-7EEE-4906-8698-60DA1C38F2FE}"
    with pytest.raises(pywintypes.com_error):
        pywintypes.IID("no guid")


def test_codes_have_names_and_meanings(installed: None) -> None:
    winerror, api = module("winerror"), module("win32api")
    assert winerror.E_ACCESSDENIED == -2147024891
    assert winerror.FAILED(0x80240024)
    assert winerror.SUCCEEDED(winerror.S_OK)
    assert "WU_E_NO_UPDATE" in dir(winerror)
    assert not hasattr(winerror, "WU_E_NO_SUCH_CODE")
    assert api.FormatMessage(winerror.WU_E_NO_UPDATE)
    assert api.FormatMessage(0x7FFFFFFE) == ""
    assert api.GetUserName()
    assert api.Sleep(0) == 0


@pytest.mark.parametrize("name", ["InitiateSystemShutdown", "ExitWindowsEx"])
def test_nothing_restarts_the_machine(installed: None, name: str) -> None:
    pywintypes = module("pywintypes")
    with pytest.raises(pywintypes.error) as caught:
        getattr(module("win32api"), name)(None, "updates", 30, True, True)
    assert (caught.value.winerror, caught.value.funcname) == (50, name)
    assert caught.value.strerror
