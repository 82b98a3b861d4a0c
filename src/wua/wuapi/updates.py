"""Updates as a search hands them out (IUpdate to IUpdate5), and what is done to them."""

from typing import Final

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.updates import Offer, UpdateId
from wua.wuapi import enums
from wua.wuapi.collections import StringCollection
from wua.wuapi.details import Found
from wua.wuapi.errors import asking, fail
from wua.wuapi.update_facts import UpdateFacts

CONTAINS_BOOTSTRAPPER: Final = "ContainsUpdateBootstrapper"
REQUIRES_REBOOT: Final = "DoesUpdateRequireReboot"


class Update(UpdateFacts, interfaces=("IUpdateEx",)):
    """An update as it stood when the search ran (IUpdate to IUpdate5, IUpdateEx).

    Three properties follow what is done with the object afterwards: IsHidden, EulaAccepted and
    IsDownloaded.
    """

    __slots__ = ("_downloaded", "_hidden")

    def __init__(self, found: Found, place: int, offer: Offer) -> None:
        super().__init__(found, place, offer)
        self._hidden = bool(offer.hidden)
        self._downloaded = bool(offer.downloaded)

    @property
    def IsDownloaded(self) -> bool:
        """Whether all content that installing it needs is in the cache.

        It follows downloads and CopyToCache on this object; what others fetch, the next search sees.

        Differs: what it needs besides its own file is what its download found. If that has grown by the time
        of the installation, the update fails with WU_E_UH_NEEDANOTHERDOWNLOAD.
        """
        return self._downloaded

    @property
    def IsHidden(self) -> bool:
        """Whether it is hidden on this machine: by wua's own mark, or by a hold of its package."""
        return self._hidden

    @IsHidden.setter
    def IsHidden(self, value: bool) -> None:
        """Hiding writes wua's mark, which all users of the machine see; unhiding removes the hold too.

        Raises:
            ComError: WU_E_DS_DECLINENOTALLOWED for hiding a mandatory update or one with a deadline;
                E_ACCESSDENIED; WU_E_ITEMNOTFOUND for hiding one that is gone.
        """
        with asking:
            self._found.context.protocol.hide([self._offer.id], value)
        self._hidden = value

    # --- its licence

    @property
    def EulaAccepted(self) -> bool:
        """Whether its licence was accepted on this machine; true for an update without one.

        Raises:
            ComError: WU_E_ITEMNOTFOUND when it is gone.
        """
        if not self._details.licence:
            return True
        with asking:
            return self._offer.update_id in self._found.context.protocol.accepted_licences()

    @property
    def EulaText(self) -> str:
        """Empty for an update without a licence to accept. Raises ComError WU_E_ITEMNOTFOUND.

        Differs: Debian's packages have no licence that a person must accept first.
        """
        return self._details.licence

    def AcceptEula(self) -> None:
        """Accept the licence for this machine. Where there is none, only the right to do so is asked for.

        Raises:
            ComError: E_ACCESSDENIED; WU_E_ITEMNOTFOUND when it is gone.
        """
        self._found.context.must_act()
        if self._details.licence:
            with asking:
                self._found.context.protocol.accept_licence(self._offer.id)

    # --- its content

    def CopyFromCache(self, path: str | None, toExtractCabFiles: bool) -> None:
        """Copy the update's own file out of the cache into a folder of the agent's machine.

        ``toExtractCabFiles`` is reserved: either boolean will do.

        Raises:
            ComError: E_INVALIDARG without a path; COR_E_DIRECTORYNOTFOUND; WU_E_DM_NOTDOWNLOADED;
                WU_E_DM_INCORRECTFILEHASH; WU_E_EULAS_DECLINED; E_ACCESSDENIED; WU_E_ITEMNOTFOUND when it is
                gone.
        """
        if not path:
            fail(codes.E_INVALIDARG, "a folder is needed")
        with asking:
            self._found.context.protocol.copy_from_cache(self._offer.id, path)

    def CopyToCache(self, pFiles: StringCollection | None) -> None:
        """Take files, by their full paths, into the cache: exactly those that would be downloaded.

        IsDownloaded follows.

        Raises:
            ComError: E_INVALIDARG for no files, or for what is no full path of one;
                WU_E_DM_INCORRECTFILEHASH for a file of something else; E_ACCESSDENIED; WU_E_ITEMNOTFOUND
                when it is gone.
        """
        if pFiles is None:
            fail(codes.E_INVALIDARG, "files are needed")
        with asking:
            complete = self._found.context.protocol.copy_to_cache(self._offer.id, tuple(pFiles))
        self._downloaded = self._downloaded or complete

    # --- extended properties

    def ExtendedStaticProperty(self, propertyName: str | None) -> bool:
        """``ContainsUpdateBootstrapper``: false, for no update here does. Names count with case.

        Raises:
            ComError: E_INVALIDARG for other names.
        """
        if propertyName != CONTAINS_BOOTSTRAPPER:
            fail(codes.E_INVALIDARG, f"there is no static property {propertyName!r}")
        return False

    def EvaluateExtendedDynamicProperty(self, propertyName: str | None) -> bool:
        """``DoesUpdateRequireReboot`` is for a bootstrapper to say. Names count with case.

        Raises:
            ComError: WU_E_NOT_SUPPORTED; E_INVALIDARG for other names.

        Differs: it always fails, for no update here has a bootstrapper.
        """
        if propertyName != REQUIRES_REBOOT:
            fail(codes.E_INVALIDARG, f"there is no dynamic property {propertyName!r}")
        fail(codes.WU_E_NOT_SUPPORTED, "the update has no bootstrapper")

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
