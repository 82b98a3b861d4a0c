"""How far a job is, at the moment when it was asked for (IDownloadProgress, IInstallationProgress)."""

from decimal import Decimal

from wua.model import codes
from wua.wuapi.declare import ComObject
from wua.wuapi.enums import DownloadPhase
from wua.wuapi.errors import fail
from wua.wuapi.results import UpdateDownloadResult, UpdateInstallationResult
from wua.wuapi.tally import PartResult, Snapshot


class _Progress(ComObject):
    __slots__ = ("_at",)

    def __init__(self, at: Snapshot) -> None:
        self._at = at

    @property
    def CurrentUpdateIndex(self) -> int:
        """A place in the job's Updates; 0 before the first has begun."""
        return self._at.place

    @property
    def CurrentUpdatePercentComplete(self) -> int:
        """0 to 100, of the current update."""
        return self._at.progress.current_percent

    @property
    def PercentComplete(self) -> int:
        """0 to 100, of the whole job; it never falls."""
        return self._at.progress.percent

    def _part(self, index: int) -> PartResult:
        if not 0 <= index < len(self._at.tally):
            fail(codes.WU_E_INVALIDINDEX, f"index {index} of {len(self._at.tally)} updates")
        return self._at.part(index)


class InstallationProgress(_Progress, interfaces=("IInstallationProgress",)):
    """How far an installation or removal was (IInstallationProgress)."""

    __slots__ = ()

    def GetUpdateResult(self, updateIndex: int) -> UpdateInstallationResult:
        """How one update stood: orcNotStarted, orcInProgress, or its final result.

        Raises:
            ComError: WU_E_INVALIDINDEX.
        """
        return UpdateInstallationResult(self._part(updateIndex))


class DownloadProgress(_Progress, interfaces=("IDownloadProgress",)):
    """How far a download was (IDownloadProgress). Bytes "to download" are estimates and may change."""

    __slots__ = ()

    @property
    def CurrentUpdateBytesDownloaded(self) -> Decimal:
        """Bytes of the current update that were there."""
        return Decimal(self._at.current.done)

    @property
    def CurrentUpdateBytesToDownload(self) -> Decimal:
        """Bytes of the current update; an estimate."""
        return Decimal(self._at.current.total)

    @property
    def CurrentUpdateDownloadPhase(self) -> DownloadPhase:
        """dphInitializing, dphDownloading or dphVerifying."""
        return DownloadPhase(self._at.progress.download_phase)

    @property
    def TotalBytesDownloaded(self) -> Decimal:
        """Bytes of the whole job that were there."""
        return Decimal(self._at.fetched.done)

    @property
    def TotalBytesToDownload(self) -> Decimal:
        """Bytes of the whole job, what the updates need besides included; an estimate."""
        return Decimal(self._at.fetched.total)

    def GetUpdateResult(self, updateIndex: int) -> UpdateDownloadResult:
        """How one update stood: orcNotStarted, orcInProgress, or its final result.

        Raises:
            ComError: WU_E_INVALIDINDEX.
        """
        return UpdateDownloadResult(self._part(updateIndex))
