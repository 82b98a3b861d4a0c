"""Aborting in every state: the answer, and what becomes of the job."""

import threading

import pytest
from tests.support.machines import LONG, Machine, check_story, events, states, wait_for

from wua.model import codes
from wua.model.enums import AbortAnswer, ResultCode
from wua.model.jobs import Waiting
from wua.model.states import JobState
from wua.system.locks import FileLock
from wua.testing.machine import SimulatedUpdate

S = JobState


def test_a_queued_job_never_starts(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"), SimulatedUpdate("c"))
    gate = machine.gate("gate")
    agent = machine.agent()
    first, second = agent.install("a"), agent.install(["b", "c"])
    gate.reached()
    called = threading.Event()
    second.on_completed(lambda _: called.set())
    assert second.abort() is AbortAnswer.AT_ONCE
    result = second.result(LONG)
    assert (result.code, result.hresult) == (ResultCode.ABORTED, codes.WU_E_CALL_CANCELLED)
    assert [r.code for r in result.updates] == [ResultCode.ABORTED] * 2
    assert called.wait(LONG)
    assert states(events(second)) == [S.QUEUED]
    gate.open()
    assert first.result(LONG).code is ResultCode.SUCCEEDED
    assert not machine.is_installed("b")


def test_a_job_of_the_future_is_aborted_now(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    job = machine.agent().install("a", not_before=4e9)
    assert job.abort() is AbortAnswer.AT_ONCE
    assert job.result(LONG).code is ResultCode.ABORTED


@pytest.mark.parametrize("name", ["plan-gate", "verify-gate"])
def test_in_a_state_that_has_changed_nothing(machine: Machine, name: str) -> None:
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate(name)
    job = machine.agent().install("a")
    gate.reached()
    assert job.abort() is AbortAnswer.AT_ONCE
    gate.open()
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.ABORTED
    assert machine.log == []


def test_while_an_install_downloads(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", download_gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install(["a", "b"])
    gate.reached()
    assert job.abort() is AbortAnswer.AT_ONCE
    result = job.result(LONG)
    assert result.code is ResultCode.ABORTED
    assert [r.code for r in result.updates] == [ResultCode.ABORTED] * 2
    assert machine.log == []


def test_a_download_keeps_what_it_has_fetched(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", download_gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().download(["a", "b"])
    gate.reached()
    assert job.abort() is AbortAnswer.AT_ONCE
    check_story(events(job))
    result = job.result(LONG)
    assert result.code is ResultCode.ABORTED
    assert [r.code for r in result.updates] == [ResultCode.SUCCEEDED, ResultCode.ABORTED]


def test_a_download_that_is_aborted_too_late_has_its_own_code(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate("judge-gate")
    job = machine.agent().download(["a"])
    gate.reached()
    assert job.abort() is AbortAnswer.AFTER_STEP
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_while_it_waits_for_the_lock_after_a_download(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    with FileLock(machine.root / "machine.lock"):
        job = machine.agent().install("a")
        wait_for(job, lambda event: isinstance(event, Waiting))
        assert job.abort() is AbortAnswer.AT_ONCE
        assert job.result(LONG).code is ResultCode.ABORTED
    assert S.DOWNLOADING in states(events(job))


def test_while_it_installs_finished_updates_keep_their_results(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"), SimulatedUpdate("c"))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install(["a", "b", "c"])
    gate.reached()
    assert job.abort() is AbortAnswer.AFTER_STEP
    check_story(events(job))
    result = job.result(LONG)
    assert (result.code, result.hresult) == (ResultCode.ABORTED, codes.WU_E_CALL_CANCELLED)
    assert [r.code for r in result.updates] == [
        ResultCode.SUCCEEDED,
        ResultCode.ABORTED,
        ResultCode.ABORTED,
    ]
    assert {(h.name, h.code) for h in agent.history()} == {
        ("a", ResultCode.SUCCEEDED),
        ("b", ResultCode.ABORTED),
        ("c", ResultCode.ABORTED),
    }


def test_while_it_mends_the_machine_the_step_is_finished(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    (machine.root / "installed" / "old.part").touch()
    gate = machine.gate("repair-gate")
    job = machine.agent().install("a")
    gate.reached()
    assert job.abort() is AbortAnswer.AFTER_STEP
    assert not job.wait(0.0)
    gate.open()
    assert job.result(LONG).code is ResultCode.ABORTED
    assert machine.target.is_interrupted() == ()
    assert not machine.is_installed("a")


def test_when_the_outcome_stands_it_is_too_late(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate("judge-gate")
    agent = machine.agent()
    job = agent.install("a")
    gate.reached()
    assert job.abort() is AbortAnswer.AFTER_STEP
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert job.abort() is AbortAnswer.ENDED
    assert agent.job(job.id).result(LONG).code is ResultCode.SUCCEEDED


def test_a_search_ends_at_once(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate("search-gate")
    job = machine.agent().search()
    gate.reached()
    assert job.abort() is AbortAnswer.AT_ONCE
    assert job.outcome(LONG).code is ResultCode.ABORTED
    check_story(events(job))
    gate.open()


def test_an_abort_is_kept_through_a_kill_of_the_host(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = machine.agent().install("a")
    gate.reached()
    host = machine.host()
    assert host is not None
    assert job.abort() is AbortAnswer.AFTER_STEP
    host.send(9)
    check_story(events(job))
    assert job.result(LONG).code is ResultCode.ABORTED


def test_aborting_twice_is_aborting_once(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    gate = machine.gate("plan-gate")
    job = machine.agent().install("a")
    gate.reached()
    assert [job.abort(), job.abort()] == [AbortAnswer.AT_ONCE] * 2
    gate.open()
    assert job.result(LONG).code is ResultCode.ABORTED
