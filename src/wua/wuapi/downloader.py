"""Downloading (IUpdateDownloader, IUpdateDownloaderEx)."""

from typing import Any

from wua.model import codes
from wua.model.jobs import JobKind
from wua.wuapi.acting import Acting
from wua.wuapi.callbacks import adapt
from wua.wuapi.context import Context
from wua.wuapi.enums import DownloadPriority, DownloadType
from wua.wuapi.errors import fail
from wua.wuapi.jobs import DownloadJob
from wua.wuapi.results import DownloadResult


class UpdateDownloader(Acting, interfaces=("IUpdateDownloaderEx", "IUpdateLockdown")):
    """Fetches updates into the cache (IUpdateDownloaderEx, ``Microsoft.Update.Downloader``).

    Once locked down, its operations answer WU_E_INVALID_OPERATION.
    """

    __slots__ = ("_priority",)

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._priority = DownloadPriority.dpNormal

    @property
    def Priority(self) -> DownloadPriority:
        """The priority of the download; dpNormal at first.

        Differs: kept, and without effect, as apt fetches everything alike.
        """
        return self._priority

    @Priority.setter
    def Priority(self, value: DownloadPriority) -> None:
        self._priority = value

    def Download(self) -> DownloadResult:
        """Download what Updates holds, and wait; what is there already is a success.

        Raises:
            ComError: WU_E_NO_UPDATE; E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down.
        """
        return self.EndDownload(self.BeginDownload(None, None, None))

    def BeginDownload(self, onProgressChanged: Any, onCompleted: Any, state: Any) -> DownloadJob:
        """Begin to download what Updates holds now, and what it needs besides; EndDownload gives the result.

        Raises:
            ComError: WU_E_NO_UPDATE; E_ACCESSDENIED; WU_E_INVALID_OPERATION once locked down; E_INVALIDARG
                for a coroutine function without a running loop. In strict mode E_NOINTERFACE for a callback
                that can't be called.
        """
        self._unlocked()
        chosen = self._chosen()
        strict = self._context.strict
        on_progress, on_completed = (adapt(each, strict=strict) for each in (onProgressChanged, onCompleted))
        job = DownloadJob(self._context, chosen, on_progress, on_completed, state)
        job._begin(self._context, self._spec(JobKind.DOWNLOAD, chosen))
        return job

    def EndDownload(self, value: DownloadJob | None) -> DownloadResult:
        """The result of a download that was begun, waited for. Some updates may have failed.

        Raises:
            ComError: E_POINTER for null; WU_E_INVALID_OPERATION the second time, and once locked down.
        """
        self._unlocked()
        if value is None:
            fail(codes.E_POINTER, "EndDownload needs a job")
        return DownloadResult(value._tally, value._end())

    def Download2(self, downloadType: DownloadType) -> DownloadResult:
        """Download and wait, as BeginDownload2.

        Raises:
            ComError: WU_E_NO_UPDATE; WU_E_NOT_SUPPORTED for downloadTypeUpdateBootstrapper; E_ACCESSDENIED;
                WU_E_INVALID_OPERATION once locked down.
        """
        return self.EndDownload(self.BeginDownload2(downloadType, None, None, None))

    def BeginDownload2(
        self, downloadType: DownloadType, onProgressChanged: Any, onCompleted: Any, state: Any
    ) -> DownloadJob:
        """BeginDownload for downloadTypeFull; no update here has a bootstrapper to download alone.

        Raises:
            ComError: WU_E_NO_UPDATE; WU_E_NOT_SUPPORTED for downloadTypeUpdateBootstrapper; E_ACCESSDENIED;
                WU_E_INVALID_OPERATION once locked down; E_INVALIDARG and, in strict mode, E_NOINTERFACE for
                callbacks as BeginDownload.
        """
        if downloadType is DownloadType.downloadTypeUpdateBootstrapper:
            self._unlocked()
            self._chosen()
            fail(codes.WU_E_NOT_SUPPORTED, "the updates have no bootstrapper")
        return self.BeginDownload(onProgressChanged, onCompleted, state)
