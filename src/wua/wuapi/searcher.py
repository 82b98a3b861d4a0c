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
        """Whether a search may upgrade the agent first; false at first.

        Differs: kept, and a search never upgrades anything.
        """
        return self._upgrade

    @CanAutomaticallyUpgradeService.setter
    def CanAutomaticallyUpgradeService(self, value: bool) -> None:
        self._upgrade = value

    @property
    def IncludePotentiallySupersededUpdates(self) -> bool:
        """Keep an update that another one of the same result supersedes; false at first."""
        return self._superseded

    @IncludePotentiallySupersededUpdates.setter
    def IncludePotentiallySupersededUpdates(self, value: bool) -> None:
        self._superseded = value

    @property
    def Online(self) -> bool:
        """True at first. False: work with the stored indexes, without the network."""
        return self._online

    @Online.setter
    def Online(self, value: bool) -> None:
        self._online = value

    @property
    def IgnoreDownloadPriority(self) -> bool:
        """Leave the download priority out of what supersedes what; false at first.

        Differs: kept, and without effect, as Debian's updates have one download priority.
        """
        return self._ignore_priority

    @IgnoreDownloadPriority.setter
    def IgnoreDownloadPriority(self, value: bool) -> None:
        self._ignore_priority = value

    @property
    def ServerSelection(self) -> enums.ServerSelection:
        """Which kind of service to search; ssDefault at first. A search asks it when it begins.

        Differs: ssWindowsUpdate means the machine's own service, as ssDefault does.
        """
        return self._selection

    @ServerSelection.setter
    def ServerSelection(self, value: enums.ServerSelection) -> None:
        self._selection = value

    @property
    def ServiceID(self) -> str:
        """The service to search with ssOthers, else without effect; empty at first.

        It is compared without case, and looked at when a search begins.
        """
        return self._service

    @ServiceID.setter
    def ServiceID(self, value: str | None) -> None:
        self._service = (value or "").strip().lower()

    @property
    def SearchScope(self) -> enums.SearchScope:
        """Updates of the machine (0, 1) or of the current user (2), of which Debian has none."""
        return self._scope

    @SearchScope.setter
    def SearchScope(self, value: enums.SearchScope) -> None:
        """Raises ComError WU_E_UNSUPPORTED_SEARCHSCOPE for the scopes 3 to 5."""
        if value not in _SCOPES:
            fail(codes.WU_E_UNSUPPORTED_SEARCHSCOPE, value.name)
        self._scope = value

    def EscapeString(self, unescaped: str | None) -> str:
        """Text for use between quotes in criteria: each ``'``, ``[`` and ``]`` is put in brackets.

        Raises:
            ComError: E_POINTER for null.
        """
        if unescaped is None:
            fail(codes.E_POINTER, "EscapeString takes a string")
        return _SPECIAL.sub(lambda found: f"[{found[0]}]", unescaped)

    # --- searching

    def Search(self, criteria: str | None) -> SearchResult:
        """Search and wait. Null or empty criteria mean ``( IsInstalled = 0 and IsHidden = 0 )``.

        Raises:
            ComError: WU_E_INVALID_CRITERIA, with the place in its text; WU_E_DS_UNKNOWNSERVICE for an id with
                ssOthers that nobody answers to; WU_E_SERVICE_NOT_REGISTERED for ssManagedServer without one.
        """
        return self.EndSearch(self._begin(criteria, None, None))

    def BeginSearch(self, criteria: str | None, onCompleted: Any, state: Any) -> SearchJob:
        """Begin a search; EndSearch gives its result, and tells of criteria that are wrong.

        ``onCompleted`` is an ISearchCompletedCallback or what is accepted in its place.

        Raises:
            ComError: WU_E_SERVICE_NOT_REGISTERED for ssManagedServer without one; E_INVALIDARG for a
                coroutine function without a running loop. In strict mode E_POINTER for a null callback,
                E_NOINTERFACE for what can't be called.

        Differs: a null callback is accepted, as real clients pass it.
        """
        if onCompleted is None and self._context.strict:
            fail(codes.E_POINTER, "BeginSearch needs a callback")
        return self._begin(criteria, onCompleted, state)

    def EndSearch(self, searchJob: SearchJob | None) -> SearchResult:
        """The result of a search that was begun, waited for. An aborted one has orcAborted and no updates.

        Raises:
            ComError: E_POINTER for null; WU_E_INVALID_OPERATION the second time; what made the search fail,
                WU_E_INVALID_CRITERIA or WU_E_DS_UNKNOWNSERVICE among it.
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
        """How many entries QueryHistory can answer: of installations and removals, by any program."""
        with asking:
            return self._context.protocol.history_count()

    def QueryHistory(self, startIndex: int, count: int) -> UpdateHistoryEntryCollection:
        """Entries of the history, newest first, read anew at each call.

        Raises:
            ComError: WU_E_INVALIDINDEX for a negative start, a count below 1, and when there is no entry at
                the start, so also for an empty history.
        """
        return query(self._context, None, startIndex, count)
