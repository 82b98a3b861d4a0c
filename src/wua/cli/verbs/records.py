"""jobs and history: what runs, and what was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click

from wua.cli import exits
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.job_list import LIMIT, STYLE, show_jobs
from wua.cli.screen import Screen
from wua.cli.table import Cell, Column, Row, table
from wua.cli.words import RESULTS, clock
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import HistoryEntry

EXITS: Final = (exits.DONE, exits.FAILED, exits.USAGE)
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
@click.option("-n", "--limit", metavar="N", type=click.IntRange(1), default=LIMIT, show_default=True)
@click.pass_obj
def jobs(face: Face, /, active: bool, everything: bool, limit: int) -> int:
    return show_jobs(face, active=active, everything=everything, limit=limit)


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
