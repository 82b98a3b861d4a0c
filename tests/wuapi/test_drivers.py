"""Driver updates: what they offer besides, and that others do not offer it."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tests.support.wuapi_world import World

from wua.model import codes
from wua.model.updates import DriverEntry
from wua.testing.machine import CONTENT, SimulatedUpdate
from wua.wuapi import ComError, StringCollection, enums
from wua.wuapi.arguments import converter
from wua.wuapi.dispatch import Dispatch
from wua.wuapi.drivers import WindowsDriverUpdate, WindowsDriverUpdateEntry
from wua.wuapi.table import INTERFACES
from wua.wuapi.updates import Update

CARD = DriverEntry("Net", "PCI\\VEN_8086", "Maker", "Card 9", "Provider", 86400.0, 28, 25190432)
OTHER = DriverEntry("Net", "PCI\\VEN_8087", model="Card 10")
EXPECTED = {
    "DriverClass": "Net",
    "DriverHardwareID": "PCI\\VEN_8086",
    "DriverManufacturer": "Maker",
    "DriverModel": "Card 9",
    "DriverProvider": "Provider",
    "DriverVerDate": datetime(1970, 1, 2, tzinfo=UTC),
    "DeviceProblemNumber": 28,
    "DeviceStatus": 25190432,
}


def facts(thing: Any) -> dict[str, Any]:
    return {name: getattr(thing, name) for name in EXPECTED}


@pytest.fixture
def found(world: World) -> Any:
    world.set(SimulatedUpdate("card", drivers=(CARD, OTHER)), SimulatedUpdate("editor"))
    return world.found()


@pytest.mark.proves("IWindowsDriverUpdate", "DriverClass DriverHardwareID DriverManufacturer DriverModel")
@pytest.mark.proves("IWindowsDriverUpdate", "DriverProvider DriverVerDate DeviceProblemNumber DeviceStatus")
@pytest.mark.proves("IUpdate", "Type")
def test_a_driver_tells_of_its_default_entry(found: Any) -> None:
    driver = found[0]
    assert driver.Type is enums.utDriver
    assert facts(driver) == EXPECTED


@pytest.mark.not_com("how Python shows an object")
def test_a_driver_names_itself(found: Any) -> None:
    assert repr(found[0]) == "<IWindowsDriverUpdate5 'card 1.0'>"


@pytest.mark.proves("IWindowsDriverUpdate4", "WindowsDriverUpdateEntries")
@pytest.mark.proves("IWindowsDriverUpdateEntry", "DriverClass DriverHardwareID DriverManufacturer")
@pytest.mark.proves("IWindowsDriverUpdateEntry", "DriverModel DriverProvider DriverVerDate")
@pytest.mark.proves("IWindowsDriverUpdateEntry", "DeviceProblemNumber DeviceStatus")
@pytest.mark.proves("IWindowsDriverUpdateEntryCollection", "Item Count")
def test_its_entries(found: Any) -> None:
    entries = found[0].WindowsDriverUpdateEntries
    assert entries.Count == 2
    assert facts(entries[0]) == EXPECTED
    assert entries.Item(1).DriverModel == "Card 10"
    assert entries[1].DriverVerDate == datetime(1899, 12, 30, tzinfo=UTC)
    assert {name.lower() for name in EXPECTED} == set(WindowsDriverUpdateEntry._members_)
    with pytest.raises(ComError) as caught:
        entries.Item(2)
    assert caught.value.hresult & 0xFFFFFFFF == codes.WU_E_INVALIDINDEX


def test_software_is_no_driver(found: Any) -> None:
    software = found[1]
    assert software.Type is enums.utSoftware
    assert not hasattr(software, "DriverClass")
    as_driver = converter("IWindowsDriverUpdate*")
    assert as_driver is not None
    assert as_driver(found[0]) is found[0]
    with pytest.raises(ComError) as caught:
        as_driver(software)
    assert caught.value.hresult & 0xFFFFFFFF == codes.E_NOINTERFACE


def test_a_driver_offers_both_chains() -> None:
    offered = set(WindowsDriverUpdate._interfaces_)
    assert set(Update._interfaces_) < offered
    assert {f"IWindowsDriverUpdate{n}" for n in ("", 2, 3, 4, 5)} < offered
    assert set(Update._members_) < set(WindowsDriverUpdate._members_)
    # Late binding finds the members of the driver's own chain.
    assert WindowsDriverUpdate._members_["ispresent"].dispid == 0x60040003
    assert Update._members_["ispresent"].dispid == 0x60030003


@pytest.mark.proves("IWindowsDriverUpdate", "DriverClass DriverHardwareID DriverManufacturer DriverModel")
@pytest.mark.proves("IWindowsDriverUpdate", "DriverProvider DriverVerDate DeviceProblemNumber DeviceStatus")
@pytest.mark.proves("IWindowsDriverUpdate2", "RebootRequired IsPresent CveIDs CopyToCache")
@pytest.mark.proves("IWindowsDriverUpdate3", "BrowseOnly")
@pytest.mark.proves("IWindowsDriverUpdate4", "WindowsDriverUpdateEntries PerUser")
@pytest.mark.proves("IWindowsDriverUpdate5", "AutoSelection AutoDownload")
def test_the_driver_chain_late_bound(world: World, tmp_path: Path) -> None:
    """Every member that the driver's own chain of interfaces has, by the names and numbers of that chain."""
    machine = world.set(SimulatedUpdate("card", drivers=(CARD, OTHER)), downloaded=False)
    driver = Dispatch(world.session()).CreateUpdateSearcher().Search("Type='Driver'").Updates(0)
    expected = {
        **EXPECTED,
        "RebootRequired": False,
        "IsPresent": False,
        "BrowseOnly": False,
        "PerUser": False,
        "AutoSelection": enums.asLetWindowsUpdateDecide,
        "AutoDownload": enums.adLetWindowsUpdateDecide,
    }
    assert {name: getattr(driver, name.lower()) for name in expected} == expected
    assert (driver.CveIDs.Count, driver.CveIDs.ReadOnly) == (0, True)
    assert [entry.DriverModel for entry in driver.WindowsDriverUpdateEntries] == ["Card 9", "Card 10"]
    (tmp_path / "file").write_bytes(CONTENT)
    driver.CopyToCache(Dispatch(StringCollection([str(tmp_path / "file")])))
    assert driver.IsDownloaded is True
    assert machine.downloaded(machine.updates()[0])
    for name in ("IWindowsDriverUpdate", *(f"IWindowsDriverUpdate{n}" for n in range(2, 6))):
        for row in INTERFACES[name].rows:
            assert driver._oleobj_.GetIDsOfNames(row.name) == row.dispid, row.name
    world.installer().Install()
    assert Dispatch(world.found("Type='Driver'")[0]).IsPresent is True


def test_criteria_tell_them_apart(world: World, found: Any) -> None:
    assert [each.Title for each in world.found("Type='Driver'")] == ["card 1.0"]
    assert [each.Title for each in world.found("Type='Software'")] == ["editor 1.0"]


def test_a_driver_is_installed_like_any_update(world: World, found: Any) -> None:
    driver = found[0]
    driver.IsHidden = True
    driver.IsHidden = False
    assert world.installer().Install().ResultCode == enums.orcSucceeded
    assert world.found("Type='Driver'")[0].IsInstalled is True


def test_a_driver_without_entries() -> None:
    class Empty:
        drivers = ()

    class Bare(WindowsDriverUpdate):
        @property
        def _details(self) -> Any:
            return Empty()

    bare = Bare.__new__(Bare)
    assert (bare.DriverClass, bare.DeviceStatus, bare.WindowsDriverUpdateEntries.Count) == ("", 0, 0)
