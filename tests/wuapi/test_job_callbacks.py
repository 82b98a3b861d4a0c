"""Callbacks: when and where they come, and what they may do, in each of the four operations.

``semantics 3.1`` and the like name the rule's place in the reference, ``clients`` what real clients rely on.
What holds for IInstallationCompletedCallback beyond this is in ``test_installation_completed_callback``.
"""

import gc
import logging
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.wuapi_ways import Way
from tests.support.wuapi_world import LONG, InThread, Recorder, Trap

from wua.model import codes
from wua.wuapi import (
    WU_S_MARKED_FOR_DISCONNECT,
    ComError,
    UpdateCollection,
    orcSucceeded,
)

# --- what a callback does stays its own


def misdeed(name: str) -> Any:
    class NoParameters:
        def Invoke(self) -> None:
            raise AssertionError("is never entered")

    def raising(failure: BaseException) -> Any:
        def call(job: Any, args: Any) -> None:
            raise failure

        return call

    return {
        "raises": raising(ValueError("mine")),
        "exits": raising(SystemExit(3)),
        "is interrupted": raising(KeyboardInterrupt()),
        "answers a failure": lambda job, args: codes.E_FAIL,
        "takes no parameters": NoParameters(),
    }[name]


@pytest.mark.parametrize(
    "deed", ["raises", "exits", "is interrupted", "answers a failure", "takes no parameters"]
)
def test_whatever_a_callback_does_never_affects_the_job(
    way: Way, deed: str, caplog: pytest.LogCaptureFixture
) -> None:
    """semantics 3.2, clients: it is logged, later callbacks still come, and the result is the same."""
    way.gate.open()
    with caplog.at_level(logging.WARNING, "wua.wuapi"):
        job = way.begin(misdeed(deed), None, misdeed(deed))
        job.CleanUp()
    assert way.end(job).ResultCode == orcSucceeded
    assert len(caplog.records) > (1 if way.has_progress else 0)


def test_a_callback_that_blocks_holds_up_neither_its_job_nor_others(way: Way) -> None:
    """semantics 3.2: it holds up later callbacks of its job only."""
    trap = Trap()
    way.gate.open()
    job = way.begin(trap, None)
    assert trap.entered.wait(LONG)
    assert job.IsCompleted is True
    assert way.end(job).ResultCode == orcSucceeded
    other = Recorder()
    way.gate.open()
    way.begin(other, None)
    other.wait()
    assert not trap.left.is_set()
    trap.go.set()
    job.CleanUp()
    assert trap.calls == 1


# --- where and when


def test_callbacks_of_one_job_never_overlap_and_the_completed_one_is_last(telling_way: Way) -> None:
    """semantics 3.2: one at a time; no progress after completion, and completion once."""
    at_work = threading.Lock()
    story: list[str] = []

    def noting(name: str) -> Callable[[Any, Any], None]:
        def note(job: Any, args: Any) -> None:
            assert at_work.acquire(blocking=False), "two at once"
            job.GetProgress()
            story.append(name)
            at_work.release()

        return note

    progress, completed = Recorder(noting("progress")), Recorder(noting("completed"))
    telling_way.gate.open()
    job = telling_way.begin(completed, None, progress)
    job.CleanUp()
    assert len(progress.answers) + len(completed.answers) == len(story)  # none of them raised
    assert story.count("completed") == 1
    assert story[-1] == "completed"
    assert story[0] == "progress"


def test_the_completed_callback_waits_for_progress_that_takes_its_time(telling_way: Way) -> None:
    """semantics 3.2: progress comes before the operation is complete, to the program too."""
    slow, completed = Trap(), Recorder()
    telling_way.gate.open()
    job = telling_way.begin(completed, None, slow)
    assert slow.entered.wait(LONG)
    assert telling_way.end(job).ResultCode == orcSucceeded
    assert completed.calls == []
    slow.go.set()
    completed.wait()
    assert slow.left.is_set()


def test_no_callback_comes_on_the_stack_of_begin_or_end(way: Way) -> None:
    """semantics 3.2, Thread: on threads of the agent's own."""
    threads = set()

    def note(job: Any, args: Any) -> None:
        threads.add(threading.get_ident())

    way.gate.open()
    job = way.begin(note, None, note)
    way.end(job)
    job.CleanUp()
    assert threads
    assert threading.get_ident() not in threads


def test_nothing_is_held_when_the_completed_callback_runs(way: Way) -> None:
    """clients: IsCompleted is true, IsBusy false, the result is there, and the next Begin may be called."""
    installer = way.world.installer(UpdateCollection())
    second = Recorder()

    def begin_next(job: Any, args: Any) -> Any:
        seen = (job.IsCompleted, installer.IsBusy, way.end(job).ResultCode)
        way.gate.open()
        way.begin(second, None)
        return seen

    first = Recorder(begin_next)
    way.gate.open()
    way.begin(first, None)
    second.wait()
    assert first.answers == [(True, False, orcSucceeded)]
    assert way.end(second.calls[0][0]).ResultCode == orcSucceeded


def test_what_is_allowed_inside_a_progress_callback(telling_way: Way) -> None:
    """semantics 3.2: End, GetProgress, RequestAbort (here after the end) and reading properties."""

    def use(job: Any, args: Any) -> Any:
        if args.Progress.PercentComplete < 100:
            return (job.Updates.Count, job.AsyncState, type(job.GetProgress()) is type(args.Progress))
        result = telling_way.end(job)  # waits for the job, not for its callbacks
        job.RequestAbort()
        return result.ResultCode

    progress = Recorder(use)
    telling_way.gate.open()
    job = telling_way.begin(None, "state", progress)
    job.CleanUp()
    assert progress.answers[-1] == orcSucceeded
    assert set(progress.answers[:-1]) == {(1, "state", True)}


# --- letting go


def test_clean_up_inside_the_completed_callback_is_put_off(way: Way) -> None:
    """semantics 3.1: it must not wait for itself; WU_S_MARKED_FOR_DISCONNECT."""
    completed = Recorder(lambda job, args: job.CleanUp())
    way.gate.open()
    job = way.begin(completed, None)
    completed.wait()
    assert completed.answers == [way.world.success(WU_S_MARKED_FOR_DISCONNECT)]
    assert job.CleanUp() is None
    assert way.end(job).ResultCode == orcSucceeded


def test_no_callback_comes_after_clean_up_in_a_progress_callback(telling_way: Way) -> None:
    """semantics 3.1: the disconnect is made later, at once for what would still come. The job goes on."""
    progress, completed = Recorder(lambda job, args: job.CleanUp()), Recorder()
    job = telling_way.begin(completed, None, progress)
    progress.wait()
    telling_way.gate.open()
    assert telling_way.end(job).ResultCode == orcSucceeded
    assert job.CleanUp() is None
    assert progress.answers == [telling_way.world.success(WU_S_MARKED_FOR_DISCONNECT)]
    assert completed.calls == []


def test_clean_up_waits_and_does_not_cancel(way: Way) -> None:
    """semantics 3.1: to stop early, RequestAbort comes first."""
    completed = Recorder()
    job = way.begin(completed, None)
    cleaning = InThread(job.CleanUp)
    assert not cleaning.done
    way.gate.open()
    assert cleaning.result() is None
    assert len(completed.calls) == 1  # it has come, and is over
    assert way.end(job).ResultCode == orcSucceeded


def test_clean_up_lets_go_of_the_callbacks(way: Way) -> None:
    """clients: native ones free the callback object right after it, also when it holds the job (a cycle)."""

    class Holding(Recorder):
        job: Any = None

    holding = Holding()
    way.gate.open()
    holding.job = job = way.begin(holding, None, holding)
    job.CleanUp()
    gone = weakref.ref(holding)
    holding.job = None
    holding.calls.clear()
    del holding
    gc.collect()
    assert gone() is None
    assert way.end(job).ResultCode == orcSucceeded


def test_the_state_is_released_with_the_job(way: Way) -> None:
    """semantics 3.1, 6: nobody but the job holds it once the job has ended."""

    class State:
        pass

    state = State()
    released = threading.Event()
    weakref.finalize(state, released.set)
    way.gate.open()
    job = way.begin(Recorder(), state, Recorder())
    way.end(job)
    job.CleanUp()
    assert job.AsyncState is state
    del state, job
    for _ in range(1000):
        gc.collect()  # a thread that told of the end may have it for another moment
        if released.wait(LONG / 1000):
            break
    assert released.is_set()


def test_a_begin_that_fails_begins_nothing(way: Way) -> None:
    """semantics 3.1, 1: what can be seen at once is the failure of Begin; no callback follows."""
    before = way.world.agent.jobs(limit=1)
    completed = Recorder()
    session = way.world.session()
    begin: Callable[[], Any] = {
        "ISearchJob": lambda: way.world.searcher(strict=True).BeginSearch("", None, completed),
        "IDownloadJob": lambda: session.CreateUpdateDownloader().BeginDownload(None, completed, None),
        "IInstallationJob": lambda: session.CreateUpdateInstaller().BeginInstall(None, completed, None),
    }[way.kind._interfaces_[0]]  # type: ignore[attr-defined]
    with pytest.raises(ComError):
        begin()
    assert [each.id for each in way.world.agent.jobs(limit=1)] == [each.id for each in before]
    assert completed.calls == []
