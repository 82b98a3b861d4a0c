"""wua as a Windows program, in Wine: by itself, and as the client of wua's own COM server.

The second is the contract in both directions: Windows' Python drives the objects of wuapi.h through comtypes,
and those come from the DLL and the server of this project, over a machine that is only played.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.windows_program import WindowsProgram
from tests.support.wine_prefix import lacking, put_dll
from tests.support.wine_world import build_native, needs_wine

import wua
from wua.com.server import ComServer
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

pytestmark = [
    pytest.mark.wine,
    pytest.mark.timeout(600),
    pytest.mark.skipif(bool(lacking()), reason=f"no {lacking()}"),
]

INSTALLED = SimulatedUpdate("base", installed=True)
STORE = """
import sys, threading
from pathlib import Path
from wua.store.state import StateStore
from wua.model.jobs import JobKind, JobSpec
from wua.system.process import ProcessRef

path = Path(sys.argv[1]) / "state.db"
store = StateStore(path)
job, new = store.add_job(JobSpec(JobKind.SEARCH), (), owner=ProcessRef.current())
second = StateStore(path)
((found, owner),) = second.unfinished(acting=False)
print(found.id == job.id, owner == ProcessRef.current(), owner.alive())
print(ProcessRef(owner.pid, owner.start + 1, owner.boot).alive(), ProcessRef.of(999999))
second.close()
store.close()
"""


@pytest.fixture(scope="module")
def windows(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WindowsProgram]:
    with WindowsProgram(tmp_path_factory.mktemp("wine") / "prefix") as program:
        yield program


def test_what_needs_no_agent(windows: WindowsProgram) -> None:
    assert windows.wua("--version").text == f"wua {wua.__version__}\n"
    explained = windows.wua("explain", "0x80240016")
    assert explained.code == 0
    assert explained.text.startswith("WU_E_INSTALL_NOT_ALLOWED  0x80240016")


def test_store_locks_and_processes(windows: WindowsProgram) -> None:
    ran = windows.script(STORE, r"C:\store")
    assert ran.text == "True True True\nFalse None\n"


def test_callers_use_the_host_where_one_runs(windows: WindowsProgram) -> None:
    with windows.running("wua.native", "serve") as host:
        assert host.stdout is not None
        assert host.stdout.readline().rstrip() == b"ready"
        ran = windows.script(
            "import wua; agent = wua.open(); print(type(agent.protocol).__name__, agent.info().host_pid > 0)"
        )
        assert ran.text == "RemoteAgent True\n"
    ran = windows.script("import wua; print(type(wua.open().protocol).__name__)")
    assert ran.text == "NativeAgent\n"  # the host is gone, and its file with the port is left behind


def test_without_microsofts_agent_it_says_so(windows: WindowsProgram) -> None:
    assert windows.wua("jobs").text == "No jobs.\n"
    searched = windows.wua("search", "--json")
    assert searched.code == 1
    error = json.loads(searched.text.splitlines()[-1])["error"]
    assert error["id"] == "windows-refused"
    assert "Microsoft.Update.Searcher can't be created" in error["seen"]


@needs_wine
def test_both_directions_of_the_contract(windows: WindowsProgram, bases: Path, short_dir: Path) -> None:
    """Everything that the self-test does, through comtypes, our DLL and our server."""
    folder = put_dll(windows, build_native(bases / "native"))
    machine = SimulatedMachine.create(
        short_dir / "machine",
        [
            SimulatedUpdate("editor", "2.0"),
            SimulatedUpdate("bad", exit=3),
            SimulatedUpdate("base", installed=True),
        ],
    )
    with wua.open(target=machine) as agent:
        served = ComServer(agent, folder)
        try:
            drive(windows)
        finally:
            served.close()
    assert not (short_dir / "machine" / "installed" / "editor").exists()


def drive(windows: WindowsProgram) -> None:
    ran = windows.wua("selftest", "--act", "editor", "--report", r"C:\evidence.json")
    evidence = json.loads((windows.path / "drive_c" / "evidence.json").read_text())
    assert [each for each in evidence["checks"] if not each["passed"]] == [], ran.text
    assert evidence["target"] == "windows-host"
    assert evidence["acted_on"] == "editor 2.0"
    assert ran.code == 0

    installed = windows.wua("install", "bad", "--yes", "--json")
    result = json.loads(installed.text.splitlines()[-1])["result"]["result"]
    assert result["updates"][0]["problem"]["hresult"] == 0x8024200B
    history = json.loads(windows.wua("history", "--json").text.splitlines()[-1])["result"]
    assert [(entry["name"], entry["operation"], entry["code"]) for entry in history] == [
        ("bad", 1, 4),
        ("editor", 2, 2),
        ("editor", 1, 2),
    ]
    assert all(entry["job"] for entry in history)
