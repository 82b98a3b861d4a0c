"""The native agent drives the objects of wuapi, and those a machine: the contract, twice."""

from tests.support.machines import LONG, Machine, check_story, events
from tests.support.native_world import round_trip

import wua
from wua.engine.agent import LocalAgent
from wua.model.enums import ResultCode
from wua.testing.machine import SimulatedUpdate


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
