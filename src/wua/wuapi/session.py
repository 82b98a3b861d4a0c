"""The root object (IUpdateSession to IUpdateSession3)."""

import locale
import os
from typing import Any, Final

from wua.model import codes
from wua.wuapi.attaching import attach, jobs_of
from wua.wuapi.context import Application, Context
from wua.wuapi.downloader import UpdateDownloader
from wua.wuapi.errors import fail
from wua.wuapi.history import UpdateHistoryEntryCollection, query
from wua.wuapi.installer import UpdateInstaller
from wua.wuapi.jobs import DownloadJob, InstallationJob
from wua.wuapi.proxy import WebProxy as Proxy
from wua.wuapi.searcher import UpdateSearcher
from wua.wuapi.service_manager import UpdateServiceManager

ENGLISH: Final = 0x0409  # what C and POSIX mean


def user_language() -> int:
    """The LCID of the caller's language, from LC_ALL, LC_MESSAGES or LANG."""
    values = (os.environ.get(name, "") for name in ("LC_ALL", "LC_MESSAGES", "LANG"))
    name = next(filter(None, values), "").partition(".")[0].partition("@")[0]
    by_name = {text: number for number, text in locale.windows_locale.items()}
    return by_name.get(name, ENGLISH)


class UpdateSession(Application, interfaces=("IUpdateSession3",)):
    """Makes searchers, downloaders, installers, service managers (``Microsoft.Update.Session``).

    IUpdateSession3. What it makes takes over ClientApplicationID and UserLocale as they are at that moment.
    """

    __slots__ = ("_locale", "_proxy")

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._locale: int | None = None
        self._proxy = Proxy()

    @property
    def ReadOnly(self) -> bool:
        """False: a program may always change its own session."""
        return False

    @property
    def UserLocale(self) -> int:
        """The LCID of the wanted language; that of the caller's environment until it is set.

        Differs: it changes nothing yet, for Debian's indexes bring texts in one language only.
        """
        return user_language() if self._locale is None else self._locale

    @UserLocale.setter
    def UserLocale(self, value: int) -> None:
        self._locale = value

    @property
    def WebProxy(self) -> Proxy:
        """The proxy settings of the session, the same object on every read.

        Differs: kept and handed back, and not used; apt fetches with its own.
        """
        return self._proxy

    @WebProxy.setter
    def WebProxy(self, value: Proxy | None) -> None:
        """Raises ComError E_POINTER for null."""
        if value is None:
            fail(codes.E_POINTER, "WebProxy takes a proxy object")
        self._proxy = value

    def CreateUpdateSearcher(self) -> UpdateSearcher:
        """A searcher with the name of the program that the session has now."""
        return UpdateSearcher._of(self._context, self._application)

    def CreateUpdateDownloader(self) -> UpdateDownloader:
        """A downloader with the name of the program that the session has now; everybody may make one."""
        return UpdateDownloader._of(self._context, self._application)

    def CreateUpdateInstaller(self) -> UpdateInstaller:
        """An installer with the name of the program that the session has now; everybody may make one."""
        return UpdateInstaller._of(self._context, self._application)

    def CreateUpdateServiceManager(self) -> UpdateServiceManager:
        """A service manager with the name of the program that the session has now."""
        return UpdateServiceManager._of(self._context, self._application)

    def QueryHistory(self, criteria: str | None, startIndex: int, count: int) -> UpdateHistoryEntryCollection:
        """Entries of the history, newest first; ``criteria`` is empty or ``UpdateID='…'``.

        Raises:
            ComError: WU_E_INVALID_CRITERIA; WU_E_INVALIDINDEX for a negative start, a count below 1, and when
                there is no entry at the start.
        """
        return query(self._context, criteria, startIndex, count)

    # --- extensions of wua's own

    def wua_jobs(self) -> tuple[str, ...]:
        """Ids of the downloads, installations and removals of this ClientApplicationID, newest first.

        Running or ended, among the newest thousand jobs of the machine. Set ClientApplicationID before.
        """
        return jobs_of(self._context, self._application or "")

    def wua_attach(
        self, job_id: str | None, on_progress: Any, on_completed: Any, state: Any
    ) -> DownloadJob | InstallationJob:
        """Take up a job by its id (``job.wua_job_id``): one from before a restart, or another program's.

        The answer is a job like that of ``Begin…``, to be ended by EndDownload, EndInstall or EndUninstall.
        ``Updates`` has each update once, as it stands now; ``state`` is what AsyncState gives here.
        ``on_progress`` is called first for how far the job is by now. ``on_completed`` is called once for
        each time that the job is taken up, at once if the job has ended; so a program that is killed
        before it has noted the end is told again when it takes the job up again.

        Raises:
            ComError: WU_E_ITEMNOTFOUND, when there is no such job; E_INVALIDARG for a search, which ends
                with its program, and for other jobs that no ``Begin…`` begins; E_NOINTERFACE in strict
                mode, for what can't be called back.
        """
        return attach(self._context, job_id or "", on_progress, on_completed, state)
