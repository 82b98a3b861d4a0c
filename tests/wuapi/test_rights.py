"""Who may do what: every member, for callers who may change the machine and for those who may not.

The rule: looking and searching is everybody's, what changes the machine is an administrator's, in strict mode
as in the default one. The documentation gives some of it to power users too; there are none here.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest
from tests.support.every_member import AGENTS, Stage, outcome
from tests.support.wuapi_com import COM, THROUGH_COM
from tests.support.wuapi_world import World

from wua.model import codes
from wua.remote.loopback import loopback
from wua.testing.machine import SimulatedMachine
from wua.wuapi.errors import TRUST_E_NOSIGNATURE
from wua.wuapi.table import INTERFACES

_UPDATE: Final = "AcceptEula CopyFromCache put_IsHidden"
ADMINISTRATORS: Final = {
    "IAutomaticUpdates": "Pause Resume EnableService",
    "IAutomaticUpdatesSettings": "Save put_NotificationLevel put_ScheduledInstallationDay"
    " put_ScheduledInstallationTime",
    "IAutomaticUpdatesSettings2": "put_IncludeRecommendedUpdates",
    "IAutomaticUpdatesSettings3": "put_NonAdministratorsElevated put_FeaturedUpdatesEnabled",
    "IDownloadJob": "RequestAbort",
    "IInstallationAgent": "RecordInstallationResult",
    "IInstallationJob": "RequestAbort",
    "IUpdate": _UPDATE,
    "IUpdate2": "CopyToCache",
    "IUpdateDownloader": "BeginDownload Download",
    "IUpdateDownloaderEx": "BeginDownload2 Download2",
    "IUpdateInstaller": "BeginInstall BeginUninstall Install Uninstall RunWizard",
    "IUpdateInstaller4": "Commit",
    "IUpdateServiceManager": "AddService RegisterServiceWithAU RemoveService UnregisterServiceWithAU"
    " AddScanPackageService",
    "IUpdateServiceManager2": "AddService2",
    "IWindowsDriverUpdate2": "CopyToCache",
}
# What an administrator gets from members that have nothing to do here.
REFUSED: Final = {
    "IAutomaticUpdates.ShowSettingsDialog": codes.WU_E_NO_UI_SUPPORT,
    "IAutomaticUpdatesSettings3.put_FeaturedUpdatesEnabled": codes.WU_E_NOT_SUPPORTED,
    "IUpdateEx.EvaluateExtendedDynamicProperty": codes.WU_E_NOT_SUPPORTED,
    "IUpdateInstaller.RunWizard": codes.WU_E_NO_UI_SUPPORT,
    "IUpdateInstaller4.Commit": codes.WU_E_UH_NOTREADYTOCOMMIT,
    "IUpdateServiceManager.AddScanPackageService": codes.WU_E_OL_INVALID_SCANFILE,
    "IUpdateServiceManager.AddService": TRUST_E_NOSIGNATURE,
    "IUpdateServiceManager.UnregisterServiceWithAU": codes.WU_E_DS_NEEDWINDOWSSERVICE,
    "IWebProxy.PromptForCredentials": codes.WU_E_NO_UI_SUPPORT,
    "IWebProxy.PromptForCredentialsFromHwnd": codes.WU_E_NO_UI_SUPPORT,
}
NEEDED: Final = "ask the owner of the machine"


# An agent that is not in this process says the same, and so does one behind COM; that they do so in strict
# mode too needs no proof.
MODES: Final = [
    pytest.param(None, False, id="default"),
    pytest.param(None, True, id="strict"),
    pytest.param(loopback, False, id="loopback"),
    pytest.param(COM, False, id="com", marks=THROUGH_COM),
]


@pytest.fixture
def stage(request: pytest.FixtureRequest, world: World, tmp_path: Path) -> Iterator[Stage]:
    made = Stage(world, tmp_path, strict=request.param)
    yield made
    made.close()


def test_the_matrix_is_about_members_that_there_are() -> None:
    every = {
        f"{name}.{'put_' if row.kind == 'put' else ''}{row.name}"
        for name, interface in INTERFACES.items()
        for row in interface.rows
    }
    denied = {f"{name}.{each}" for name, members in ADMINISTRATORS.items() for each in members.split()}
    assert denied | set(REFUSED) <= every


@pytest.mark.parametrize(("shared_world", "stage"), [*MODES[:2], MODES[3]], indirect=True)
@pytest.mark.parametrize("interface", AGENTS)
def test_who_may_act_may_do_everything(stage: Stage, interface: str) -> None:
    calls = stage.prepare(interface)
    seen = {name: outcome(call)[0] for name, call in calls.items()}
    assert seen == {name: REFUSED.get(f"{interface}.{name}", codes.S_OK) for name in calls}


@pytest.mark.parametrize(("shared_world", "stage"), MODES, indirect=True)
@pytest.mark.parametrize("interface", AGENTS)
def test_who_may_not_act_may_look(stage: Stage, interface: str, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = stage.prepare(interface)
    with monkeypatch.context() as rights:
        rights.setattr(SimulatedMachine, "may_act", lambda self: NEEDED)
        seen = {name: outcome(call) for name, call in calls.items()}
    denied = ADMINISTRATORS.get(interface, "").split()
    expected = {name: REFUSED.get(f"{interface}.{name}", codes.S_OK) for name in calls}
    assert {name: found for name, (found, _) in seen.items()} == expected | dict.fromkeys(
        denied, codes.E_ACCESSDENIED
    )
    for name in denied:
        assert NEEDED in seen[name][1], name
