"""Jobs whose process has gone: found in the store, and what the native history knows of them."""

from collections.abc import Iterator

from wua.model.enums import ResultCode
from wua.model.jobs import JobRecord, JobResult
from wua.model.problems import problem
from wua.model.updates import UpdateId
from wua.native import mapping
from wua.native.jobs import Part
from wua.native.natives import Natives, each
from wua.store.state import StateStore
from wua.system.process import ProcessRef

MOST: int = 1000  # entries of the history that are looked through


def left_behind(store: StateStore) -> Iterator[JobRecord]:
    """Acting jobs that nobody runs, taken over by this process. Searches and plans of such are ended."""
    for job, owner in store.unfinished(acting=False):
        if owner is None or not owner.alive():
            cause = problem("caller-died", f"job {job.id}")
            store.finish(job.id, JobResult(ResultCode.ABORTED, cause.hresult, problem=cause), durable=False)
    for job, owner in store.unfinished(acting=True):
        if owner is None or not owner.alive():
            store.own(job.id, ProcessRef.current())
            yield job


def said_of(natives: Natives, job_id: str) -> dict[UpdateId, Part]:
    """What the native history says of a job's updates. On a thread that may use native objects."""
    searcher = natives.create("Microsoft.Update.Searcher")
    total = searcher.GetTotalHistoryCount()
    found: dict[UpdateId, Part] = {}
    if total:
        for native in each(searcher.QueryHistory(0, min(total, MOST))):
            entry = mapping.history_entry(native, 0)
            if entry.job == job_id:
                found.setdefault(entry.update, Part(entry.code, entry.hresult))
    return found
