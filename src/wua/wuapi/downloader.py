"""Downloading (IUpdateDownloader)."""

from typing import Any

from wua.model import codes
from wua.model.jobs import JobKind
from wua.wuapi.acting import Acting
from wua.wuapi.callbacks import adapt
from wua.wuapi.context import Context
from wua.wuapi.enums import DownloadPriority
from wua.wuapi.errors import fail
from wua.wuapi.jobs import DownloadJob
from wua.wuapi.results import DownloadResult


class UpdateDownloader(Acting, interfaces=("IUpdateDownloader",)):
    """Fetches updates into the cache (IUpdateDownloader, ``Microsoft.Update.Downloader``)."""

    __slots__ = ("_priority",)

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._priority = DownloadPriority.dpNormal

    @property
    def Priority(self) -> DownloadPriority:
        """Kept; apt fetches everything alike."""
        return self._priority

    @Priority.setter
    def Priority(self, value: DownloadPriority) -> None:
        self._priority = value

    def Download(self) -> DownloadResult:
        """Download and wait. Raises ComError WU_E_NO_UPDATE; E_ACCESSDENIED."""
        return self.EndDownload(self.BeginDownload(None, None, None))

    def BeginDownload(self, onProgressChanged: Any, onCompleted: Any, state: Any) -> DownloadJob:
        """Begin to download what Updates holds now; EndDownload gives the result.

        Raises:
            ComError: WU_E_NO_UPDATE; E_ACCESSDENIED.
        """
        chosen = self._chosen()
        strict = self._context.strict
        on_progress, on_completed = (adapt(each, strict=strict) for each in (onProgressChanged, onCompleted))
        job = DownloadJob(self._context, chosen, on_progress, on_completed, state)
        job._begin(self._context, self._spec(JobKind.DOWNLOAD, chosen))
        return job

    def EndDownload(self, value: DownloadJob | None) -> DownloadResult:
        """The result of a download that was begun, waited for.

        Raises:
            ComError: WU_E_INVALID_OPERATION the second time.
        """
        if value is None:
            fail(codes.E_POINTER, "EndDownload needs a job")
        return DownloadResult(value._tally, value._end())
