"""Each callback interface the way a program implements it: what its Invoke gets, and when."""

from typing import Any

import pytest
from tests.support.wuapi_world import World

from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    S_OK,
    IDownloadCompletedCallback,
    IDownloadProgressChangedCallback,
    IInstallationCompletedCallback,
    IInstallationProgressChangedCallback,
    ISearchCompletedCallback,
    orcSucceeded,
)


class Log:
    """What the callbacks of one operation were called with, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Any, Any]] = []

    def note(self, what: str, job: Any, args: Any) -> int:
        self.calls.append((what, job, args))
        return S_OK


class SearchCompleted(Log, ISearchCompletedCallback):
    def Invoke(self, searchJob: Any, callbackArgs: Any) -> int:
        return self.note("completed", searchJob, callbackArgs)


class DownloadCompleted(Log, IDownloadCompletedCallback):
    def Invoke(self, downloadJob: Any, callbackArgs: Any) -> int:
        return self.note("completed", downloadJob, callbackArgs)


class DownloadProgress(Log, IDownloadProgressChangedCallback):
    def Invoke(self, downloadJob: Any, callbackArgs: Any) -> int:
        return self.note("progress", downloadJob, callbackArgs)


class InstallationCompleted(Log, IInstallationCompletedCallback):
    def Invoke(self, installationJob: Any, callbackArgs: Any) -> int:
        return self.note("completed", installationJob, callbackArgs)


class InstallationProgress(Log, IInstallationProgressChangedCallback):
    def Invoke(self, installationJob: Any, callbackArgs: Any) -> int:
        return self.note("progress", installationJob, callbackArgs)


@pytest.mark.proves("ISearchCompletedCallback", "Invoke")
def test_of_a_search(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    completed = SearchCompleted()
    searcher = world.searcher()
    job = searcher.BeginSearch("", completed, None)
    job.CleanUp()
    ((what, given, args),) = completed.calls
    assert (what, given, args._interfaces_) == ("completed", job, ("ISearchCompletedCallbackArgs",))
    assert searcher.EndSearch(job).Updates.Count == 1


@pytest.mark.proves("IDownloadCompletedCallback IDownloadProgressChangedCallback", "Invoke")
@pytest.mark.proves("IDownloadProgressChangedCallbackArgs", "Progress")
def test_of_a_download(world: World) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    completed, progress = DownloadCompleted(), DownloadProgress()
    progress.calls = completed.calls  # so that the order shows
    downloader = world.downloader()
    job = downloader.BeginDownload(progress, completed, None)
    job.CleanUp()
    *before, (what, given, args) = completed.calls
    assert (what, given, args._interfaces_) == ("completed", job, ("IDownloadCompletedCallbackArgs",))
    assert {(what, given) for what, given, _ in before} == {("progress", job)}
    last = before[-1][2].Progress
    assert (last.PercentComplete, last.GetUpdateResult(0).ResultCode) == (100, orcSucceeded)
    assert downloader.EndDownload(job).ResultCode == orcSucceeded


@pytest.mark.proves("IInstallationCompletedCallback IInstallationProgressChangedCallback", "Invoke")
@pytest.mark.proves("IInstallationProgressChangedCallbackArgs", "Progress")
@pytest.mark.parametrize("removing", [False, True])
def test_of_an_installation_or_removal(world: World, removing: bool) -> None:
    world.set(SimulatedUpdate("a", installed=removing))
    completed, progress = InstallationCompleted(), InstallationProgress()
    progress.calls = completed.calls
    installer = world.installer()
    begin = installer.BeginUninstall if removing else installer.BeginInstall
    job = begin(progress, completed, None)
    job.CleanUp()
    *before, (what, given, args) = completed.calls
    assert (what, given, args._interfaces_) == ("completed", job, ("IInstallationCompletedCallbackArgs",))
    assert {(what, given) for what, given, _ in before} == {("progress", job)}
    last = before[-1][2].Progress
    assert (last.PercentComplete, last.GetUpdateResult(0).ResultCode) == (100, orcSucceeded)
    assert installer.EndInstall(job).ResultCode == orcSucceeded
