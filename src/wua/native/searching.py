"""Searches and plans by the native agent."""

import time
from collections.abc import Callable
from typing import Any

from wua.criteria import Criteria, parse
from wua.model.enums import ResultCode
from wua.model.jobs import JobRecord, JobResult, Stalled
from wua.model.plans import Plan
from wua.model.problems import WuaError, error, problem
from wua.model.states import JobState
from wua.model.updates import Category, SearchResult
from wua.native import jobs, mapping, planning
from wua.native.jobs import Hearing, Limits, NativeJob
from wua.native.known import searcher
from wua.native.naming import EVERYTHING
from wua.native.natives import each
from wua.native.shop import Shop
from wua.store.matching import matching


class Searching:
    """One search, on a thread that may use native objects."""

    def __init__(self, shop: Shop, job: JobRecord, aborting: Callable[[], bool]) -> None:
        self._shop, self._job = shop, job
        spec = job.spec
        self._native = NativeJob(
            shop.natives,
            shop.lane,
            jobs.SEARCH,
            Limits("search", spec.phase_timeout, spec.stall_after),
            shop.pace,
            Hearing(stalled=self._stalled),
            aborting,
        )

    def wake(self) -> None:
        """Have it look whether it is to be aborted. From any thread."""
        self._native.wake()

    def run(self) -> JobResult:
        """Raises what the native agent refuses, and WuaError timed-out."""
        criteria, own = _split(self._job.spec.criteria, strict=self._job.spec.search.strict)
        result = self._native.run(self._searcher(), criteria)
        if self._native.timed_out:
            raise error("timed-out", f"search: longer than {self._job.spec.phase_timeout:g} s")
        code = ResultCode(result.ResultCode)
        if code is ResultCode.ABORTED:
            return JobResult(code, problem=problem("aborted", "the search was aborted"))
        found = list(each(result.Updates))
        self._shop.known.keep(found, self._job.spec.search.service_id)
        offers = list(map(mapping.offer, found))
        whole = SearchResult(
            code,
            tuple(matching(offers, *own.sql()) if own is not None else offers),
            mapping.categories(result.RootCategories),
            tuple(map(mapping.warning, each(result.Warnings))),
        )
        return JobResult(code, search=whole)

    def _searcher(self) -> Any:
        options = self._job.spec.search
        made = searcher(
            self._shop.natives,
            options.service_id,
            online=options.online,
            superseded=options.include_superseded,
        )
        if self._job.spec.application_id:
            made.ClientApplicationID = self._job.spec.application_id
        return made

    def _stalled(self, seconds: float) -> None:
        text = f"search: Windows Update has not answered for {seconds:.0f} s"
        self._shop.store.tell(self._job.id, Stalled(JobState.RUNNING, seconds, text))
        self._shop.changed(self._job.id)


def _split(text: str, *, strict: bool) -> tuple[str, Criteria | None]:
    """What to ask the native agent, and what to choose from its answer by, None for everything.

    Where the language is wua's own (Name, Origin …, a deployment action of ``*``) the native agent is asked
    for all that it knows. What neither understands is the native agent's to refuse.
    """
    try:
        parse(text, strict=True)
    except WuaError:
        try:
            return (text, None) if strict else (EVERYTHING, parse(text))
        except WuaError:
            return text, None
    return text, None


def plan(shop: Shop, job: JobRecord) -> Plan:
    """The plan that a job asks for, on a thread that may use native objects."""
    request = job.spec.request
    assert request is not None, "checked when it was submitted"
    resolved = planning.resolved(request, shop.store.job)
    natives = shop.known.need(resolved.updates)
    return planning.make(request, resolved, natives, shop.natives.about().name, time.time())


def all_categories(shop: Shop) -> tuple[Category, ...]:
    """Every category of what the machine knows of, from a search of what is stored."""
    searcher = shop.natives.create("Microsoft.Update.Searcher")
    searcher.Online = False
    return mapping.categories(searcher.Search("IsInstalled=0 or IsInstalled=1").RootCategories)
