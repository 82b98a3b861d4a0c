"""The server, with a program that says what the DLL says. What comes in ends at most its own connection."""

import contextlib
import json
import socket
import stat
import threading
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.com.conftest import Served
from tests.support.com_program import LONG, FakeProgram, Wire, dispid, slot

from wua.com.program import DISCONNECTED
from wua.com.server import ComServer
from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    WU_S_MARKED_FOR_DISCONNECT,
    UpdateCollection,
    UpdateInstaller,
    UpdateSearcher,
    UpdateSession,
    enums,
)
from wua.wuapi.errors import signed
from wua.wuapi.late_errors import DISP_E_BADPARAMCOUNT
from wua.wuapi.ole import GET, METHOD, PUT
from wua.wuapi.results import SearchResult

# --- who gets in


def test_only_who_reads_the_file_gets_in(served: Served) -> None:
    path = served.folder / "connection"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    wire = Wire(served.folder)
    wire.send({"secret": wire.theirs})  # the server's own half does not open it
    assert wire.receive() is None
    wire.close()


@pytest.mark.parametrize(
    "first",
    [
        b"",
        b"{}",
        b"[]",
        b'{"secret": 5}',
        b'{"secret": ""}',
        b'{"secret": "' + b"a" * 64 + b'"}',
        b"\xff\xfe",
    ],
)
def test_nothing_else_opens_it(served: Served, first: bytes) -> None:
    wire = Wire(served.folder)
    wire.send_bytes(first)
    assert wire.receive() is None
    wire.close()


def test_a_long_first_message_is_not_waited_for(served: Served) -> None:
    wire = Wire(served.folder)
    wire.socket.sendall(b"\x00\x00\x08\x00")
    assert wire.receive() is None
    wire.close()


def test_secrets_are_new_each_time(served: Served, tmp_path: Path) -> None:
    other = ComServer(served.world.agent, tmp_path)
    ours, theirs = ((each / "connection").read_text().split()[1:] for each in (served.folder, tmp_path))
    assert len({*ours, *theirs}) == 4
    other.close()


def test_the_port_is_this_machine_s_own_and_closed_at_the_end(served: Served, program: FakeProgram) -> None:
    assert program.wire.socket.getpeername()[0] == "127.0.0.1"
    served.server.close()
    assert program.over.wait(LONG)
    assert list(served.folder.iterdir()) == []
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", served.server.port), timeout=LONG)
    served.server.close()


# --- calls


def test_early_bound(served: Served, program: FakeProgram) -> None:
    served.world.set(SimulatedUpdate("a", "1"), SimulatedUpdate("b", "2"))
    session = program.create("UpdateSession")
    searcher = program.get(session, "IUpdateSession", "CreateUpdateSearcher")["o"]
    found = program.get(searcher, "IUpdateSearcher", "Search", "IsInstalled=0")["o"]
    assert program.get(found, "ISearchResult", "ResultCode") == enums.orcSucceeded
    updates = program.get(found, "ISearchResult", "Updates")
    assert updates["k"] == "UpdateCollection"
    assert program.get(updates["o"], "IUpdateCollection", "Count") == 2
    second = program.get(updates["o"], "IUpdateCollection", "Item", 1)["o"]
    assert program.get(second, "IUpdate", "Title") == "b 2"
    assert program.get(second, "IUpdate", "MaxDownloadSize") == {"n": "1000"}
    assert program.get(second, "IUpdate", "InstallationBehavior")["k"] == "InstallationBehavior"


def test_late_bound(served: Served, program: FakeProgram) -> None:
    served.world.set(SimulatedUpdate("a", "1"), SimulatedUpdate("b", "2"))
    searcher = program.create("UpdateSearcher")
    search, updates = dispid(UpdateSearcher, "Search"), dispid(SearchResult, "Updates")
    found = program.late(searcher, search, METHOD | GET, "IsInstalled=0")["value"]["o"]
    second = program.late(found, updates, METHOD | GET, 1.0)["value"]["o"]  # of its default member
    assert program.late(second, 0, METHOD | GET)["value"] == "b 2"
    application = dispid(UpdateSearcher, "ClientApplicationID")
    assert program.late(searcher, application, PUT, "me") == {"id": 5}
    assert program.late(searcher, application, GET)["value"] == "me"


def test_elements_of_a_collection_come_together(served: Served, program: FakeProgram) -> None:
    served.world.set(*(SimulatedUpdate(name, "1") for name in "abc"))
    searcher = program.create("UpdateSearcher")
    found = program.late(searcher, dispid(UpdateSearcher, "Search"), METHOD, "IsInstalled=0")["value"]["o"]
    updates = program.get(found, "ISearchResult", "Updates")["o"]

    def elements(place: int, ahead: int) -> Any:
        return program.ask("invoke", on=updates, dispid=0, flags=GET, args=[place], ahead=ahead)

    assert elements(0, 0)["value"]["v"]["Title"] == "a 1"
    program.get(program.get(updates, "IUpdateCollection", "Item", 0)["o"], "IUpdate", "Description")
    (second, third) = elements(1, 5)["value"]["a"]
    assert (second["v"]["Title"], third["v"]["Title"]) == ("b 1", "c 1")
    assert third["v"]["Description"] == "Simulated update c."  # known since the first one was asked for it
    assert len(elements(0, 1)["value"]["a"]) == 2
    assert elements(3, 5)["hresult"] == signed(codes.WU_E_INVALIDINDEX)


def test_errors_of_members_and_of_calls(program: FakeProgram) -> None:
    searcher, updates = program.create("UpdateSearcher"), program.create("UpdateCollection")
    early = program.early(searcher, "IUpdateSearcher", "Search", "method", "Type=Software")
    assert early["hresult"] == signed(codes.WU_E_INVALID_CRITERIA)
    assert "The search text is not in the criteria language." in early["text"]
    late = program.late(searcher, dispid(UpdateSearcher, "Search"), METHOD, "Type=Software")
    assert (late["hresult"], late["text"], late["argument"]) == (early["hresult"], early["text"], -1)
    item = dispid(UpdateCollection, "Item")
    assert program.late(updates, item, GET, "first") == {
        "id": 5,
        "hresult": signed(codes.DISP_E_TYPEMISMATCH),
        "argument": 1,
    }
    for number, flags, arguments, code in [
        (dispid(UpdateCollection, "Clear"), GET, [], codes.DISP_E_MEMBERNOTFOUND),
        (12345, GET, [], codes.DISP_E_MEMBERNOTFOUND),
        (dispid(UpdateCollection, "Count"), GET, [1], DISP_E_BADPARAMCOUNT),
    ]:
        assert program.late(updates, number, flags, *arguments)["hresult"] == signed(code)


@pytest.mark.parametrize(
    ("interface", "slot", "code"),
    [
        ("IUpdateDownloader", 7, codes.E_NOINTERFACE),
        ("INothing", 7, codes.E_NOINTERFACE),
        ("IUpdateSession", 99, codes.E_NOINTERFACE),
        ("IUpdateSession", 8, DISP_E_BADPARAMCOUNT),
    ],
)
def test_slots_that_an_object_does_not_have(
    program: FakeProgram, interface: str, slot: int, code: int
) -> None:
    session = program.create("UpdateSession")
    answer = program.ask("call", on=session, interface=interface, slot=slot, args=[])
    assert answer["hresult"] == signed(code)


def test_a_class_that_is_not_there(program: FakeProgram) -> None:
    assert program.ask("create", name="Nonsense")["hresult"] == signed(0x800401F3)


def test_objects_are_let_go_of(served: Served, program: FakeProgram) -> None:
    (connected,) = served.server.programs
    session = program.create("UpdateSession")
    for _ in range(3):
        assert program.get(session, "IUpdateSession", "WebProxy")["o"] == session + 1
    assert len(connected.objects) == 2
    program.release(session + 1, 3)
    program.release(session)
    program.create("StringCollection")  # answered after both
    assert len(connected.objects) == 1


def test_a_program_that_goes_leaves_nothing(served: Served, program: FakeProgram) -> None:
    (connected,) = served.server.programs
    program.create("UpdateSession")
    program.close()
    assert connected.wait(LONG)
    assert len(connected.objects) == 0
    assert served.server.programs == []


# --- callbacks


class Installing:
    """An installation through a program's callbacks."""

    def __init__(self, served: Served, program: FakeProgram) -> None:
        self.program = program
        self.installer = program.create("UpdateInstaller")
        updates = served.world.found()
        mine = program.create("UpdateCollection")
        searcher = program.create("UpdateSearcher")
        found = program.get(searcher, "IUpdateSearcher", "Search", "IsInstalled=0")["o"]
        theirs = program.get(found, "ISearchResult", "Updates")["o"]
        for place in range(updates.Count):
            update = program.get(theirs, "IUpdateCollection", "Item", place)
            program.get(mine, "IUpdateCollection", "Add", {"o": update["o"]})
        program.early(self.installer, "IUpdateInstaller", "Updates", "put", {"o": mine})

    def begin(self, progress: Any, completed: Any, state: Any = None) -> int:
        answer = self.program.get(
            self.installer, "IUpdateInstaller", "BeginInstall", progress, completed, state
        )
        return int(answer["o"])

    def end(self, job: int) -> Any:
        return self.program.early(self.installer, "IUpdateInstaller", "EndInstall", "method", {"o": job})


def test_callbacks_come_in_order_and_may_call(served: Served, program: FakeProgram) -> None:
    served.world.set(SimulatedUpdate("a"))
    installing = Installing(served, program)
    heard: list[Any] = []
    ended = threading.Event()

    def progress(args: list[Any]) -> int:
        now = program.get(args[1]["o"], "IInstallationProgressChangedCallbackArgs", "Progress")["o"]
        heard.append(program.get(now, "IInstallationProgress", "PercentComplete"))
        return 0

    def completed(args: list[Any]) -> int:
        result = installing.end(args[0]["o"])["value"]["o"]
        heard.append(("result", program.get(result, "IInstallationResult", "ResultCode")))
        heard.append(program.early(args[0]["o"], "IInstallationJob", "CleanUp", "method")["hresult"])
        ended.set()
        return signed(codes.E_ACCESSDENIED)  # changes nothing

    program.callbacks = {1: progress, 2: completed}
    job = installing.begin({"c": 1, "call": True}, {"c": 2, "call": True}, {"c": 3})
    assert ended.wait(LONG)
    assert heard[-2:] == [("result", enums.orcSucceeded), WU_S_MARKED_FOR_DISCONNECT]
    assert heard[:-2] == sorted(heard[:-2])
    assert heard[-3] == 100
    assert program.called[-1] == "IInstallationCompletedCallback"
    assert set(program.called[:-1]) == {"IInstallationProgressChangedCallback"}
    assert program.get(job, "IInstallationJob", "AsyncState") == {"c": 3}
    program.early(job, "IInstallationJob", "CleanUp", "method")
    program.wait_until(lambda: {1, 2} <= set(program.dropped))
    assert 3 not in program.dropped


def test_an_object_that_cannot_be_called_is_taken_and_never_called(
    served: Served, program: FakeProgram
) -> None:
    served.world.set(SimulatedUpdate("a"))
    installing = Installing(served, program)
    job = installing.begin({"c": 1}, {"c": 2})
    assert installing.end(job)["value"]["k"] == "InstallationResult"
    assert program.called == []


def test_waiting_calls_hold_up_nobody(served: Served, program: FakeProgram) -> None:
    gate = served.world.gate()
    served.world.set(SimulatedUpdate("a", gate="gate"))
    installing = Installing(served, program)
    job = installing.begin(None, None)
    where = {"interface": "IUpdateInstaller", "slot": 19}
    waiting = program.tell("call", on=installing.installer, args=[{"o": job}], **where)
    assert program.get(job, "IInstallationJob", "IsCompleted") is False
    assert program.early(job, "IInstallationJob", "RequestAbort", "method") == {"id": waiting + 2}
    gate.open()
    result = program.answer(waiting)["value"]
    assert result["k"] == "InstallationResult"


def test_a_program_that_dies_in_its_callback_harms_nothing(
    served: Served, program: FakeProgram, caplog: pytest.LogCaptureFixture
) -> None:
    served.world.set(SimulatedUpdate("a"))
    installing = Installing(served, program)
    inside, never = threading.Event(), threading.Event()

    def completed(args: list[Any]) -> int:
        inside.set()
        never.wait()
        return 0

    program.callbacks = {2: completed}
    installing.begin(None, {"c": 2, "call": True})
    assert inside.wait(LONG)
    (connected,) = served.server.programs
    program.close()
    assert connected.wait(LONG)
    second = FakeProgram(served.folder)
    searcher = second.create("UpdateSearcher")
    found = second.get(searcher, "IUpdateSearcher", "Search", "IsInstalled=1")["o"]
    assert second.get(second.get(found, "ISearchResult", "Updates")["o"], "IUpdateCollection", "Count") == 1
    second.close()
    assert f"0x{DISCONNECTED:08X}" in caplog.text
    never.set()


@pytest.mark.parametrize("count", [20])
def test_many_jobs_leave_nothing(served: Served, program: FakeProgram, count: int) -> None:
    (connected,) = served.server.programs
    searcher = program.create("UpdateSearcher")
    for token in range(1, count + 1):
        ended = threading.Event()
        program.callbacks[token] = lambda args, ended=ended: ended.set() or 0  # type: ignore[misc]
        begun = program.get(
            searcher, "IUpdateSearcher", "BeginSearch", "IsInstalled=0", {"c": token, "call": True}, None
        )
        assert ended.wait(LONG)
        program.early(begun["o"], "ISearchJob", "CleanUp", "method")
        result = program.get(searcher, "IUpdateSearcher", "EndSearch", {"o": begun["o"]})
        # The callback was given the job again, and its arguments.
        program.release(begun["o"], 2)
        program.release(begun["o"] + 1)
        program.release(result["o"])
    program.wait_until(lambda: set(program.dropped) == set(range(1, count + 1)))
    program.get(searcher, "IUpdateSearcher", "Online")
    assert len(connected.objects) == 1


# --- nonsense

NONSENSE: list[Any] = [
    {"op": "call", "id": 1, "on": 99, "interface": "IUpdate", "slot": 7, "args": []},
    {"op": "release", "id": 1, "on": 1, "count": 2},
    {"op": "release", "id": 1, "on": 1, "count": 0},
    {"op": "release", "id": 1, "on": 7, "count": 1},
    {"op": "answered", "id": 1, "call": 5, "hresult": 0},
    {"op": "invoke", "id": 1, "on": 1, "dispid": 0, "flags": 1, "args": [{"o": 99}]},
    {"op": "nothing", "id": 1},
    {"id": 1},
    [],
]


@pytest.mark.parametrize("message", NONSENSE)
def test_nonsense_ends_its_own_connection_only(served: Served, program: FakeProgram, message: Any) -> None:
    other = FakeProgram(served.folder)
    program.create("UpdateSession")
    program.wire.send(message)
    assert program.over.wait(LONG)
    assert other.get(other.create("UpdateSession"), "IUpdateSession", "ReadOnly") is False
    other.close()


def test_who_does_not_read_is_not_waited_for_at_the_end(served: Served) -> None:
    wire = Wire(served.folder)
    wire.send({"secret": wire.ours})
    wire.receive()
    wire.send({"op": "create", "id": 1, "name": "StringCollection"})
    where = {"on": 1, "interface": "IStringCollection"}
    add, item = (slot("IStringCollection", *which) for which in (("Add", "method"), ("Item", "get")))
    wire.receive()
    wire.send({"op": "call", "id": 2, "slot": add, "args": ["x" * (1 << 20)], **where})
    wire.receive()
    for number in range(3, 23):
        wire.send({"op": "call", "id": number, "slot": item, "args": [0], **where})
    (connected,) = served.server.programs
    wire.send({"op": "nothing"})
    assert connected.wait(LONG)
    wire.close()


NAMES = st.sampled_from(["o", "c", "d", "n", "a", "s", "call", "x"])
PLAIN = st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.floats(allow_nan=False)
TAGGED = st.dictionaries(NAMES, PLAIN, max_size=2)
JSON = PLAIN | TAGGED | st.dictionaries(NAMES, st.lists(PLAIN | TAGGED, max_size=3), max_size=2)
ARGS = st.lists(JSON, max_size=3)


def request_of(op: str, **fields: Any) -> st.SearchStrategy[Any]:
    numbers = {"id": st.integers(1, 9), "within": st.integers(0, 2)}
    return st.fixed_dictionaries({"op": st.just(op), **numbers, **fields})


REQUESTS = st.one_of(
    request_of("create", name=st.sampled_from(["UpdateSession", "StringCollection", "Other"])),
    request_of(
        "call",
        on=st.integers(1, 3),
        interface=st.sampled_from(["IUpdateSession", "IStringCollection", "IUpdate"]),
        slot=st.integers(0, 20),
        args=ARGS,
    ),
    request_of(
        "invoke",
        on=st.integers(1, 3),
        dispid=st.sampled_from([0, -4, 0x60020001, 0x60020003]),
        flags=st.integers(0, 15),
        args=ARGS,
    ),
    request_of("release", on=st.integers(1, 3), count=st.integers(-1, 2)),
    request_of("answered", call=st.integers(0, 2), hresult=st.integers()),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.one_of(REQUESTS.map(lambda r: json.dumps(r).encode()), st.binary(max_size=40)), max_size=6)
)
def test_whatever_comes_in_the_server_goes_on(served: Served, messages: list[bytes]) -> None:
    wire = Wire(served.folder)
    wire.send({"secret": wire.ours})
    wire.receive()
    with contextlib.suppress(OSError):  # when the server has ended it already
        for name in ("UpdateSession", "StringCollection"):
            wire.send({"op": "create", "id": 1, "name": name})
        for message in messages:
            wire.send_bytes(message)
        wire.socket.shutdown(socket.SHUT_WR)
        while wire.receive() is not None:
            pass
    wire.close()
    other = FakeProgram(served.folder)
    assert other.create("UpdateSession") == 1
    other.close()


def test_names_are_those_of_the_classes(served: Served, program: FakeProgram) -> None:
    installer = program.create("UpdateInstaller")
    known = dispid(UpdateInstaller, "IsBusy")
    assert program.late(installer, known, GET)["value"] is False
    assert dispid(UpdateSession, "WebProxy") != known
