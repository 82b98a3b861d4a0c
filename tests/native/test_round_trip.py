"""The native agent drives the objects of wuapi, and those a machine: the contract, twice."""

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.machines import LONG, Machine, check_story, events, wait_for
from tests.support.native_world import round_trip

import wua
from wua import WuaError
from wua.engine.agent import LocalAgent
from wua.model import codes
from wua.model.enums import AbortAnswer, ResultCode
from wua.model.jobs import Stalled, Waiting
from wua.model.plans import Change
from wua.model.states import JobState
from wua.native.agent import NativeAgent
from wua.native.pace import Pace
from wua.testing.machine import CATEGORY, SimulatedUpdate
from wua.testing.natives import RoundTrip
from wua.wuapi.creation import CreateObject
from wua.wuapi.dispatch import Dispatch


def agent_for(machine: Machine) -> wua.Agent:
    return wua.Agent(round_trip(LocalAgent(machine.target)))


def test_search_and_install(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", installed=True))
    with agent_for(machine) as agent:
        found = agent.search().result(LONG)
        assert [(offer.name, offer.version) for offer in found.updates] == [("a", "1.0")]
        job = agent.install(found.updates)
        done: list[object] = []
        job.on_completed(done.append)
        result = job.result(LONG)
        assert result.code is ResultCode.SUCCEEDED
        assert machine.is_installed("a")
        check_story(events(job))
        assert [(part.said, part.seen) for part in result.updates] == [
            ("succeeded (0x00000000)", "installed")
        ]


def problem(function: Callable[..., Any], *given: Any, **named: Any) -> str:
    with pytest.raises(WuaError) as raised:
        function(*given, **named)
    return raised.value.problem.id


def test_what_the_original_does_not_have(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    with agent_for(machine) as agent:
        assert problem(agent.remove, ["a"]) == "not-supported"
        assert problem(agent.plan_remove(["a"]).result, LONG) == "not-supported"
        plan = agent.plan_install("a").result(LONG)
        assert problem(agent.rehearse, plan) == "not-supported"
        job = agent.install("a")
        job.result(LONG)
        assert problem(job.notify, program=["true"]) == "not-supported"
        assert job.output() == ""


def test_plans_say_what_is_left_out_and_why(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", size=70), SimulatedUpdate("b", installed=True))
    with agent_for(machine) as agent:
        plan = agent.plan_install(["a", "b"]).result(LONG)
        assert [(item.name, item.change, item.size) for item in plan.items] == [("a", Change.INSTALL, 70)]
        assert [(left.name, left.reason) for left in plan.left_out] == [("b", "already installed")]
        assert plan.download_bytes == 70
        back = agent.plan_uninstall(["a", "b"]).result(LONG)
        assert [(item.name, item.change) for item in back.items] == [("b", Change.REMOVE)]
        assert [(left.name, left.reason) for left in back.left_out] == [("a", "not installed")]


def test_a_plan_whose_world_changed_is_refused(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    with agent_for(machine) as agent:
        plan = agent.plan_install(["a", "b"]).result(LONG)
        agent.install("b").result(LONG)
        result = agent.install(plan).result(LONG)
        assert result.problem is not None
        assert result.problem.id == "plan-stale"
        assert not machine.is_installed("a")


def test_undoing_an_installation_and_a_removal(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", installed=True))
    with agent_for(machine) as agent:
        job = agent.install(["a", "b"])
        assert job.result(LONG).code is ResultCode.SUCCEEDED
        back = agent.undo(job)
        assert back.result(LONG).code is ResultCode.SUCCEEDED
        assert (machine.is_installed("a"), machine.is_installed("b")) == (False, True)  # b was there before
        assert back.updates == (SimulatedUpdate("a").id,)
        removal = agent.uninstall("b")
        removal.result(LONG)
        assert agent.undo(removal).result(LONG).code is ResultCode.SUCCEEDED
        assert machine.is_installed("b")


def test_jobs_stand_in_the_native_history_by_their_id(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    inner = LocalAgent(machine.target)
    with wua.Agent(round_trip(inner)) as agent:
        job = agent.install("a", application_id="me")
        job.result(LONG)
        wua.Agent(inner).install("b", application_id="somebody").result(LONG)
        told = [(entry.name, entry.application_id, entry.job) for entry in agent.history()]
        assert told == [("b", "somebody", ""), ("a", "me", job.id)]


def test_another_installation_is_waited_for(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"))
    gate = machine.gate("gate")
    inner = LocalAgent(machine.target)
    with wua.Agent(round_trip(inner)) as agent:
        other = wua.Agent(inner).install("a")
        gate.reached()
        assert problem(agent.install, "b", queue=False) == "busy"
        job = agent.install("b")
        waiting = wait_for(job, lambda event: isinstance(event, Waiting))
        assert waiting == Waiting("another installation by Windows Update")
        gate.open()
        assert job.result(LONG).code is ResultCode.SUCCEEDED
        assert other.result(LONG).code is ResultCode.SUCCEEDED


def test_another_installation_that_takes_too_long(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"))
    gate = machine.gate("gate")
    inner = LocalAgent(machine.target)
    with wua.Agent(round_trip(inner)) as agent:
        other = wua.Agent(inner).install("a")
        gate.reached()
        result = agent.install("b", lock_timeout=0.0).result(LONG)
        assert result.problem is not None
        assert result.problem.id == "lock-held"
        gate.open()
        other.result(LONG)


def test_a_job_that_waits_for_its_time_can_be_called_off(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"))
    with agent_for(machine) as agent:
        job = agent.install("a", not_before=time.time() + 3600)
        assert agent.install("a", idempotency_key="x").result(LONG).code is ResultCode.SUCCEEDED
        assert job.abort() is AbortAnswer.AT_ONCE
        result = job.result(LONG)
        assert result.code is ResultCode.ABORTED
        assert [part.code for part in result.updates] == [ResultCode.ABORTED]


def test_a_licence_that_nobody_accepted_keeps_an_update_back(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a", licence="All yours."))
    with agent_for(machine) as agent:
        result = agent.install("a").result(LONG)
        cause = result.updates[0].problem
        assert cause is not None
        assert (cause.id, cause.hresult) == ("licence-declined", codes.WU_E_EULAS_DECLINED)
        assert not machine.is_installed("a")
        assert agent.details("a")[0].licence == "All yours."
        agent.accept_licence("a")
        assert agent.protocol.accepted_licences() == (SimulatedUpdate("a").id.update_id,)
        assert agent.install("a").result(LONG).code is ResultCode.SUCCEEDED
        assert machine.is_installed("a")


@pytest.mark.parametrize(
    ("criteria", "found"),
    [
        ("Name='a'", ["a"]),
        ("Name contains 'it'", ["editor"]),
        ("IsInstalled=1 or Name='a'", ["a", "base"]),
        ("DeploymentAction=*", ["a", "editor", "base"]),
        (f"CategoryIDs contains '{CATEGORY.id}' and Name='base'", ["base"]),
    ],
)
def test_the_language_is_wuas_own_where_the_original_does_not_have_it(
    machine: Machine, criteria: str, found: list[str]
) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("editor"), SimulatedUpdate("base", installed=True))
    with wua.Agent(LocalAgent(machine.target)) as inner:
        natives = Documented(inner)
        with wua.Agent(NativeAgent(natives, machine.root / "native")) as agent:
            assert [offer.name for offer in agent.search(criteria).result(LONG).updates] == found


class Documented(RoundTrip):
    """Speaks the documented language only, as the original does."""

    def create(self, progid: str) -> Any:
        return Dispatch(CreateObject(progid, agent=self._agent, strict=True))


def test_a_phase_that_stalls_is_named_and_one_that_takes_too_long_is_aborted(machine: Machine) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", download_gate="gate"))
    gate = machine.gate("gate")
    ticks = itertools.count(0.0, 10.0)
    standing = threading.Event()
    pace = Pace(poll=0.02, grace=1e9, clock=lambda: next(ticks) if standing.is_set() else 0.0)
    with wua.Agent(round_trip(LocalAgent(machine.target), pace)) as agent:
        job = agent.download(["a", "b"], stall_after=60.0, phase_timeout=500.0)
        gate.reached()
        standing.set()  # from now on ten seconds pass at every look
        stalled = wait_for(job, lambda event: isinstance(event, Stalled))
        assert isinstance(stalled, Stalled)
        assert (stalled.phase, stalled.seconds >= 60.0) == (JobState.DOWNLOADING, True)
        assert stalled.text.startswith("downloading: no progress from Windows Update for ")
        result = job.result(LONG)
        assert [part.code for part in result.updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
        cause = result.updates[1].problem
        assert cause is not None
        assert (cause.id, cause.seen) == ("timed-out", "downloading: longer than 500 s")
        check_story(events(job))
