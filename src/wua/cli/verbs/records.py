"""jobs and history: what runs, and what was."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from typing import Final

import click

from wua.cli import exits
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.table import Cell, Column, Row, table
from wua.cli.words import RESULTS, clock, count, moment, some
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import HistoryEntry, JobRecord
from wua.model.states import JobState
from wua.model.struct import replace

EXITS: Final = (exits.DONE, exits.FAILED, exits.USAGE)
STYLE: Final = {
    ResultCode.SUCCEEDED: "good",
    ResultCode.SUCCEEDED_WITH_ERRORS: "careful",
    ResultCode.FAILED: "bad",
    ResultCode.ABORTED: "careful",
}
JOB_COLUMNS: Final = (
    Column("JOB"),
    Column("KIND", drop=3),
    Column("STATE"),
    Column("BEGUN", drop=2),
    Column("WHAT", least=20),
)
HISTORY_COLUMNS: Final = (
    Column("DATE", drop=2),
    Column("DONE"),
    Column("PACKAGE", least=16),
    Column("FROM", least=12, drop=3, middle=True),
    Column("TO", least=12, middle=True),
    Column("RESULT", drop=4),
    Column("JOB", drop=1),
)
_PAGE: Final = 500


@verb(
    "jobs",
    help="List jobs, newest first: what runs, and what came of the others. Searches, "
    "plans and rehearsals that have "
    "ended are left out unless --all.",
    examples="""
wua jobs
wua jobs --active
wua jobs --json | jq '.result[0].state'
""",
    exits=EXITS,
)
@click.option("--active", is_flag=True, help="Only jobs that have not ended.")
@click.option(
    "--all", "everything", is_flag=True, help="Also searches, plans and rehearsals that have ended."
)
@click.option("-n", "--limit", metavar="N", type=click.IntRange(1), default=20, show_default=True)
@click.pass_obj
def jobs(face: Face, /, active: bool, everything: bool, limit: int) -> int:
    wide = limit if everything or active else limit * 5  # most that ended are searches
    found = face.agent.jobs(limit=wide, active=active)
    if not everything:
        found = tuple(job for job in found if job.kind.acting or job.state is not JobState.ENDED)
    found = found[:limit]
    if face.json:
        return face.answer(tuple(map(light, found)))
    face.say(*job_table(face.screen, found))
    return exits.DONE


def light(job: JobRecord) -> JobRecord:
    """A record without the plan and the product it carries: these have verbs of their own."""
    result = job.result and replace(job.result, plan=None, search=None)
    return replace(job, spec=replace(job.spec, plan=None), result=result)


def job_table(screen: Screen, found: Sequence[JobRecord]) -> Iterator[str]:
    """The lines of a list of jobs."""
    if not found:
        yield "No jobs."
        return
    yield from table(screen, JOB_COLUMNS, [job_row(job) for job in found], indent="")


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


@verb(
    "history",
    help="List what was installed and uninstalled, newest first; with names only these packages.",
    examples="""
wua history
wua history libc6 -n 100
""",
    exits=EXITS,
)
@click.argument("names", metavar="[NAME]...", nargs=-1)
@click.option("-n", "--limit", metavar="N", type=click.IntRange(1), default=30, show_default=True)
@click.option("--job", metavar="JOB", default="", help="Only what this job did.")
@click.pass_obj
def history(face: Face, /, names: tuple[str, ...], limit: int, job: str) -> int:
    wanted = face.agent.protocol.job(job).id if job else ""
    found = tuple(_entries(face, set(names), wanted, limit))
    face.say(*history_table(face.screen, found))
    return face.answer(found)


def _entries(face: Face, names: set[str], job: str, limit: int) -> Iterator[HistoryEntry]:
    start = 0
    while page := face.agent.history(start, _PAGE if names or job else limit):
        for entry in page:
            if (not names or entry.name in names) and job in ("", entry.job):
                yield entry
                limit -= 1
                if limit == 0:
                    return
        start += len(page)


def history_table(screen: Screen, found: Sequence[HistoryEntry]) -> Iterator[str]:
    """The lines of the history."""
    if not found:
        yield "Nothing was installed or uninstalled yet."
        return
    yield from table(screen, HISTORY_COLUMNS, [history_row(entry) for entry in found], indent="")


def history_row(entry: HistoryEntry) -> Row:
    """One entry as a row of the table."""
    done = "install" if entry.operation == UpdateOperation.INSTALLATION else "uninstall"
    result = RESULTS[entry.code]
    if entry.code is ResultCode.FAILED:
        result += f" 0x{entry.hresult:08X}"
    return (
        clock(entry.date),
        done,
        Cell(entry.name, "name"),
        entry.from_version,
        entry.to_version,
        Cell(result, STYLE.get(entry.code, "")),
        entry.job,
    )
