"""The machine, the version of the interface, and what outside installers report."""

from typing import Any

import pytest
from tests.support.codes import fails
from tests.support.wuapi_world import World

from wua.model import codes
from wua.testing.machine import SimulatedMachine, SimulatedUpdate
from wua.wuapi import (
    InstallationAgent,
    StringCollection,
    SystemInformation,
    WindowsUpdateAgentInfo,
)


@pytest.mark.proves("ISystemInformation", "RebootRequired OemHardwareSupportLink")
def test_a_pending_restart_is_the_machines(world: World) -> None:
    world.set(SimulatedUpdate("a", reboot=True))
    system = SystemInformation(agent=world.agent)
    assert system.RebootRequired is False
    assert system.OemHardwareSupportLink == ""
    world.installer().Install()
    assert system.RebootRequired is True


@pytest.mark.proves("IWindowsUpdateAgentInfo", "GetInfo")
@pytest.mark.parametrize(
    ("name", "expected"),
    [("ApiMajorVersion", 8), ("apiminorversion", 0), ("PRODUCTVERSIONSTRING", "10.0.26100.0")],
)
def test_versions(world: World, name: str, expected: int | str) -> None:
    assert WindowsUpdateAgentInfo().GetInfo(name) == expected


@pytest.mark.proves("IWindowsUpdateAgentInfo", "GetInfo")
@pytest.mark.parametrize("name", ["", "ApiVersion", None, 5])
def test_there_is_no_other_info(world: World, name: Any) -> None:
    assert fails(lambda: WindowsUpdateAgentInfo().GetInfo(name)) == codes.E_INVALIDARG


@pytest.mark.proves("IInstallationAgent", "RecordInstallationResult")
def test_what_an_outside_installer_reports_is_kept(world: World) -> None:
    agent = InstallationAgent(agent=world.agent)
    agent.RecordInstallationResult("first", 0, StringCollection(["a", "b"]))
    agent.RecordInstallationResult("second", -2145124318, None)
    agent.RecordInstallationResult("first", 1, StringCollection(["c"]))
    found = {report.cookie: report for report in world.agent.protocol.reports()}
    assert (found["first"].hresult, found["first"].details) == (1, ("c",))
    assert (found["second"].hresult, found["second"].details) == (0x80240022, ())
    assert all(report.reported for report in found.values())


@pytest.mark.proves("IInstallationAgent", "RecordInstallationResult")
def test_reporting_needs_a_cookie_and_the_right_to(world: World, monkeypatch: Any) -> None:
    agent = InstallationAgent(agent=world.agent)
    assert fails(lambda: agent.RecordInstallationResult("", 0, None)) == codes.E_INVALIDARG
    monkeypatch.setattr(SimulatedMachine, "may_act", lambda self: "run it with sudo")
    assert fails(lambda: agent.RecordInstallationResult("x", 0, None)) == codes.E_ACCESSDENIED
