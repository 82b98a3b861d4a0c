"""Searching, and reading the history (IUpdateSearcher to IUpdateSearcher3)."""

import re
from typing import Any, Final

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind, JobResult, JobSpec, SearchOptions
from wua.model.struct import replace
from wua.model.updates import SearchResult as Answer
from wua.wuapi import enums
from wua.wuapi.callbacks import adapt
from wua.wuapi.context import Application, Context
from wua.wuapi.errors import ComError, asking, fail
from wua.wuapi.history import UpdateHistoryEntryCollection, query
from wua.wuapi.jobs import SearchJob
from wua.wuapi.results import SearchResult

_SCOPES: Final = (0, 1, 2)  # the others are documented as not supported
_SPECIAL: Final = re.compile(r"['\[\]]")


class UpdateSearcher(Application, interfaces=("IUpdateSearcher3",)):
    """Searches for updates (IUpdateSearcher3, ``Microsoft.Update.Searcher``)."""

    __slots__ = (
        "_ignore_priority",
        "_online",
        "_scope",
        "_selection",
        "_service",
        "_superseded",
        "_upgrade",
    )

    def _start(self, shared: Context, application: str | None) -> None:
        super()._start(shared, application)
        self._upgrade = False
        self._superseded = False
        self._selection = enums.ServerSelection.ssDefault
        self._service = ""
        self._online = True
        self._ignore_priority = False
        self._scope = enums.SearchScope.searchScopeDefault

    @property
    def CanAutomaticallyUpgradeService(self) -> bool:
        """Kept; a search never upgrades the agent."""
        return self._upgrade

    @CanAutomaticallyUpgradeService.setter
    def CanAutomaticallyUpgradeService(self, value: bool) -> None:
        self._upgrade = value

    @property
    def IncludePotentiallySupersededUpdates(self) -> bool:
        """Keep an update that another one of the same result supersedes."""
        return self._superseded

    @IncludePotentiallySupersededUpdates.setter
    def IncludePotentiallySupersededUpdates(self, value: bool) -> None:
        self._superseded = value

    @property
    def Online(self) -> bool:
        """False: work with the stored indexes, without the network."""
        return self._online

    @Online.setter
    def Online(self, value: bool) -> None:
        self._online = value

    @property
    def IgnoreDownloadPriority(self) -> bool:
        """Kept; Debian's updates have one download priority, so it never decides anything."""
        return self._ignore_priority

    @IgnoreDownloadPriority.setter
    def IgnoreDownloadPriority(self, value: bool) -> None:
        self._ignore_priority = value

    @property
    def ServerSelection(self) -> enums.ServerSelection:
        """Which kind of service to ask. ServiceID counts only with ssOthers."""
        return self._selection

    @ServerSelection.setter
    def ServerSelection(self, value: enums.ServerSelection) -> None:
        self._selection = value

    @property
    def ServiceID(self) -> str:
        return self._service

    @ServiceID.setter
    def ServiceID(self, value: str | None) -> None:
        self._service = (value or "").strip().lower()

    @property
    def SearchScope(self) -> enums.SearchScope:
        """Updates of the machine (0, 1) or of the current user (2), of which Debian has none.

        Raises:
            ComError: WU_E_UNSUPPORTED_SEARCHSCOPE for the other scopes, when they are set.
        """
        return self._scope

    @SearchScope.setter
    def SearchScope(self, value: enums.SearchScope) -> None:
        if value not in _SCOPES:
            fail(codes.WU_E_UNSUPPORTED_SEARCHSCOPE, value.name)
        self._scope = value

    def EscapeString(self, unescaped: str | None) -> str:
        """Text for use between quotes in criteria: each ``'``, ``[`` and ``]`` is put in brackets."""
        if unescaped is None:
            fail(codes.E_POINTER, "EscapeString takes a string")
        return _SPECIAL.sub(lambda found: f"[{found[0]}]", unescaped)

    # --- searching

    def Search(self, criteria: str | None) -> SearchResult:
        """Search and wait. Null or empty criteria mean ``( IsInstalled = 0 and IsHidden = 0 )``.

        Raises:
            ComError: WU_E_INVALID_CRITERIA, with the place in its text; WU_E_DS_UNKNOWNSERVICE.
        """
        return self.EndSearch(self._begin(criteria, None, None))

    def BeginSearch(self, criteria: str | None, onCompleted: Any, state: Any) -> SearchJob:
        """Begin a search; EndSearch gives its result, and tells of criteria that are wrong.

        ``onCompleted`` is an ISearchCompletedCallback or what ``callbacks.adapt`` takes for one.

        Raises:
            ComError: E_POINTER for a null callback, in strict mode only; WU_E_SERVICE_NOT_REGISTERED.
        """
        if onCompleted is None and self._context.strict:
            fail(codes.E_POINTER, "BeginSearch needs a callback")
        return self._begin(criteria, onCompleted, state)

    def EndSearch(self, searchJob: SearchJob | None) -> SearchResult:
        """The result of a search that was begun, waited for. An aborted one has orcAborted and no updates.

        Raises:
            ComError: WU_E_INVALID_OPERATION the second time; what made the search fail.
        """
        if searchJob is None:
            fail(codes.E_POINTER, "EndSearch needs a job")
        return SearchResult(self._context, self._answer(searchJob._end(), searchJob))

    def _begin(self, criteria: str | None, on_completed: Any, state: Any) -> SearchJob:
        options = SearchOptions(
            online=self._online,
            service_id=self._wanted_service(),
            include_superseded=self._superseded,
            strict=self._context.strict,
        )
        call = adapt(on_completed, strict=self._context.strict)
        job = SearchJob(self._context, call, state, users_only=self._scope == _SCOPES[2])
        spec = JobSpec(
            JobKind.SEARCH,
            criteria=criteria or "",
            search=options,
            application_id=self._application or "",
        )
        job._begin(self._context, spec)
        return job

    def _wanted_service(self) -> str:
        """The id of the service to search, "" for the default one.

        Windows Update is not here; who asks for it means the usual service, so gets the machine's own.
        """
        if self._selection is enums.ServerSelection.ssOthers:
            return self._service
        if self._selection is enums.ServerSelection.ssManagedServer:
            with asking:
                services = self._context.protocol.services()
            managed = [service.id for service in services if service.is_managed]
            if not managed:
                fail(codes.WU_E_SERVICE_NOT_REGISTERED, "this machine has no managed server")
            return managed[0]
        return ""

    @staticmethod
    def _answer(outcome: JobResult, job: SearchJob) -> Answer:
        if outcome.code is ResultCode.ABORTED:
            return Answer(ResultCode.ABORTED, ())
        if outcome.search is None:
            problem = outcome.problem
            raise ComError(outcome.hresult, problem.seen if problem else "", problem)
        # Scope "current user": nothing on this machine is installed for one user.
        return replace(outcome.search, updates=()) if job._users_only else outcome.search

    # --- history

    def GetTotalHistoryCount(self) -> int:
        """How many entries QueryHistory can answer."""
        with asking:
            return self._context.protocol.history_count()

    def QueryHistory(self, startIndex: int, count: int) -> UpdateHistoryEntryCollection:
        """Entries of the history, newest first.

        Raises:
            ComError: WU_E_INVALIDINDEX, also when there is no entry at all.
        """
        return query(self._context, None, startIndex, count)
