"""What an update says of itself and nobody changes through it (most of IUpdate to IUpdate5)."""

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from wua.model.updates import Offer
from wua.model.updates import Update as Details
from wua.wuapi import enums
from wua.wuapi.collections import StringCollection, UpdateCollection, strings, updates
from wua.wuapi.declare import ComObject
from wua.wuapi.details import Found
from wua.wuapi.errors import asking
from wua.wuapi.images import ImageInformation, picture
from wua.wuapi.update_parts import InstallationBehavior as Behavior
from wua.wuapi.update_parts import (
    UpdateDownloadContent,
    UpdateDownloadContentCollection,
    UpdateIdentity,
    date,
)

if TYPE_CHECKING:
    from wua.wuapi.categories import CategoryCollection

HANDLER_PREFIX: Final = "urn:wua:handler:"  # the handlers of wuapi's own URIs are not ours
_MEGABYTE: Final = 1 << 20


class UpdateFacts(ComObject):
    """The members that only tell. What the search did not answer is fetched when it is first asked for."""

    __slots__ = ("_found", "_offer", "_place")

    def __init__(self, found: Found, place: int, offer: Offer) -> None:
        self._found, self._place, self._offer = found, place, offer

    @property
    def _details(self) -> Details:
        return self._found.details(self._place)

    @property
    def _details_known_(self) -> bool:
        """Whether what the search did not answer was fetched before, with its neighbours' perhaps."""
        return self._found.is_known(self._place)

    # --- what it is

    @property
    def Title(self) -> str:
        """Name and version, for people."""
        return self._offer.title

    @property
    def Description(self) -> str:
        """What it is, from the package's description. Raises ComError WU_E_ITEMNOTFOUND when it is gone.

        Differs: the language is that of the indexes on the machine, for every session.
        """
        return self._details.description

    @property
    def Identity(self) -> UpdateIdentity:
        """Update id and revision; together they name one revision of one version of a package."""
        return UpdateIdentity(self._offer.id)

    @property
    def Type(self) -> enums.UpdateType:
        """utSoftware, or utDriver for an object that offers IWindowsDriverUpdate too."""
        return enums.UpdateType(self._offer.type)

    @property
    def Categories(self) -> "CategoryCollection":
        """Product and classifications that it belongs to, as far as the result of the search knows them."""
        return self._found.tree.of(self._offer.category_ids)

    @property
    def Languages(self) -> StringCollection:
        """The languages that it is for; empty when its source names none. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: always empty on Debian, whose packages do not tell.
        """
        return strings(self._details.languages)

    @property
    def LastDeploymentChangeTime(self) -> datetime:
        """When its source was last published, UTC; the DATE zero if unknown.

        Raises:
            ComError: WU_E_ITEMNOTFOUND.

        Differs: a Debian archive dates itself, not its packages.
        """
        return date(self._details.published)

    @property
    def HandlerID(self) -> str:
        """``urn:wua:handler:`` and the name of wua's handler. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: none of Microsoft's handler URIs, for none of those handlers installs it.
        """
        return HANDLER_PREFIX + self._details.handler

    @property
    def Image(self) -> ImageInformation | None:
        """Its picture; None for none, as for every Debian update. Raises ComError WU_E_ITEMNOTFOUND."""
        return picture(self._details.image)

    @property
    def BundledUpdates(self) -> UpdateCollection:
        """The parts of a bundle, as they stand now, in their order; read-only. May raise WU_E_ITEMNOTFOUND.

        Differs: a Debian package is never a bundle; what it needs besides is found when a plan is made.
        """
        parts = self._details.bundled
        if not parts:
            return updates()
        with asking:
            offers = [self._found.context.protocol.verdict(part).offer for part in parts]
        from wua.wuapi.found import FoundUpdates  # which is made of these

        return updates(FoundUpdates(Found(self._found.context, offers, self._found.tree), offers))

    @property
    def SupersededUpdateIDs(self) -> StringCollection:
        """The ids of the older versions that are known. Raises ComError WU_E_ITEMNOTFOUND."""
        return strings(self._details.superseded_ids)

    # --- how important it is

    @property
    def AutoSelectOnWebSites(self) -> bool:
        """Important: an upgrade of an installed package from a security archive."""
        return bool(self._offer.auto_select)

    @property
    def BrowseOnly(self) -> bool:
        """Optional: a package of which no version is installed."""
        return bool(self._offer.browse_only)

    @property
    def DeploymentAction(self) -> enums.DeploymentAction:
        """What it is offered for: daInstallation, daOptionalInstallation for what is not installed yet.

        daDetection for a version that is being phased in and not meant for this machine yet.
        """
        return enums.DeploymentAction(self._offer.deployment_action)

    @property
    def Deadline(self) -> datetime | None:
        """By when it is to be done; None (VT_EMPTY) for no time. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: nobody sets deadlines for Debian packages.
        """
        deadline = self._details.deadline
        return date(deadline) if deadline else None

    @property
    def AutoSelection(self) -> enums.AutoSelectionMode:
        """asLetWindowsUpdateDecide: who shows updates goes by AutoSelectOnWebSites and BrowseOnly."""
        return enums.AutoSelectionMode.asLetWindowsUpdateDecide

    @property
    def AutoDownload(self) -> enums.AutoDownloadMode:
        """adLetWindowsUpdateDecide: automatic updates go by their own settings."""
        return enums.AutoDownloadMode.adLetWindowsUpdateDecide

    @property
    def IsBeta(self) -> bool:
        """False.

        Differs: Debian's archives do not mark single packages as trial versions.
        """
        return False

    @property
    def IsMandatory(self) -> bool:
        """An essential package, which cannot be hidden.

        Differs: the original means updates of the agent itself.
        """
        return bool(self._offer.mandatory)

    @property
    def PerUser(self) -> bool:
        """False: packages are the machine's."""
        return False

    @property
    def MsrcSeverity(self) -> str:
        """Critical, Important, Moderate, Low, or empty. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: from evidence only, so empty on Debian until there is some.
        """
        return self._details.severity

    @property
    def CveIDs(self) -> StringCollection:
        """The CVE numbers of what it mends. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: from evidence only, so empty on Debian until there is some.
        """
        return strings(self._details.cve_ids)

    @property
    def KBArticleIDs(self) -> StringCollection:
        """Numbers without the letters KB; read-only. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: there are no Knowledge Base articles about Debian packages.
        """
        return strings(self._details.kb_ids)

    @property
    def SecurityBulletinIDs(self) -> StringCollection:
        """Empty, and read-only.

        Differs: Microsoft's bulletins are not about Debian packages; see CveIDs.
        """
        return strings()

    # --- how it stands

    @property
    def IsInstalled(self) -> bool:
        """Whether it was installed when the search ran; search again to see what an installation changed."""
        return bool(self._offer.installed)

    @property
    def IsPresent(self) -> bool:
        """The same as IsInstalled: a package belongs to one product."""
        return bool(self._offer.present)

    @property
    def IsUninstallable(self) -> bool:
        """Whether ``Uninstall`` can undo it: wua knows what was there before, and it can still be had."""
        return bool(self._offer.uninstallable)

    @property
    def RebootRequired(self) -> bool:
        """Whether a restart was pending to finish this update when the search ran.

        Differs: false on Debian, where only the machine as a whole is known to wait for a restart; see
        ISystemInformation.RebootRequired, and RebootRequired of the installation's result.
        """
        return bool(self._offer.reboot_required)

    # --- its content

    @property
    def DownloadContents(self) -> UpdateDownloadContentCollection:
        """Its own file, not those of what it needs besides; empty when no source has it.

        Raises:
            ComError: WU_E_ITEMNOTFOUND when its source no longer has it.
        """
        return UpdateDownloadContentCollection(
            [UpdateDownloadContent(file.urls[0] if file.urls else "") for file in self._details.files]
        )

    @property
    def DownloadPriority(self) -> enums.DownloadPriority:
        """dpNormal: apt fetches everything alike."""
        return enums.DownloadPriority.dpNormal

    @property
    def MaxDownloadSize(self) -> Decimal:
        """Bytes of the update's own file.

        Differs: no upper bound, as what it needs besides depends on the machine; a plan tells the whole.
        """
        return Decimal(self._offer.size)

    @property
    def MinDownloadSize(self) -> Decimal:
        """Bytes of the update's own file; the same as MaxDownloadSize, for there are no partial downloads."""
        return Decimal(self._offer.size)

    @property
    def DeltaCompressedContentAvailable(self) -> bool:
        """False: Debian's archives offer whole packages."""
        return False

    @property
    def DeltaCompressedContentPreferred(self) -> bool:
        """False: Debian's archives offer whole packages."""
        return False

    @property
    def CanRequireSource(self) -> bool:
        """False: a package never asks for the medium that it was first installed from."""
        return False

    # --- installing and removing it

    @property
    def InstallationBehavior(self) -> Behavior:
        """How installing it goes. Raises ComError WU_E_ITEMNOTFOUND when its source no longer has it."""
        return Behavior(self._details.installing)

    @property
    def UninstallationBehavior(self) -> Behavior | None:
        """How removing it goes; None when it cannot be removed. Raises ComError WU_E_ITEMNOTFOUND."""
        return Behavior(self._details.removing) if self._offer.uninstallable else None

    @property
    def UninstallationNotes(self) -> str:
        """Empty: packages bring no notes on their removal."""
        return ""

    @property
    def UninstallationSteps(self) -> StringCollection:
        """Empty, and read-only: packages bring no notes on their removal."""
        return strings()

    @property
    def RecommendedCpuSpeed(self) -> int:
        """0: unknown, as Debian's packages do not tell."""
        return 0

    @property
    def RecommendedHardDiskSpace(self) -> int:
        """Megabytes that it takes when installed, 0 when unknown. Raises ComError WU_E_ITEMNOTFOUND."""
        return -(-self._details.installed_size // _MEGABYTE)

    @property
    def RecommendedMemory(self) -> int:
        """0: unknown, as Debian's packages do not tell."""
        return 0

    # --- where to read on

    @property
    def MoreInfoUrls(self) -> StringCollection:
        """The project's home page, and the package's at Debian. Raises ComError WU_E_ITEMNOTFOUND."""
        return strings(self._details.more_info_urls)

    @property
    def ReleaseNotes(self) -> str:
        """Empty: what changed stands in the package itself."""
        return ""

    @property
    def SupportUrl(self) -> str:
        """Debian's bugs in it; empty for other archives' packages. Raises ComError WU_E_ITEMNOTFOUND."""
        return self._details.support_url
