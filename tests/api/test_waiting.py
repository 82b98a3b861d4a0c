"""Waiting for jobs: threads, asyncio, time-outs, closed agents and loops, the end of the interpreter."""

import asyncio
import subprocess
import sys
import threading

import pytest
from tests.support import caller
from tests.support.machines import LONG, Machine, check_story, entered, wait_for

from wua import WuaError
from wua.api.agent import Agent
from wua.api.job import Job
from wua.model.enums import ResultCode
from wua.model.jobs import Ended, JobResult
from wua.model.states import JobState
from wua.testing.machine import SimulatedUpdate


def test_a_wait_that_is_too_short_leaves_the_job_running(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = agent.install("a")
    gate.reached()
    assert not job.wait(0.01)
    with pytest.raises(TimeoutError):
        job.result(0.01)
    with pytest.raises(TimeoutError):
        job.outcome(0)
    assert not job.is_completed
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert job.wait(0)


def test_awaiting(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))

    async def main() -> None:
        async with agent:
            found = await agent.search("IsInstalled=0")
            plan = await agent.plan_install(found.updates)
            job = agent.install(plan)
            told = [event.event async for event in job]
            check_story(told)
            first, second = await asyncio.gather(job, job)
            assert first == second
            assert first.code is ResultCode.SUCCEEDED
            assert await agent.job(job.id) == first

    asyncio.run(main())


def test_a_failed_search_raises_where_it_is_awaited(agent: Agent) -> None:
    async def main() -> None:
        with pytest.raises(WuaError) as raised:
            await agent.search("((")
        assert raised.value.problem.id == "criteria-invalid"

    asyncio.run(main())


def test_a_cancelled_wait_leaves_the_job_running(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")

    async def iterate(job: Job[JobResult]) -> None:
        async for _ in job:
            pass

    async def main() -> None:
        job = agent.install("a")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await job
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(iterate(job), 0.05)
        task = asyncio.create_task(job._wait_async())
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(gate.reached)
        gate.open()
        assert (await job).code is ResultCode.SUCCEEDED

    asyncio.run(main())


def test_a_loop_that_is_closed_before_the_end_harms_nobody(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    called = []

    async def hear(job: object) -> None:
        called.append(job)

    async def begin() -> object:
        job = agent.install("a")
        await asyncio.to_thread(gate.reached)
        job.on_completed(hear)
        waiting = asyncio.create_task(job._wait_async())
        await anext(aiter(job))
        waiting.cancel()
        return job

    job = asyncio.run(begin())
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED  # type: ignore[attr-defined]
    over = threading.Event()
    job.on_completed(lambda _: over.set())  # type: ignore[attr-defined]
    assert over.wait(LONG)
    assert called == []


def test_iterating_from_two_places_gives_both_everything(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a")
    first, second = list(job), list(job)
    assert first == second
    assert [event.seq for event in first] == sorted({event.seq for event in first})
    assert isinstance(first[-1].event, Ended)


@pytest.mark.not_native("its jobs are in a store of its own")
def test_closing_the_agent_releases_whoever_waits(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = agent.install("a")
    gate.reached()
    problems: list[str] = []

    def wait(how: object) -> None:
        try:
            how()  # type: ignore[operator]
        except WuaError as failure:
            problems.append(failure.problem.id)

    waiters = [
        threading.Thread(target=wait, args=(how,))
        for how in (job.result, lambda: list(job), lambda: asyncio.run(job._wait_async()))
    ]
    for waiter in waiters:
        waiter.start()
    wait_for(job, entered(JobState.INSTALLING))
    agent.close()
    for waiter in waiters:
        waiter.join(LONG)
    assert problems == ["connection-lost"] * 3
    gate.open()
    assert machine.agent().job(job.id).result(LONG).code is ResultCode.SUCCEEDED


def test_a_handle_outlives_its_agent(machine: Machine, agent: Agent) -> None:
    """What has ended has ended: result and late callbacks need no agent."""
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a")
    result = job.result(LONG)
    agent.close()
    assert job.result(0) == result
    called = threading.Event()
    job.on_completed(lambda _: called.set())
    assert called.wait(LONG)
    assert asyncio.run(job._wait_async()) == result


@pytest.mark.slow
def test_a_thousand_searches_at_once(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    before = threading.active_count()
    jobs = [agent.search() for _ in range(1000)]
    assert threading.active_count() - before < 200
    for job in jobs:
        assert [offer.name for offer in job.result(LONG).updates] == ["a"]
    assert len({job.id for job in jobs}) == 1000


def test_a_thousand_who_wait_take_no_threads(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    called = threading.Semaphore(0)

    async def main() -> None:
        job = agent.install("a")
        await asyncio.to_thread(gate.reached)
        before = threading.active_count()
        waiting = [asyncio.create_task(job._wait_async()) for _ in range(1000)]
        handles = [agent.job(job.id) for _ in range(20)]
        for handle in [job, *handles]:
            handle.on_completed(lambda _: called.release())
        await asyncio.sleep(0)
        assert threading.active_count() - before < 40
        gate.open()
        results = await asyncio.gather(*waiting)
        assert {result.code for result in results} == {ResultCode.SUCCEEDED}

    asyncio.run(main())
    for _ in range(21):
        assert called.acquire(timeout=LONG)
    assert not called.acquire(blocking=False)


# --- the end of the interpreter

BEGINNING = """
import sys, threading
from pathlib import Path
import wua
from wua.api.agent import Agent
from wua.api.job import Job
from wua.engine.agent import LocalAgent
from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.remote.loopback import loopback
from wua.testing.machine import SimulatedMachine
names = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
local = LocalAgent(SimulatedMachine(TargetSpec(TargetKind.SIMULATED, sys.argv[1], names)))
agent = Agent(loopback(local) if sys.argv[2] == "loopback" else local)
"""
ENDINGS = {
    "waiting": """
job = agent.install("a")
def wait():
    try:
        job.result()
    except wua.WuaError as failure:
        print(failure.problem.id, flush=True)
threading.Thread(target=wait).start()
""",
    "hanging callback": """
job = agent.search()
entered = threading.Event()
def hang(job):
    entered.set()
    threading.Event().wait()
job.on_completed(hang)
entered.wait()
print("entered", flush=True)
""",
    "late callback": """
agent.search().on_completed(lambda job: print("called", flush=True))
import time
""",
    "raising": """
job = agent.install("a")
raise SystemExit(print("left", flush=True))
""",
}
SAID = {"waiting": "connection-lost", "hanging callback": "entered", "late callback": None, "raising": "left"}


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("implementation", ["local", "loopback"])
def test_the_interpreter_ends(machine: Machine, ending: str, implementation: str) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    machine.gate("gate")
    done = subprocess.run(
        [sys.executable, "-c", BEGINNING + ENDINGS[ending], str(machine.root), implementation],
        capture_output=True,
        text=True,
        timeout=LONG,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    if SAID[ending] is not None:
        assert done.stdout.strip() == SAID[ending]
    assert done.stderr == ""


def test_the_interpreter_is_interrupted(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    process = subprocess.Popen(
        [sys.executable, caller.__file__, str(machine.root), "install", "a"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    job = process.stdout.readline().strip()
    gate.reached()
    process.send_signal(2)
    _, errors = process.communicate(timeout=LONG)
    assert "KeyboardInterrupt" in errors
    gate.open()
    assert machine.agent().job(job).result(LONG).code is ResultCode.SUCCEEDED
