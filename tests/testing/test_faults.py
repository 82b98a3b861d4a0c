"""Things that go wrong where a test says: the job comes to its end all the same."""

from collections.abc import Iterator

import pytest
from tests.support.machines import wait_for

from wua.model.enums import ResultCode
from wua.model.jobs import Noted, StateChanged
from wua.model.states import JobState
from wua.testing import Gate, NotKilled, SimulatedUpdate, Stage, staged
from wua.testing.faults import ERROR_DISK_FULL, Killing

LONG = 30.0  # seconds; only a test that fails waits so long


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as made:
        made.offer(SimulatedUpdate("a"), SimulatedUpdate("b"))
        yield made


@pytest.mark.parametrize("step", ["plan", "download", "verify", "install", "midway", "judge"])
def test_a_job_host_that_is_killed_loses_nothing(stage: Stage, step: str) -> None:
    with stage.killing("host", at=step) as fault:
        job = stage.agent.install(["a", "b"])
    assert fault.killed == ("host",)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert stage.installed == {"a": "1.0", "b": "1.0"}
    assert stage.machine.is_interrupted() == ()


@pytest.mark.parametrize("names", [("installer",), ("supervisor", "installer"), ("everything",)])
def test_an_installer_that_is_killed_is_repaired_after(stage: Stage, names: tuple[str, ...]) -> None:
    with stage.killing(*names, at="midway") as fault:
        job = stage.agent.install(["a", "b"])
    assert "installer" in fault.killed
    result = job.result(LONG)
    assert result.code is ResultCode.FAILED
    assert {one.problem and one.problem.id for one in result.updates} <= {
        "installer-killed",
        "outcome-unknown",
    }
    assert any(isinstance(told.event, Noted) and "repairing" in told.event.text for told in job)
    assert stage.installed == {}
    assert stage.machine.is_interrupted() == ()


def test_a_supervisor_that_is_killed_costs_the_exit_status_only(stage: Stage) -> None:
    with stage.killing("supervisor", at="install") as fault:
        job = stage.agent.install("a")
    assert fault.killed == ("supervisor",)
    assert job.result(LONG).code is ResultCode.SUCCEEDED


@pytest.mark.parametrize(
    ("names", "step"), [(("host",), 9), (("supervisor",), 4), (("host", "everything"), 14)]
)
def test_a_process_is_killed_at_its_nth_step(stage: Stage, names: tuple[str, ...], step: int) -> None:
    with stage.killing(*names, step=step) as fault:
        job = stage.agent.install("a")
        assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert fault.killed == names


def test_a_kill_that_never_comes_is_an_error(stage: Stage) -> None:
    with pytest.raises(NotKilled, match="step 100000"), stage.killing("host", step=100_000):
        stage.agent.install("a").result(LONG)


def test_an_error_of_the_test_itself_is_not_covered_up(stage: Stage) -> None:
    with pytest.raises(KeyError), stage.killing("host", step=100_000):
        raise KeyError


@pytest.mark.parametrize(
    "options", [{}, {"at": "plan", "step": 1}, {"at": "nowhere"}], ids=["none", "both", "unknown"]
)
def test_where_to_kill_is_named_once(stage: Stage, options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="a step by its number"):
        Killing(stage.machine, "host", **options)  # type: ignore[arg-type]


def test_an_unknown_victim_is_refused(stage: Stage) -> None:
    with pytest.raises(ValueError, match="nobody is called kernel"):
        stage.kill("kernel")


def test_nothing_is_hit_where_nothing_runs(stage: Stage) -> None:
    assert stage.kill("everything") == ()


def test_a_job_host_without_room_goes_on_when_there_is_some(stage: Stage) -> None:
    with stage.gate("plan") as gate:
        job = stage.agent.install("a")
        gate.reached()
        with stage.disk_full():
            gate.let_through()
            assert not job.wait(0.2)
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_a_full_disk_needs_somebody_who_writes(stage: Stage) -> None:
    with pytest.raises(LookupError, match="no job host"), stage.disk_full():
        pass


@pytest.mark.parametrize("code", [ERROR_DISK_FULL, "WU_E_DM_INCORRECTFILEHASH"])
def test_a_download_that_goes_wrong(stage: Stage, code: str) -> None:
    stage.offer(SimulatedUpdate("a", download_code=code), SimulatedUpdate("b"))
    result = stage.agent.install(["a", "b"]).result(LONG)
    assert result.code is ResultCode.FAILED
    assert stage.installed == {}
    assert stage.downloaded == ["b"]


def test_a_download_that_stalls_goes_on_when_it_may(stage: Stage) -> None:
    gate = stage.gate("download")
    job = stage.agent.install("a")
    gate.reached()
    wait_for(job, lambda event: isinstance(event, StateChanged) and event.state is JobState.DOWNLOADING)
    assert stage.downloaded == []
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_a_gate_that_nobody_comes_to(stage: Stage) -> None:
    gate = Gate(stage.root / "lonely")
    with pytest.raises(TimeoutError, match="nobody came to lonely"):
        gate.reached(0.01)


def test_a_gate_lets_one_through_at_a_time(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b", gate="gate"))
    gate = stage.gate("gate")
    job = stage.agent.install(["a", "b"])
    gate.reached()
    gate.let_through()
    gate.reached()
    assert stage.installed == {"a": "1.0"}
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_a_stage_ends_whatever_still_waits() -> None:
    with staged() as stage:
        stage.offer(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b", duration=3600))
        stage.clock.hold()
        gate = stage.gate("gate")
        job = stage.agent.install(["a", "b"])
        gate.reached()
        root = stage.root
    assert not root.exists()
    assert job.id
