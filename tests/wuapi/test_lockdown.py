"""What a locked object still does."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.wuapi_world import World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import AutomaticUpdates, ComError, StringCollection, UpdateServiceManager, WebProxy


def code(call: Callable[[], Any]) -> int:
    with pytest.raises(ComError) as caught:
        call()
    return caught.value.hresult & 0xFFFFFFFF


def refuses(*calls: Callable[[], Any]) -> None:
    for number, call in enumerate(calls):
        assert code(call) == codes.WU_E_INVALID_OPERATION, number


def test_downloader(world: World) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    downloader = world.downloader()
    job = downloader.BeginDownload(None, None, None)
    downloader.LockDown(1)
    refuses(
        downloader.Download,
        lambda: downloader.BeginDownload(None, None, None),
        lambda: downloader.Download2(0),  # type: ignore[arg-type]
        lambda: downloader.EndDownload(job),
        lambda: setattr(downloader, "IsForced", True),
    )
    downloader.ClientApplicationID = "still"
    assert downloader.Updates.Count == 1
    job.CleanUp()


def test_installer(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    job = installer.BeginInstall(None, None, None)
    installer.LockDown(1)
    refuses(
        installer.Install,
        installer.Uninstall,
        lambda: installer.BeginInstall(None, None, None),
        lambda: installer.BeginUninstall(None, None, None),
        lambda: installer.EndInstall(job),
        lambda: installer.EndUninstall(job),
        lambda: setattr(installer, "IsForced", True),
    )
    job.CleanUp()


def test_service_manager(world: World) -> None:
    manager = UpdateServiceManager(agent=world.agent)
    manager.LockDown(1)
    refuses(
        lambda: manager.AddScanPackageService("a", "/a.cab"),
        lambda: manager.RemoveService("x"),
        lambda: manager.SetOption("AllowWarningUI", True),
    )
    assert manager.Services.Count == 1


def test_proxy() -> None:
    proxy = WebProxy()
    proxy.LockDown(1)
    refuses(
        lambda: setattr(proxy, "Address", "x"),
        lambda: setattr(proxy, "AutoDetect", True),
        lambda: setattr(proxy, "BypassList", StringCollection()),
        lambda: setattr(proxy, "BypassProxyOnLocal", True),
        lambda: setattr(proxy, "UserName", "x"),
        lambda: proxy.SetPassword("x"),
    )
    assert proxy.Address is None


def test_automatic_updates(world: World) -> None:
    automatic = AutomaticUpdates(agent=world.agent)
    settings = automatic.Settings
    automatic.LockDown(1)
    refuses(automatic.Pause, automatic.Resume, settings.Save)
    settings.Refresh()


@pytest.mark.parametrize("flags", [0, 2, 3, -1])
def test_there_is_one_way_to_lock(flags: int) -> None:
    proxy = WebProxy()
    assert code(lambda: proxy.LockDown(flags)) == codes.E_INVALIDARG
    proxy.Address = "x"
