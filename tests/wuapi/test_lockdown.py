"""What a locked object still does, and every member of it and of what hangs on it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.every_member import AGENTS, Stage, outcome
from tests.support.wuapi_com import COM, THROUGH_COM
from tests.support.wuapi_world import World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import WebProxy

# As the interface documents it. It also names AcceptEula, CopyFromCache and CopyToCache, for updates of a
# locked object; but updates come from searchers, which can't be locked.
REFUSED: Final = {
    "IAutomaticUpdates": "Pause Resume",
    "IAutomaticUpdatesSettings": "Save",
    "IUpdateDownloader": "BeginDownload Download EndDownload put_IsForced",
    "IUpdateDownloaderEx": "BeginDownload2 Download2",
    "IUpdateInstaller": "BeginInstall BeginUninstall EndInstall EndUninstall Install Uninstall put_IsForced",
    "IUpdateServiceManager": "AddScanPackageService RemoveService SetOption",
    "IWebProxy": "put_Address put_AutoDetect put_BypassList put_BypassProxyOnLocal put_UserName SetPassword",
}
MODES: Final = [
    pytest.param(None, False, id="default"),
    pytest.param(None, True, id="strict"),
    pytest.param(COM, False, id="com", marks=THROUGH_COM),
]


@pytest.fixture
def stage(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(world, tmp_path, strict=request.param)
    yield made
    made.close()


@pytest.mark.proves("IWebProxy", "SetPassword")
@pytest.mark.parametrize(("shared_world", "stage"), MODES, indirect=True)
@pytest.mark.parametrize("interface", AGENTS)
def test_every_member_of_a_locked_object(stage: Stage, interface: str) -> None:
    """The documented ones refuse, and nothing else is any different."""
    free = {name: outcome(call)[0] for name, call in stage.prepare(interface).items()}
    stage.close()
    calls = stage.prepare(interface, locked=True)
    seen = {name: outcome(call)[0] for name, call in calls.items()}
    assert seen == free | dict.fromkeys(REFUSED.get(interface, "").split(), codes.WU_E_INVALID_OPERATION)


@pytest.mark.proves("IUpdateLockdown", "LockDown")
def test_updates_in_a_locked_list_are_not_locked(world: World, tmp_path: Path) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    installer.LockDown(1)
    assert outcome(installer.Install)[0] == codes.WU_E_INVALID_OPERATION
    installer.Updates[0].CopyFromCache(str(tmp_path), True)
    installer.Updates[0].AcceptEula()
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@pytest.mark.proves("IUpdateLockdown", "LockDown")
@pytest.mark.parametrize("flags", [0, 2, 3, -1])
def test_there_is_one_way_to_lock(flags: int) -> None:
    proxy = WebProxy()
    assert outcome(lambda: proxy.LockDown(flags))[0] == codes.E_INVALIDARG
    proxy.Address = "x"
