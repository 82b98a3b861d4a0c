"""Callbacks: after all progress, once, never overlapping, and whatever they do stays their own."""

import asyncio
import threading
from typing import Any

import pytest
from tests.support.machines import LONG, Machine

from wua import WuaError
from wua.api.agent import Agent
from wua.model.enums import ResultCode
from wua.model.jobs import Ended, JobEvent, Progressed
from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def reported(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    """What callbacks have raised."""
    found: list[BaseException] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: found.append(args.exc_value))
    return found


def test_the_completed_callback_comes_last_and_not_on_the_callers_thread(
    machine: Machine, agent: Agent
) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    calls: list[tuple[str, int]] = []
    over = threading.Event()
    job = agent.install(["a", "b"])
    job.on_event(lambda event: calls.append((type(event.event).__name__, threading.get_ident())))

    def completed(which: Any) -> None:
        assert which is job
        assert which.is_completed
        assert which.result(0).code is ResultCode.SUCCEEDED
        calls.append(("completed", threading.get_ident()))
        over.set()

    job.on_completed(completed)
    assert over.wait(LONG)
    names = [name for name, _ in calls]
    assert names[-2:] == ["Ended", "completed"]
    assert names.count("completed") == 1
    assert threading.get_ident() not in {thread for _, thread in calls}


def test_whoever_comes_late_is_called_at_once_and_once(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a")
    job.result(LONG)
    for handle in (job, agent.job(job.id)):
        called = threading.Semaphore(0)
        handle.on_completed(lambda _, called=called: called.release())
        assert called.acquire(timeout=LONG)
        assert not called.acquire(timeout=0.01)


def test_events_come_from_a_cursor_until_they_are_not_wanted_any_more(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = agent.install("a")
    gate.reached()
    everything, some, stopped = [], [], []
    stop = threading.Event()
    ends = [
        job.on_event(everything.append),
        job.on_event(some.append, after=3),
        job.on_event(lambda event: (stopped.append(event), stop.set())),
    ]
    assert stop.wait(LONG)
    ends[2]()
    count = len(stopped)
    over = threading.Event()
    job.on_completed(lambda _: over.set())
    gate.open()
    assert over.wait(LONG)
    assert [e.seq for e in everything] == [e.seq for e in job]
    assert some == everything[3:]
    assert len(stopped) <= count + 1
    assert not isinstance(stopped[-1].event, Ended)


@pytest.mark.parametrize("what", [ValueError("mine"), SystemExit(3), KeyboardInterrupt()])
def test_a_callback_that_raises_changes_nothing(
    machine: Machine, agent: Agent, reported: list[BaseException], what: BaseException
) -> None:
    machine.set(SimulatedUpdate("a"))

    def fail(_: object) -> None:
        raise what

    job = agent.install("a")
    over = threading.Event()
    job.on_event(fail)
    job.on_completed(fail)
    job.on_completed(lambda _: over.set())
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert over.wait(LONG)
    assert what in reported
    assert agent.search().result(LONG).updates == ()


def test_a_callback_that_never_returns_holds_up_only_its_own_job(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    go = threading.Event()
    entered = threading.Event()

    def hang(_: object) -> None:
        entered.set()
        go.wait()

    job = agent.install("a")
    job.on_event(hang)
    never = threading.Event()
    job.on_completed(lambda _: never.set())
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert isinstance(list(job)[-1].event, Ended)
    assert entered.wait(LONG)
    other = agent.install("b")
    called = threading.Event()
    other.on_completed(lambda _: called.set())
    assert called.wait(LONG)
    assert not never.is_set()
    again = threading.Event()
    agent.job(job.id).on_completed(lambda _: again.set())
    assert again.wait(LONG)
    go.set()
    assert never.wait(LONG)


def test_callbacks_of_one_job_never_overlap(machine: Machine, agent: Agent) -> None:
    machine.set(*(SimulatedUpdate(str(n)) for n in range(5)))
    inside = threading.Lock()
    overlaps = []
    over = threading.Event()

    def enter(_: object) -> None:
        if not inside.acquire(blocking=False):
            overlaps.append(1)
            return
        inside.release()

    job = agent.install([str(n) for n in range(5)])
    for _ in range(5):
        job.on_event(enter)
        job.on_completed(enter)
    job.on_completed(lambda _: over.set())
    assert over.wait(LONG)
    assert not overlaps


def test_a_job_can_be_used_inside_its_callbacks(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    results = []
    over = threading.Event()

    def then(job: Any) -> None:
        results.append(job.result(0).code)
        results.append(agent.install("b").result(LONG).code)
        results.append(job.record.state.value)
        over.set()

    agent.install("a").on_completed(then)
    assert over.wait(LONG)
    assert results == [ResultCode.SUCCEEDED, ResultCode.SUCCEEDED, "ended"]


def test_an_agent_can_be_closed_inside_a_callback(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    over = threading.Event()

    def close(_: object) -> None:
        agent.close()
        over.set()

    agent.install("a").on_completed(close)
    assert over.wait(LONG)


def test_coroutine_callbacks_run_on_the_loop_and_do_not_overlap(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))

    async def main() -> None:
        loop = asyncio.get_running_loop()
        running = 0
        names = []
        over = asyncio.Event()

        async def event(told: JobEvent) -> None:
            nonlocal running
            assert asyncio.get_running_loop() is loop
            running += 1
            assert running == 1
            await asyncio.sleep(0)
            names.append(type(told.event).__name__)
            running -= 1

        async def completed(_: object) -> None:
            assert running == 0
            names.append("completed")
            over.set()

        job = agent.install(["a", "b"])
        job.on_event(event)
        job.on_completed(completed)
        await over.wait()
        assert names[-2:] == ["Ended", "completed"]
        assert names.count("Ended") == 1

    asyncio.run(main())


def test_a_coroutine_callback_that_raises(
    machine: Machine, agent: Agent, reported: list[BaseException]
) -> None:
    machine.set(SimulatedUpdate("a"))

    async def main() -> None:
        over = asyncio.Event()

        async def fail(_: object) -> None:
            raise ValueError("mine")

        async def completed(_: object) -> None:
            over.set()

        job = agent.install("a")
        job.on_completed(fail)
        job.on_completed(completed)
        await over.wait()

    asyncio.run(main())
    assert [str(failure) for failure in reported] == ["mine"]


def test_a_coroutine_callback_needs_a_loop(machine: Machine, agent: Agent) -> None:
    async def never(_: object) -> None: ...

    job = agent.search()
    for register in (job.on_completed, job.on_event):
        with pytest.raises(WuaError) as raised:
            register(never)
        assert raised.value.problem.id == "invalid-argument"


def test_progress_is_there_when_it_is_told(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a")
    told = [e.event.progress for e in job if isinstance(e.event, Progressed)]
    job.result(LONG)
    assert job.progress == told[-1]
    assert told[-1].percent == 100


def test_the_agents_end_is_told_to_whoever_asked(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = agent.install("a")
    lost: list[WuaError] = []
    told = threading.Event()
    job.on_event(lambda _: None, lost=lambda failure: (lost.append(failure), told.set()))
    called = []
    job.on_completed(called.append)
    gate.reached()
    agent.close()
    assert told.wait(LONG)
    assert lost[0].problem.id == "connection-lost"
    gate.open()
    assert called == []
