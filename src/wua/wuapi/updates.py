"""Updates as a search hands them out (IUpdate to IUpdate5), and the small objects that hang on them."""

from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.problems import WuaError
from wua.model.updates import Behavior, Offer, UpdateId
from wua.model.updates import Update as Details
from wua.wuapi import enums
from wua.wuapi.collections import Listing, StringCollection, UpdateCollection, strings, updates
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import asking, fail
from wua.wuapi.images import ImageInformation, picture

if TYPE_CHECKING:
    from wua.wuapi.categories import CategoryCollection, CategoryTree
    from wua.wuapi.context import Context

HANDLER_PREFIX: Final = "urn:wua:handler:"  # the handlers of wuapi's own URIs are not ours
NO_DATE: Final = datetime(1899, 12, 30, tzinfo=UTC)  # the DATE zero
BATCH: Final = 128  # updates whose details are fetched with one question
_MEGABYTE: Final = 1 << 20
CONTAINS_BOOTSTRAPPER: Final = "ContainsUpdateBootstrapper"
REQUIRES_REBOOT: Final = "DoesUpdateRequireReboot"


def date(seconds: float) -> datetime:
    """A DATE: seconds since 1970 UTC as an aware datetime; 0 (unknown) as the DATE zero."""
    return datetime.fromtimestamp(seconds, UTC) if seconds else NO_DATE


class Found:
    """What the updates of one search share: the agent, the categories, and details fetched in batches."""

    def __init__(self, shared: "Context", offers: Sequence[Offer], tree: "CategoryTree") -> None:
        self.context = shared
        self.tree = tree
        self._offers = offers
        self._details: dict[int, Details] = {}
        self.accepted: set[UpdateId] = set()  # whose licence terms were accepted meanwhile

    def details(self, place: int) -> Details:
        """Everything about the update at ``place``; fetches its neighbours with it.

        Raises:
            ComError: WU_E_ITEMNOTFOUND, when the sources have moved on and it is gone.
        """
        known = self._details.get(place)
        if known is not None:
            return known
        begin = place - place % BATCH
        some = range(begin, min(begin + BATCH, len(self._offers)))
        try:
            answers = self.context.protocol.details([self._offers[n].id for n in some])
            self._details.update(zip(some, answers, strict=True))
        except WuaError:  # one of the batch is gone: that must not hide the others
            with asking:
                (self._details[place],) = self.context.protocol.details([self._offers[place].id])
        return self._details[place]


class UpdateIdentity(ComObject, interfaces=("IUpdateIdentity",)):
    """Which revision of which update (IUpdateIdentity)."""

    __slots__ = ("_id",)

    def __init__(self, update: UpdateId) -> None:
        self._id = update

    @property
    def RevisionNumber(self) -> int:
        return self._id.revision

    @property
    def UpdateID(self) -> str:
        """A GUID, the same for every revision."""
        return self._id.update_id


class InstallationBehavior(ComObject, interfaces=("IInstallationBehavior",)):
    """How installing or removing an update goes (IInstallationBehavior)."""

    __slots__ = ("_behavior",)

    def __init__(self, behavior: Behavior) -> None:
        self._behavior = behavior

    @property
    def CanRequestUserInput(self) -> bool:
        return self._behavior.can_ask

    @property
    def Impact(self) -> enums.InstallationImpact:
        return enums.InstallationImpact(self._behavior.impact)

    @property
    def RebootBehavior(self) -> enums.InstallationRebootBehavior:
        return enums.InstallationRebootBehavior(self._behavior.reboot)

    @property
    def RequiresNetworkConnectivity(self) -> bool:
        return self._behavior.needs_network


_Behavior = InstallationBehavior  # under a name that no member of Update has


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
        """Never: Debian's archives offer whole packages."""
        return False


class UpdateDownloadContentCollection(
    Listing[UpdateDownloadContent], interfaces=("IUpdateDownloadContentCollection",)
):
    """The files of an update (IUpdateDownloadContentCollection)."""

    __slots__ = ()


class Update(ComObject, interfaces=("IUpdateEx",)):
    """An update as it stood when the search ran (IUpdate to IUpdate5, IUpdateEx).

    Three properties follow what is done with the object afterwards: IsHidden, EulaAccepted and
    IsDownloaded. What a search does not answer is fetched when it is first asked for.
    """

    __slots__ = ("_downloaded", "_found", "_hidden", "_offer", "_place")

    def __init__(self, found: Found, place: int, offer: Offer) -> None:
        self._found, self._place, self._offer = found, place, offer
        self._hidden = bool(offer.hidden)
        self._downloaded = bool(offer.downloaded)

    @property
    def _details(self) -> Details:
        return self._found.details(self._place)

    # --- what it is

    @property
    def Title(self) -> str:
        return self._offer.title

    @property
    def Description(self) -> str:
        return self._details.description

    @property
    def Identity(self) -> UpdateIdentity:
        return UpdateIdentity(self._offer.id)

    @property
    def Type(self) -> enums.UpdateType:
        return enums.UpdateType(self._offer.type)

    @property
    def Categories(self) -> "CategoryCollection":
        return self._found.tree.of(self._offer.category_ids)

    @property
    def Languages(self) -> StringCollection:
        return strings(self._details.languages)

    @property
    def LastDeploymentChangeTime(self) -> datetime:
        """When its source was last published; the DATE zero when the source does not tell."""
        return date(self._details.published)

    @property
    def HandlerID(self) -> str:
        return HANDLER_PREFIX + self._details.handler

    @property
    def Image(self) -> ImageInformation | None:
        """None for an update without a picture."""
        return picture(self._details.image)

    @property
    def BundledUpdates(self) -> UpdateCollection:
        """Empty: a Debian package is never a bundle of others."""
        return updates()

    @property
    def SupersededUpdateIDs(self) -> StringCollection:
        return strings(self._details.superseded_ids)

    # --- how important it is

    @property
    def AutoSelectOnWebSites(self) -> bool:
        """Important: a security upgrade."""
        return bool(self._offer.auto_select)

    @property
    def BrowseOnly(self) -> bool:
        """Optional."""
        return bool(self._offer.browse_only)

    @property
    def DeploymentAction(self) -> enums.DeploymentAction:
        return enums.DeploymentAction(self._offer.deployment_action)

    @property
    def Deadline(self) -> None:
        """None (VT_EMPTY): nobody sets deadlines for Debian packages."""

    @property
    def AutoSelection(self) -> enums.AutoSelectionMode:
        return enums.AutoSelectionMode.asLetWindowsUpdateDecide

    @property
    def AutoDownload(self) -> enums.AutoDownloadMode:
        return enums.AutoDownloadMode.adLetWindowsUpdateDecide

    @property
    def IsBeta(self) -> bool:
        return False

    @property
    def IsMandatory(self) -> bool:
        """An essential package; it cannot be hidden."""
        return bool(self._offer.mandatory)

    @property
    def PerUser(self) -> bool:
        """Never: packages are the machine's."""
        return False

    @property
    def MsrcSeverity(self) -> str:
        """From evidence only; empty when there is none."""
        return self._details.severity

    @property
    def CveIDs(self) -> StringCollection:
        return strings(self._details.cve_ids)

    @property
    def KBArticleIDs(self) -> StringCollection:
        return strings()

    @property
    def SecurityBulletinIDs(self) -> StringCollection:
        return strings()

    # --- how it stands

    @property
    def IsInstalled(self) -> bool:
        """As the search saw it; search again to see what an installation changed."""
        return bool(self._offer.installed)

    @property
    def IsPresent(self) -> bool:
        return bool(self._offer.present)

    @property
    def IsUninstallable(self) -> bool:
        return bool(self._offer.uninstallable)

    @property
    def RebootRequired(self) -> bool:
        return bool(self._offer.reboot_required)

    @property
    def IsDownloaded(self) -> bool:
        """All content that installing needs is in the cache."""
        return self._downloaded

    @property
    def IsHidden(self) -> bool:
        return self._hidden

    @IsHidden.setter
    def IsHidden(self, value: bool) -> None:
        """Kept per machine; unhiding always works.

        Raises:
            ComError: WU_E_DS_DECLINENOTALLOWED for a mandatory update; E_ACCESSDENIED.
        """
        with asking:
            self._found.context.protocol.hide([self._offer.id], value)
        self._hidden = value

    # --- its licence

    @property
    def EulaAccepted(self) -> bool:
        """Whether its licence terms are accepted; true for an update without any, as Debian's are."""
        return self._offer.id in self._found.accepted or self._details.licence_accepted

    @property
    def EulaText(self) -> str:
        """The licence terms; empty for an update without any, as Debian's are."""
        return self._details.licence

    def AcceptEula(self) -> None:
        """Accept the licence terms, for the machine; without any only the right to is asked for.

        Raises:
            ComError: E_ACCESSDENIED.
        """
        self._found.context.must_act()
        with asking:
            self._found.context.protocol.accept_licence([self._offer.id])
        self._found.accepted.add(self._offer.id)

    # --- its content

    @property
    def DownloadContents(self) -> UpdateDownloadContentCollection:
        return UpdateDownloadContentCollection(
            [UpdateDownloadContent(file.urls[0] if file.urls else "") for file in self._details.files]
        )

    @property
    def DownloadPriority(self) -> enums.DownloadPriority:
        return enums.DownloadPriority.dpNormal

    @property
    def MaxDownloadSize(self) -> Decimal:
        """Bytes of the update's own file; what it needs besides depends on the machine."""
        return Decimal(self._offer.size)

    @property
    def MinDownloadSize(self) -> Decimal:
        return Decimal(self._offer.size)

    @property
    def DeltaCompressedContentAvailable(self) -> bool:
        return False

    @property
    def DeltaCompressedContentPreferred(self) -> bool:
        return False

    @property
    def CanRequireSource(self) -> bool:
        return False

    def CopyFromCache(self, path: str | None, toExtractCabFiles: bool) -> None:
        """Copy the update's own file out of the cache into a folder of the agent's machine.

        ``toExtractCabFiles`` is reserved: either boolean will do.

        Raises:
            ComError: E_INVALIDARG without a path; COR_E_DIRECTORYNOTFOUND; WU_E_DM_NOTDOWNLOADED;
                WU_E_DM_INCORRECTFILEHASH; E_ACCESSDENIED.
        """
        if not path:
            fail(codes.E_INVALIDARG, "a folder is needed")
        with asking:
            self._found.context.protocol.copy_from_cache(self._offer.id, path)

    def CopyToCache(self, pFiles: StringCollection | None) -> None:
        """Take files, by their full paths, into the cache: exactly those that would be downloaded.

        IsDownloaded follows when nothing else is missing.

        Raises:
            ComError: E_INVALIDARG for no files, or for what is no full path of one;
                WU_E_DM_INCORRECTFILEHASH for a file of something else; E_ACCESSDENIED.
        """
        if pFiles is None:
            fail(codes.E_INVALIDARG, "files are needed")
        with asking:
            complete = self._found.context.protocol.copy_to_cache(self._offer.id, tuple(pFiles))
        self._downloaded = self._downloaded or complete

    # --- installing and removing it

    @property
    def InstallationBehavior(self) -> _Behavior:
        return _Behavior(self._details.installing)

    @property
    def UninstallationBehavior(self) -> _Behavior | None:
        """None when it cannot be removed."""
        return _Behavior(self._details.removing) if self._offer.uninstallable else None

    @property
    def UninstallationNotes(self) -> str:
        return ""

    @property
    def UninstallationSteps(self) -> StringCollection:
        return strings()

    @property
    def RecommendedCpuSpeed(self) -> int:
        """0: unknown, as everywhere in Debian."""
        return 0

    @property
    def RecommendedHardDiskSpace(self) -> int:
        """Megabytes that it takes when installed, rounded up; 0 when unknown."""
        return -(-self._details.installed_size // _MEGABYTE)

    @property
    def RecommendedMemory(self) -> int:
        return 0

    def ExtendedStaticProperty(self, propertyName: str | None) -> bool:
        """``ContainsUpdateBootstrapper``: no update here does.

        Raises:
            ComError: E_INVALIDARG for other names.
        """
        if propertyName != CONTAINS_BOOTSTRAPPER:
            fail(codes.E_INVALIDARG, f"there is no static property {propertyName!r}")
        return False

    def EvaluateExtendedDynamicProperty(self, propertyName: str | None) -> bool:
        """``DoesUpdateRequireReboot`` is for a bootstrapper to say, and there is none.

        Raises:
            ComError: WU_E_NOT_SUPPORTED; E_INVALIDARG for other names.
        """
        if propertyName != REQUIRES_REBOOT:
            fail(codes.E_INVALIDARG, f"there is no dynamic property {propertyName!r}")
        fail(codes.WU_E_NOT_SUPPORTED, "the update has no bootstrapper")

    # --- where to read on

    @property
    def MoreInfoUrls(self) -> StringCollection:
        return strings(self._details.more_info_urls)

    @property
    def ReleaseNotes(self) -> str:
        return ""

    @property
    def SupportUrl(self) -> str:
        return self._details.support_url

    def __repr__(self) -> str:
        return f"<IUpdate5 {self._offer.title!r}>"


def identify(update: Update) -> UpdateId:
    """The agent's name for an update."""
    return update._offer.id


def size(update: Update) -> int:
    """Bytes that downloading it will take, as far as a search can tell."""
    return 0 if update._downloaded else update._offer.size


def is_exclusive(update: Update) -> bool:
    """Whether it must be installed alone."""
    return update.InstallationBehavior.Impact is enums.InstallationImpact.iiRequiresExclusiveHandling


def note_downloaded(update: Update, code: ResultCode) -> None:
    """A download has ended: IsDownloaded follows."""
    if code in (ResultCode.SUCCEEDED, ResultCode.SUCCEEDED_WITH_ERRORS):
        update._downloaded = True
