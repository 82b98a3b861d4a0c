"""Jobs: ending, cleaning up, aborting, state; the same rules for search, download and installation."""

import operator
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.codes import code
from tests.support.wuapi_ways import Way
from tests.support.wuapi_world import LONG, InThread, Recorder, Trap, World, opened

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    ComError,
    SearchJob,
    callback_order,
    orcAborted,
    orcSucceeded,
)


@pytest.mark.proves("ISearchJob IDownloadJob IInstallationJob", "IsCompleted")
@pytest.mark.proves("IUpdateSearcher", "BeginSearch")
@pytest.mark.proves("IUpdateDownloader", "BeginDownload EndDownload")
@pytest.mark.proves("IUpdateInstaller", "BeginInstall BeginUninstall EndInstall")
def test_begin_answers_a_running_job(way: Way) -> None:
    job = way.begin(None, None)
    assert type(job) is way.kind
    assert job.IsCompleted is False
    way.gate.open()
    assert way.end(job).ResultCode == orcSucceeded
    assert job.IsCompleted is True


def test_the_completed_callback_gets_the_job(way: Way) -> None:
    seen: list[Any] = []
    completed = Recorder(lambda job, args: seen.append((job.IsCompleted, way.end(job).ResultCode)))
    job = way.begin(completed, None)
    way.gate.open()
    completed.wait()
    assert completed.calls[0][0] is job
    assert seen == [(True, orcSucceeded)]
    assert completed.calls[0][1]._members_ == {}
    assert threading.get_ident() not in completed.threads


@pytest.mark.proves("ISearchJob IInstallationJob", "AsyncState")
@pytest.mark.parametrize("state", [None, 0, "text", object(), [1], {"a": 1}], ids=lambda s: type(s).__name__)
def test_the_state_comes_back_as_the_same_object(way: Way, state: Any) -> None:
    same = operator.eq if way.world.late and isinstance(state, str) else operator.is_  # COM copies strings
    way.gate.open()
    job = way.begin(None, state)
    assert same(job.AsyncState, state)
    way.end(job)
    assert same(job.AsyncState, state)
    job.CleanUp()
    assert same(job.AsyncState, state)


def test_the_state_cannot_be_set(way: Way) -> None:
    way.gate.open()
    job = way.begin(None, "state")
    with pytest.raises(AttributeError):
        job.AsyncState = "other"
    way.end(job)


def test_end_waits_from_any_thread(way: Way) -> None:
    job = way.begin(None, None)
    ending = InThread(lambda: way.end(job))
    assert not ending.done
    way.gate.open()
    assert ending.result().ResultCode == orcSucceeded


@pytest.mark.proves("IUpdateSearcher", "EndSearch")
@pytest.mark.proves("IUpdateDownloader", "EndDownload")
@pytest.mark.proves("IUpdateInstaller", "EndInstall")
def test_ending_twice(way: Way) -> None:
    way.gate.open()
    job = way.begin(None, None)
    way.end(job)
    for _ in range(2):
        with pytest.raises(ComError) as caught:
            way.end(job)
        assert code(caught) == codes.WU_E_INVALID_OPERATION


def test_ending_twice_at_the_same_time(way: Way) -> None:
    job = way.begin(None, None)
    endings = [InThread(lambda: way.end(job)) for _ in range(4)]
    way.gate.open()
    results = []
    for ending in endings:
        try:
            results.append(ending.result().ResultCode)
        except ComError as failure:
            results.append(failure.hresult & 0xFFFFFFFF)
    assert sorted(results) == [orcSucceeded, *[codes.WU_E_INVALID_OPERATION] * 3]


@pytest.mark.not_com("it breaks the job from within")
def test_a_wait_that_was_broken_off_can_be_tried_again(way: Way) -> None:
    job = way.begin(None, None)
    real = job._ended

    class Interrupted:
        def wait(self) -> None:
            raise KeyboardInterrupt

    job._ended = Interrupted()
    with pytest.raises(KeyboardInterrupt):
        way.end(job)
    job._ended = real
    way.gate.open()
    assert way.end(job).ResultCode == orcSucceeded


def test_end_after_the_callback_has_run(way: Way) -> None:
    completed = Recorder()
    way.gate.open()
    job = way.begin(completed, None)
    completed.wait()
    assert way.end(job).ResultCode == orcSucceeded


def test_end_after_clean_up(way: Way) -> None:
    way.gate.open()
    job = way.begin(Recorder(), None)
    job.CleanUp()
    assert way.end(job).ResultCode == orcSucceeded


@pytest.mark.proves("ISearchJob IDownloadJob IInstallationJob", "CleanUp")
def test_clean_up_after_end_is_harmless(way: Way) -> None:
    way.gate.open()
    job = way.begin(Recorder(), None)
    way.end(job)
    assert job.CleanUp() is None
    assert job.CleanUp() is None


@pytest.mark.proves("ISearchJob IDownloadJob IInstallationJob", "CleanUp")
def test_clean_up_waits_for_the_end_and_for_the_callback(way: Way) -> None:
    trap = Trap()
    job = way.begin(trap, None)
    cleaning = InThread(job.CleanUp)
    assert not cleaning.done
    way.gate.open()
    assert trap.entered.wait(LONG)
    assert not cleaning.done
    trap.go.set()
    cleaning.result()
    assert trap.left.is_set()


@pytest.mark.proves("ISearchJob IDownloadJob IInstallationJob", "RequestAbort IsCompleted")
def test_end_right_after_request_abort(way: Way) -> None:
    completed = Recorder()
    job = way.begin(completed, None)
    assert job.RequestAbort() is None
    job.RequestAbort()
    if way.kind is SearchJob:
        way.gate.open()  # a search notices when it comes back from the network
    assert way.end(job).ResultCode == orcAborted
    completed.wait()
    assert job.IsCompleted is True


def test_an_abort_inside_the_callback_is_too_late(way: Way) -> None:
    completed = Recorder(lambda job, args: job.RequestAbort())
    way.gate.open()
    job = way.begin(completed, None)
    completed.wait()
    assert completed.answers == [None]
    assert way.end(job).ResultCode == orcSucceeded


@pytest.mark.parametrize("order", ["completed-first", "begin-first"])
def test_both_orders(way: Way, order: Any) -> None:
    returned = threading.Event()
    completed = Recorder(lambda job, args: returned.is_set())
    way.gate.open()
    with callback_order(order):
        job = way.begin(completed, None)
        if order == "begin-first":
            assert way.end(job).ResultCode == orcSucceeded  # waits for the job, not for its callback
            assert completed.calls == []
        returned.set()
    completed.wait()
    assert completed.answers == [order == "begin-first"]


def test_clean_up_of_another_job_inside_a_callback_waits(world: World) -> None:
    gate = world.gate("search-gate")
    searcher = world.searcher()
    other = searcher.BeginSearch("", None, None)
    searcher.Online = False  # the next one does not wait at the gate
    entered = threading.Event()

    def clean(job: Any, args: Any) -> Any:
        entered.set()
        return other.CleanUp()

    completed = Recorder(clean)
    searcher.BeginSearch("", completed, None)
    assert entered.wait(LONG)
    assert completed.answers == []
    gate.open()
    completed.wait()
    assert completed.answers == [None]


def test_a_search_needs_a_callback_in_strict_mode_only(world: World) -> None:
    assert world.searcher().EndSearch(world.searcher().BeginSearch("", None, None)).ResultCode == orcSucceeded
    with pytest.raises(ComError) as caught:
        world.searcher(strict=True).BeginSearch("", None, None)
    assert code(caught) == (codes.DISP_E_TYPEMISMATCH if world.late else codes.E_POINTER)
    assert world.searcher(strict=True).Search("").ResultCode == orcSucceeded


def test_a_job_that_nobody_holds_is_called_back_all_the_same(way: Way) -> None:
    completed = Recorder()
    way.begin(completed, None)
    way.gate.open()
    completed.wait()
    assert way.end(completed.calls[0][0]).ResultCode == orcSucceeded


def test_closing_the_agent_releases_whoever_waits(short_dir: Path) -> None:
    with opened(short_dir / "machine", None) as world:
        world.set(SimulatedUpdate("a", gate="gate"))
        gate = world.gate()
        progress, completed = Recorder(), Recorder()
        installer = world.installer()
        job = installer.BeginInstall(progress, completed, None)
        progress.wait_until(lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == 1)
        ending = InThread(lambda: installer.EndInstall(job))
        cleaning = InThread(job.CleanUp)
        world.agent.close()
        with pytest.raises(ComError) as caught:
            ending.result()
        assert caught.value.problem is not None
        assert caught.value.problem.id == "connection-lost"
        cleaning.result()
        assert job.IsCompleted is False  # it goes on in the job host, and nobody here hears of it
        assert completed.calls == []
        gate.open()
    with opened(short_dir / "machine", None) as again:
        again.agent.job(again.agent.jobs()[0].id).wait(LONG)
        gate.close()


def test_an_agent_that_cannot_go_on_is_told_by_end(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The completed callback comes, so that nobody waits for ever; what went wrong comes out of End."""
    from wua.model.problems import error

    completed = Recorder()
    gate = world.gate("search-gate")
    searcher = world.searcher()
    job = searcher.BeginSearch("", completed, None)

    def broken(*_: Any) -> Any:
        raise error("host-failed", "it can't be started")

    monkeypatch.setattr(world.agent.protocol, "events", broken)
    gate.open()
    completed.wait()
    monkeypatch.undo()
    assert job.IsCompleted is True
    with pytest.raises(ComError) as caught:
        searcher.EndSearch(job)
    assert "it can't be started" in caught.value.text


def test_objects_outlive_their_makers(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    update = world.session().CreateUpdateSearcher().Search("").Updates[0]
    described = InThread(lambda: update.Description)
    assert described.result() == "Simulated update a."
