"""A program that is killed and started again finds its job and receives its Invoke (an extension)."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.quality.project import ROOT
from tests.support import machines
from tests.support.machines import Machine
from tests.support.wuapi_world import LONG, InThread, Recorder

from wua.testing.machine import SimulatedUpdate
from wua.wuapi import ComError, UpdateSession, orcFailed, orcSucceeded, orcSucceededWithErrors


class Program:
    """One run of a program, see ``tests.support.wuapi_caller``."""

    def __init__(self, machine: Machine, implementation: str, *words: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.wuapi_caller"),
                *(str(machine.root), implementation, *words),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ends(self) -> str:
        said, _ = self.process.communicate(timeout=LONG)
        assert self.process.returncode == 0
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def machine(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("WUA_HOST_IDLE", "20")
    with machines.opened(short_dir / "m") as made:
        made.set(SimulatedUpdate("a", gate="gate", reboot=True), SimulatedUpdate("b", exit=1))
        for name in ("a", "b"):
            (made.root / "cache" / name).write_text("content\n")
        yield made


RESULT = {
    "completed": True,
    "state": "mine",
    "code": orcSucceededWithErrors,
    "restart": True,
    "updates": {"a 1.0": orcSucceeded, "b 1.0": orcFailed},
}


@pytest.mark.parametrize(
    ("meanwhile", "knows"),
    [
        ("goes on", "id"),
        ("ends", "application"),
        ("loses its host", "application"),
        ("ends without a host", "id"),
    ],
)
@pytest.mark.parametrize("implementation", ["local", "loopback"])  # the native agent has a store of its own
def test_a_killed_program_gets_its_invoke_when_it_is_started_again(
    machine: Machine, implementation: str, meanwhile: str, knows: str
) -> None:
    """Killed in the middle of the installation; meanwhile the job goes on, ends, or loses its host."""
    gate = machine.gate("gate")
    first = Program(machine, implementation, "begin")
    job_id = first.says()
    gate.reached()
    first.kill()
    if "host" in meanwhile:
        machine.kill_host()
    if "ends" in meanwhile:
        gate.open()
        assert machine.agent().job(job_id).wait(LONG)
    second = Program(machine, implementation, "resume", *([job_id] if knows == "id" else []))
    assert second.says() == "attached"
    if "ends" not in meanwhile:
        gate.open()
    said = json.loads(second.ends())
    assert said["calls"] == [RESULT]
    assert said["percents"] == sorted(said["percents"])
    assert said["percents"][-1] == 100
    assert machine.log == ["begin", "end"]  # nothing was installed twice


def test_every_run_that_takes_the_job_up_gets_its_own_invoke(machine: Machine) -> None:
    """Whoever dies before it has noted the end is told again, by taking the job up again."""
    gate = machine.gate("gate")
    first = Program(machine, "local", "begin")
    job_id = first.says()
    gate.open()
    first.ends()
    for _ in range(2):
        again = Program(machine, "local", "resume", job_id)
        assert again.says() == "attached"
        assert json.loads(again.ends())["calls"] == [RESULT]


PLAYED = """
import sys
import wua
from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.testing.machine import SimulatedMachine
names = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
machine = SimulatedMachine(TargetSpec(TargetKind.SIMULATED, sys.argv[1], names))
with wua.open(target=machine) as agent, wua.use(agent):
    exec(compile(sys.argv[2], "the page", "exec"), {})
"""


def test_the_program_of_the_page(machine: Machine) -> None:
    """docs/how-to/use-wuapi.md, as it stands there: killed in the middle, and started again."""
    page = (ROOT / "docs" / "how-to" / "use-wuapi.md").read_text()
    (text,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    gate = machine.gate("gate")

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PLAYED, str(machine.root), text]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    first = start()
    assert first.stdout is not None
    job_id = first.stdout.readline()
    gate.reached()
    first.kill()
    first.communicate()
    second = start()
    assert second.stdout is not None
    assert second.stdout.readline() == job_id
    gate.open()
    assert second.communicate(timeout=LONG)[0] == "a 1.0 orcSucceeded\nb 1.0 orcFailed\n"
    assert second.returncode == 0


def test_closing_the_agent_releases_whoever_waits(machine: Machine) -> None:
    gate = machine.gate("gate")
    agent = machine.agent()
    begun = agent.install("a")
    gate.reached()
    session, completed = UpdateSession(agent=agent), Recorder()
    installer = session.CreateUpdateInstaller()
    job = session.wua_attach(begun.id, None, completed, None)
    ending = InThread(lambda: installer.EndInstall(job))
    agent.close()
    with pytest.raises(ComError) as caught:
        ending.result()
    assert caught.value.problem is not None
    assert caught.value.problem.id == "connection-lost"
    job.CleanUp()
    assert completed.calls == []
    gate.open()
    assert machine.agent().job(begun.id).wait(LONG)
