"""Time-outs and stalls, seen by a job host in this process whose clock ticks fast."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.machines import LONG, Machine, check_story, events, wait_for

from wua.engine import runs
from wua.engine.host import JobHost
from wua.model.enums import ResultCode
from wua.model.jobs import Noted, Stalled
from wua.model.states import JobState
from wua.system.locks import FileLock
from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def quick(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    """A machine with a job host in this process, which looks at its installers a hundred times a second."""
    monkeypatch.setattr(runs, "TICK", 0.01)
    machine.agent().close()
    lock = FileLock(Path(machine.target.paths.run) / "host.lock")
    assert lock.acquire()
    host = JobHost(machine.target, lock, idle=1000)
    thread = threading.Thread(target=host.serve)
    thread.start()
    yield machine
    host.stop()
    thread.join()


def test_a_phase_takes_too_long(quick: Machine) -> None:
    quick.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"))
    quick.gate("gate")
    agent = quick.agent()
    job = agent.install(["a", "b"], phase_timeout=0.2)
    check_story(events(job))
    result = job.result(LONG)
    assert result.code is ResultCode.FAILED
    assert result.problem is not None
    assert result.problem.id == "timed-out"
    assert "installing took longer than 0.2 s" in result.problem.seen
    assert result.updates[0].code is ResultCode.SUCCEEDED
    assert not quick.is_installed("b")
    assert {(h.name, h.code) for h in agent.history()} >= {("a", ResultCode.SUCCEEDED)}


def test_a_download_takes_too_long(quick: Machine) -> None:
    quick.set(SimulatedUpdate("a", download_gate="gate"))
    quick.gate("gate")
    result = quick.agent().install("a", phase_timeout=0.1).result(LONG)
    assert result.problem is not None
    assert "downloading took longer" in result.problem.seen
    assert result.updates[0].code is ResultCode.FAILED


def test_a_repair_takes_too_long(quick: Machine) -> None:
    quick.set(SimulatedUpdate("a"))
    agent = quick.agent()
    agent.download("a").result(LONG)
    (quick.root / "installed" / "old.part").touch()
    quick.gate("repair-gate")
    job = agent.install("a", phase_timeout=0.1)
    result = job.result(LONG)
    assert any(isinstance(e, Noted) and "repairing took longer than 0.1 s" in e.text for e in events(job))
    assert result.code is ResultCode.FAILED
    assert not quick.is_installed("a")


def test_an_installer_that_talks_all_the_time_is_timed_out_too(quick: Machine) -> None:
    quick.set(SimulatedUpdate("a", gate="gate"))
    gate = quick.gate("gate")
    job = quick.agent().install("a", phase_timeout=0.2)
    gate.reached()
    folder = quick.runs()[-1]
    with open(folder / "lines", "a") as lines:
        while not job.wait(0.0):
            lines.write("begin 0\n")
            lines.flush()
    problem = job.result(LONG).problem
    assert problem is not None
    assert problem.id == "timed-out"


def test_a_stall_is_told_once_and_again_after_new_life(quick: Machine) -> None:
    quick.set(SimulatedUpdate("a", gate="gate"))
    gate = quick.gate("gate")
    job = quick.agent().install("a", stall_after=0.4)
    gate.reached()
    event = wait_for(job, lambda event: isinstance(event, Stalled))
    assert isinstance(event, Stalled)
    assert event.phase is JobState.INSTALLING
    assert event.seconds >= 0.4
    with open(quick.runs()[-1] / "lines", "a") as lines:
        lines.write("begin 0\n")
    stalls = 0
    for told in job:
        stalls += isinstance(told.event, Stalled)
        if stalls == 2:
            break
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert sum(isinstance(event, Stalled) for event in events(job)) == 2


def test_no_stall_is_told_when_it_is_not_wanted(quick: Machine) -> None:
    quick.set(SimulatedUpdate("a", gate="gate"))
    gate = quick.gate("gate")
    job = quick.agent().install("a", stall_after=0.0, phase_timeout=0.3)
    gate.reached()
    assert not any(isinstance(event, Stalled) for event in events(job))
