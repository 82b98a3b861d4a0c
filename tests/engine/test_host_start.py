"""Job hosts that are started at the same time: one serves, and nobody waits for it to end."""

import threading
from pathlib import Path

import pytest
from tests.support.machines import LONG, Machine

from wua.engine.link import start_host
from wua.model.problems import WuaError
from wua.system.folders import folder_lock
from wua.system.locks import FileLock


def starting(machine: Machine, number: int) -> list[threading.Thread]:
    paths = machine.target.paths

    def start() -> None:
        start_host(Path(paths.state), Path(paths.run))

    threads = [threading.Thread(target=start) for _ in range(number)]
    for thread in threads:
        thread.start()
    return threads


@pytest.mark.idle(1000)
def test_many_begin_at_once(machine: Machine) -> None:
    machine.agent().close()
    for thread in starting(machine, 5):
        thread.join(LONG)
        assert not thread.is_alive()
    assert machine.host() is not None


@pytest.mark.idle(1000)
def test_who_comes_second_waits_for_one_that_is_beginning(machine: Machine) -> None:
    machine.agent().close()
    run_dir = Path(machine.target.paths.run)
    lock = FileLock(run_dir / "host.lock")
    with folder_lock(run_dir, alone=True):
        assert lock.acquire()
        (thread,) = starting(machine, 1)
        thread.join(0.3)
        assert thread.is_alive()
    lock.release()  # the first has failed to begin
    thread.join(LONG)
    assert not thread.is_alive()
    assert machine.host() is not None


def test_a_host_that_cannot_begin_says_why(machine: Machine) -> None:
    paths = machine.target.paths
    (Path(paths.state) / "target.json").write_text("{")
    with pytest.raises(WuaError) as caught:
        start_host(Path(paths.state), Path(paths.run))
    assert caught.value.problem.id == "host-failed"
    assert "target.json" in caught.value.problem.seen
