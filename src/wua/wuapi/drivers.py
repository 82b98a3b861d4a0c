"""Driver updates (IWindowsDriverUpdate to IWindowsDriverUpdate5) and their entries."""

from datetime import datetime

from wua.model.updates import DriverEntry
from wua.wuapi.collections import Listing
from wua.wuapi.declare import ComObject
from wua.wuapi.update_parts import date
from wua.wuapi.updates import Update


class WindowsDriverUpdateEntry(ComObject, interfaces=("IWindowsDriverUpdateEntry",)):
    """What a driver update is for one device it fits (IWindowsDriverUpdateEntry)."""

    __slots__ = ("_entry",)

    def __init__(self, entry: DriverEntry) -> None:
        self._entry = entry

    @property
    def DriverClass(self) -> str:
        """The class of the driver, such as Net; empty when it is not known."""
        return self._entry.driver_class

    @property
    def DriverHardwareID(self) -> str:
        """The hardware or compatible id that a device must have for the driver to fit."""
        return self._entry.hardware_id

    @property
    def DriverManufacturer(self) -> str:
        """Who made it; empty when it is not known."""
        return self._entry.manufacturer

    @property
    def DriverModel(self) -> str:
        """The model of the device."""
        return self._entry.model

    @property
    def DriverProvider(self) -> str:
        """Who provides it."""
        return self._entry.provider

    @property
    def DriverVerDate(self) -> datetime:
        """The date of the driver's version, UTC; the DATE zero when it is not known."""
        return date(self._entry.version_date)

    @property
    def DeviceProblemNumber(self) -> int:
        """The problem number of the device that it fits, 0 for none."""
        return self._entry.problem

    @property
    def DeviceStatus(self) -> int:
        """The status of the device that it fits."""
        return self._entry.status


class WindowsDriverUpdateEntryCollection(
    Listing[WindowsDriverUpdateEntry], interfaces=("IWindowsDriverUpdateEntryCollection",)
):
    """The entries of a driver update, the default one first (IWindowsDriverUpdateEntryCollection)."""

    __slots__ = ()


class WindowsDriverUpdate(Update, interfaces=("IWindowsDriverUpdate5", "IUpdateEx")):
    """An update that is a driver (IWindowsDriverUpdate to IWindowsDriverUpdate5).

    It offers what every update offers, and tells of its default entry by itself. Debian has none.
    """

    __slots__ = ()

    @property
    def _default(self) -> WindowsDriverUpdateEntry:
        return WindowsDriverUpdateEntry(next(iter(self._details.drivers), DriverEntry()))

    @property
    def WindowsDriverUpdateEntries(self) -> WindowsDriverUpdateEntryCollection:
        """What it is for each device, the default entry first. Raises ComError WU_E_ITEMNOTFOUND."""
        return WindowsDriverUpdateEntryCollection(
            [WindowsDriverUpdateEntry(each) for each in self._details.drivers]
        )

    @property
    def DriverClass(self) -> str:
        """DriverClass of the default entry; empty without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DriverClass

    @property
    def DriverHardwareID(self) -> str:
        """DriverHardwareID of the default entry; empty without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DriverHardwareID

    @property
    def DriverManufacturer(self) -> str:
        """DriverManufacturer of the default entry; empty without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DriverManufacturer

    @property
    def DriverModel(self) -> str:
        """DriverModel of the default entry; empty without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DriverModel

    @property
    def DriverProvider(self) -> str:
        """DriverProvider of the default entry; empty without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DriverProvider

    @property
    def DriverVerDate(self) -> datetime:
        """DriverVerDate of the default entry, or the DATE zero. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DriverVerDate

    @property
    def DeviceProblemNumber(self) -> int:
        """DeviceProblemNumber of the default entry; 0 without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DeviceProblemNumber

    @property
    def DeviceStatus(self) -> int:
        """DeviceStatus of the default entry; 0 without one. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._default.DeviceStatus

    def __repr__(self) -> str:
        return f"<IWindowsDriverUpdate5 {self._offer.title!r}>"
