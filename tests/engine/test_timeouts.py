"""Time-outs and stalls, on a clock that the test moves."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.machines import LONG, check_story, events, wait_for

from wua.api.job import Job
from wua.model.enums import ResultCode
from wua.model.jobs import JobEvent, Noted, Stalled
from wua.model.states import JobState
from wua.testing import SimulatedUpdate, Stage, staged


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as made:
        made.clock.hold()
        yield made


def lines_of(stage: Stage) -> Path:
    """The status lines of the only installer that has run."""
    (folder,) = (stage.root / "state" / "jobs").glob("*/run-*")
    return folder / "lines"


def stalls(job: Job[Any], wanted: int) -> threading.Event:
    """Set when so many stalls have been told."""
    told: list[Stalled] = []
    enough = threading.Event()

    def look(news: JobEvent) -> None:
        if isinstance(news.event, Stalled):
            told.append(news.event)
            if len(told) >= wanted:
                enough.set()

    job.on_event(look)
    return enough


def test_a_phase_takes_too_long(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"), downloaded=True)
    gate = stage.gate("gate")
    job = stage.agent.install(["a", "b"], phase_timeout=60)
    gate.reached()
    stage.clock.advance(60)
    assert not job.wait(0)
    stage.clock.advance(1)
    check_story(events(job))
    result = job.result(LONG)
    assert result.code is ResultCode.FAILED
    assert result.problem is not None
    assert result.problem.id == "timed-out"
    assert "installing took longer than 60 s" in result.problem.seen
    assert result.updates[0].code is ResultCode.SUCCEEDED
    assert not stage.is_installed("b")
    assert {(h.name, h.code) for h in stage.agent.history()} >= {("a", ResultCode.SUCCEEDED)}


def test_a_download_takes_too_long(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a", download_gate="gate"))
    gate = stage.gate("gate")
    job = stage.agent.install("a", phase_timeout=60)
    gate.reached()
    stage.clock.advance(61)
    result = job.result(LONG)
    assert result.problem is not None
    assert "downloading took longer" in result.problem.seen
    assert result.updates[0].code is ResultCode.FAILED


def test_a_repair_takes_too_long(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a"), downloaded=True)
    (stage.root / "installed" / "old.part").touch()
    gate = stage.gate("repair")
    job = stage.agent.install("a", phase_timeout=60)
    gate.reached()
    stage.clock.advance(61)
    result = job.result(LONG)
    assert any(isinstance(e, Noted) and "repairing took longer than 60 s" in e.text for e in events(job))
    assert result.code is ResultCode.FAILED
    assert not stage.is_installed("a")


def test_an_installer_that_talks_all_the_time_is_timed_out_too(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a", gate="gate"), downloaded=True)
    gate = stage.gate("gate")
    job = stage.agent.install("a", phase_timeout=60)
    gate.reached()
    stage.clock.advance(61)
    with open(lines_of(stage), "a") as lines:
        while not job.wait(0.0):
            lines.write("begin 0\n")
            lines.flush()
    problem = job.result(LONG).problem
    assert problem is not None
    assert problem.id == "timed-out"


def test_a_stall_is_told_once_and_again_after_new_life(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a", gate="gate"), downloaded=True)
    gate = stage.gate("gate")
    job = stage.agent.install("a", stall_after=120)
    once, twice = stalls(job, 1), stalls(job, 2)
    gate.reached()
    stage.clock.advance_until(once, 130)
    event = wait_for(job, lambda event: isinstance(event, Stalled))
    assert isinstance(event, Stalled)
    assert event.phase is JobState.INSTALLING
    assert event.seconds >= 120
    stage.clock.advance(1000)
    assert not twice.is_set()
    with open(lines_of(stage), "a") as lines:
        lines.write("begin 0\n")
    stage.clock.advance_until(twice, 130)
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert sum(isinstance(event, Stalled) for event in events(job)) == 2


def test_no_stall_is_told_when_it_is_not_wanted(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a", gate="gate"), downloaded=True)
    gate = stage.gate("gate")
    job = stage.agent.install("a", stall_after=0.0, phase_timeout=3600)
    gate.reached()
    ended = threading.Event()
    job.on_completed(lambda _: ended.set())
    stage.clock.advance_until(ended, 600)
    assert not any(isinstance(event, Stalled) for event in events(job))
