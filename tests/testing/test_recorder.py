"""Recorders stand in for all five callback interfaces, and keep what they were called with."""

import threading
from typing import Any

import pytest
from tests.support.wuapi_world import World

from wua.testing import Call, CallbackRecorder, SimulatedUpdate
from wua.wuapi import enums


@pytest.fixture
def world(short_dir: Any) -> Any:
    from tests.support.wuapi_world import opened

    with opened(short_dir / "machine", None) as made:
        yield made
        made.close()


def test_a_search(world: World) -> None:
    recorder = CallbackRecorder()
    job = world.searcher().BeginSearch("", recorder, "state")
    call = recorder.wait()
    assert (call.job, call.is_completed, call.percent, call.update) == (job, True, None, None)
    assert call.job.AsyncState == "state"
    assert recorder.job is call.job
    assert len(recorder) == 1


@pytest.mark.parametrize("act", ["Download", "Install", "Uninstall"])
def test_progress_and_completion_in_their_order(world: World, act: str) -> None:
    world.set(
        *(SimulatedUpdate(name, installed=act == "Uninstall") for name in "ab"), downloaded=act != "Download"
    )
    log: list[Call] = []
    progress = CallbackRecorder(name="progress", log=log)
    completed = CallbackRecorder(lambda job, args: "said", name="completed", log=log)
    worker = world.downloader() if act == "Download" else world.installer()
    job = getattr(worker, f"Begin{act}")(progress, completed, None)
    assert completed.wait().answer == "said"
    assert [call.name for call in log] == ["progress"] * len(progress) + ["completed"]
    assert progress.percents == sorted(progress.percents)
    assert progress.percents[-1] == 100
    assert {call.update for call in progress.calls} == {0, 1}
    assert not progress.wait().is_completed
    assert threading.get_ident() not in progress.threads | completed.threads
    assert progress.wait_until(lambda call: call.percent == 100) == progress.calls[-1]
    assert getattr(worker, f"End{act}")(job).ResultCode == enums.orcSucceeded


def test_what_a_callback_raises_is_kept_as_a_call(world: World) -> None:
    recorder = CallbackRecorder(lambda job, args: 1 / 0)
    job = world.searcher().BeginSearch("", recorder, None)
    assert recorder.wait().answer is None
    job.CleanUp()
    assert len(recorder) == 1


def test_a_call_that_does_not_come() -> None:
    recorder = CallbackRecorder(name="this one")
    with pytest.raises(TimeoutError, match="0 calls of this one, not 2"):
        recorder.wait(2, timeout=0.01)
    with pytest.raises(TimeoutError, match="none of 0 calls"):
        recorder.wait_until(lambda call: True, timeout=0.01)
