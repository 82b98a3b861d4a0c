"""A scripted machine for tests of jobs: gates to stop at, and processes to kill, by name."""

import itertools
import json
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from tests.support.native_world import round_trip

from wua.api.agent import Agent
from wua.api.job import Job
from wua.engine.agent import LocalAgent
from wua.model.jobs import AnyEvent, Ended, Progressed, StateChanged
from wua.model.states import TABLE, JobState, check_transition
from wua.remote.loopback import loopback
from wua.system.locks import lock_holder
from wua.system.process import ProcessRef, session_members
from wua.testing.gates import Gate
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

LONG: Final = 30.0  # seconds; only a test that fails waits so long
IMPLEMENTATIONS: Final[dict[str, Callable[[Any], Any]]] = {
    "local": lambda agent: agent,
    "loopback": loopback,
    "native": round_trip,
}


class Machine:
    """A simulated machine in a folder, the agents that look after it, and its processes."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.target = SimulatedMachine.create(root, [])
        self._gates: list[Gate] = []
        self._agents: list[Agent] = []

    def set(self, *updates: SimulatedUpdate) -> SimulatedMachine:
        self.target = SimulatedMachine.create(self.root, updates)
        return self.target

    def agent(self, implementation: str = "local") -> Agent:
        agent = Agent(IMPLEMENTATIONS[implementation](LocalAgent(self.target)))
        self._agents.append(agent)
        return agent

    def gate(self, name: str) -> Gate:
        """A gate: the ``gate`` of an update, or ``plan-gate`` and its kind."""
        gate = Gate(self.root / name)
        self._gates.append(gate)
        return gate

    def is_installed(self, name: str) -> bool:
        return (self.root / "installed" / name).exists()

    @property
    def log(self) -> list[str]:
        """``begin`` and ``end`` of every installer that ran, in order."""
        path = self.root / "log"
        return path.read_text().split() if path.exists() else []

    # --- processes

    def host(self) -> ProcessRef | None:
        holder = lock_holder(self.root / "run" / "host.lock")
        return ProcessRef.of(holder.pid) if holder else None

    def supervisor(self, run: int = -1) -> ProcessRef:
        return self._process("claim", run)

    def installer(self, run: int = -1) -> ProcessRef:
        return self._process("started", run)

    def _process(self, file: str, run: int) -> ProcessRef:
        said = json.loads((self.runs()[run] / file).read_text())
        return ProcessRef(said["pid"], said["start"], said["boot"])

    def runs(self) -> list[Path]:
        """The run folders of all jobs, oldest first."""
        folders = (self.root / "state" / "jobs").glob("*/run-*")
        return sorted(folders, key=lambda folder: folder.stat().st_ctime_ns)

    def kill_host(self) -> ProcessRef:
        host = self.host()
        assert host is not None
        kill(host)
        return host

    def settle(self) -> None:
        """Until the host has ended by itself, which it does when everything is done and delivered."""
        host = self.host()
        assert host is None or host.wait(LONG)

    def close(self) -> None:
        """End everything that belongs to this machine."""
        for agent in self._agents:
            agent.close()
        if host := self.host():
            kill(host)
        for folder in self.runs():
            for name in ("claim", "started"):
                if (folder / name).exists() and (folder / name).read_text() != "{}":
                    self._end_process(folder, name)
        for gate in self._gates:
            gate.open()

    def _end_process(self, folder: Path, name: str) -> None:
        said = json.loads((folder / name).read_text())
        process = ProcessRef(said["pid"], said["start"], said["boot"])
        if process.alive():
            for member in session_members(process.pid):
                kill(member)


def kill(process: ProcessRef, number: int = signal.SIGKILL) -> None:
    """Send a signal and wait for the end."""
    process.send(number)
    assert process.wait(LONG)


def events(job: Job[Any]) -> list[AnyEvent]:
    """Everything that is told of a job, to its end."""
    return [told.event for told in job]


def states(found: list[AnyEvent]) -> list[JobState]:
    return [event.state for event in found if isinstance(event, StateChanged)]


def check_story(found: list[AnyEvent], *, restarted: bool = False) -> None:
    """What holds for the events of every job: legal steps, progress that only goes up, one end at the end."""
    steps = states(found)
    assert steps[0] in (JobState.QUEUED, JobState.RUNNING)
    for before, after in itertools.pairwise(steps):
        assert after is not JobState.ENDED
        check_transition(before, after)
    percents = [event.progress.percent for event in found if isinstance(event, Progressed)]
    assert percents == sorted(percents)
    assert [event for event in found if isinstance(event, Ended)] == found[-1:]
    assert JobState.ENDED in TABLE[steps[-1]].next


def wait_for(job: Job[Any], condition: Callable[[AnyEvent], bool]) -> AnyEvent:
    """The first event that a condition holds for."""
    for told in job:
        if condition(told.event):
            return told.event
    raise AssertionError("the job ended first")


def entered(state: JobState) -> Callable[[AnyEvent], bool]:
    return lambda event: isinstance(event, StateChanged) and event.state is state


def readable(fd: int, timeout: float = LONG) -> bool:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    return bool(poll.poll(timeout * 1000))


@contextmanager
def opened(root: Path) -> Iterator[Machine]:
    machine = Machine(root)
    try:
        yield machine
    finally:
        machine.close()
