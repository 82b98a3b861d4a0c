"""An object behind every interface of the agent's, and a call of each of its members that ought to work.

What a call needs is made beforehand, so that a test can change the caller's rights or lock the objects
between the making and the calling.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from tests.support.wuapi_world import Recorder, World

from wua.model import codes
from wua.model.automatic import AutomaticSettings, Level
from wua.model.enums import ResultCode
from wua.model.updates import DriverEntry, Image, SearchWarning
from wua.model.updates import SearchResult as Answer
from wua.testing.machine import CONTENT, SERVICE, SimulatedUpdate
from wua.wuapi import (
    AutomaticUpdates,
    ComError,
    InstallationAgent,
    StringCollection,
    SystemInformation,
    UpdateDownloader,
    UpdateInstaller,
    UpdateServiceManager,
    WebProxy,
    WindowsUpdateAgentInfo,
)
from wua.wuapi.context import Context
from wua.wuapi.results import SearchResult
from wua.wuapi.shape import Row
from wua.wuapi.table import INTERFACES
from wua.wuapi.update_parts import UpdateDownloadContent, UpdateDownloadContentCollection

AGENTS: Final = [name for name, each in INTERFACES.items() if not each.by_caller]
MICROSOFT_UPDATE: Final = "7971f918-a847-4430-9279-4a52d1efe18d"
PENDING: Final = 1
UPDATES: Final = (
    SimulatedUpdate("card", drivers=(DriverEntry("Net"),), image=Image("http://pictures/card.png")),
    SimulatedUpdate("editor", gate="gate", download_gate="gate"),
)


def member(row: Row) -> str:
    """How a slot is called here: a property's put half has ``put_`` before its name."""
    return f"put_{row.name}" if row.kind == "put" else row.name


def is_read(row: Row) -> bool:
    """Whether it only reads a property without an index."""
    return row.kind == "get" and not row.params


def outcome(call: Callable[[], Any]) -> tuple[int, str]:
    """The HRESULT of a call, unsigned, and the text of its error. A job that it begins is waited for."""
    try:
        answer = call()
    except ComError as failure:
        return failure.hresult & 0xFFFFFFFF, failure.text
    if hasattr(answer, "CleanUp"):
        answer.CleanUp()
    return codes.S_OK, ""


class Stage:
    """Objects of one agent, in default or strict mode."""

    def __init__(self, world: World, folder: Path, *, strict: bool) -> None:
        self._world, self._folder, self._options = world, folder, {"agent": world.agent, "strict": strict}
        self._strict = strict
        world.gate().open(64)
        (folder / "file").write_bytes(CONTENT)
        (folder / "some.cab").write_bytes(b"MSCF")
        self._protocol = world.agent.protocol

    def prepare(self, interface: str, *, locked: bool = False) -> dict[str, Callable[[], Any]]:
        """A call of each of an interface's own members, in the order of the slots.

        Each is made on an object of its own, but for plain reading. ``locked``: on an object that is locked
        down, or that one which is hands out, where there is such.
        """
        self._world.set(*UPDATES)
        rows = INTERFACES[interface].rows
        read = any(is_read(row) for row in rows) and self._made(interface, locked)
        calls: dict[str, Callable[[], Any]] = {}
        for row in rows:
            if is_read(row):
                calls[row.name] = lambda name=row.name: getattr(read, name)
            else:
                calls[member(row)] = self._prepared(interface, row, locked)
        return calls

    def thing(self, interface: str) -> Any:
        """An object behind an interface."""
        self._world.set(*UPDATES)
        return self._made(interface, False)

    def close(self) -> None:
        """Put the machine's own settings back."""
        self._protocol.set_automatic(AutomaticSettings())
        self._protocol.pause_automatic(False)
        for each in self._protocol.registrations():
            if each.service is None:
                self._protocol.remove_service(each.service_id)

    # --- objects

    def _made(self, interface: str, locked: bool) -> Any:
        name = interface.removeprefix("I").rstrip("2345").removesuffix("Ex")
        for maker in (self._session_object, self._owned_object, self._found_object, self._acting_object):
            made = maker(name)
            if made is not None:
                break
        else:
            raise LookupError(interface)
        owner, thing = made if isinstance(made, tuple) else (made, made)
        if locked and hasattr(owner, "LockDown"):
            owner.LockDown(1)
        assert interface in type(thing)._interfaces_, interface
        return thing

    def _session_object(self, name: str) -> Any:
        """Objects that a program makes, and for which nothing has to have happened."""
        world, strict = self._world, self._strict
        if name == "AutomaticUpdates":
            self._protocol.set_automatic(AutomaticSettings(level=Level.SEARCH, enabled=True))
        if name == "UpdateServiceManager":
            self._protocol.register_service(MICROSOFT_UPDATE, online=False, pending=True)
        makers: dict[str, Callable[[], Any]] = {
            "UpdateSession": lambda: world.session(strict=strict),
            "UpdateSearcher": lambda: world.searcher(strict=strict),
            "UpdateDownloader": lambda: self._chosen(UpdateDownloader(**self._options)),
            "UpdateInstaller": lambda: self._chosen(UpdateInstaller(**self._options)),
            "UpdateLockdown": WebProxy,
            "WebProxy": WebProxy,
            "StringCollection": lambda: StringCollection(["a"]),
            "UpdateCollection": lambda: world.found().Copy(),
            "AutomaticUpdates": lambda: AutomaticUpdates(**self._options),
            "InstallationAgent": lambda: InstallationAgent(**self._options),
            "SystemInformation": lambda: SystemInformation(**self._options),
            "UpdateServiceManager": lambda: UpdateServiceManager(**self._options),
            "WindowsUpdateAgentInfo": WindowsUpdateAgentInfo,
        }
        return makers[name]() if name in makers else None

    def _owned_object(self, name: str) -> Any:
        """Objects that hang on one which can be locked: the owner, and the object."""
        if name.startswith("AutomaticUpdates"):
            owner = self._session_object("AutomaticUpdates")
            return owner, getattr(owner, name.removeprefix("AutomaticUpdates"))
        manager = UpdateServiceManager(**self._options)
        services: dict[str, Callable[[], Any]] = {
            "UpdateService": lambda: manager.Services[0],
            "UpdateServiceCollection": lambda: manager.Services,
            "UpdateServiceRegistration": lambda: manager.QueryServiceRegistration(SERVICE.id),
        }
        return (manager, services[name]()) if name in services else None

    def _found_object(self, name: str) -> Any:
        """What searches and the history hand out."""
        world = self._world
        result = world.searcher(strict=self._strict).Search("IsInstalled=0 or IsInstalled=1")
        driver, update = result.Updates
        warnings = (SearchWarning(codes.WU_E_INVALID_PRODUCT_LICENSE, "no licence", product="Office"),)
        answer = Answer(ResultCode.SUCCEEDED_WITH_ERRORS, (), (), warnings)
        warned = world.shown(SearchResult(Context(world.agent, self._strict), answer)).Warnings
        contents = world.shown(
            UpdateDownloadContentCollection([UpdateDownloadContent("http://mirror/a.deb")])
        )
        makers: dict[str, Callable[[], Any]] = {
            "Update": lambda: update,
            "WindowsDriverUpdate": lambda: driver,
            "WindowsDriverUpdateEntry": lambda: driver.WindowsDriverUpdateEntries[0],
            "WindowsDriverUpdateEntryCollection": lambda: driver.WindowsDriverUpdateEntries,
            "Category": lambda: result.RootCategories[0],
            "CategoryCollection": lambda: result.RootCategories,
            "ImageInformation": lambda: driver.Image,
            "InstallationBehavior": lambda: update.InstallationBehavior,
            "InvalidProductLicenseException": lambda: warned[0],
            "UpdateException": lambda: warned[0],
            "UpdateExceptionCollection": lambda: warned,
            "SearchResult": lambda: result,
            "UpdateIdentity": lambda: update.Identity,
            "UpdateDownloadContent": lambda: contents[0],
            "UpdateDownloadContentCollection": lambda: contents,
            "UpdateHistoryEntry": lambda: self._history()[0],
            "UpdateHistoryEntryCollection": self._history,
        }
        return makers[name]() if name in makers else None

    def _history(self) -> Any:
        self._session_object("UpdateInstaller").Install()
        return self._world.searcher(strict=self._strict).QueryHistory(0, 2)

    def _acting_object(self, name: str) -> Any:
        """What operations hand out: the object that the operation was asked of, and theirs."""
        if name.startswith("Search"):
            searcher = self._world.searcher(strict=self._strict)
            completed = Recorder()
            job = searcher.BeginSearch("", completed, None)
            completed.wait()
            return searcher, job if name == "SearchJob" else completed.calls[0][1]
        downloads = "Download" in name
        owner = self._session_object("UpdateDownloader" if downloads else "UpdateInstaller")
        progress, completed = Recorder(), Recorder()
        job = (owner.BeginDownload if downloads else owner.BeginInstall)(progress, completed, None)
        job.CleanUp()
        if name.endswith("Job"):
            return owner, job
        if name.endswith("CallbackArgs"):
            return owner, (completed if "Completed" in name else progress).calls[-1][1]
        if name.endswith("Progress"):
            return owner, job.GetProgress()
        result = (owner.EndDownload if downloads else owner.EndInstall)(job)
        return owner, result.GetUpdateResult(0) if name.startswith("Update") else result

    def _chosen(self, acting: Any) -> Any:
        acting.Updates = self._world.found()
        return acting

    # --- calls

    def _prepared(self, interface: str, row: Row, locked: bool) -> Callable[[], Any]:
        if row.name == "RequestAbort" and interface != "ISearchJob":
            return self._abort(interface, locked)
        if row.name.startswith("End"):
            return self._ending(interface, row.name, locked)
        thing = self._made(interface, locked)
        if row.kind == "put" and len(row.params) == 1:
            value = getattr(thing, row.name)
            return lambda: setattr(thing, row.name, value)
        arguments = tuple(self._arguments(interface, row))
        return lambda: getattr(thing, member(row))(*arguments)

    def _ending(self, interface: str, name: str, locked: bool) -> Callable[[], Any]:
        thing = self._made(interface, False)
        begin = getattr(thing, name.replace("End", "Begin"))
        job = begin("", Recorder(), None) if name == "EndSearch" else begin(None, None, None)
        job.CleanUp()
        if locked and name != "EndSearch":
            thing.LockDown(1)
        return lambda: getattr(thing, name)(job)

    def _abort(self, interface: str, locked: bool) -> Callable[[], Any]:
        """Of a job that runs: it waits at a gate until the call has been made."""
        downloads = interface == "IDownloadJob"
        name = f"held-{len(self._world.gates)}"
        gate = self._world.gate(name)
        held = SimulatedUpdate("held", gate=name, download_gate=name)
        self._world.set(held, downloaded=not downloads)
        owner = self._session_object("UpdateDownloader" if downloads else "UpdateInstaller")
        job = (owner.BeginDownload if downloads else owner.BeginInstall)(None, None, None)
        if locked:
            owner.LockDown(1)

        def call() -> None:
            try:
                job.RequestAbort()
            finally:
                gate.open(8)
                job.CleanUp()

        return call

    def _arguments(self, interface: str, row: Row) -> Iterator[Any]:
        given = self._given(interface, row.name)
        for number, param in enumerate(row.params):
            if number < len(given):
                yield given[number]
            elif param.type in {"LONG", "DWORD", "HWND"}:
                yield 0
            elif "Collection" in interface:
                yield "b" if interface == "IStringCollection" else self._world.found()[0]
            else:
                yield None

    def _given(self, interface: str, name: str) -> tuple[Any, ...]:
        """Arguments where zero and null will not do."""
        cab, files = str(self._folder / "some.cab"), StringCollection([str(self._folder / "file")])
        known: dict[str, tuple[Any, ...]] = {
            "CheckPermission": (1, 1),
            "Search": ("",),
            "BeginSearch": ("", Recorder(), None),
            "EscapeString": ("text",),
            "BeginDownload2": (0, None, None, None),
            "Download2": (0,),
            "RunWizard": ("Title",),
            "LockDown": (1,),
            "CopyFromCache": (str(self._folder), True),
            "CopyToCache": (files,),
            "ExtendedStaticProperty": ("ContainsUpdateBootstrapper",),
            "EvaluateExtendedDynamicProperty": ("DoesUpdateRequireReboot",),
            "RecordInstallationResult": ("cookie", 0, None),
            "GetInfo": ("ApiMajorVersion",),
            "QueryServiceRegistration": (SERVICE.id,),
            "AddService": (MICROSOFT_UPDATE, cab),
            "AddService2": (MICROSOFT_UPDATE, PENDING, ""),
            "RegisterServiceWithAU": (SERVICE.id,),
            "UnregisterServiceWithAU": (SERVICE.id,),
            "RemoveService": (MICROSOFT_UPDATE,),
            "AddScanPackageService": ("name", cab, 0),
            "SetOption": ("AllowWarningUI", True),
        }
        if name == "QueryHistory":
            self._history()
            return (0, 1) if interface == "IUpdateSearcher" else ("", 0, 1)
        return known.get(name, ())
