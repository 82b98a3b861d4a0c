"""What an agent answers, in this process and behind a connection."""

from functools import partial

import pytest
from tests.support.machines import LONG, Machine, check_story, events

import wua
from wua import WuaError
from wua.api.agent import Agent
from wua.model import codes
from wua.model.enums import AbortAnswer, ResultCode, TargetKind
from wua.model.jobs import JobKind, JobSpec, SearchOptions
from wua.model.plans import Change, Operation, PlanRequest
from wua.model.states import JobState
from wua.testing.machine import SimulatedUpdate


def problem(function: object, *given: object, **named: object) -> str:
    with pytest.raises(WuaError) as raised:
        function(*given, **named)  # type: ignore[operator]
    return raised.value.problem.id


def test_search(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", installed=True))
    job = agent.search()
    found = job.result(LONG)
    assert [offer.name for offer in found.updates] == ["a"]
    assert found.code == ResultCode.SUCCEEDED
    assert [category.name for category in found.categories] == ["Security Updates"]
    check_story(events(job))
    assert [o.name for o in agent.search("IsInstalled=1").result(LONG).updates] == ["b"]
    everything = agent.search("IsInstalled=0 or IsInstalled=1").result(LONG)
    assert {o.name: o.installed for o in everything.updates} == {"a": 0, "b": 1}
    assert agent.search(offline=True).result(LONG).updates == found.updates


def test_a_search_that_is_wrong_says_where(agent: Agent) -> None:
    job = agent.search("IsInstalled=0 and nonsense")
    assert problem(job.result, LONG) == "criteria-invalid"
    outcome = job.outcome(LONG)
    assert (outcome.code, outcome.hresult) == (ResultCode.FAILED, codes.WU_E_INVALID_CRITERIA)


def test_a_service_that_is_not_there(agent: Agent) -> None:
    spec = JobSpec(JobKind.SEARCH, search=SearchOptions(service_id="elsewhere"))
    assert problem(agent.submit(spec).result, LONG) == "unknown-service"


@pytest.mark.not_native("Windows Update takes nothing away that is no update")
def test_plans_are_dry(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", installed=True))
    plan = agent.plan_install(["a", "b"]).result(LONG)
    assert [(item.name, item.change) for item in plan.items] == [("a", Change.INSTALL)]
    assert [left.name for left in plan.left_out] == ["b"]
    back = agent.plan_uninstall("b").result(LONG)
    assert [(item.name, item.change) for item in back.items] == [("b", Change.REMOVE)]
    assert [i.name for i in agent.plan_remove(["b"]).result(LONG).items] == ["b"]
    assert not machine.is_installed("a")
    assert agent.jobs(active=True) == ()


def test_install_names_updates_in_every_way(machine: Machine, agent: Agent) -> None:
    names = ["by-name", "by-offer", "by-update", "by-id", "by-guid"]
    machine.set(*map(SimulatedUpdate, names))
    offers = {offer.name: offer for offer in agent.search().result(LONG).updates}
    (update,) = agent.details("by-update")
    guid = SimulatedUpdate("by-guid").id.update_id
    chosen = ["by-name", offers["by-offer"], update, SimulatedUpdate("by-id").id, guid]
    assert agent.install(chosen).result(LONG).code is ResultCode.SUCCEEDED
    assert all(machine.is_installed(name) for name in names)
    assert problem(agent.install, "nobody-knows") == "unknown-update"
    assert problem(agent.install, []) == "no-updates"


def test_options_reach_the_job(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a", application_id="me", allow_removals=True, stall_after=5.0)
    spec = job.record.spec
    assert (spec.application_id, spec.stall_after) == ("me", 5.0)
    assert spec.request is not None
    assert spec.request.allow_removals
    with pytest.raises(TypeError):
        agent.install("a", no_such_option=1)
    job.result(LONG)


def test_jobs_are_found_by_a_part_of_their_id(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a")
    job.result(LONG)
    again = agent.job(job.id[:7])
    assert again.id == job.id
    assert again.result(LONG) == job.result(LONG)
    assert again.updates == (SimulatedUpdate("a").id,)
    assert problem(agent.job, "ffff-not-a-job") == "unknown-job"
    assert [record.id for record in agent.jobs()] == [job.id]


def test_hiding(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("m", mandatory=True))
    agent.hide("a")
    assert [o.name for o in agent.search().result(LONG).updates] == ["m"]
    assert [o.name for o in agent.search("IsHidden=1").result(LONG).updates] == ["a"]
    agent.unhide("a")
    assert len(agent.search().result(LONG).updates) == 2
    assert problem(agent.hide, "m") == "mandatory-update"


def test_details_reasons_and_services(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    (update,) = agent.details(["a"])
    assert (update.name, update.version, update.id) == ("a", "1.0", SimulatedUpdate("a").id)
    verdict = agent.why("a")
    assert verdict.offer.name == "a"
    assert [reason.aspect for reason in verdict.reasons] == ["installed"]
    assert [service.name for service in agent.services()] == ["Simulated updates"]
    assert problem(agent.details, SimulatedUpdate("gone").id) == "unknown-update"


@pytest.mark.not_native("Windows Update shows no output of installers")
def test_restart_reasons_and_output(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", reboot=True))
    assert agent.restart_reasons() == ()
    job = agent.install("a")
    assert job.result(LONG).reboot_required
    assert [reason.scope for reason in agent.restart_reasons()] == ["machine"]
    assert job.output() == "changing a\n"
    assert job.output(9) == "a\n"
    assert agent.search().outcome(LONG).code is ResultCode.SUCCEEDED


@pytest.mark.not_native("it has a store of its own, and no job host")
def test_info(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    info = agent.info()
    assert (info.target, info.version, info.may_act) == (TargetKind.SIMULATED, wua.__version__, True)
    assert info.state == str(machine.root / "state")
    assert info.host_pid == 0
    agent.install("a").result(LONG)
    host = machine.host()
    assert host is not None
    assert agent.info().host_pid == host.pid


def test_history_is_paged_and_counted(machine: Machine, agent: Agent) -> None:
    machine.set(*(SimulatedUpdate(str(n)) for n in range(4)))
    for n in range(4):
        agent.install(str(n)).result(LONG)
    assert [h.name for h in agent.history()] == ["3", "2", "1", "0"]
    assert [h.name for h in agent.history(1, 2)] == ["2", "1"]
    assert agent.protocol.history_count() == 4
    assert [h.name for h in agent.protocol.history(update_id=SimulatedUpdate("2").id.update_id)] == ["2"]


@pytest.mark.not_native("Windows Update takes nothing away that is no update")
def test_undo_takes_a_job_back(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    plan = agent.plan_install("a").result(LONG)
    assert agent.install(plan).result(LONG).code is ResultCode.SUCCEEDED
    remove = PlanRequest(Operation.REMOVE, packages=("a",), allow_removals=True)
    assert agent.submit(JobSpec(JobKind.REMOVE, request=remove)).result(LONG).code is ResultCode.SUCCEEDED
    assert not machine.is_installed("a")


def test_aborting_through_any_handle(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"))
    gate = machine.gate("gate")
    job = agent.install("a")
    gate.reached()
    assert agent.job(job.id).abort() is AbortAnswer.AFTER_STEP
    assert job.result(LONG).code is ResultCode.ABORTED
    assert job.abort() is AbortAnswer.ENDED
    assert job.record.state is JobState.ENDED


def test_notify_wants_one_thing(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    job = agent.install("a")
    for wrong in ({}, {"function": "x:y", "program": ["z"]}, {"function": "nocolon"}, {"function": "a:b c"}):
        assert problem(partial(job.notify, **wrong)) == "invalid-argument"  # type: ignore[arg-type]
    job.result(LONG)


def test_a_machine_that_may_not_be_changed(
    machine: Machine, agent: Agent, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.set(SimulatedUpdate("a"))
    monkeypatch.setattr(type(machine.target), "may_act", lambda self: "the owner may")
    assert problem(agent.install, "a") == "access-denied"
    assert problem(agent.hide, "a") == "access-denied"
    assert not agent.info().may_act
    assert agent.search().result(LONG).updates


def test_close_twice_and_use_after(machine: Machine, agent: Agent) -> None:
    machine.set(SimulatedUpdate("a"))
    agent.close()
    agent.close()
    assert problem(agent.search) == "connection-lost"
    assert problem(agent.jobs) == "connection-lost"
