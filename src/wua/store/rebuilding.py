"""Between rows of the state store and records: copying a job out, and building a store again."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from wua.model.jobs import AnyEvent, Delivery, Ended, HistoryEntry, JobResult, Noted
from wua.model.states import JobState
from wua.store import records

SKIPPED: Final = 1_000_000  # event numbers left free, because readers' cursors may be ahead of the record

_encode: Final = msgspec.json.Encoder().encode
_result: Final = msgspec.json.Decoder(JobResult).decode


def record(
    row: Sequence[Any], deliveries: tuple[Delivery, ...], history: tuple[HistoryEntry, ...]
) -> records.Record:
    """The record of a job from its row, whose last four columns hold JSON."""
    raw = [records.NULL if data is None else msgspec.Raw(data) for data in row[-4:]]
    values = (*row[:-4], *raw, deliveries, history)
    return records.Record(**dict(zip(records.Record.__struct_fields__, values, strict=True)))


def rebuild(db: sqlite3.Connection, store: Path, set_aside: Path, now: float) -> None:
    """Fill an empty store from the folders of its jobs, and say so in each of them."""
    found, unreadable = records.read(store)
    text = f"the store was damaged and is kept as {set_aside}; this job was built again from its folder"
    if unreadable:
        text += f"; these jobs are lost: {', '.join(unreadable)}"
    for one in found:
        runs = list(records.runs(one, store))
        acted = any(run.began and run.note.phase is JobState.INSTALLING for run in runs)
        ended = not _is_null(one.result)
        _add_job(db, one, runs, JobState.INSTALLING if acted and not ended else JobState(one.state))
        _add_runs(db, one.id, runs, one.abort)
        _add_deliveries_and_history(db, one)
        events: list[AnyEvent] = [Noted(text)]
        if ended:
            events.append(Ended(_result(bytes(one.result))))
        for number, event in enumerate(events, one.last_seq + SKIPPED):
            db.execute("INSERT INTO events VALUES (?,?,?,?)", (one.id, number, now, _encode(event)))
            db.execute("UPDATE jobs SET last_seq=? WHERE id=?", (number, one.id))
    for update_id in records.read_hidden(store):
        db.execute("INSERT INTO hidden VALUES (?,?)", (update_id, now))
    db.executemany("INSERT OR REPLACE INTO kept VALUES (?,?,?)", records.read_kept(store))


def _is_null(data: msgspec.Raw) -> bool:
    return bytes(data) == bytes(records.NULL)


def _add_job(
    db: sqlite3.Connection, one: records.Record, runs: Sequence[records.RunFound], state: JobState
) -> None:
    """Entered in a state before its own, a job comes to it again by what its runs have done."""
    newest = max(runs, key=lambda run: run.n).note if runs else None
    late = newest is not None and _is_null(one.result)
    updates = newest.updates if newest is not None and late else one.updates
    plan = newest.plan if newest is not None and late else one.plan
    raw = (one.spec, one.updates if _is_null(updates) else updates, plan, one.result)
    db.execute(
        "INSERT INTO jobs(id, kind, state, key, created, started, ended, abort, last_seq,"
        " spec, updates, plan, result) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *(one.id, one.kind, state.value, one.key, one.created, one.started, one.ended),
            *(one.abort, one.last_seq),
            *(None if _is_null(data) else bytes(data) for data in raw),
        ),
    )


def _add_runs(db: sqlite3.Connection, job: str, runs: Sequence[records.RunFound], cancelled: int) -> None:
    for run in runs:
        db.execute(
            "INSERT INTO runs(job, n, phase, folder, boot, began, cancelled, ended, exit)"
            " VALUES (?,?,?,?,?,?,?,?,?)",
            (
                *(job, run.n, run.note.phase.value, run.folder, run.note.boot),
                *(run.began, cancelled, run.ended, run.exit),
            ),
        )


def _add_deliveries_and_history(db: sqlite3.Connection, one: records.Record) -> None:
    for given in one.deliveries:
        db.execute(
            "INSERT INTO deliveries VALUES (?,?,?,?,?,?,?)",
            (
                *(given.id, given.job, _encode(given.subscription), given.state.value),
                *(given.tried, given.next_try, given.last_error),
            ),
        )
    for entry in one.history:
        db.execute(
            "INSERT OR REPLACE INTO history VALUES (?,?,?,?)",
            (entry.id, entry.update.update_id, entry.job, _encode(entry)),
        )
