"""The native agent drives the objects of wuapi, and those a machine: the contract, twice."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.machines import LONG, Machine, check_story, events, wait_for
from tests.support.native_world import round_trip
from tests.support.scripted_natives import Collection

import wua
from wua import WuaError
from wua.engine.agent import LocalAgent
from wua.model import codes
from wua.model.enums import AbortAnswer, ResultCode
from wua.model.jobs import Waiting
from wua.model.plans import Change
from wua.native.agent import NativeAgent
from wua.testing.machine import CATEGORY, SimulatedUpdate
from wua.testing.natives import RoundTrip
from wua.wuapi import UpdateSession
from wua.wuapi.creation import CreateObject
from wua.wuapi.dispatch import Dispatch
from wua.wuapi.ole import Holder


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


class Licensed(RoundTrip):
    """Updates with licence terms, which are accepted for the machine."""

    def __init__(self, agent: wua.Agent) -> None:
        super().__init__(agent)
        self.accepted: set[str] = set()

    def create(self, progid: str) -> Any:
        made = super().create(progid)
        if progid == "Microsoft.Update.Searcher":
            return _Licensing(self, made)
        return made


class _Around:
    """Whatever is asked of it is asked of another object."""

    def __init__(self, inner: Any) -> None:
        self.__dict__["inner"] = inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self.inner, name, value)


class _Licensing(_Around):
    def __init__(self, natives: Licensed, searcher: Any) -> None:
        super().__init__(searcher)
        self.__dict__["natives"] = natives

    def _with_terms(self, found: Any) -> Any:
        updates = [_Terms(self.natives, found.Updates.Item(index)) for index in range(found.Updates.Count)]
        made = _Around(found)
        made.__dict__["Updates"] = Collection(*updates)
        return made

    def Search(self, criteria: str) -> Any:
        return self._with_terms(self.inner.Search(criteria))

    def EndSearch(self, job: Any) -> Any:
        return self._with_terms(self.inner.EndSearch(job))


class _Terms(_Around, Holder):
    EulaText = "All yours."

    def __init__(self, natives: Licensed, update: Any) -> None:
        super().__init__(update)
        self.__dict__["natives"] = natives
        vars(Holder)["_oleobj_"].__set__(self, update._oleobj_)  # it can be handed on as an argument

    @property
    def EulaAccepted(self) -> bool:
        return self.inner.Title in self.natives.accepted

    def AcceptEula(self) -> None:
        self.natives.accepted.add(self.inner.Title)


@pytest.fixture
def licensed(machine: Machine, short_dir: Path) -> Iterator[wua.Agent]:
    machine.set(SimulatedUpdate("a"))
    with (
        wua.Agent(LocalAgent(machine.target)) as inner,
        wua.Agent(NativeAgent(Licensed(inner), short_dir / "s")) as agent,
    ):
        yield agent


def test_terms_that_nobody_accepted_keep_an_update_back(machine: Machine, licensed: wua.Agent) -> None:
    result = licensed.install("a").result(LONG)
    cause = result.updates[0].problem
    assert cause is not None
    assert (cause.id, cause.hresult) == ("licence-not-accepted", codes.WU_E_EULAS_DECLINED)
    assert not machine.is_installed("a")
    (details,) = licensed.details("a")
    assert (details.licence, details.licence_accepted) == ("All yours.", False)
    licensed.accept_licence("a")
    assert licensed.details("a")[0].licence_accepted
    assert licensed.install("a").result(LONG).code is ResultCode.SUCCEEDED
    assert machine.is_installed("a")


def test_terms_are_accepted_through_wuapi(machine: Machine, licensed: wua.Agent) -> None:
    session = UpdateSession(agent=licensed)
    found = session.CreateUpdateSearcher().Search("IsInstalled=0").Updates
    assert (found[0].EulaAccepted, found[0].EulaText) == (False, "All yours.")
    installer = session.CreateUpdateInstaller()
    installer.Updates = found
    found[0].AcceptEula()
    assert found[0].EulaAccepted is True
    downloader = session.CreateUpdateDownloader()
    downloader.Updates = found
    downloader.Download()
    assert installer.Install().ResultCode == ResultCode.SUCCEEDED
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
