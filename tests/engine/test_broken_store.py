"""A store that is damaged under a running job: the job goes on, and nobody waits for ever."""

import threading

import pytest
from tests.support.machines import LONG, Machine, entered, events, wait_for

from wua.model.enums import ResultCode
from wua.model.jobs import Ended, Noted
from wua.model.states import JobState
from wua.testing.machine import SimulatedUpdate


@pytest.mark.parametrize("kill_host", [False, True])
def test_the_store_is_damaged_while_an_installer_runs(machine: Machine, kill_host: bool) -> None:
    machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b", exit=3))
    gate = machine.gate("gate")
    agent = machine.agent()
    job = agent.install(["a", "b"])
    called = threading.Event()
    job.on_completed(lambda _: called.set())
    wait_for(job, entered(JobState.INSTALLING))
    gate.reached()
    path = machine.root / "state" / "state.db"
    if kill_host:
        machine.kill_host()
    for side in ("state.db-wal", "state.db-shm"):
        (path.parent / side).unlink(missing_ok=True)
    path.unlink()
    path.write_bytes(b"no database any more" * 1000)
    other = machine.agent()
    assert list(path.parent.glob("state.db.corrupt-*"))
    later = other.job(job.id)
    gate.open()
    result = later.result(LONG)
    assert [r.code for r in result.updates] == [ResultCode.SUCCEEDED, ResultCode.FAILED]
    assert result.updates[1].unmapped == 3
    assert job.result(LONG) == result
    assert called.wait(LONG)
    assert machine.log == ["begin", "end"]
    found = events(other.job(job.id))
    assert isinstance(found[0], Noted)
    assert "the store was damaged" in found[0].text
    assert isinstance(found[-1], Ended)
    assert {h.name for h in agent.history()} == {"a", "b"}
    assert agent.install("b").result(LONG).code is ResultCode.FAILED
