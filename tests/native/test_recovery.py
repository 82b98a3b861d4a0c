"""Jobs whose process has gone: judged by the native history and by the system, and said so."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.machines import LONG, Machine, check_story, events

import wua
from wua.engine.agent import LocalAgent
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind, JobRecord, JobSpec, Noted
from wua.model.plans import Operation, PlanRequest
from wua.model.states import JobState
from wua.model.struct import replace
from wua.native import mapping
from wua.native.agent import STATE_FILE, NativeAgent
from wua.store.state import StateStore
from wua.system.process import ProcessRef
from wua.testing.machine import SimulatedUpdate
from wua.testing.natives import RoundTrip
from wua.wuapi.late_errors import com_error

GONE = ProcessRef(1 << 22, 1, "another-boot")
S = JobState
WAY = (S.PLANNING, S.DOWNLOADING, S.LOCKING, S.VERIFYING, S.INSTALLING, S.EVALUATING)


class Interrupted:
    """A machine, and the store that a process left behind."""

    def __init__(self, machine: Machine, state: Path) -> None:
        self.machine, self.state = machine, state
        self.inner = wua.Agent(LocalAgent(machine.target))
        state.mkdir()

    def leave(self, at: JobState, *updates: SimulatedUpdate, kind: JobKind = JobKind.INSTALL) -> JobRecord:
        """Leave a job in a state, with nobody who runs it."""
        operation = Operation.UNINSTALL if kind is JobKind.UNINSTALL else Operation.INSTALL
        ids = tuple(update.id for update in updates)
        store = StateStore(self.state / STATE_FILE)
        job, _ = store.add_job(JobSpec(kind, request=PlanRequest(operation, ids)), ids, owner=GONE)
        if kind.acting and at is not S.QUEUED:
            for state in WAY[: WAY.index(at) + 1]:
                store.transition(job.id, state)
        store.own(job.id, GONE)
        store.close()
        return job

    def native_install(self, job: JobRecord, name: str) -> None:
        """What the native agent did for a job, and keeps in its history."""
        self.inner.install(name, application_id=mapping.application("", job.id)).result(LONG)

    def agent(self) -> wua.Agent:
        return wua.Agent(NativeAgent(RoundTrip(self.inner), self.state))


@pytest.fixture
def left(machine: Machine, short_dir: Path) -> Iterator[Interrupted]:
    made = Interrupted(machine, short_dir / "state")
    yield made
    made.inner.close()


def test_what_was_done_and_what_was_not(left: Interrupted) -> None:
    done, failed, undone = (
        SimulatedUpdate("done"),
        SimulatedUpdate("failed", exit=3),
        SimulatedUpdate("undone"),
    )
    left.machine.set(done, failed, undone)
    job = left.leave(S.INSTALLING, done, failed, undone)
    left.native_install(job, "done")
    left.native_install(job, "failed")
    with left.agent() as agent:
        found = agent.job(job.id)
        result = found.result(LONG)
        assert [part.code for part in result.updates] == [
            ResultCode.SUCCEEDED,
            ResultCode.FAILED,
            ResultCode.FAILED,
        ]
        assert result.code is ResultCode.SUCCEEDED_WITH_ERRORS
        assert [part.problem.id if part.problem else "" for part in result.updates] == [
            "",
            "windows-refused",
            "interrupted",
        ]
        assert [part.seen for part in result.updates] == ["installed", "not installed", "not installed"]
        assert result.updates[2].said == "not known: wua's process had ended"
        told = events(found)
        check_story(told)
        notes = [event.text for event in told if isinstance(event, Noted)]
        assert notes == ["judged from the history of Windows Update (2 entries) and the system"]


def test_done_by_whomever_is_done(left: Interrupted) -> None:
    a = SimulatedUpdate("a")
    left.machine.set(a)
    job = left.leave(S.INSTALLING, a)
    left.inner.install("a").result(LONG)
    with left.agent() as agent:
        assert agent.job(job.id).result(LONG).code is ResultCode.SUCCEEDED


@pytest.mark.parametrize("state", WAY)
def test_interrupted_in_every_state(left: Interrupted, state: JobState) -> None:
    a = SimulatedUpdate("a")
    left.machine.set(a)
    job = left.leave(state, a)
    with left.agent() as agent:
        found = agent.job(job.id)
        result = found.result(LONG)
        assert result.code is ResultCode.FAILED
        assert result.problem is not None
        assert result.problem.id == "interrupted"
        assert result.problem.seen == f"install was interrupted while {state.value}"
        check_story(events(found))
    assert not left.machine.is_installed("a")


def test_what_had_not_begun_runs(left: Interrupted) -> None:
    a = SimulatedUpdate("a")
    left.machine.set(a)
    job = left.leave(S.QUEUED, a)
    with left.agent() as agent:
        assert agent.job(job.id).result(LONG).code is ResultCode.SUCCEEDED
    assert left.machine.is_installed("a")


def test_a_removal(left: Interrupted) -> None:
    gone = SimulatedUpdate("gone")
    left.machine.set(gone)
    job = left.leave(S.INSTALLING, gone, kind=JobKind.UNINSTALL)
    with left.agent() as agent:
        assert agent.job(job.id).result(LONG).code is ResultCode.SUCCEEDED


def test_a_search_ends_with_its_process(left: Interrupted) -> None:
    job = left.leave(S.RUNNING, kind=JobKind.SEARCH)
    with left.agent() as agent:
        found = agent.job(job.id).outcome(LONG)
        assert found.code is ResultCode.ABORTED
        assert found.problem is not None
        assert found.problem.id == "caller-died"


def test_an_agent_that_is_closed_leaves_its_jobs_to_the_next(left: Interrupted) -> None:
    left.machine.set(SimulatedUpdate("a", gate="gate"))
    gate = left.machine.gate("gate")
    with left.agent() as agent:
        job = agent.install("a")
        gate.reached()
    with left.agent() as agent:
        again = agent.job(job.id)  # it waits, for the native agent is still at it
        gate.open()
        result = again.result(LONG)
        assert result.code is ResultCode.SUCCEEDED
        assert [part.said for part in result.updates] == ["succeeded (0x00000000)"]


class Breaking(RoundTrip):
    """Refuses, or breaks, when searchers are wanted and ``broken`` says so."""

    def __init__(self, agent: wua.Agent, broken: Callable[[], bool], failure: Exception) -> None:
        super().__init__(agent)
        self._broken, self._failure = broken, failure

    def create(self, progid: str) -> object:
        if progid == "Microsoft.Update.Searcher" and self._broken():
            raise self._failure
        return super().create(progid)


REFUSED = com_error(-2147352567, "Exception occurred.", (0, None, "stopped", None, 0, -2145124322), None)
FAILURES = [(REFUSED, "windows-refused"), (ZeroDivisionError("a defect"), "unexpected")]


@pytest.mark.parametrize(("failure", "problem"), FAILURES)
def test_an_agent_that_cannot_search_ends_its_jobs(
    left: Interrupted, failure: Exception, problem: str
) -> None:
    left.machine.set(SimulatedUpdate("a"))
    natives = Breaking(left.inner, lambda: True, failure)
    with wua.Agent(NativeAgent(natives, left.state)) as agent:
        result = agent.install(SimulatedUpdate("a").id).result(LONG)
        assert result.problem is not None
        assert result.problem.id == problem
        assert agent.search().outcome(LONG).problem == replace(result.problem, seen=agent_said(agent))
    assert not left.machine.is_installed("a")


def agent_said(agent: wua.Agent) -> str:
    """What the newest search ended with."""
    (job, *_) = agent.jobs()
    assert job.result is not None
    assert job.result.problem is not None
    return job.result.problem.seen


@pytest.mark.parametrize(("failure", "problem"), FAILURES)
def test_what_was_said_counts_where_the_system_cannot_be_asked(
    left: Interrupted, failure: Exception, problem: str
) -> None:
    left.machine.set(SimulatedUpdate("a"), SimulatedUpdate("bad", exit=3))
    natives = Breaking(left.inner, lambda: left.machine.is_installed("a"), failure)
    with wua.Agent(NativeAgent(natives, left.state)) as agent:
        job = agent.install([SimulatedUpdate("bad").id, SimulatedUpdate("a").id])
        result = job.result(LONG)
        assert [part.code for part in result.updates] == [ResultCode.FAILED, ResultCode.SUCCEEDED]
        assert result.updates[1].seen == "not found by a search"
        notes = [event.text for event in events(job) if isinstance(event, Noted)]
        assert any(problem in note for note in notes)
