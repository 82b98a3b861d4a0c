"""What searches, downloads and installations come to."""

from typing import TYPE_CHECKING

from wua.model import codes
from wua.model.jobs import JobResult
from wua.model.updates import SearchResult as Answer
from wua.model.updates import SearchWarning
from wua.wuapi.categories import CategoryCollection, CategoryTree
from wua.wuapi.collections import Listing, UpdateCollection, updates
from wua.wuapi.declare import ComObject
from wua.wuapi.details import Found
from wua.wuapi.enums import OperationResultCode, UpdateExceptionContext
from wua.wuapi.errors import fail, signed
from wua.wuapi.found import FoundUpdates

if TYPE_CHECKING:
    from wua.wuapi.context import Context
    from wua.wuapi.tally import PartResult, Tally


class UpdateException(ComObject, interfaces=("IUpdateException",)):
    """What was incomplete about a search (IUpdateException)."""

    __slots__ = ("_warning",)

    def __init__(self, warning: SearchWarning) -> None:
        self._warning = warning

    @property
    def Message(self) -> str:
        """What was incomplete, for people."""
        return self._warning.text

    @property
    def HResult(self) -> int:
        """The HRESULT of what was in the way."""
        return signed(self._warning.hresult)

    @property
    def Context(self) -> UpdateExceptionContext:
        """Where it came up: uecGeneral, or uecSearchIncomplete when updates may be missing."""
        return UpdateExceptionContext(self._warning.context)


class InvalidProductLicenseException(UpdateException, interfaces=("IInvalidProductLicenseException",)):
    """A product was left out, for it has no valid licence (IInvalidProductLicenseException)."""

    __slots__ = ()

    @property
    def Product(self) -> str:
        """The name of the product that was left out.

        Differs: no product on Debian needs a licence, so there is no such warning.
        """
        return self._warning.product


def _exception(warning: SearchWarning) -> UpdateException:
    unlicensed = warning.hresult & 0xFFFFFFFF == codes.WU_E_INVALID_PRODUCT_LICENSE
    return InvalidProductLicenseException(warning) if unlicensed else UpdateException(warning)


class UpdateExceptionCollection(Listing[UpdateException], interfaces=("IUpdateExceptionCollection",)):
    """The warnings of a search (IUpdateExceptionCollection)."""

    __slots__ = ()


class SearchResult(ComObject, interfaces=("ISearchResult",)):
    """What a search found (ISearchResult). It has no HResult: a search that fails raises instead."""

    __slots__ = ("_code", "_tree", "_updates", "_warnings")

    def __init__(self, shared: "Context", answer: Answer) -> None:
        self._code = OperationResultCode(answer.code)
        self._tree = CategoryTree(answer.categories)
        found = FoundUpdates(Found(shared, answer.updates, self._tree), answer.updates)
        self._tree.updates = found
        self._updates = updates(found)
        self._warnings = UpdateExceptionCollection([_exception(each) for each in answer.warnings])

    @property
    def ResultCode(self) -> OperationResultCode:
        """orcSucceeded; orcSucceededWithErrors: usable but incomplete, see Warnings; orcAborted."""
        return self._code

    @property
    def RootCategories(self) -> CategoryCollection:
        """The categories without a parent, among them those of every update found."""
        return self._tree.roots

    @property
    def Updates(self) -> UpdateCollection:
        """What was found: a read-only list, the same one on every read."""
        return self._updates

    @property
    def Warnings(self) -> UpdateExceptionCollection:
        """What was incomplete about the search; empty when nothing was."""
        return self._warnings


class UpdateDownloadResult(ComObject, interfaces=("IUpdateDownloadResult",)):
    """What became of one update of a download (IUpdateDownloadResult)."""

    __slots__ = ("_part",)

    def __init__(self, part: "PartResult") -> None:
        self._part = part

    @property
    def HResult(self) -> int:
        """How this update ended, 0 until then.

        WU_S_ALREADY_DOWNLOADED for what needed no doing; WU_E_CALL_CANCELLED when an abort left it undone.
        """
        return signed(self._part.hresult)

    @property
    def ResultCode(self) -> OperationResultCode:
        """How this update stood, or how it ended."""
        return OperationResultCode(self._part.code)


class UpdateInstallationResult(ComObject, interfaces=("IUpdateInstallationResult",)):
    """What became of one update of an installation or removal (IUpdateInstallationResult)."""

    __slots__ = ("_part",)

    def __init__(self, part: "PartResult") -> None:
        self._part = part

    @property
    def HResult(self) -> int:
        """How this update ended, 0 until then.

        WU_S_ALREADY_INSTALLED or WU_S_ALREADY_UNINSTALLED for what needed no doing; WU_E_DM_NOTDOWNLOADED,
        WU_E_UNINSTALL_NOT_ALLOWED, WU_E_UH_INSTALLERFAILURE, WU_E_CALL_CANCELLED and others for a failure.
        """
        return signed(self._part.hresult)

    @property
    def RebootRequired(self) -> bool:
        """Whether a restart is needed to finish this update."""
        return self._part.reboot_required

    @property
    def ResultCode(self) -> OperationResultCode:
        """How this update stood, or how it ended."""
        return OperationResultCode(self._part.code)


class _Whole(ComObject):
    __slots__ = ("_result", "_tally")

    def __init__(self, tally: "Tally", result: JobResult) -> None:
        self._tally, self._result = tally, result

    @property
    def HResult(self) -> int:
        """0 when any update succeeded; WU_E_ALL_UPDATES_FAILED; WU_E_CALL_CANCELLED after an abort.

        What ended the job as a whole, where something did.
        """
        return signed(self._result.hresult)

    @property
    def ResultCode(self) -> OperationResultCode:
        """orcSucceeded, orcSucceededWithErrors, orcFailed or orcAborted: what the parts come to."""
        return OperationResultCode(self._result.code)

    def _part(self, index: int) -> "PartResult":
        if not 0 <= index < len(self._tally):
            fail(codes.WU_E_INVALIDINDEX, f"index {index} of {len(self._tally)} updates")
        return self._tally.snapshot().part(index)


class DownloadResult(_Whole, interfaces=("IDownloadResult",)):
    """What a download came to (IDownloadResult). Some updates may have failed: look at each."""

    __slots__ = ()

    def GetUpdateResult(self, updateIndex: int) -> UpdateDownloadResult:
        """The result of the update at a place of the job's Updates. Raises ComError WU_E_INVALIDINDEX."""
        return UpdateDownloadResult(self._part(updateIndex))


class InstallationResult(_Whole, interfaces=("IInstallationResult",)):
    """What an installation or removal came to (IInstallationResult). Some updates may have failed."""

    __slots__ = ()

    @property
    def RebootRequired(self) -> bool:
        """Whether a restart is needed to finish any of the updates."""
        return self._result.reboot_required

    def GetUpdateResult(self, updateIndex: int) -> UpdateInstallationResult:
        """The result of the update at a place of the job's Updates. Raises ComError WU_E_INVALIDINDEX."""
        return UpdateInstallationResult(self._part(updateIndex))
