"""Python objects that ``win32com.server.util`` wraps, as callbacks and as objects of COM."""

import threading
from typing import Any

import pytest
from tests.support.win32com_world import found, module, refused, strings
from tests.support.wuapi_world import LONG, Recorder, World


class Invoked:
    """As programs for pywin32 write it."""

    _public_methods_ = ["Invoke"]

    def __init__(self) -> None:
        self.called = threading.Event()
        self.job: Any = None

    def Invoke(self, job: Any, args: Any) -> int:
        self.job = job
        self.called.set()
        return 0


class Default(Invoked):
    """The same as a script's function: by the default member."""

    _public_methods_ = ["Other"]
    _dispid_to_func_ = {0: "Called"}

    def Called(self, job: Any, args: Any) -> None:
        self.Invoke(job, args)


class Valued(Default):
    """Another way to say what the default member is."""

    _dispid_to_func_ = {}

    def _value_(self, job: Any, args: Any) -> None:
        self.Invoke(job, args)


class Declared(Invoked):
    """By the interface in the type library, the only way that the original knows for pywin32."""

    _typelib_guid_ = "{B596CC9F-56E5-419E-A622-E01BB457431E}"
    _typelib_version_ = (2, 0)
    _com_interfaces_ = ["IInstallationCompletedCallback"]


def begun(client: Any, completed: Any) -> tuple[Any, Any]:
    session = client.Dispatch("Microsoft.Update.Session")
    installer = session.CreateUpdateInstaller()
    installer.Updates = found(client)
    return installer, installer.BeginInstall(None, completed, "state")


@pytest.mark.parametrize("kind", [Invoked, Default, Valued, Declared])
def test_a_wrapped_callback(theirs: Any, machine: World, kind: type[Invoked]) -> None:
    """It is called with objects of COM, as pywin32 hands them to a server's methods."""
    util = module("win32com.server.util")
    completed = kind()
    wrapped = util.wrap(completed)
    assert util.unwrap(wrapped) is completed
    installer, job = begun(theirs, wrapped)
    assert completed.called.wait(LONG)
    given = theirs.Dispatch(completed.job)
    assert (given == job, given.IsCompleted, given.AsyncState) == (True, True, "state")
    assert installer.EndInstall(completed.job).ResultCode == 2
    job.CleanUp()


def test_a_declared_interface_is_offered(theirs: Any) -> None:
    pythoncom, util = module("pythoncom"), module("win32com.server.util")
    wrapped = util.wrap(Declared())
    own = pythoncom.InterfaceNames["IInstallationCompletedCallback"]
    assert own == "{45F4F6F3-D602-4F98-9A8A-3EFA152AD2D3}"
    assert wrapped.QueryInterface(own) is wrapped
    assert module("win32com.util").IIDToInterfaceName(own) == "IInstallationCompletedCallback"
    assert refused(pythoncom._univgw.ReadFromInTuple)[0] == -2147467263


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"_com_interfaces_": ["IUpdateSession"]}, ValueError),
        ({"_typelib_guid_": "{00000000-0000-0000-0000-000000000001}"}, None),
    ],
)
def test_an_interface_that_programs_do_not_implement(
    theirs: Any, changed: dict[str, Any], error: type[Exception] | None
) -> None:
    wrong = type("Wrong", (Declared,), changed)()
    with pytest.raises(error or module("pywintypes").com_error):
        module("win32com.server.util").wrap(wrong)


def test_a_wrapped_object_that_cannot_be_called(
    theirs: Any, machine: World, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is taken and never called; in strict mode it is refused."""

    class Mute:
        _public_methods_ = ()

    wrapped = module("win32com.server.util").wrap(Mute())
    installer, job = begun(theirs, wrapped)
    assert installer.EndInstall(job).ResultCode == 2
    job.CleanUp()
    assert caplog.records == []
    monkeypatch.setenv("WUA_STRICT", "1")
    strict = theirs.Dispatch("Microsoft.Update.Searcher")
    assert refused(strict.BeginSearch, "", wrapped, None)[2][5] == -2147467262


def test_a_plain_callback_gets_late_bound_objects(client: Any) -> None:
    completed = Recorder(lambda job, args: (job.Updates.Count, job.GetProgress().PercentComplete))
    installer, job = begun(client, completed)
    completed.wait()
    assert completed.answers == [(2, 100)]
    assert completed.calls[0][0] == job
    assert installer.EndInstall(job).GetUpdateResult(1).ResultCode == 2


def test_a_wrapped_object_is_an_object_of_com(theirs: Any) -> None:
    class Server:
        _public_methods_ = ["Twice"]
        _public_attrs_ = ["Word"]
        Word = "a"

        def Twice(self, number: int) -> int:
            return 2 * number

    util, pythoncom = module("win32com.server.util"), module("pythoncom")
    wrapped = util.wrap(Server(), pythoncom.IID_IDispatch)
    server = theirs.Dispatch(wrapped)
    server.Word = "b"
    assert (server.twice(4), server.Word) == (8, "b")
    assert refused(wrapped.QueryInterface, pythoncom.IID_IStream)[0] == -2147467262
    assert refused(wrapped.GetTypeInfo)[0] == -2147352565
    assert refused(util.unwrap, strings(theirs)._oleobj_)[0] == -2147467262


def test_a_wrapped_object_comes_back_as_state(theirs: Any, machine: World) -> None:
    wrapped = module("win32com.server.util").wrap(Invoked())
    installer = theirs.Dispatch("Microsoft.Update.Installer")
    installer.Updates = found(theirs)
    job = installer.BeginInstall(None, None, wrapped)
    assert job.AsyncState._oleobj_ == wrapped
    installer.EndInstall(job)


def test_a_variant(theirs: Any) -> None:
    words = strings(theirs)
    words.Add(theirs.VARIANT(module("pythoncom").VT_BSTR, "a"))
    assert list(words) == ["a"]
