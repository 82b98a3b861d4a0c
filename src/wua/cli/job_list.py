"""The list of jobs. Apart from its verb, so that plain ``wua jobs`` can answer before click is loaded."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from typing import Final

from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.table import Cell, Column, Row, table
from wua.cli.words import RESULTS, clock, count, moment, some
from wua.model.enums import ResultCode
from wua.model.jobs import JobRecord
from wua.model.states import JobState
from wua.model.struct import replace

LIMIT: Final = 20
STYLE: Final = {
    ResultCode.SUCCEEDED: "good",
    ResultCode.SUCCEEDED_WITH_ERRORS: "careful",
    ResultCode.FAILED: "bad",
    ResultCode.ABORTED: "careful",
}
COLUMNS: Final = (
    Column("JOB"),
    Column("KIND", drop=3),
    Column("STATE"),
    Column("BEGUN", drop=2),
    Column("WHAT", least=20),
)


def plain() -> int | None:
    """``wua jobs`` with no options; None when anything was in the way: the ordinary way tells it well."""
    face = Face()
    face.root = os.environ.get("WUA_TARGET")
    face.verb = "jobs"
    try:
        return show_jobs(face)
    except Exception:  # noqa: BLE001 - whatever it is, it is met again and told on the ordinary way
        return None
    finally:
        face.close()


def show_jobs(face: Face, *, active: bool = False, everything: bool = False, limit: int = LIMIT) -> int:
    """Tell the newest jobs; of those that ended only the acting ones, unless ``everything``."""
    wide = limit if everything or active else limit * 5  # most that ended are searches
    found = face.agent.jobs(limit=wide, active=active)
    if not everything:
        found = tuple(job for job in found if job.kind.acting or job.state is not JobState.ENDED)
    found = found[:limit]
    face.say(*job_table(face.screen, found))
    return face.answer(tuple(map(light, found)))


def light(job: JobRecord) -> JobRecord:
    """A record without the plan and the product it carries: these have verbs of their own."""
    result = job.result and replace(job.result, plan=None, search=None)
    return replace(job, spec=replace(job.spec, plan=None), result=result)


def job_table(screen: Screen, found: Sequence[JobRecord]) -> Iterator[str]:
    """The lines of a list of jobs."""
    if not found:
        yield "No jobs."
        return
    yield from table(screen, COLUMNS, [job_row(job) for job in found], indent="")


def job_row(job: JobRecord) -> Row:
    """One job as a row of the table."""
    return (
        Cell(job.id, "name"),
        job.kind.value,
        job_state(job),
        moment(job.started or job.created, time.time()),
        job_subject(job),
    )


def job_state(job: JobRecord) -> Cell:
    """``done``, ``installing 62 %``, ``queued, not before …``."""
    if job.result is not None:
        return Cell(RESULTS[job.result.code], STYLE.get(job.result.code, ""))
    text = job.state.value
    if job.state is JobState.QUEUED and job.spec.not_before:
        text += f", not before {clock(job.spec.not_before)}"
    elif job.progress is not None and job.kind.acting:
        text += f" {job.progress.percent} %"
    return Cell(f"{text}, aborting" if job.abort_requested else text, "head")


def job_subject(job: JobRecord) -> str:
    """What a job is about, in a few words."""
    spec = job.spec
    request = spec.plan.request if spec.plan else spec.request
    if spec.plan is not None:
        return some([item.name for item in spec.plan.requested])
    if request is not None and request.packages:
        return some(request.packages)
    if request is not None and request.job:
        return f"job {request.job}"
    if spec.criteria:
        return spec.criteria
    number = len(job.updates or (request.updates if request else ()))
    return count(number, "update") if number else ""
