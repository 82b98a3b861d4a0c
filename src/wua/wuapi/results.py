"""What searches, downloads and installations come to."""

from typing import TYPE_CHECKING

from wua.model import codes
from wua.model.jobs import JobResult
from wua.model.updates import SearchResult as Answer
from wua.model.updates import SearchWarning
from wua.wuapi.categories import CategoryCollection, CategoryTree
from wua.wuapi.collections import Listing, UpdateCollection, updates
from wua.wuapi.declare import ComObject
from wua.wuapi.enums import OperationResultCode, UpdateExceptionContext
from wua.wuapi.errors import fail, signed
from wua.wuapi.found import FoundUpdates
from wua.wuapi.updates import Found

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
        return self._warning.text

    @property
    def HResult(self) -> int:
        return signed(self._warning.hresult)

    @property
    def Context(self) -> UpdateExceptionContext:
        return UpdateExceptionContext(self._warning.context)


class InvalidProductLicenseException(UpdateException, interfaces=("IInvalidProductLicenseException",)):
    """A product was left out, for it has no valid licence (IInvalidProductLicenseException)."""

    __slots__ = ()

    @property
    def Product(self) -> str:
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
        """orcSucceededWithErrors: usable but incomplete, see Warnings."""
        return self._code

    @property
    def RootCategories(self) -> CategoryCollection:
        return self._tree.roots

    @property
    def Updates(self) -> UpdateCollection:
        return self._updates

    @property
    def Warnings(self) -> UpdateExceptionCollection:
        return self._warnings


class UpdateDownloadResult(ComObject, interfaces=("IUpdateDownloadResult",)):
    """What became of one update of a download (IUpdateDownloadResult)."""

    __slots__ = ("_part",)

    def __init__(self, part: "PartResult") -> None:
        self._part = part

    @property
    def HResult(self) -> int:
        return signed(self._part.hresult)

    @property
    def ResultCode(self) -> OperationResultCode:
        return OperationResultCode(self._part.code)


class UpdateInstallationResult(ComObject, interfaces=("IUpdateInstallationResult",)):
    """What became of one update of an installation or removal (IUpdateInstallationResult)."""

    __slots__ = ("_part",)

    def __init__(self, part: "PartResult") -> None:
        self._part = part

    @property
    def HResult(self) -> int:
        return signed(self._part.hresult)

    @property
    def RebootRequired(self) -> bool:
        return self._part.reboot_required

    @property
    def ResultCode(self) -> OperationResultCode:
        return OperationResultCode(self._part.code)


class _Whole(ComObject):
    __slots__ = ("_result", "_tally")

    def __init__(self, tally: "Tally", result: JobResult) -> None:
        self._tally, self._result = tally, result

    @property
    def HResult(self) -> int:
        return signed(self._result.hresult)

    @property
    def ResultCode(self) -> OperationResultCode:
        return OperationResultCode(self._result.code)

    def _part(self, index: int) -> "PartResult":
        if not 0 <= index < len(self._tally):
            fail(codes.WU_E_INVALIDINDEX, f"index {index} of {len(self._tally)} updates")
        return self._tally.snapshot().part(index)


class DownloadResult(_Whole, interfaces=("IDownloadResult",)):
    """What a download came to (IDownloadResult). Some updates may have failed: look at each."""

    __slots__ = ()

    def GetUpdateResult(self, updateIndex: int) -> UpdateDownloadResult:
        """The result of the update at a place of the job's Updates."""
        return UpdateDownloadResult(self._part(updateIndex))


class InstallationResult(_Whole, interfaces=("IInstallationResult",)):
    """What an installation or removal came to (IInstallationResult). Some updates may have failed."""

    __slots__ = ()

    @property
    def RebootRequired(self) -> bool:
        return self._result.reboot_required

    def GetUpdateResult(self, updateIndex: int) -> UpdateInstallationResult:
        """The result of the update at a place of the job's Updates."""
        return UpdateInstallationResult(self._part(updateIndex))
