"""The state store: jobs, events, runs, deliveries, history and hidden marks, in one SQLite file.

What must last is committed with synchronous FULL; progress goes through a second connection with
NORMAL, which costs no wait and can lose at most the newest progress on a power loss. Every acting job
has a second copy in its folder (``records``), from which a store that was found broken is built again.
"""

import os
import sqlite3
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec

from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    Delivery,
    DeliveryState,
    Ended,
    HistoryEntry,
    JobEvent,
    JobKind,
    JobRecord,
    JobResult,
    JobSpec,
    Progress,
    Progressed,
    StateChanged,
    Subscription,
)
from wua.model.plans import Plan
from wua.model.problems import error
from wua.model.states import TABLE, JobState, OnCancel, check_transition
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.store import rebuilding, records
from wua.store.keeping import Keeping
from wua.store.migrations import STEPS
from wua.system.process import ProcessRef, boot_id

encode: Final = msgspec.json.Encoder().encode
_spec: Final = msgspec.json.Decoder(JobSpec).decode
_plan: Final = msgspec.json.Decoder(Plan).decode
_event: Final = msgspec.json.Decoder(AnyEvent).decode
_result: Final = msgspec.json.Decoder(JobResult).decode
_progress: Final = msgspec.json.Decoder(Progress).decode
_updates: Final = msgspec.json.Decoder(tuple[UpdateId, ...]).decode
_subscription: Final = msgspec.json.Decoder(Subscription).decode
_history: Final = msgspec.json.Decoder(HistoryEntry).decode

_JOB_COLUMNS: Final = "id, spec, state, updates, created, started, ended, abort, last_seq, progress, result"


class Run(msgspec.Struct, frozen=True):
    """A supervised command of a job, as the store knows it."""

    n: int
    phase: JobState
    folder: str
    boot: str
    cancelled: bool
    ended: bool
    exit: int | None


class StateStore(Keeping):
    """Jobs and what belongs to them. Methods may be called from any thread.

    Raises:
        WuaError: store-newer, store-unwritable on opening; disk-full, store-unwritable on writing.
    """

    steps = STEPS

    def rebuild(self, set_aside: Path) -> None:
        with self._write() as db:
            rebuilding.rebuild(db, self.path, set_aside, self._clock())

    def save_record(self, job_id: str) -> None:
        """Copy what the store now says of an acting job into the job's folder."""
        ((*fields, result),) = self._rows(
            "SELECT id, kind, state, key, created, started, ended, abort, last_seq,"
            " spec, updates, plan, result FROM jobs WHERE id=?",
            job_id,
        )
        history = () if result is None else self.history_of(job_id)
        records.write(self.path, rebuilding.record((*fields, result), self.deliveries(job_id), history))

    # --- jobs

    def add_job(
        self, spec: JobSpec, updates: tuple[UpdateId, ...], *, owner: ProcessRef | None = None
    ) -> tuple[JobRecord, bool]:
        """Record a job; (record, whether it is new). The same idempotency key gives the same job.

        Raises:
            WuaError: busy, when it must not queue and another job that changes the target is not over.
        """
        state = JobState.QUEUED if spec.kind.acting else JobState.RUNNING
        with self._write(soft=not spec.kind.acting) as db:
            if spec.idempotency_key:
                row = db.execute("SELECT id FROM jobs WHERE key=?", (spec.idempotency_key,)).fetchone()
                if row:
                    return self.job(row[0]), False
            if spec.kind.changes_target and not spec.queue:
                _refuse_if_busy(db, self._clock())
            job = os.urandom(4).hex()
            while db.execute("SELECT 1 FROM jobs WHERE id=?", (job,)).fetchone():
                job = os.urandom(4).hex()
            now = self._clock()
            db.execute(
                "INSERT INTO jobs(id, kind, state, owner, key, created, started, last_seq, spec, updates)"
                " VALUES (?,?,?,?,?,?,?,1,?,?)",
                (
                    job,
                    spec.kind.value,
                    state.value,
                    _owner(owner),
                    spec.idempotency_key or None,
                    now,
                    0.0 if spec.kind.acting else now,
                    encode(spec),
                    encode(updates),
                ),
            )
            db.execute("INSERT INTO events VALUES (?,1,?,?)", (job, now, encode(StateChanged(state))))
        if spec.kind.acting:
            self.save_record(job)
        return JobRecord(job, spec, state, updates, now, 0.0 if spec.kind.acting else now, last_seq=1), True

    def job(self, job_id: str) -> JobRecord:
        """Raises WuaError unknown-job; a unique beginning of an id is enough."""
        rows = self._rows(f"SELECT {_JOB_COLUMNS} FROM jobs WHERE id=?", job_id)
        if not rows and job_id:
            pattern = job_id.replace("*", "").replace("?", "").replace("[", "") + "*"
            rows = self._rows(f"SELECT {_JOB_COLUMNS} FROM jobs WHERE id GLOB ? LIMIT 2", pattern)
        if len(rows) != 1:
            raise error(
                "unknown-job", f"{'more than one job begins' if rows else 'no job'} with id {job_id!r}"
            )
        return _record(rows[0])

    def jobs(self, *, limit: int = 50, active: bool = False) -> tuple[JobRecord, ...]:
        """Newest first."""
        where = "WHERE state != 'ended'" if active else ""
        rows = self._rows(f"SELECT {_JOB_COLUMNS} FROM jobs {where} ORDER BY number DESC LIMIT ?", limit)
        return tuple(map(_record, rows))

    def last_success(self, kind: JobKind, application_id: str) -> float:
        """When the last successful job of an application ended, 0 when there was none.

        Success is also that of some of its updates.
        """
        rows = self._rows(
            "SELECT max(ended) FROM jobs WHERE kind=?"
            " AND json_extract(CAST(spec AS TEXT), '$.application_id')=?"
            " AND json_extract(CAST(result AS TEXT), '$.code') IN (?,?)",
            kind.value,
            application_id,
            ResultCode.SUCCEEDED.value,
            ResultCode.SUCCEEDED_WITH_ERRORS.value,
        )
        return float(rows[0][0] or 0.0)

    def unfinished(self, *, acting: bool) -> tuple[tuple[JobRecord, ProcessRef | None], ...]:
        """Jobs that have not ended, oldest first, each with the process that owns it."""
        rows = self._rows(f"SELECT owner, {_JOB_COLUMNS} FROM jobs WHERE state != 'ended' ORDER BY number")
        found = ((_record(row[1:]), _process(row[0])) for row in rows)
        return tuple((job, owner) for job, owner in found if job.kind.acting == acting)

    def transition(
        self,
        job_id: str,
        after: JobState,
        text: str = "",
        *,
        plan: Plan | None = None,
        owner: ProcessRef | None = None,
        events: Sequence[AnyEvent] = (),
        durable: bool = True,
    ) -> bool:
        """Save the next state before anything is done in it, with the ``events`` that go with it.

        False, and nothing is changed, when an abort was asked for that the present state obeys at once.

        ``owner`` is who runs the job from now on. A step that is not ``durable`` survives any process, and
        lasts through a power loss from the next durable one on. Raises IllegalTransition.
        """
        with self._write(soft=not durable) as db:
            before, aborting, seq = db.execute(
                "SELECT state, abort, last_seq FROM jobs WHERE id=?", (job_id,)
            ).fetchone()
            check_transition(JobState(before), after)
            obeys = TABLE[JobState(before)].cancel in (OnCancel.END_NOW, OnCancel.SIGNAL)
            if aborting and obeys and after is not JobState.EVALUATING:
                return False
            changed: dict[str, Any] = {"state": after.value}
            changed |= self._append(db, job_id, seq, StateChanged(after, text), *events)
            if plan is not None:
                changed["plan"] = encode(plan)
            if owner is not None:
                changed["owner"] = _owner(owner)
                changed["started"] = self._clock()
            _update(db, job_id, changed)
        return True

    def own(self, job_id: str, owner: ProcessRef | None) -> None:
        """Note who runs a job that another process began; None: nobody any more."""
        with self._write() as db:
            db.execute("UPDATE jobs SET owner=? WHERE id=?", (_owner(owner), job_id))

    def plan(self, job_id: str) -> Plan | None:
        """The plan that a job applies, once it has one."""
        ((data,),) = self._rows("SELECT plan FROM jobs WHERE id=?", job_id)
        return None if data is None else _plan(data)

    def set_updates(self, job_id: str, updates: tuple[UpdateId, ...]) -> None:
        """For jobs whose updates come out of their plan (undo, remove)."""
        with self._write() as db:
            db.execute("UPDATE jobs SET updates=? WHERE id=?", (encode(updates), job_id))

    def request_abort(self, job_id: str) -> JobState:
        """Record the request; the state that the job was in at that moment."""
        with self._write() as db:
            db.execute("UPDATE jobs SET abort=1 WHERE id=? AND state != 'ended'", (job_id,))
            (state,) = db.execute("SELECT state FROM jobs WHERE id=?", (job_id,)).fetchone()
        return JobState(state)

    def withdraw(self, job_id: str) -> None:
        """Ask for the abort of a job that could not be begun, and forget its idempotency key."""
        with self._write() as db:
            db.execute("UPDATE jobs SET abort=1, key=NULL WHERE id=? AND state != 'ended'", (job_id,))

    def abort_requested(self, job_id: str) -> bool:
        return bool(self._rows("SELECT abort FROM jobs WHERE id=?", job_id)[0][0])

    def finish(
        self,
        job_id: str,
        result: JobResult,
        history: Iterable[HistoryEntry] = (),
        *,
        events: Sequence[AnyEvent] = (),
        durable: bool = True,
    ) -> bool:
        """Write result, history and last events in one transaction; False if there was a result.

        The record in the job's folder is left to the caller, who may have somebody to tell first.
        """
        with self._write(soft=not durable) as db:
            open_job = db.execute(
                "SELECT last_seq FROM jobs WHERE id=? AND result IS NULL", (job_id,)
            ).fetchone()
            if open_job is None:
                return False
            for entry in history:
                row = db.execute(
                    "INSERT INTO history(update_id, job, entry) VALUES (?,?,?)",
                    (entry.update.update_id, job_id, encode(entry)),
                )
                stored = replace(entry, id=row.lastrowid)
                db.execute("UPDATE history SET entry=? WHERE id=?", (encode(stored), row.lastrowid))
            changed = self._append(db, job_id, open_job[0], *events, Ended(result))
            changed |= {"state": JobState.ENDED.value, "ended": self._clock(), "result": encode(result)}
            _update(db, job_id, changed)
        return True

    # --- events

    def _append(self, db: sqlite3.Connection, job_id: str, seq: int, *events: AnyEvent) -> dict[str, Any]:
        """Store events behind number ``seq``; what is to be changed in the job with them."""
        now = self._clock()
        rows = [(job_id, seq + place, now, encode(event)) for place, event in enumerate(events, 1)]
        db.executemany("INSERT INTO events VALUES (?,?,?,?)", rows)
        changed: dict[str, Any] = {"last_seq": seq + len(rows)}
        progress = [event.progress for event in events if isinstance(event, Progressed)]
        if progress:
            changed["progress"] = encode(progress[-1])
        return changed

    def tell(self, job_id: str, *events: AnyEvent) -> None:
        """Append events without waiting for the disk; a job that has ended takes none."""
        with self._write(soft=True) as db:
            state, seq = db.execute("SELECT state, last_seq FROM jobs WHERE id=?", (job_id,)).fetchone()
            if state != JobState.ENDED.value:
                _update(db, job_id, self._append(db, job_id, seq, *events))

    def events(self, job_id: str, after: int = 0, limit: int = 1000) -> tuple[JobEvent, ...]:
        rows = self._rows(
            "SELECT seq, time, event FROM events WHERE job=? AND seq>? ORDER BY seq LIMIT ?",
            job_id,
            after,
            limit,
        )
        return tuple(JobEvent(job_id, seq, moment, _event(data)) for seq, moment, data in rows)

    # --- runs

    def begin_run(
        self, job_id: str, phase: JobState, folder: Path, prepare: Callable[[Path], None] = lambda _: None
    ) -> Run:
        """Record that a command is about to run, before it may; ``folder`` holds the runs of the job.

        ``prepare`` fills the run's folder. The files come before the commit: while the disk is at work on a
        commit, making a file waits for it. With this commit every earlier step lasts.
        """
        with self._write() as db:
            n, updates, plan = db.execute(
                "SELECT (SELECT coalesce(max(n), 0) + 1 FROM runs WHERE job=id), updates, plan FROM jobs"
                " WHERE id=?",
                (job_id,),
            ).fetchone()
            run = Run(n, phase, str(folder / f"run-{n}"), boot_id(), False, False, None)
            db.execute(
                "INSERT INTO runs(job, n, phase, folder, boot) VALUES (?,?,?,?,?)",
                (job_id, n, phase.value, run.folder, run.boot),
            )
            planned = records.NULL if plan is None else msgspec.Raw(plan)
            note = records.RunNote(phase, run.boot, msgspec.Raw(updates), planned)
            records.write_run(Path(run.folder), note)
            prepare(Path(run.folder))
        return run

    def end_run(self, job_id: str, n: int, code: int | None) -> None:
        """Note the exit status; what makes it last is the supervisor's own record in the run folder."""
        with self._write(soft=True) as db:
            db.execute("UPDATE runs SET ended=1, exit=? WHERE job=? AND n=?", (code, job_id, n))

    def forget_run(self, job_id: str, n: int) -> None:
        """Note that a run is known never to have begun; its number and folder are not used again."""
        with self._write() as db:
            db.execute("UPDATE runs SET began=0 WHERE job=? AND n=?", (job_id, n))

    def mark_cancelled(self, job_id: str, n: int) -> None:
        with self._write() as db:
            db.execute("UPDATE runs SET cancelled=1 WHERE job=? AND n=? AND cancelled=0", (job_id, n))

    def runs(self, job_id: str) -> tuple[Run, ...]:
        rows = self._rows(
            "SELECT n, phase, folder, boot, cancelled, ended, exit FROM runs"
            " WHERE job=? AND began ORDER BY n",
            job_id,
        )
        return tuple(
            Run(n, JobState(phase), folder, boot, bool(cancelled), bool(ended), code)
            for n, phase, folder, boot, cancelled, ended, code in rows
        )

    # --- durable subscriptions

    def subscribe(self, job_id: str, subscription: Subscription) -> Delivery:
        delivery = Delivery(os.urandom(8).hex(), self.job(job_id).id, subscription, DeliveryState.PENDING)
        with self._write() as db:
            db.execute(
                "INSERT INTO deliveries(id, job, subscription, state) VALUES (?,?,?,?)",
                (delivery.id, delivery.job, encode(subscription), delivery.state.value),
            )
        self.save_record(delivery.job)
        return delivery

    def deliveries(self, job_id: str = "", *, due: bool = False) -> tuple[Delivery, ...]:
        """All, or those of a job; ``due`` only those of ended jobs that still wait to be acknowledged."""
        where = "WHERE (?1='' OR d.job=?1)"
        if due:
            where += " AND d.state='pending' AND (SELECT state FROM jobs WHERE id=d.job)='ended'"
        rows = self._rows(
            "SELECT id, job, subscription, state, tried, next_try, last_error"
            f" FROM deliveries d {where} ORDER BY rowid",
            job_id,
        )
        return tuple(
            Delivery(id_, job, _subscription(data), DeliveryState(state), tried, next_try, last_error)
            for id_, job, data, state, tried, next_try, last_error in rows
        )

    def attempted(
        self,
        delivery_id: str,
        state: DeliveryState,
        *,
        tried: int,
        next_try: float = 0.0,
        last_error: str = "",
    ) -> None:
        """Store what came of an attempt to deliver."""
        with self._write() as db:
            db.execute(
                "UPDATE deliveries SET state=?, tried=?, next_try=?, last_error=? WHERE id=?",
                (state.value, tried, next_try, last_error, delivery_id),
            )
            (job_id,) = db.execute("SELECT job FROM deliveries WHERE id=?", (delivery_id,)).fetchone()
        self.save_record(job_id)

    # --- history and hidden marks

    def history(self, start: int = 0, count: int = -1, update_id: str = "") -> tuple[HistoryEntry, ...]:
        """Newest first; ``count`` -1 for all."""
        rows = self._rows(
            "SELECT entry FROM history WHERE ?1='' OR update_id=?1 ORDER BY id DESC LIMIT ?2 OFFSET ?3",
            update_id,
            count,
            start,
        )
        return tuple(_history(data) for (data,) in rows)

    def history_of(self, job_id: str) -> tuple[HistoryEntry, ...]:
        """In the order of the job's plan."""
        return tuple(
            _history(data)
            for (data,) in self._rows("SELECT entry FROM history WHERE job=? ORDER BY id", job_id)
        )

    def history_count(self) -> int:
        return int(self._rows("SELECT count(*) FROM history")[0][0])

    def hidden(self) -> frozenset[str]:
        return frozenset(row[0] for row in self._rows("SELECT update_id FROM hidden"))

    def set_hidden(self, update_ids: Iterable[str], hidden: bool) -> None:
        with self._write() as db:
            for update_id in update_ids:
                if hidden:
                    db.execute("INSERT OR IGNORE INTO hidden VALUES (?,?)", (update_id, self._clock()))
                else:
                    db.execute("DELETE FROM hidden WHERE update_id=?", (update_id,))
        records.write_hidden(self.path, self.hidden())


def _update(db: sqlite3.Connection, job_id: str, changed: dict[str, Any]) -> None:
    marks = ", ".join(f"{name}=?" for name in changed)
    db.execute(f"UPDATE jobs SET {marks} WHERE id=?", (*changed.values(), job_id))


def _refuse_if_busy(db: sqlite3.Connection, now: float) -> None:
    """A job that waits for a time that has not come yet is in nobody's way."""
    for job, kind, state, spec in db.execute("SELECT id, kind, state, spec FROM jobs WHERE state != 'ended'"):
        if not JobKind(kind).changes_target:
            continue
        if state != JobState.QUEUED.value or _spec(spec).not_before <= now:
            raise error("busy", f"job {job} ({kind}) is {state}")


def _owner(owner: ProcessRef | None) -> str:
    return "" if owner is None else f"{owner.pid} {owner.start} {owner.boot}"


def _process(text: str) -> ProcessRef | None:
    if not text:
        return None
    pid, start, boot = text.split()
    return ProcessRef(int(pid), int(start), boot)


def _record(row: tuple[Any, ...]) -> JobRecord:
    id_, spec, state, updates, created, started, ended, abort, last_seq, progress, result = row
    return JobRecord(
        id_,
        _spec(spec),
        JobState(state),
        _updates(updates),
        created,
        started,
        ended,
        bool(abort),
        last_seq,
        None if progress is None else _progress(progress),
        None if result is None else _result(result),
    )
