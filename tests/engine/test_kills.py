"""SIGKILL to caller, host, supervisor and installer, in every phase."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tests.support import caller
from tests.support.machines import (
    LONG,
    Machine,
    check_story,
    entered,
    events,
    kill,
    states,
    wait_for,
)

from wua.api.job import Job
from wua.model.enums import ResultCode
from wua.model.jobs import DeliveryState, Noted, Subscription, Waiting
from wua.model.states import JobState
from wua.system.locks import FileLock
from wua.testing.machine import SimulatedUpdate

S = JobState


class Count:
    """Counts the completed callbacks of a job."""

    def __init__(self, job: Job) -> None:  # type: ignore[type-arg]
        self._called = threading.Semaphore(0)
        job.on_completed(lambda _: self._called.release())

    def __call__(self) -> int:
        found = int(self._called.acquire(timeout=LONG))
        while self._called.acquire(blocking=False):
            found += 1
        return found


def notes(found: list) -> str:  # type: ignore[type-arg]
    return "\n".join(event.text for event in found if isinstance(event, Noted))


@pytest.mark.parametrize("name", ["plan-gate", "download", "verify-gate", "judge-gate", "repair-gate"])
def test_the_host_is_killed_at_work(machine: Machine, name: str) -> None:
    """It is started again for whoever watches; the phase is done again or gone on with."""
    machine.set(SimulatedUpdate("a", download_gate="download" if name == "download" else ""))
    gate = machine.gate(name)
    if name == "repair-gate":
        (machine.root / "installed" / "old.part").touch()
    job = machine.agent().install("a")
    completed = Count(job)
    gate.reached()
    first = machine.kill_host()
    if name not in ("repair-gate", "download"):  # these run under a supervisor, and go on
        gate.reached()
    gate.open()
    found = events(job)
    check_story(found)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert completed() == 1
    second = machine.host()
    assert second is not None
    assert second != first
    repaired = ["begin", "end"] if name == "repair-gate" else []
    assert machine.log == [*repaired, "begin", "end"]


def test_the_host_is_killed_while_it_installs(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"), SimulatedUpdate("c", exit=7))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install(["a", "b", "c"])
    completed = Count(job)
    gate.reached()
    machine.kill_host()
    wait_for(job, lambda event: isinstance(event, Noted) and "adopted by job host" in event.text)
    gate.open()
    found = events(job)
    check_story(found)
    assert "exit status was 7" in notes(found)
    result = job.result(LONG)
    assert [r.code for r in result.updates] == [
        ResultCode.SUCCEEDED,
        ResultCode.SUCCEEDED,
        ResultCode.FAILED,
    ]
    assert result.updates[2].unmapped == 7
    assert completed() == 1
    assert machine.log == ["begin", "end"]
    assert len(agent.history()) == 3


def test_an_installer_that_ends_while_no_host_lives_is_credited(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b", exit=5))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install(["a", "b"])
    gate.reached()
    agent.close()  # nobody watches: no host is started again
    machine.kill_host()
    supervisor = machine.supervisor()
    gate.open()
    assert supervisor.wait(LONG)
    later = machine.agent().job(job.id)
    found = events(later)
    check_story(found)
    assert "exit status was 5" in notes(found)
    assert [r.code for r in later.result(LONG).updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
    assert machine.log == ["begin", "end"]


def test_the_host_is_killed_while_it_waits_for_the_lock(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    with FileLock(machine.root / "machine.lock"):
        job = machine.agent().install("a")
        completed = Count(job)
        wait_for(job, lambda event: isinstance(event, Waiting))
        machine.kill_host()
        told = iter(job)
        seen = 0
        while seen < 2:
            seen += isinstance(next(told).event, Waiting)
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert completed() == 1


def test_the_host_is_killed_with_a_job_in_its_queue(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"))
    gate = machine.gate("gate")
    agent = machine.agent()
    first, second = agent.install("a"), agent.install("b")
    gate.reached()
    machine.kill_host()
    gate.open()
    assert first.result(LONG).code is ResultCode.SUCCEEDED
    assert second.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end"] * 2


def test_the_host_is_killed_again_and_again(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install("a")
    completed = Count(job)
    gate.reached()
    told = iter(job)
    for _ in range(3):
        host = machine.kill_host()
        while not (isinstance(event := next(told).event, Noted) and "adopted" in event.text):
            pass
        assert f"host {host.pid}" not in event.text
    gate.open()
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert completed() == 1
    assert machine.log == ["begin", "end"]


# --- the processes between host and system


def test_the_supervisor_is_killed(machine: Machine) -> None:
    """Its installer goes on and is waited for; the system says what came of it."""
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b", exit=3))
    gate = machine.gate("gate")
    job = machine.agent().install(["a", "b"])
    gate.reached()
    installer = machine.installer()
    kill(machine.supervisor())
    assert installer.alive()
    gate.open()
    check_story(events(job))
    result = job.result(LONG)
    assert [r.code for r in result.updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
    problem = result.updates[1].problem
    assert problem is not None
    assert problem.id == "outcome-unknown"
    assert machine.log == ["begin", "end"]


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_the_installer_is_killed(machine: Machine, number: int) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install(["a", "b"])
    gate.reached()
    kill(machine.installer(), number)
    check_story(events(job))
    result = job.result(LONG)
    assert [r.code for r in result.updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
    assert result.updates[1].said == f"exit -{int(number)}"
    assert machine.log == ["begin"]


@pytest.mark.parametrize("order", [("host", "supervisor"), ("supervisor", "host")])
def test_host_and_supervisor_are_killed_and_the_installer_lives(
    machine: Machine, order: tuple[str, str]
) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install("a")
    gate.reached()
    victims = {"host": machine.host(), "supervisor": machine.supervisor()}
    for name in order:
        victim = victims[name]
        assert victim is not None
        kill(victim)
    wait_for(job, lambda event: isinstance(event, Noted) and "adopted" in event.text)
    other = FileLock(machine.root / "machine.lock")
    assert not other.acquire()  # the installer still holds it
    gate.open()
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end"]


def test_everything_is_killed(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install(["a", "b"])
    completed = Count(job)
    gate.reached()
    victims = [machine.host(), machine.supervisor(), machine.installer()]
    for victim in victims:
        assert victim is not None
        victim.send(signal.SIGKILL)
    check_story(events(job))
    result = job.result(LONG)
    assert [r.code for r in result.updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
    assert completed() == 1
    assert {(h.name, h.code) for h in agent.history()} == {
        ("a", ResultCode.SUCCEEDED),
        ("b", ResultCode.FAILED),
    }


def test_what_an_installer_left_in_the_middle_is_mended(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install("a")
    gate.reached()
    (machine.root / "installed" / "a.part").touch()
    kill(machine.installer())
    found = events(job)
    check_story(found)
    assert states(found)[-2:] == [S.REPAIRING, S.EVALUATING]
    assert job.result(LONG).code is ResultCode.FAILED
    assert not (machine.root / "installed" / "a.part").exists()


# --- callers


def start_caller(machine: Machine, *words: str, **env: str) -> tuple[subprocess.Popen[str], str]:
    """A caller in a process of its own, and the id of its job."""
    process = subprocess.Popen(
        [sys.executable, caller.__file__, str(machine.root), *words],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **env},
    )
    assert process.stdout is not None
    job = process.stdout.readline().strip()
    process.stdout.close()
    assert job
    return process, job


@pytest.mark.idle(0)
def test_the_caller_is_killed(machine: Machine, tmp_path: Path) -> None:
    """Its job goes on, its durable subscription is delivered, and who attaches is called once."""
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    process, job_id = start_caller(machine, "install", "a", NOTIFY=f"cat > {tmp_path}/heard")
    gate.reached()
    process.kill()
    process.wait()
    agent = machine.agent()
    job = agent.job(job_id[:6])
    completed = Count(job)
    gate.open()
    check_story(events(job))
    assert completed() == 1
    late = agent.job(job_id)
    assert Count(late)() == 1
    assert late.is_completed
    machine.settle()
    assert [d.state for d in agent.deliveries(job_id)] == [DeliveryState.DELIVERED]
    assert job_id in (tmp_path / "heard").read_text()


@pytest.mark.idle(0)
def test_the_caller_and_the_host_are_killed(machine: Machine, tmp_path: Path) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    process, job_id = start_caller(machine, "install", "a", NOTIFY=f"echo $WUA_DELIVERY >> {tmp_path}/heard")
    gate.reached()
    process.kill()
    process.wait()
    machine.kill_host()
    supervisor = machine.supervisor()
    gate.open()
    assert supervisor.wait(LONG)
    agent = machine.agent()
    assert agent.job(job_id).result(LONG).code is ResultCode.SUCCEEDED
    machine.settle()
    (delivery,) = agent.deliveries(job_id)
    assert delivery.state is DeliveryState.DELIVERED
    assert (tmp_path / "heard").read_text().split() == [delivery.id]


def test_a_search_ends_with_its_caller(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate("search-gate")
    process, job_id = start_caller(machine, "search")
    gate.reached()
    process.kill()
    process.wait()
    record = machine.agent().protocol.job(job_id)
    assert record.result is not None
    assert record.result.code is ResultCode.ABORTED
    assert record.result.problem is not None
    assert record.result.problem.id == "caller-died"


@pytest.mark.idle(0)
def test_a_subscription_made_by_a_caller_that_dies_is_kept(machine: Machine, tmp_path: Path) -> None:
    machine.set(SimulatedUpdate("a"))
    agent = machine.agent()
    job = agent.install("a")
    job.result(LONG)
    program = ("/bin/sh", "-c", f"echo late >> {tmp_path}/heard")
    agent.protocol.subscribe(job.id, Subscription(program))
    machine.settle()
    assert (tmp_path / "heard").read_text() == "late\n"


def test_stopping_the_host_leaves_the_installer_at_work(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install("a")
    gate.reached()
    host = machine.host()
    assert host is not None
    kill(host, signal.SIGTERM)
    gate.open()
    found = events(job)
    check_story(found)
    assert "adopted" in notes(found)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end"]


def test_killed_between_steps_everything_is_entered_once(machine: Machine) -> None:
    """A host killed right after it entered a state finds itself there."""
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate("verify-gate")
    job = machine.agent().install("a")
    wait_for(job, entered(S.VERIFYING))
    gate.reached()
    machine.kill_host()
    gate.reached()
    gate.open()
    found = events(job)
    check_story(found)
    assert states(found).count(S.VERIFYING) == 1
    assert job.result(LONG).code is ResultCode.SUCCEEDED
