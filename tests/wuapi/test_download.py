"""Downloading."""

from decimal import Decimal

import pytest
from tests.support.codes import code
from tests.support.wuapi_world import Recorder, World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    ComError,
    StringCollection,
    UpdateCollection,
    downloadTypeFull,
    downloadTypeUpdateBootstrapper,
    dphDownloading,
    dpHigh,
    dphVerifying,
    dpNormal,
    orcAborted,
    orcFailed,
    orcInProgress,
    orcNotStarted,
    orcSucceeded,
    orcSucceededWithErrors,
)


@pytest.mark.proves("IUpdateDownloader", "IsForced put_IsForced Priority put_Priority")
def test_properties(world: World) -> None:
    downloader = world.session().CreateUpdateDownloader()
    assert (downloader.IsForced, downloader.Priority, downloader.Updates.Count) == (False, dpNormal, 0)
    downloader.IsForced = True
    downloader.Priority = dpHigh
    assert (downloader.IsForced, downloader.Priority) == (True, dpHigh)
    with pytest.raises(ComError) as caught:
        downloader.Priority = 5  # type: ignore[assignment]
    assert code(caught) == codes.E_INVALIDARG


@pytest.mark.proves("IUpdateDownloader IUpdateInstaller", "Updates put_Updates")
@pytest.mark.parametrize("name", ["Downloader", "Installer"])
def test_updates_is_the_collection_itself(world: World, name: str) -> None:
    world.set(SimulatedUpdate("a"))
    acting = getattr(world.session(), f"CreateUpdate{name}")()
    mine = UpdateCollection()
    acting.Updates = mine
    assert acting.Updates is mine
    acting.Updates.Add(world.found()[0])
    assert mine.Count == 1
    for wrong, expected in ((None, codes.E_POINTER), (StringCollection(), world.wrong_kind)):
        with pytest.raises(ComError) as caught:
            acting.Updates = wrong
        assert code(caught) == expected


@pytest.mark.proves("IUpdateDownloaderEx", "BeginDownload2 Download2")
@pytest.mark.proves("IDownloadJob", "AsyncState")
def test_a_choice_of_what_to_download(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"), downloaded=False)
    downloader = world.downloader()
    with pytest.raises(ComError) as caught:
        downloader.Download2(downloadTypeUpdateBootstrapper)
    assert code(caught) == codes.WU_E_NOT_SUPPORTED
    assert not any(update.IsDownloaded for update in downloader.Updates)
    completed = Recorder()
    job = downloader.BeginDownload2(downloadTypeFull, None, completed, "state")
    assert downloader.EndDownload(job).ResultCode is orcSucceeded
    assert job.AsyncState == "state"
    completed.wait()
    assert downloader.Download2(downloadTypeFull).ResultCode is orcSucceeded
    assert all(update.IsDownloaded for update in downloader.Updates)
    for wrong in (2, -1):
        with pytest.raises(ComError) as caught:
            downloader.Download2(wrong)  # type: ignore[arg-type]
        assert code(caught) == codes.E_INVALIDARG
    empty = world.session().CreateUpdateDownloader()
    for kind in (downloadTypeFull, downloadTypeUpdateBootstrapper):
        with pytest.raises(ComError) as caught:
            empty.Download2(kind)
        assert code(caught) == codes.WU_E_NO_UPDATE


@pytest.mark.proves("IUpdateDownloader", "Download BeginDownload")
def test_nothing_to_download(world: World) -> None:
    downloader = world.session().CreateUpdateDownloader()
    for call in (downloader.Download, lambda: downloader.BeginDownload(None, None, None)):
        with pytest.raises(ComError) as caught:
            call()
        assert code(caught) == codes.WU_E_NO_UPDATE


@pytest.mark.proves("IUpdateDownloader", "Download")
@pytest.mark.proves("IDownloadResult", "HResult ResultCode GetUpdateResult")
@pytest.mark.proves("IUpdateDownloadResult", "HResult ResultCode")
@pytest.mark.proves("IUpdate", "IsDownloaded")
def test_a_download(world: World) -> None:
    world.set(SimulatedUpdate("a", size=100), SimulatedUpdate("b", size=200), downloaded=False)
    found = world.found()
    assert [update.IsDownloaded for update in found] == [False, False]
    result = world.downloader(found).Download()
    assert (result.ResultCode, result.HResult) == (orcSucceeded, 0)
    assert [result.GetUpdateResult(i).ResultCode for i in range(2)] == [orcSucceeded] * 2
    assert result.GetUpdateResult(0).HResult == 0
    assert [update.IsDownloaded for update in found] == [True, True]  # the same objects
    assert [update.IsDownloaded for update in world.found()] == [True, True]


def test_what_is_in_the_cache_is_a_success(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    assert world.downloader().Download().ResultCode == orcSucceeded


@pytest.mark.proves("IUpdateDownloader", "put_IsForced")
@pytest.mark.parametrize(("forced", "fetched"), [(False, False), (True, True)])
def test_what_is_installed_is_fetched_only_when_forced(world: World, forced: bool, fetched: bool) -> None:
    world.set(SimulatedUpdate("a", installed=True), downloaded=False)
    downloader = world.downloader()
    downloader.IsForced = forced
    result = downloader.Download()
    assert result.ResultCode == orcSucceeded
    assert (world.root / "cache" / "a").exists() is fetched


@pytest.mark.proves("IDownloadResult", "HResult ResultCode GetUpdateResult")
@pytest.mark.proves("IUpdateDownloadResult", "HResult ResultCode")
def test_one_that_fails_and_one_that_does_not(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", download_exit=7), downloaded=False)
    found = world.found()
    result = world.downloader(found).Download()
    assert (result.ResultCode, result.HResult) == (orcSucceededWithErrors, 0)
    good, bad = result.GetUpdateResult(0), result.GetUpdateResult(1)
    assert good.ResultCode == orcSucceeded
    assert bad.ResultCode == orcFailed
    assert bad.HResult < 0
    assert [update.IsDownloaded for update in found] == [True, False]


def test_all_fail(world: World) -> None:
    world.set(SimulatedUpdate("a", download_exit=7), downloaded=False)
    result = world.downloader().Download()
    assert result.ResultCode == orcFailed
    assert result.HResult & 0xFFFFFFFF == codes.WU_E_ALL_UPDATES_FAILED


@pytest.mark.proves("IDownloadResult", "GetUpdateResult")
@pytest.mark.parametrize("index", [-1, 1, 2])
def test_results_of_updates_that_are_not_there(world: World, index: int) -> None:
    world.set(SimulatedUpdate("a"))
    with pytest.raises(ComError) as caught:
        world.downloader().Download().GetUpdateResult(index)
    assert code(caught) == codes.WU_E_INVALIDINDEX


def test_the_same_update_twice(world: World) -> None:
    world.set(SimulatedUpdate("a", download_exit=1), SimulatedUpdate("b"), downloaded=False)
    a, b = world.found()
    chosen = UpdateCollection([b, a, b, a])
    result = world.downloader(chosen).Download()
    codes_by_place = [result.GetUpdateResult(i).ResultCode for i in range(4)]
    assert codes_by_place == [orcSucceeded, orcFailed, orcSucceeded, orcFailed]


@pytest.mark.proves("IDownloadJob", "GetProgress")
@pytest.mark.proves("IUpdateDownloader", "BeginDownload")
@pytest.mark.proves("IDownloadProgress", "CurrentUpdateBytesDownloaded CurrentUpdateBytesToDownload")
@pytest.mark.proves("IDownloadProgress", "CurrentUpdateIndex PercentComplete TotalBytesDownloaded")
@pytest.mark.proves("IDownloadProgress", "TotalBytesToDownload GetUpdateResult CurrentUpdateDownloadPhase")
@pytest.mark.proves("IDownloadProgress", "CurrentUpdatePercentComplete")
@pytest.mark.proves("IDownloadProgressChangedCallbackArgs", "Progress")
def test_progress(world: World) -> None:
    world.set(
        SimulatedUpdate("a", size=100, download_gate="first"),
        SimulatedUpdate("b", size=200, download_gate="second"),
        downloaded=False,
    )
    first, second = world.gate("first"), world.gate("second")
    progress, completed = Recorder(), Recorder()
    downloader = world.downloader()
    job = downloader.BeginDownload(progress, completed, None)
    _, args = progress.wait_until(
        lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == orcInProgress
    )
    now = args.Progress
    assert (now.CurrentUpdateIndex, now.CurrentUpdatePercentComplete) == (0, 0)
    assert now.CurrentUpdateDownloadPhase == dphDownloading
    assert now.GetUpdateResult(1).ResultCode == orcNotStarted
    assert (now.TotalBytesDownloaded, now.TotalBytesToDownload) == (Decimal(0), Decimal(300))
    assert (now.CurrentUpdateBytesDownloaded, now.CurrentUpdateBytesToDownload) == (Decimal(0), Decimal(100))
    assert isinstance(now.TotalBytesToDownload, Decimal)
    first.open()
    progress.wait_until(lambda job, args: args.Progress.CurrentUpdateIndex == 1)
    second.open()
    completed.wait()
    last = progress.calls[-1][1].Progress
    assert (last.PercentComplete, last.CurrentUpdateDownloadPhase) == (100, dphVerifying)
    assert last.TotalBytesDownloaded == last.TotalBytesToDownload == Decimal(300)
    assert last.CurrentUpdateBytesDownloaded == last.CurrentUpdateBytesToDownload == Decimal(200)
    assert (now.PercentComplete, now.GetUpdateResult(0).ResultCode) < (100, orcSucceeded)  # it never changes
    assert [each.PercentComplete for each in (job.GetProgress(), job.GetProgress())] == [100, 100]
    assert job.GetProgress() is not job.GetProgress()
    percents = [args.Progress.PercentComplete for _, args in progress.calls]
    assert percents == sorted(percents)
    totals = [args.Progress.TotalBytesDownloaded for _, args in progress.calls]
    assert totals == sorted(totals)
    with pytest.raises(ComError) as caught:
        last.GetUpdateResult(2)
    assert code(caught) == codes.WU_E_INVALIDINDEX


@pytest.mark.proves("IDownloadJob", "RequestAbort")
@pytest.mark.proves("IUpdateDownloader", "EndDownload")
def test_an_aborted_download(world: World) -> None:
    world.set(SimulatedUpdate("a", download_gate="gate"), downloaded=False)
    world.gate("gate")
    progress = Recorder()
    downloader = world.downloader()
    job = downloader.BeginDownload(progress, None, None)
    progress.wait_until(lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == orcInProgress)
    job.RequestAbort()
    result = downloader.EndDownload(job)
    assert result.ResultCode == orcAborted
    assert result.HResult & 0xFFFFFFFF == codes.WU_E_CALL_CANCELLED
    assert result.GetUpdateResult(0).ResultCode == orcAborted
    assert job.Updates[0].IsDownloaded is False


@pytest.mark.proves("IDownloadJob", "Updates")
def test_the_job_keeps_the_list_as_it_was(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    chosen = world.found().Copy()
    downloader = world.downloader(chosen)
    job = downloader.BeginDownload(None, None, None)
    chosen.RemoveAt(0)
    assert [update.Title for update in job.Updates] == ["a 1.0", "b 1.0"]
    assert job.Updates.ReadOnly is True
    assert job.Updates[1] is chosen[0]
    with pytest.raises(ComError):
        job.Updates.Clear()
    downloader.EndDownload(job)
