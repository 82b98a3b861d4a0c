"""The host of the native agent: what it is made of, and that callers find it."""

import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
from tests.support.machines import LONG, Machine

import wua
from wua import WuaError
from wua.engine.agent import LocalAgent
from wua.model.enums import ResultCode
from wua.native import hosting
from wua.native.agent import NativeAgent
from wua.native.com import ComNatives
from wua.native.opening import open_windows, state_folder
from wua.testing.machine import SimulatedUpdate
from wua.testing.natives import RoundTrip

NAMES = {"t": "http://schemas.microsoft.com/windows/2004/02/mit/task"}


def test_the_task_runs_as_the_system_for_ever() -> None:
    top = ET.fromstring(hosting.task(r"C:\Python\python.exe"))

    def text(path: str) -> str | None:
        return top.findtext(path, namespaces=NAMES)

    assert text("t:Principals/t:Principal/t:UserId") == "S-1-5-18"
    assert text("t:Triggers/t:BootTrigger/t:Enabled") == "true"
    assert text("t:Settings/t:ExecutionTimeLimit") == "PT0S"
    assert text("t:Settings/t:MultipleInstancesPolicy") == "IgnoreNew"
    assert text("t:Settings/t:RestartOnFailure/t:Count") == "10"
    assert text("t:Actions/t:Exec/t:Command") == r"C:\Python\python.exe"
    assert text("t:Actions/t:Exec/t:Arguments") == "-P -m wua.native serve"


def test_the_commands_are_those_that_windows_has(tmp_path: Path) -> None:
    made = hosting.install(tmp_path / "task.xml")
    assert made[0] == (
        "schtasks",
        "/Create",
        "/TN",
        r"wua\native-host",
        "/XML",
        str(tmp_path / "task.xml"),
        "/F",
    )
    assert made[1] == ("schtasks", "/Run", "/TN", r"wua\native-host")
    assert [command[:2] for command in hosting.remove()] == [("schtasks", "/End"), ("schtasks", "/Delete")]


def test_only_the_system_and_administrators_get_at_the_store(tmp_path: Path) -> None:
    owner, rights, children = hosting.protect(tmp_path)
    assert owner[:4] == ("icacls", str(tmp_path), "/setowner", "*S-1-5-32-544")
    granted = [word for word in rights if word.startswith("*")]
    assert granted == ["*S-1-5-18:(OI)(CI)F", "*S-1-5-32-544:(OI)(CI)F"]
    assert "/inheritance:r" in rights
    assert children[1:3] == (str(tmp_path / "*"), "/reset")


@pytest.mark.parametrize(
    ("program", "refused"),
    [("/users/me/python", True), ("/users2/python", False), ("/opt/python", False)],
)
def test_the_system_runs_nothing_that_a_user_may_change(program: str, refused: bool) -> None:
    if not refused:
        hosting.check_program(program, "/users")
        return
    with pytest.raises(WuaError, match="the system must not run"):
        hosting.check_program(program, "/users")


def test_a_command_that_fails_says_what_it_said() -> None:
    hosting.carry_out([("true",)])
    with pytest.raises(WuaError, match="sh -c echo no >&2; exit 3: no") as raised:
        hosting.carry_out([("sh", "-c", "echo no >&2; exit 3"), ("touch", "/never")])
    assert raised.value.problem.unmapped == 3


def test_callers_find_the_host(machine: Machine, short_dir: Path) -> None:
    machine.set(SimulatedUpdate("a"))
    state = short_dir / "state"
    inner = wua.Agent(LocalAgent(machine.target))
    agent = NativeAgent(RoundTrip(inner), state, hosted=True)
    assert hosting.served(state) is None
    listener = hosting.serve(agent, state)
    try:
        protocol = hosting.served(state)
        assert protocol is not None
        with wua.Agent(protocol) as caller:
            assert caller.info().host_pid == os.getpid()
            assert caller.install("a").result(LONG).code is ResultCode.SUCCEEDED
        assert agent.jobs(limit=1)[0].kind.value == "install"  # it is the host's job
    finally:
        listener.close()
        agent.close()
        inner.close()


def test_where_the_store_is(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path))
    assert state_folder() == tmp_path / "wua"
    monkeypatch.setenv("WUA_STATE", str(tmp_path / "own"))
    assert state_folder() == tmp_path / "own"


def test_what_windows_does_not_have() -> None:
    with pytest.raises(WuaError, match="no Debian roots on Windows"):
        open_windows("box")
    with pytest.raises(WuaError, match="on Windows only"):
        ComNatives()


@pytest.mark.parametrize("words", [[], ["nonsense"], ["serve", "more"]])
def test_the_program_says_how_to_call_it(words: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wua.native", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert done.stderr == "usage: python -m wua.native install | remove | serve\n"


def test_the_host_is_for_windows(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "wua.native", "serve"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"WUA_STATE": str(tmp_path)},
    )
    assert done.returncode == 1
    assert "Microsoft's update agent is there on Windows only" in done.stderr
