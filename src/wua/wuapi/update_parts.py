"""The small objects that hang on updates: identity, behaviour, files; and how dates are told."""

from datetime import UTC, datetime
from typing import Final

from wua.model.updates import Behavior, UpdateId
from wua.wuapi import enums
from wua.wuapi.collections import Listing
from wua.wuapi.declare import ComObject

NO_DATE: Final = datetime(1899, 12, 30, tzinfo=UTC)  # the DATE zero


def date(seconds: float) -> datetime:
    """A DATE: seconds since 1970 UTC as an aware datetime; 0 (unknown) as the DATE zero."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else NO_DATE


class UpdateIdentity(ComObject, interfaces=("IUpdateIdentity",)):
    """Which revision of which update (IUpdateIdentity)."""

    __slots__ = ("_id",)

    def __init__(self, update: UpdateId) -> None:
        self._id = update

    @property
    def RevisionNumber(self) -> int:
        """1; grows when the same version of a package appears with other content."""
        return self._id.revision

    @property
    def UpdateID(self) -> str:
        """A GUID in lower case, the same for every revision; made from package, version, architecture."""
        return self._id.update_id


class InstallationBehavior(ComObject, interfaces=("IInstallationBehavior",)):
    """How installing or removing an update goes (IInstallationBehavior)."""

    __slots__ = ("_behavior",)

    def __init__(self, behavior: Behavior) -> None:
        self._behavior = behavior

    @property
    def CanRequestUserInput(self) -> bool:
        """Whether it may want something of a person; never on Debian, where apt and dpkg run unattended."""
        return self._behavior.can_ask

    @property
    def Impact(self) -> enums.InstallationImpact:
        """iiNormal on Debian. iiRequiresExclusiveHandling: it must be installed alone, see BeginInstall."""
        return enums.InstallationImpact(self._behavior.impact)

    @property
    def RebootBehavior(self) -> enums.InstallationRebootBehavior:
        """irbCanRequestReboot on Debian, where any package may ask for a restart once it is installed."""
        return enums.InstallationRebootBehavior(self._behavior.reboot)

    @property
    def RequiresNetworkConnectivity(self) -> bool:
        """Whether installing needs the network; not on Debian, where downloading comes first."""
        return self._behavior.needs_network


class UpdateDownloadContent(ComObject, interfaces=("IUpdateDownloadContent2",)):
    """One file of an update (IUpdateDownloadContent2)."""

    __slots__ = ("_url",)

    def __init__(self, url: str) -> None:
        self._url = url

    @property
    def DownloadUrl(self) -> str:
        """Where the file can be fetched; empty when its source does not tell."""
        return self._url

    @property
    def IsDeltaCompressedContent(self) -> bool:
        """False: Debian's archives offer whole packages."""
        return False


class UpdateDownloadContentCollection(
    Listing[UpdateDownloadContent], interfaces=("IUpdateDownloadContentCollection",)
):
    """The files of an update (IUpdateDownloadContentCollection)."""

    __slots__ = ()
