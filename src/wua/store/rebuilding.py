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

_NULL: Final = msgspec.Raw(b"null")
_encode: Final = msgspec.json.Encoder().encode
_result: Final = msgspec.json.Decoder(JobResult).decode


def record(
    row: Sequence[Any], deliveries: tuple[Delivery, ...], history: tuple[HistoryEntry, ...]
) -> records.Record:
    """The record of a job from its row, whose last four columns hold JSON."""
    raw = [_NULL if data is None else msgspec.Raw(data) for data in row[-4:]]
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
        ended = bytes(one.result) != bytes(_NULL)
        lags = not ended and acted and one.state != JobState.REPAIRING.value
        _add_job(db, one, JobState.INSTALLING.value if lags else one.state)
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


def _add_job(db: sqlite3.Connection, one: records.Record, state: str) -> None:
    raw = (one.spec, one.updates, one.plan, one.result)
    db.execute(
        "INSERT INTO jobs(id, kind, state, key, created, started, ended, abort, last_seq,"
        " spec, updates, plan, result) VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
        (
            *(one.id, one.kind, state, one.key, one.created, one.started, one.ended),
            *(one.abort, one.last_seq),
            *(None if bytes(data) == bytes(_NULL) else bytes(data) for data in raw),
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
