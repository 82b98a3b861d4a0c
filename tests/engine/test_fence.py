"""A host that died between recording a run and its beginning: the installer runs once, or never."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.machines import LONG, Machine, check_story, events

from wua.engine import supervisor
from wua.engine.runs import Undecided, fence, write_command
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind, JobSpec, Noted
from wua.model.plans import Operation, PlanRequest
from wua.model.plugins import Command
from wua.model.states import JobState
from wua.store.state import StateStore
from wua.system.process import boot_id
from wua.testing.machine import SimulatedHandler, SimulatedUpdate

S = JobState
STEPS = (S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING)


def abandoned(machine: Machine, *names: str) -> tuple[str, Path]:
    """A job whose host died after it had recorded its installer: (id, run folder)."""
    request = PlanRequest(Operation.INSTALL, updates=tuple(SimulatedUpdate(name).id for name in names))
    handler = SimulatedHandler(machine.target)
    plan = handler.plan(request)
    for name in names:
        (machine.root / "cache" / name).write_text("content\n")
    machine.agent().close()  # the state folder is made
    store = StateStore(machine.root / "state" / "state.db")
    job, _ = store.add_job(JobSpec(JobKind.INSTALL, request=request), request.updates)
    for step in STEPS:
        store.transition(job.id, step, plan=plan)
    run = store.begin_run(job.id, S.INSTALLING, machine.root / "state" / "jobs" / job.id)
    write_command(Path(run.folder), handler.install(plan)[0])
    store.close()
    return job.id, Path(run.folder)


def test_a_run_that_no_supervisor_heard_of_is_begun_again(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    job_id, folder = abandoned(machine, "a")
    job = machine.agent().job(job_id)
    found = events(job)
    check_story(found)
    assert "had not begun" in "".join(e.text for e in found if isinstance(e, Noted))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end"]
    assert (folder / "claim").read_text() == "{}"
    assert not (folder / "started").exists()


def test_a_supervisor_that_comes_too_late_starts_nothing(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    job_id, folder = abandoned(machine, "a")
    assert machine.agent().job(job_id).result(LONG).code is ResultCode.SUCCEEDED
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; from wua.engine.supervisor import *; supervise(sys.argv[1], -1, sys.argv[2])",
            str(folder),
            boot_id(),
        ],
        check=False,
    )
    assert done.returncode == 1
    assert machine.log == ["begin", "end"]
    assert not (folder / "started").exists()


def test_a_supervisor_that_died_before_it_began_anything(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    job_id, folder = abandoned(machine, "a")
    dead = subprocess.Popen(["true"])
    dead.wait()
    (folder / "claim").write_text(f'{{"pid": {dead.pid}, "start": 1, "boot": "{boot_id()}"}}')
    job = machine.agent().job(job_id)
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end"]


def test_the_world_is_looked_at_again_before_the_run_is_begun_again(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    job_id, _ = abandoned(machine, "a", "b")
    (machine.root / "installed" / "b").write_text("1.0")
    result = machine.agent().job(job_id).result(LONG)
    assert result.problem is not None
    assert result.problem.id == "plan-stale"
    assert machine.log == []


def test_a_broken_machine_is_mended_before_the_run_is_begun_again(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    job_id, _ = abandoned(machine, "a")
    (machine.root / "installed" / "other.part").touch()
    job = machine.agent().job(job_id)
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end", "begin", "end"]


def test_an_abort_is_heard_before_the_run_is_begun_again(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    job_id, _ = abandoned(machine, "a")
    store = StateStore(machine.root / "state" / "state.db")
    store.request_abort(job_id)
    store.close()
    result = machine.agent().job(job_id).result(LONG)
    assert result.code is ResultCode.ABORTED
    assert machine.log == []


@pytest.mark.parametrize("torn", [None, b"", b'{"pid": 12, "st', bytes(60)], ids=str)
def test_after_a_loss_of_power_nothing_is_begun_again(machine: Machine, torn: bytes | None) -> None:
    """The traces of the run may be lost with the power: the system decides, and a run is not repeated."""
    machine.set(SimulatedUpdate("a"))
    job_id, folder = abandoned(machine, "a")
    for path in folder.iterdir():
        path.unlink()
    for name in ("claim", "started", "status", "command.json", "lines") if torn is not None else ():
        (folder / name).write_bytes(torn or b"")
    store = StateStore(machine.root / "state" / "state.db")
    with store._write() as db:
        db.execute("UPDATE runs SET boot='an earlier one'")
    store.close()
    result = machine.agent().job(job_id).result(LONG)
    for name in ("claim", "started"):
        (folder / name).unlink(missing_ok=True)
    assert result.code is ResultCode.FAILED
    problem = result.updates[0].problem
    assert problem is not None
    assert problem.id == "outcome-unknown"
    assert machine.log == []


def test_either_the_fence_or_the_supervisor_wins(tmp_path: Path) -> None:
    command = Command(("/bin/sh", "-c", "echo ran >> ran"), {"PATH": "/usr/bin:/bin"}, str(tmp_path))
    wins = {"fence": 0, "supervisor": 0}
    for number in range(12):
        folder = tmp_path / f"run-{number}"
        write_command(folder, command)
        words = ["-I", "-S", "-c", _RACE, supervisor.__file__, str(folder), boot_id()]
        process = subprocess.Popen([sys.executable, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        if number % 3 == 0:
            fenced = fence(folder)
            process.stdin.close()
        else:
            process.stdin.close()
            fenced = fence(folder)
        process.wait()
        process.stdout.close()
        assert fence(folder) is fenced
        assert (folder / "started").exists() is not fenced
        wins["fence" if fenced else "supervisor"] += 1
    ran = (tmp_path / "ran").read_text().split() if (tmp_path / "ran").exists() else []
    assert len(ran) == wins["supervisor"]
    assert wins["fence"]


_RACE = """
import sys, importlib.util
spec = importlib.util.spec_from_file_location("supervisor", sys.argv[1])
module = importlib.util.module_from_spec(spec)
spec.loader.exec_module(module)
print("ready", flush=True)
sys.stdin.read()
module.supervise(sys.argv[2], -1, sys.argv[3])
"""


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_fence_that_cannot_be_written_settles_nothing(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    folder.mkdir(mode=0o500)
    with pytest.raises(Undecided):
        fence(folder)
