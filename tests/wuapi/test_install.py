"""Installing and removing."""

import fcntl
import os

import pytest
from tests.support.codes import code
from tests.support.wuapi_world import Recorder, World

from wua.model import codes
from wua.model.updates import Behavior
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    ComError,
    UpdateCollection,
    orcAborted,
    orcFailed,
    orcInProgress,
    orcNotStarted,
    orcSucceeded,
    orcSucceededWithErrors,
)

EXCLUSIVE = Behavior(impact=2)


def installed(world: World) -> list[str]:
    return sorted(path.name for path in (world.root / "installed").iterdir())


@pytest.mark.proves("IUpdateInstaller", "IsForced put_IsForced AllowSourcePrompts put_AllowSourcePrompts")
@pytest.mark.proves("IUpdateInstaller", "ParentHwnd put_ParentHwnd ParentWindow put_ParentWindow")
@pytest.mark.proves("IUpdateInstaller", "RebootRequiredBeforeInstallation Updates")
@pytest.mark.proves("IUpdateInstaller2", "ForceQuiet put_ForceQuiet")
@pytest.mark.proves("IUpdateInstaller3", "AttemptCloseAppsIfNecessary put_AttemptCloseAppsIfNecessary")
def test_properties(world: World) -> None:
    installer = world.session().CreateUpdateInstaller()
    defaults = {
        "IsForced": False,
        "AllowSourcePrompts": True,
        "ForceQuiet": False,
        "AttemptCloseAppsIfNecessary": False,
    }
    assert {name: getattr(installer, name) for name in defaults} == defaults
    for name, value in defaults.items():
        setattr(installer, name, not value)
        assert getattr(installer, name) is (not value)
    assert (installer.ParentHwnd, installer.ParentWindow) == (0, None)
    window = object()
    installer.ParentHwnd, installer.ParentWindow = 7, window
    assert installer.ParentHwnd == 7
    assert installer.ParentWindow is window
    assert installer.Updates.Count == 0
    assert installer.RebootRequiredBeforeInstallation is False


@pytest.mark.proves("IInstallationJob", "Updates AsyncState")
def test_the_job_keeps_the_list_as_it_was(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    chosen = world.found().Copy()
    installer = world.installer(chosen)
    state = object()
    job = installer.BeginInstall(None, None, state)
    chosen.Clear()
    assert [update.Title for update in job.Updates] == ["a 1.0", "b 1.0"]
    assert (job.Updates.ReadOnly, job.AsyncState) == (True, state)
    installer.EndInstall(job)


@pytest.mark.proves("IUpdateInstaller", "Install Uninstall RunWizard BeginInstall BeginUninstall")
def test_nothing_to_install(world: World) -> None:
    installer = world.session().CreateUpdateInstaller()
    for call in (
        installer.Install,
        installer.Uninstall,
        installer.RunWizard,
        lambda: installer.BeginInstall(None, None, None),
        lambda: installer.BeginUninstall(None, None, None),
    ):
        with pytest.raises(ComError) as caught:
            call()
        assert code(caught) == codes.WU_E_NO_UPDATE


@pytest.mark.proves("IUpdateInstaller", "Install")
@pytest.mark.proves("IInstallationResult", "HResult ResultCode RebootRequired GetUpdateResult")
@pytest.mark.proves("IUpdateInstallationResult", "HResult ResultCode RebootRequired")
@pytest.mark.proves("IUpdate", "IsInstalled")
def test_an_installation(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    found = world.found()
    result = world.installer(found).Install()
    assert (result.ResultCode, result.HResult, result.RebootRequired) == (orcSucceeded, 0, False)
    part = result.GetUpdateResult(0)
    assert (part.ResultCode, part.HResult, part.RebootRequired) == (orcSucceeded, 0, False)
    assert installed(world) == ["a"]
    assert found[0].IsInstalled is False  # as the search saw it
    assert world.found()[0].IsInstalled is True


@pytest.mark.proves("IInstallationResult", "HResult ResultCode GetUpdateResult")
@pytest.mark.proves("IUpdateInstallationResult", "HResult ResultCode")
def test_several_successes_and_a_failure(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", exit=3), SimulatedUpdate("c"))
    result = world.installer().Install()
    assert (result.ResultCode, result.HResult) == (orcSucceededWithErrors, 0)
    parts = [result.GetUpdateResult(i) for i in range(3)]
    assert [part.ResultCode for part in parts] == [orcSucceeded, orcFailed, orcSucceeded]
    assert parts[1].HResult & 0xFFFFFFFF == codes.WU_E_UH_INSTALLERFAILURE
    with pytest.raises(ComError) as caught:
        result.GetUpdateResult(3)
    assert code(caught) == codes.WU_E_INVALIDINDEX


def test_all_fail(world: World) -> None:
    world.set(SimulatedUpdate("a", exit=3))
    result = world.installer().Install()
    assert result.ResultCode == orcFailed
    assert result.HResult & 0xFFFFFFFF == codes.WU_E_ALL_UPDATES_FAILED


def test_an_installer_that_lies_is_not_believed(world: World) -> None:
    world.set(SimulatedUpdate("a", lie=True))
    assert world.installer().Install().GetUpdateResult(0).ResultCode == orcFailed


@pytest.mark.proves("IInstallationResult", "RebootRequired")
@pytest.mark.proves("IUpdateInstallationResult", "RebootRequired")
def test_a_needed_restart_is_told(world: World) -> None:
    world.set(SimulatedUpdate("a", reboot=True))
    result = world.installer().Install()
    assert result.RebootRequired is True
    assert result.GetUpdateResult(0).RebootRequired is True


@pytest.mark.proves("IUpdateInstaller", "Install")
def test_install_never_downloads(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    (world.root / "cache" / "a").unlink()
    result = world.installer().Install()
    assert result.ResultCode == orcSucceededWithErrors
    assert result.GetUpdateResult(0).ResultCode == orcFailed
    assert result.GetUpdateResult(0).HResult & 0xFFFFFFFF == codes.WU_E_DM_NOTDOWNLOADED
    assert result.GetUpdateResult(1).ResultCode == orcSucceeded
    assert installed(world) == ["b"]


def test_what_is_installed_is_a_success(world: World) -> None:
    world.set(SimulatedUpdate("a", installed=True))
    result = world.installer().Install()
    assert result.ResultCode == orcSucceeded
    assert result.GetUpdateResult(0).HResult == codes.WU_S_ALREADY_INSTALLED


@pytest.mark.proves("IUpdateInstaller", "put_IsForced")
def test_forced(world: World) -> None:
    world.set(SimulatedUpdate("a", installed=True, reboot=True))
    installer = world.installer()
    assert installer.Install().RebootRequired is False  # nothing was done
    installer.IsForced = True
    assert installer.Install().RebootRequired is True


@pytest.mark.proves("IUpdateInstaller", "Uninstall")
def test_a_removal(world: World) -> None:
    world.set(SimulatedUpdate("a", installed=True), SimulatedUpdate("b", installed=True))
    result = world.installer(UpdateCollection([world.found()[0]])).Uninstall()
    assert (result.ResultCode, result.GetUpdateResult(0).ResultCode) == (orcSucceeded, orcSucceeded)
    assert installed(world) == ["b"]


def test_removing_what_is_not_there_is_a_success(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    result = world.installer().Uninstall()
    assert result.ResultCode == orcSucceeded
    assert result.GetUpdateResult(0).HResult == codes.WU_S_ALREADY_UNINSTALLED


@pytest.mark.proves("IUpdateInstaller", "Install BeginInstall")
def test_an_exclusive_update_goes_alone(world: World) -> None:
    world.set(SimulatedUpdate("alone", installing=EXCLUSIVE), SimulatedUpdate("b"))
    found = world.found()
    installer = world.installer(found)
    for call in (installer.Install, lambda: installer.BeginInstall(None, None, None)):
        with pytest.raises(ComError) as caught:
            call()
        assert code(caught) == codes.WU_E_EXCLUSIVE_INSTALL_CONFLICT
    assert installed(world) == []
    result = world.installer(UpdateCollection([found[0], found[0]])).Install()
    assert result.ResultCode == orcSucceeded
    assert installed(world) == ["alone"]


def test_the_same_update_twice(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", exit=1))
    a, b = world.found()
    (world.root / "cache" / "a").unlink()
    result = world.installer(UpdateCollection([b, a, a])).Install()
    assert [result.GetUpdateResult(i).ResultCode for i in range(3)] == [orcFailed] * 3
    not_there = [result.GetUpdateResult(i).HResult & 0xFFFFFFFF for i in (1, 2)]
    assert not_there == [codes.WU_E_DM_NOTDOWNLOADED] * 2


@pytest.mark.proves("IUpdateInstaller", "IsBusy Install Uninstall BeginInstall BeginUninstall EndInstall")
def test_another_installation_is_in_the_way(world: World) -> None:
    world.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"), SimulatedUpdate("c"))
    (world.root / "cache" / "c").unlink()
    gate = world.gate()
    a, b, c = world.found()
    first = world.installer(UpdateCollection([a]))
    progress = Recorder()
    job = first.BeginInstall(progress, None, None)
    progress.wait_until(lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == orcInProgress)
    second = world.installer(UpdateCollection([b]))
    assert second.IsBusy is True
    for call in (
        second.Install,
        second.Uninstall,
        lambda: second.BeginInstall(None, None, None),
        lambda: second.BeginUninstall(None, None, None),
    ):
        with pytest.raises(ComError) as caught:
            call()
        assert code(caught) == codes.WU_E_OPERATIONINPROGRESS
    assert world.searcher().Search("").ResultCode == orcSucceeded  # searches and downloads go on
    assert world.downloader(UpdateCollection([c])).Download().ResultCode == orcSucceeded
    gate.open()
    assert first.EndInstall(job).ResultCode == orcSucceeded
    assert second.IsBusy is False
    assert second.Install().ResultCode == orcSucceeded


@pytest.mark.proves("IUpdateInstaller", "IsBusy")
def test_busy_is_about_the_machine(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    lock = os.open(world.machine_lock, os.O_RDWR | os.O_CREAT)
    try:
        assert installer.IsBusy is False
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert installer.IsBusy is True
    finally:
        os.close(lock)
    assert installer.IsBusy is False


@pytest.mark.proves("IInstallationJob", "RequestAbort")
@pytest.mark.proves("IUpdateInstaller", "EndInstall")
def test_an_aborted_installation(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"))
    world.gate()
    progress, completed = Recorder(), Recorder()
    installer = world.installer()
    job = installer.BeginInstall(progress, completed, None)
    progress.wait_until(lambda job, args: args.Progress.CurrentUpdateIndex == 1)
    job.RequestAbort()
    completed.wait()
    result = installer.EndInstall(job)
    assert result.ResultCode == orcAborted
    assert result.HResult & 0xFFFFFFFF == codes.WU_E_CALL_CANCELLED
    assert result.GetUpdateResult(0).ResultCode == orcSucceeded  # it was done before, and stays so
    assert result.GetUpdateResult(1).ResultCode == orcAborted
    assert installed(world) == ["a"]


def test_an_abort_that_comes_too_late_changes_nothing(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    completed = Recorder()
    job = installer.BeginInstall(None, completed, None)
    completed.wait()
    job.RequestAbort()
    assert installer.EndInstall(job).ResultCode == orcSucceeded


@pytest.mark.proves("IInstallationJob", "GetProgress")
@pytest.mark.proves("IUpdateInstaller", "BeginInstall")
@pytest.mark.proves("IInstallationProgress", "CurrentUpdateIndex CurrentUpdatePercentComplete")
@pytest.mark.proves("IInstallationProgress", "PercentComplete GetUpdateResult")
@pytest.mark.proves("IInstallationProgressChangedCallbackArgs", "Progress")
def test_progress(world: World) -> None:
    world.set(SimulatedUpdate("a", gate="first"), SimulatedUpdate("b", gate="second", exit=1))
    first, second = world.gate("first"), world.gate("second")
    progress, completed = Recorder(), Recorder()
    installer = world.installer()
    job = installer.BeginInstall(progress, completed, None)
    _, args = progress.wait_until(
        lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == orcInProgress
    )
    early = args.Progress
    assert early.CurrentUpdateIndex == 0
    assert early.GetUpdateResult(1).ResultCode == orcNotStarted
    assert early.GetUpdateResult(0).RebootRequired is False
    first.open()
    _, args = progress.wait_until(lambda job, args: args.Progress.CurrentUpdateIndex == 1)
    assert args.Progress.GetUpdateResult(0).ResultCode == orcInProgress  # the system has not been asked yet
    second.open()
    completed.wait()
    last = progress.calls[-1][1].Progress
    assert (last.PercentComplete, last.CurrentUpdatePercentComplete) == (100, 100)  # a failure counts too
    assert [last.GetUpdateResult(i).ResultCode for i in range(2)] == [orcSucceeded, orcFailed]
    assert (early.PercentComplete, early.GetUpdateResult(0).ResultCode) < (100, orcSucceeded)
    percents = [args.Progress.PercentComplete for _, args in progress.calls]
    assert percents == sorted(percents)
    assert job.GetProgress().PercentComplete == 100


def test_progress_before_anything_has_happened(world: World) -> None:
    world.set(SimulatedUpdate("a", gate="gate"))
    gate = world.gate()
    installer = world.installer()
    job = installer.BeginInstall(None, None, None)
    now = job.GetProgress()
    assert 0 <= now.CurrentUpdateIndex < job.Updates.Count
    assert 0 <= now.PercentComplete < 100
    gate.open()
    installer.EndInstall(job)


@pytest.mark.proves("IUpdateInstaller4", "Commit")
def test_commit(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    with pytest.raises(ComError) as caught:
        installer.Commit(0)
    assert code(caught) == codes.WU_E_UH_NOTREADYTOCOMMIT
    installer.Install()
    with pytest.raises(ComError) as caught:
        installer.Commit(1)
    assert code(caught) == codes.E_INVALIDARG
    installer.Commit(0)
    with pytest.raises(ComError) as caught:
        installer.Commit(0)
    assert code(caught) == codes.WU_E_UH_NOTREADYTOCOMMIT


@pytest.mark.proves("IUpdateInstaller", "RunWizard")
def test_there_is_no_wizard(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    for arguments in ((), ("Title",)):
        with pytest.raises(ComError) as caught:
            world.installer().RunWizard(*arguments)
        assert code(caught) == codes.WU_E_NO_UI_SUPPORT


def test_who_may_not_act_is_told_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.set(SimulatedUpdate("a"))
    monkeypatch.setattr("wua.testing.machine.SimulatedMachine.may_act", lambda self: "ask the owner")
    for call in (world.installer().Install, world.installer().Uninstall, world.downloader().Download):
        with pytest.raises(ComError) as caught:
            call()
        assert code(caught) == codes.E_ACCESSDENIED
        assert "ask the owner" in caught.value.text


@pytest.mark.proves("IUpdateInstaller", "EndInstall EndUninstall")
@pytest.mark.proves("IUpdateDownloader", "EndDownload")
def test_null_and_foreign_jobs(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    downloader = world.downloader()
    job = downloader.BeginDownload(None, None, None)
    for ending in (world.installer().EndInstall, world.installer().EndUninstall):
        with pytest.raises(ComError) as caught:
            ending(None)
        assert code(caught) == codes.E_POINTER
        with pytest.raises(ComError) as caught:
            ending(job)  # type: ignore[arg-type]
        assert code(caught) == world.wrong_kind
    with pytest.raises(ComError) as caught:
        downloader.EndDownload(None)
    assert code(caught) == codes.E_POINTER
    downloader.EndDownload(job)
