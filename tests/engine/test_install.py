"""What an acting job does when nothing goes wrong, and when the installer does."""

import threading

import pytest
from tests.support.machines import LONG, Machine, check_story, events, states

from wua.model import codes
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import Ended, JobKind, JobSpec, Progressed, UpdateEnded
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.testing.machine import SimulatedUpdate

S = JobState


def test_an_install_with_progress_results_history_and_callback(machine: Machine) -> None:
    machine.set(
        SimulatedUpdate("good"), SimulatedUpdate("bad", exit=3), SimulatedUpdate("restart", reboot=True)
    )
    agent = machine.agent()
    called = threading.Semaphore(0)
    job = agent.install(["good", "bad", "restart"], application_id="the test")
    job.on_completed(lambda _: called.release())
    found = events(job)
    check_story(found)
    assert states(found) == [
        S.QUEUED, S.PLANNING, S.DOWNLOADING, S.LOCKING, S.VERIFYING, S.INSTALLING, S.EVALUATING,
    ]  # fmt: skip
    last = [event.progress for event in found if isinstance(event, Progressed)][-1]
    assert (last.percent, last.phase) == (100, S.ENDED)
    assert [event.index for event in found if isinstance(event, UpdateEnded)] == [0, 1, 2]

    result = job.result(LONG)
    assert (result.code, result.hresult) == (ResultCode.SUCCEEDED_WITH_ERRORS, codes.S_OK)
    assert result.reboot_required
    assert [r.code for r in result.updates] == [
        ResultCode.SUCCEEDED,
        ResultCode.FAILED,
        ResultCode.SUCCEEDED,
    ]
    bad = result.updates[1]
    assert (bad.hresult, bad.unmapped) == (codes.WU_E_UH_INSTALLERFAILURE, 3)
    assert bad.said == "exit 3"
    assert bad.seen == "bad is not there"
    assert bad.problem is not None
    assert "changing good" in job.output()
    assert isinstance(found[-1], Ended)
    assert found[-1].result == result

    history = agent.history()
    assert {(h.name, h.code, h.operation) for h in history} == {
        ("good", ResultCode.SUCCEEDED, UpdateOperation.INSTALLATION),
        ("bad", ResultCode.FAILED, UpdateOperation.INSTALLATION),
        ("restart", ResultCode.SUCCEEDED, UpdateOperation.INSTALLATION),
    }
    assert {(h.job, h.application_id, h.requested) for h in history} == {(job.id, "the test", True)}
    assert called.acquire(timeout=LONG)
    assert machine.log == ["begin", "end"]


def test_uninstall_undoes_and_says_so(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", installed=True))
    agent = machine.agent()
    assert agent.uninstall("a").result(LONG).code is ResultCode.SUCCEEDED
    assert not machine.is_installed("a")
    assert [h.operation for h in agent.history()] == [UpdateOperation.UNINSTALLATION]
    again = agent.uninstall("a").result(LONG)
    assert again.code is ResultCode.SUCCEEDED
    assert [r.hresult for r in again.updates] == [codes.WU_S_ALREADY_UNINSTALLED]
    assert len(agent.history()) == 1


def test_nothing_to_do_is_a_success_that_says_so(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", installed=True))
    job = machine.agent().install("a")
    found = events(job)
    check_story(found)
    assert states(found) == [S.QUEUED, S.PLANNING, S.EVALUATING]
    assert [r.hresult for r in job.result(LONG).updates] == [codes.WU_S_ALREADY_INSTALLED]
    assert machine.log == []


def test_a_download_changes_nothing_else(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", download_exit=1))
    agent = machine.agent()
    result = agent.download(["a", "b"]).result(LONG)
    assert result.code is ResultCode.SUCCEEDED_WITH_ERRORS
    assert [r.code for r in result.updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
    assert (machine.root / "cache" / "a").exists()
    assert not machine.is_installed("a")
    assert agent.history() == ()
    again = agent.download(["a"]).result(LONG)
    assert again.code is ResultCode.SUCCEEDED


def test_a_failed_download_ends_the_install_before_anything_is_changed(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", download_exit=1))
    result = machine.agent().install(["a", "b"]).result(LONG)
    assert result.code is ResultCode.FAILED
    assert machine.log == []


def test_an_installer_that_lies_is_found_out(machine: Machine) -> None:
    machine.set(SimulatedUpdate("liar", lie=True))
    result = machine.agent().install("liar").result(LONG)
    assert result.code is ResultCode.FAILED
    problem = result.updates[0].problem
    assert problem is not None
    assert problem.id == "not-installed-after-all"
    assert result.updates[0].said == "exit 0"


def test_not_downloaded_and_partly_downloaded(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    agent = machine.agent()
    job = agent.install(["a", "b"], download=False)
    check_story(events(job))
    result = job.result(LONG)
    assert result.code is ResultCode.FAILED
    assert {r.hresult for r in result.updates} == {codes.WU_E_DM_NOTDOWNLOADED}
    assert machine.log == []

    (machine.root / "cache" / "b").write_text("content\n")
    job = agent.install(["a", "b"], download=False)
    found = events(job)
    check_story(found)
    assert [e.index for e in found if isinstance(e, UpdateEnded)] == [0, 1]
    result = job.result(LONG)
    assert result.code is ResultCode.SUCCEEDED_WITH_ERRORS
    assert [r.hresult for r in result.updates] == [codes.WU_E_DM_NOTDOWNLOADED, codes.S_OK]
    assert machine.is_installed("b")
    assert not machine.is_installed("a")


def test_the_same_update_twice_has_the_same_result_twice(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    result = machine.agent().install(["a", "a"], download=False).result(LONG)
    assert [r.hresult for r in result.updates] == [codes.WU_E_DM_NOTDOWNLOADED] * 2


def test_an_approved_plan_is_applied_and_a_stale_one_refused(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    agent = machine.agent()
    plan = agent.plan_install(["a", "b"]).result(LONG)
    assert [item.name for item in plan.items] == ["a", "b"]
    (machine.root / "installed" / "a").write_text("1.0")
    result = agent.install(plan).result(LONG)
    assert result.code is ResultCode.FAILED
    assert result.problem is not None
    assert result.problem.id == "plan-stale"
    assert not machine.is_installed("b")

    plan = agent.plan_install(["a", "b"]).result(LONG)
    assert agent.install(plan).result(LONG).code is ResultCode.SUCCEEDED


def test_a_plan_that_goes_stale_during_the_download_is_refused_under_the_lock(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", download_gate="gate"), SimulatedUpdate("b"))
    gate = machine.gate("gate")
    job = machine.agent().install(["a", "b"])
    gate.reached()
    (machine.root / "installed" / "b").write_text("1.0")
    gate.open()
    problem = job.result(LONG).problem
    assert problem is not None
    assert problem.id == "plan-stale"
    assert machine.log == []


def test_an_interrupted_machine_is_mended_first(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    (machine.root / "installed" / "old.part").touch()
    job = machine.agent().install("a")
    found = events(job)
    check_story(found)
    assert S.REPAIRING in states(found)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert not (machine.root / "installed" / "old.part").exists()


@pytest.mark.parametrize(
    ("spec", "problem"),
    [
        (JobSpec(JobKind.INSTALL), "invalid-argument"),
        (JobSpec(JobKind.INSTALL, request=PlanRequest(Operation.INSTALL)), "no-updates"),
        (JobSpec(JobKind.DOWNLOAD, request=PlanRequest(Operation.INSTALL)), "no-updates"),
        (JobSpec(JobKind.UNINSTALL, request=PlanRequest(Operation.UNINSTALL)), "no-updates"),
        (JobSpec(JobKind.PLAN), "invalid-argument"),
    ],
)
def test_what_says_nothing_is_refused_at_once(machine: Machine, spec: JobSpec, problem: str) -> None:
    agent = machine.agent()
    with pytest.raises(WuaError) as raised:
        agent.submit(spec)
    assert raised.value.problem.id == problem
    assert agent.jobs() == ()


def test_unknown_updates_end_the_job(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    agent = machine.agent()
    request = PlanRequest(Operation.INSTALL, updates=(SimulatedUpdate("gone").id,))
    result = agent.submit(JobSpec(JobKind.INSTALL, request=request)).result(LONG)
    assert result.problem is not None
    assert result.problem.id == "unknown-update"
    assert [r.hresult for r in result.updates] == [codes.WU_E_ITEMNOTFOUND]


def test_remove_and_undo_learn_their_updates_from_the_plan(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", installed=True), SimulatedUpdate("b", installed=True))
    job = machine.agent().remove(["b"])
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert job.updates == (SimulatedUpdate("b").id,)
    assert machine.is_installed("a")
    assert not machine.is_installed("b")
