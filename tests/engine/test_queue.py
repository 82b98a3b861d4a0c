"""Queueing, not-before times, idempotency, being busy, and the machine lock."""

import fcntl
import os
import subprocess
import sys
import time

import pytest
from tests.support.machines import LONG, Machine, check_story, events, states, wait_for

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind, JobSpec, Waiting
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.system.locks import FileLock
from wua.testing import VirtualClock
from wua.testing.machine import SimulatedUpdate

S = JobState


def install(*names: str, **options: object) -> JobSpec:
    updates = tuple(SimulatedUpdate(name).id for name in names)
    return JobSpec(JobKind.INSTALL, request=PlanRequest(Operation.INSTALL, updates=updates), **options)  # type: ignore[arg-type]


def test_one_installer_at_a_time_in_the_order_of_submission(machine: Machine) -> None:
    names = ["a", "b", "c", "d"]
    machine.set(*(SimulatedUpdate(name, gate="gate" if name == "a" else "") for name in names))
    gate = machine.gate("gate")
    agent = machine.agent()
    jobs = [agent.install(name) for name in names]
    gate.reached()
    assert [record.state for record in agent.jobs(active=True)] == [S.QUEUED] * 3 + [S.INSTALLING]
    gate.open()
    for job in jobs:
        assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert machine.log == ["begin", "end"] * 4
    assert [h.name for h in agent.history()] == names[::-1]


def test_downloads_go_on_beside_an_installation(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install("a")
    gate.reached()
    assert agent.download("b").result(LONG).code is ResultCode.SUCCEEDED
    assert not job.is_completed
    gate.open()
    job.result(LONG)


def test_jobs_of_many_agents_share_one_host(machine: Machine) -> None:
    machine.set(*(SimulatedUpdate(str(n)) for n in range(4)))
    agents = [machine.agent() for _ in range(4)]
    jobs = [agent.install(str(n)) for n, agent in enumerate(agents)]
    assert {job.result(LONG).code for job in jobs} == {ResultCode.SUCCEEDED}
    assert {agent.info().host_pid for agent in agents} == {machine.host().pid}  # type: ignore[union-attr]


def test_not_before_is_waited_for(machine: Machine) -> None:
    clock = VirtualClock(machine.root / "clock")
    clock.hold()
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    agent = machine.agent()
    when = clock.time() + 3600
    late = agent.submit(install("a", not_before=when))
    assert agent.submit(install("b")).result(LONG).code is ResultCode.SUCCEEDED
    assert not machine.is_installed("a")
    clock.advance(3600)
    assert late.result(LONG).code is ResultCode.SUCCEEDED
    assert late.record.started == when


def test_the_same_key_is_the_same_job(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    first, second = machine.agent(), machine.agent()
    job = first.submit(install("a", idempotency_key="nightly"))
    gate.reached()
    again = second.submit(install("a", idempotency_key="nightly"))
    assert again.id == job.id
    gate.open()
    assert again.result(LONG) == job.result(LONG)
    assert first.submit(install("a", idempotency_key="nightly")).id == job.id
    assert first.submit(install("a", idempotency_key="another")).id != job.id
    assert machine.log == ["begin", "end"]


def test_busy_is_refused_where_it_must_not_queue(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install("a")
    gate.reached()
    with pytest.raises(WuaError) as raised:
        agent.submit(install("b", queue=False))
    assert raised.value.problem.id == "busy"
    assert raised.value.problem.hresult == codes.WU_E_OPERATIONINPROGRESS
    assert len(agent.jobs()) == 1
    gate.open()
    job.result(LONG)
    assert agent.submit(install("b", queue=False)).result(LONG).code is ResultCode.SUCCEEDED


def test_the_next_may_begin_as_soon_as_the_end_is_heard(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    agent = machine.agent()
    for _ in range(10):
        assert agent.submit(install("a", queue=False)).result(LONG).code is ResultCode.SUCCEEDED
        assert agent.uninstall("a", queue=False).result(LONG).code is ResultCode.SUCCEEDED


def test_the_holder_of_the_lock_is_named(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    begun = time.time()
    path = machine.root / "machine.lock"
    words = "import sys; from wua.system.locks import FileLock; l = FileLock(sys.argv[1]); l.acquire()"
    other = subprocess.Popen(
        [sys.executable, "-c", f"{words}; print('held', flush=True); sys.stdin.read()", str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert other.stdin is not None
    assert other.stdout is not None
    other.stdout.readline()
    agent = machine.agent()
    assert agent.protocol.is_busy()
    with pytest.raises(WuaError) as raised:
        agent.submit(install("a", queue=False))
    assert f"(pid {other.pid})" in raised.value.problem.seen
    job = agent.install("a")
    event = wait_for(job, lambda event: isinstance(event, Waiting))
    assert isinstance(event, Waiting)
    assert f"(pid {other.pid})" in event.holder
    assert sys.executable in event.holder
    assert str(path) in event.holder
    assert "since" in event.holder
    assert begun <= time.time()
    other.stdin.close()
    other.wait()
    other.stdout.close()
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert not agent.protocol.is_busy()


def test_another_package_manager_is_waited_for_by_name(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    with open(machine.root / "package.lock", "wb") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        job = machine.agent().install("a")
        event = wait_for(job, lambda event: isinstance(event, Waiting))
        assert isinstance(event, Waiting)
        assert f"(pid {os.getpid()})" in event.holder
        assert "package.lock" in event.holder
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_the_wait_for_the_lock_has_an_end(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    agent = machine.agent()
    with FileLock(machine.root / "machine.lock"):
        job = agent.submit(install("a", lock_timeout=0.1))
        check_story(events(job))
    result = job.result(LONG)
    assert result.problem is not None
    assert (result.code, result.hresult) == (ResultCode.FAILED, codes.WU_E_INSTALL_NOT_ALLOWED)
    assert result.problem.id == "lock-held"
    assert f"pid {os.getpid()}" in result.problem.seen
    assert machine.log == []
    with open(machine.root / "package.lock", "wb") as file:
        fcntl.lockf(file, fcntl.LOCK_EX)
        job = agent.submit(install("a", lock_timeout=0.1))
        result = job.result(LONG)
        assert result.problem is not None
        assert result.problem.id == "lock-held"
    assert agent.submit(install("a")).result(LONG).code is ResultCode.SUCCEEDED


def test_an_adopted_job_goes_before_older_jobs_that_had_to_wait(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"))
    gate = machine.gate("gate")
    agent = machine.agent()
    later = time.time() + 1.0
    older = agent.submit(install("a", not_before=later, lock_timeout=0.0))
    job = agent.submit(install("b"))
    gate.reached()
    machine.kill_host()
    wait_for(job, lambda event: "adopted" in getattr(event, "text", ""))
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert older.result(LONG).code is ResultCode.SUCCEEDED
    assert S.LOCKING in states(events(older))
