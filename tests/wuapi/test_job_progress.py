"""Progress: what holds for downloads, installations and removals alike.

``semantics 3.3`` and the like name the rule's place in the reference, ``clients`` what real clients rely on.
"""

import itertools
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.wuapi_ways import Way
from tests.support.wuapi_world import InThread, Recorder, World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    ComError,
    SearchJob,
    UpdateCollection,
    dphDownloading,
    dphInitializing,
    dphVerifying,
    orcAborted,
    orcFailed,
    orcInProgress,
    orcNotStarted,
    orcSucceeded,
    orcSucceededWithErrors,
)

Begin = Callable[[Any, Any], Any]


def three(world: World, operation: str, *, gate: str = "", last_fails: bool = False) -> tuple[Begin, Any]:
    """Begin and End of an operation on a, b, which may wait at a gate, and c, which may fail."""
    installed, prefix = operation == "uninstall", "download_" if operation == "download" else ""
    waits, fails = {f"{prefix}gate": gate}, {f"{prefix}exit": 7 if last_fails else 0}
    world.set(
        SimulatedUpdate("a", installed=installed),
        SimulatedUpdate("b", installed=installed, **waits),  # type: ignore[arg-type]
        SimulatedUpdate("c", installed=installed, **fails),  # type: ignore[arg-type]
        downloaded=operation != "download",
    )
    if operation == "download":
        downloader = world.downloader()
        return lambda *call: downloader.BeginDownload(*call, None), downloader.EndDownload
    installer = world.installer()
    if operation == "install":
        return lambda *call: installer.BeginInstall(*call, None), installer.EndInstall
    return lambda *call: installer.BeginUninstall(*call, None), installer.EndUninstall


@pytest.fixture(params=["download", "install", "uninstall"])
def operation(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_search_has_neither_progress_nor_updates(world: World) -> None:
    """semantics 3.3: ISearchJob has none of them."""
    job = world.searcher().BeginSearch("", None, None)
    assert isinstance(job, SearchJob)
    for name in ("Updates", "GetProgress"):
        assert not hasattr(job, name)
    job.CleanUp()


def test_several_successes_and_a_failure(world: World, operation: str) -> None:
    """clients: orcSucceededWithErrors, results by index, and a last 100 % that counts the failure."""
    begin, end = three(world, operation, last_fails=True)
    progress = Recorder()
    job = begin(progress, None)
    job.CleanUp()
    result = end(job)
    assert result.ResultCode == orcSucceededWithErrors
    expected = [orcSucceeded, orcSucceeded, orcFailed]
    assert [result.GetUpdateResult(n).ResultCode for n in range(3)] == expected
    last = progress.calls[-1][1].Progress
    for now in (last, job.GetProgress()):
        assert now.PercentComplete == 100
        assert [now.GetUpdateResult(n).ResultCode for n in range(3)] == expected


def test_percentages_and_indexes_of_every_call(world: World, operation: str) -> None:
    """semantics 3.3: 0 to 100, never falling; indexes are into the job's Updates, and none is left out."""
    begin, end = three(world, operation)
    progress = Recorder()
    job = begin(progress, None)
    job.CleanUp()
    end(job)
    told = [args.Progress for _, args in progress.calls]
    assert all(0 <= now.PercentComplete <= 100 for now in told)
    assert all(0 <= now.CurrentUpdatePercentComplete <= 100 for now in told)
    assert all(a.PercentComplete <= b.PercentComplete for a, b in itertools.pairwise(told))
    assert {now.CurrentUpdateIndex for now in told} <= {0, 1, 2}
    seen = {(now.PercentComplete, now.CurrentUpdateIndex) for now in told}
    assert len(seen) > 1
    for args in (each[1] for each in progress.calls):
        assert args.Progress is args.Progress  # one call, one progress


def test_a_progress_object_never_changes(world: World, operation: str) -> None:
    """semantics 3.1, 2: GetProgress and callbackArgs.Progress are snapshots; so are their update results."""
    begin, end = three(world, operation, gate="gate")
    gate = world.gate()
    progress = Recorder()
    job = begin(progress, None)
    _, args = progress.wait_until(lambda job, args: args.Progress.CurrentUpdateIndex == 1)
    early, asked = args.Progress, job.GetProgress()
    part = asked.GetUpdateResult(2)

    def shown() -> Any:
        codes_now = [[each.GetUpdateResult(n).ResultCode for n in range(3)] for each in (early, asked)]
        return codes_now, early.PercentComplete, asked.PercentComplete, part.ResultCode

    before = shown()
    assert before[0][0][1:] == [orcInProgress, orcNotStarted]
    gate.open()
    assert end(job).ResultCode == orcSucceeded
    assert shown() == before
    assert job.GetProgress() is not job.GetProgress()
    assert job.GetProgress().PercentComplete == 100


def test_an_abort_in_the_middle(world: World, operation: str) -> None:
    """semantics 3.1: what was finished keeps its result, what was never started is orcAborted."""
    begin, end = three(world, operation, gate="gate")
    world.gate()
    progress, completed = Recorder(), Recorder()
    job = begin(progress, completed)
    progress.wait_until(lambda job, args: args.Progress.CurrentUpdateIndex == 1)
    assert job.RequestAbort() is None
    result = end(job)
    completed.wait()
    assert (result.ResultCode, result.HResult & 0xFFFFFFFF) == (orcAborted, codes.WU_E_CALL_CANCELLED)
    assert [result.GetUpdateResult(n).ResultCode for n in range(3)] == [orcSucceeded, orcAborted, orcAborted]


def test_the_job_keeps_the_list_as_it_was_when_it_began(telling_way: Way) -> None:
    """semantics 3: Begin takes the work list at the moment of the call; the job's Updates are read-only."""
    job = telling_way.begin(None, None)
    listed = job.Updates
    assert (listed.Count, listed.ReadOnly, job.Updates is listed) == (1, True, True)
    for change in (
        listed.Clear,
        lambda: listed.Add(listed[0]),
        lambda: listed.Insert(0, listed[0]),
        lambda: listed.RemoveAt(0),
        lambda: listed.put_Item(0, listed[0]),
    ):
        with pytest.raises(ComError) as caught:
            change()
        assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_NOT_SUPPORTED
    assert listed.Copy().ReadOnly is False
    telling_way.gate.open()
    telling_way.end(job)
    assert listed.Count == 1


def test_a_list_that_changes_afterwards_changes_no_job(world: World, operation: str) -> None:
    """clients: Updates is the collection itself, and lives; the job has what it began with."""
    three(world, operation)
    chosen = world.found().Copy()
    worker = world.downloader(chosen) if operation == "download" else world.installer(chosen)
    begin = {"download": "BeginDownload", "install": "BeginInstall", "uninstall": "BeginUninstall"}[operation]
    end = {"download": "EndDownload", "install": "EndInstall", "uninstall": "EndUninstall"}[operation]
    job = getattr(worker, begin)(None, None, None)
    assert worker.Updates is chosen
    chosen.Clear()
    worker.Updates = UpdateCollection()
    assert [update.Title for update in job.Updates] == ["a 1.0", "b 1.0", "c 1.0"]
    result = getattr(worker, end)(job)
    assert [result.GetUpdateResult(n).ResultCode for n in range(3)] == [orcSucceeded] * 3


def test_progress_can_be_asked_for_at_any_time_and_from_any_thread(telling_way: Way) -> None:
    """clients: GetProgress and GetUpdateResult are valid before anything happened, and after the end."""
    job = telling_way.begin(None, None)

    def ask() -> Any:
        now = job.GetProgress()
        for wrong in (-1, 1):
            with pytest.raises(ComError) as caught:
                now.GetUpdateResult(wrong)
            assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_INVALIDINDEX
        return (now.PercentComplete, now.CurrentUpdateIndex, now.GetUpdateResult(0).ResultCode)

    percent, index, code = InThread(ask).result()
    assert (percent < 100, index) == (True, 0)
    assert code in (orcNotStarted, orcInProgress)
    telling_way.gate.open()
    telling_way.end(job)
    assert ask() == (100, 0, orcSucceeded)
    job.CleanUp()
    assert InThread(ask).result() == (100, 0, orcSucceeded)


def test_every_phase_of_a_download_is_told(world: World) -> None:
    """semantics 3.3: DownloadPhase starts at 1; 3.2: one call for every change of phase and update."""
    begin, end = three(world, "download", gate="gate")
    gate = world.gate()
    progress = Recorder()
    job = begin(progress, None)
    assert job.GetProgress().CurrentUpdateDownloadPhase in (dphInitializing, dphDownloading)
    progress.wait_until(lambda job, args: args.Progress.CurrentUpdateIndex == 1)
    gate.open()
    end(job)
    job.CleanUp()
    phases = [args.Progress.CurrentUpdateDownloadPhase for _, args in progress.calls]
    assert set(phases) <= {dphInitializing, dphDownloading, dphVerifying}
    assert {dphDownloading, dphVerifying} <= set(phases)
    assert phases == sorted(phases)


# --- aborting and cleaning up, whatever the order


def test_an_abort_after_clean_up_is_harmless(way: Way) -> None:
    """semantics 3.1: RequestAbort only asks, and the job had ended."""
    way.gate.open()
    job = way.begin(Recorder(), None)
    job.CleanUp()
    assert job.RequestAbort() is None
    assert way.end(job).ResultCode == orcSucceeded
    assert job.RequestAbort() is None


def test_clean_up_after_an_abort_waits_for_the_completed_callback(way: Way) -> None:
    """semantics 3.1: an aborted job completes like any other; this is the way to stop early."""
    completed = Recorder()
    job = way.begin(completed, None)
    job.RequestAbort()
    if not way.has_progress:
        way.gate.open()  # a search notices when it comes back from the network
    job.CleanUp()
    assert len(completed.calls) == 1
    assert job.IsCompleted is True
    assert way.end(job).ResultCode == orcAborted
