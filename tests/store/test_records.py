"""The second copy: what of a job is built again from its folder, field by field."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from wua.model.enums import ResultCode
from wua.model.jobs import (
    DeliveryState,
    Ended,
    HistoryEntry,
    JobKind,
    JobResult,
    JobSpec,
    Noted,
    StateChanged,
    Subscription,
)
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.store import rebuilding, records
from wua.store.state import StateStore
from wua.system.process import boot_id

S = JobState
UPDATE = UpdateId("u")
REQUEST = PlanRequest(Operation.INSTALL, updates=(UPDATE,))
DONE = JobResult(ResultCode.SUCCEEDED)
PLAN = Plan(REQUEST, "t", "w", 0.0)
LATER = 2000.0


class Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    made = StateStore(tmp_path / "state.db", clock=Time())
    yield made
    made.close()


def spec(key: str = "", kind: JobKind = JobKind.INSTALL) -> JobSpec:
    return JobSpec(kind, request=REQUEST, idempotency_key=key)


def entry(job: str, name: str) -> HistoryEntry:
    return HistoryEntry(
        0, job, UPDATE, f"{name} 1", 1, ResultCode.SUCCEEDED, 0, 0, 1.0, "x", name, "sim", "", "1", True
    )


def walk(store: StateStore, job: str, *states: JobState) -> None:
    for state in states:
        assert store.transition(job, state, plan=PLAN)


def rebuilt(store: StateStore) -> StateStore:
    """The store as it is built again after a total loss of its file."""
    path = store.path
    store.close()
    path.write_bytes(b"no database at all" * 500)
    return StateStore(path, clock=lambda: LATER)


def run(store: StateStore, job: str, phase: JobState, **files: object) -> Path:
    made = store.begin_run(job, phase, records.folder(store.path, job))
    for name, content in files.items():
        Path(made.folder, name).write_text(json.dumps(content))
    return Path(made.folder)


def test_everything_that_counts_is_built_again(store: StateStore) -> None:
    ended, begun = (store.add_job(spec(key), (UPDATE,))[0].id for key in ("one", ""))
    queued = store.add_job(spec("three", JobKind.DOWNLOAD), (UPDATE,))[0].id
    walk(store, ended, S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING)
    acknowledged, waiting = (store.subscribe(ended, Subscription((name,))) for name in ("a", "b"))
    store.finish(ended, DONE, [entry(ended, "x"), entry(ended, "y")])
    store.attempted(acknowledged.id, DeliveryState.DELIVERED, tried=1)
    store.attempted(waiting.id, DeliveryState.PENDING, tried=3, next_try=77.0, last_error="exit 1")
    walk(store, begun, S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING)
    run(store, begun, S.INSTALLING, claim={"pid": 1}, status={"exit": 5})
    store.request_abort(queued)
    store.save_record(queued)
    store.set_hidden(["h", "g"], True)

    before = {job: store.job(job) for job in (ended, begun, queued)}
    history, deliveries = store.history(), store.deliveries()
    plan = store.plan(begun)
    again = rebuilt(store)
    for job, old in before.items():
        new = again.job(job)
        assert (new.id, new.spec, new.state, new.updates) == (old.id, old.spec, old.state, old.updates)
        assert (new.created, new.started, new.ended) == (old.created, old.started, old.ended)
        assert (new.abort_requested, new.result, new.progress) == (old.abort_requested, old.result, None)
        assert new.last_seq > old.last_seq + 900_000
        assert {told.time for told in again.events(job, old.last_seq)} == {LATER}
    assert [job.id for job in again.jobs()] == [queued, begun, ended]
    assert again.history() == history
    assert again.history_of(ended) == history[::-1]
    assert again.deliveries() == deliveries
    assert again.plan(begun) == plan
    assert again.plan(queued) is None
    assert again.hidden() == {"g", "h"}
    assert again.add_job(spec("one"), ())[0].id == ended
    assert again.add_job(spec("three"), ())[0].id == queued
    again.close()


def test_the_events_of_a_job_that_was_built_again(store: StateStore) -> None:
    ended, open_ = (store.add_job(spec(), (UPDATE,))[0].id for _ in range(2))
    store.finish(ended, DONE)
    store.save_record(ended)
    again = rebuilt(store)
    text = f"the store was damaged and is kept as {again.set_aside}; this job was built again from its folder"
    assert [told.event for told in again.events(ended)] == [Noted(text), Ended(DONE)]
    assert [told.event for told in again.events(open_)] == [Noted(text)]
    first, last = again.events(ended)
    assert (first.seq, last.seq) == (2 + rebuilding.SKIPPED, 3 + rebuilding.SKIPPED)
    assert again.job(ended).last_seq == last.seq
    assert again.transition(open_, S.PLANNING)
    assert again.events(open_)[-1].event == StateChanged(S.PLANNING)
    again.close()


def test_runs_are_known_by_their_folders(store: StateStore) -> None:
    job = store.add_job(spec(), (UPDATE,))[0].id
    walk(store, job, S.PLANNING, S.DOWNLOADING)
    fetched = run(store, job, S.DOWNLOADING, claim={"pid": 1}, status={"exit": -9})
    fenced = run(store, job, S.DOWNLOADING, claim={})
    lost = run(store, job, S.DOWNLOADING, claim={"pid": 1}, status={})
    unclaimed = run(store, job, S.DOWNLOADING)
    noteless = run(store, job, S.DOWNLOADING, claim={"pid": 1})
    (noteless / records.RUN).write_text("{")
    (noteless.parent / "run-x").mkdir()
    broken = run(store, job, S.DOWNLOADING, claim={"pid": 1})
    (broken / "status").write_text('{"exit"')
    store.save_record(job)
    again = rebuilt(store)
    found = {Path(each.folder): each for each in again.runs(job)}
    assert set(found) == {fetched, lost, unclaimed, noteless, broken}
    assert fenced not in found
    assert (found[fetched].n, found[fetched].ended, found[fetched].exit) == (1, True, -9)
    assert (found[fetched].phase, found[fetched].boot) == (S.DOWNLOADING, boot_id())
    assert (found[lost].ended, found[lost].exit) == (True, None)
    assert (found[unclaimed].ended, found[broken].ended) == (False, False)
    assert (found[noteless].phase, found[noteless].boot) == (again.job(job).state, "")
    assert not any(each.cancelled for each in found.values())
    assert again.begin_run(job, S.DOWNLOADING, noteless.parent).n == 7
    again.close()


def test_the_runs_of_an_aborted_job_count_as_cut_short(store: StateStore) -> None:
    job = store.add_job(spec(), (UPDATE,))[0].id
    walk(store, job, S.PLANNING, S.DOWNLOADING)
    run(store, job, S.DOWNLOADING, claim={"pid": 1}, status={"exit": -2})
    store.request_abort(job)
    store.save_record(job)
    again = rebuilt(store)
    assert [each.cancelled for each in again.runs(job)] == [True]
    assert again.abort_requested(job)
    again.close()


@pytest.mark.parametrize(("claim", "expected"), [({"pid": 1}, S.INSTALLING), ({}, S.QUEUED)])
@pytest.mark.parametrize("states", [(S.INSTALLING,), (S.REPAIRING, S.VERIFYING, S.INSTALLING)])
def test_a_copy_that_lags_behind_an_installer_is_put_right(
    store: StateStore, states: tuple[JobState, ...], claim: dict[str, int], expected: JobState
) -> None:
    """It is written when the job is submitted; what was planned since then stands beside each run."""
    job = store.add_job(spec(), ())[0].id
    plan = Plan(PlanRequest(Operation.INSTALL, updates=(UPDATE,)), "t", "w", 1.0)
    store.set_updates(job, (UPDATE,))
    before = (S.PLANNING, S.LOCKING, *([] if S.REPAIRING in states else [S.VERIFYING]))
    for state in (*before, *states):
        store.transition(job, state, plan=plan)
    run(store, job, S.INSTALLING, claim=claim)
    again = rebuilt(store)
    assert again.job(job).state is expected
    assert again.job(job).updates == (UPDATE,)
    assert again.plan(job) == plan
    again.close()


def test_an_ended_job_stays_ended_whatever_ran(store: StateStore) -> None:
    job = store.add_job(spec(), (UPDATE,))[0].id
    walk(store, job, S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING)
    run(store, job, S.INSTALLING, claim={"pid": 1}, status={"exit": 0})
    store.finish(job, DONE)
    store.save_record(job)
    again = rebuilt(store)
    assert (again.job(job).state, again.job(job).result) == (S.ENDED, DONE)
    again.close()


def test_copies_that_cannot_be_read_are_named(store: StateStore) -> None:
    jobs = [store.add_job(spec(), (UPDATE,))[0].id for _ in range(3)]
    for job in jobs[1:]:
        (records.folder(store.path, job) / records.RECORD).write_text("{")
    again = rebuilt(store)
    (told,) = again.events(jobs[0])
    assert isinstance(told.event, Noted)
    assert told.event.text.endswith(f"; these jobs are lost: {', '.join(sorted(jobs[1:]))}")
    assert [job.id for job in again.jobs()] == jobs[:1]
    again.close()


def test_hidden_marks_without_a_readable_copy_are_none(store: StateStore) -> None:
    store.set_hidden(["h"], True)
    store.path.with_name(records.HIDDEN).write_text("nonsense")
    again = rebuilt(store)
    assert again.hidden() == frozenset()
    again.close()


def test_searches_leave_no_copy(store: StateStore) -> None:
    store.add_job(JobSpec(JobKind.SEARCH), ())
    assert records.read(store.path) == ([], [])


def test_a_subscription_is_copied_at_once(store: StateStore) -> None:
    job = store.add_job(spec(), (UPDATE,))[0].id
    store.subscribe(job, Subscription(("x",)))
    (copy,), _ = records.read(store.path)
    assert copy.deliveries == store.deliveries(job) != ()


def test_a_copy_that_cannot_be_written_is_done_without(store: StateStore, tmp_path: Path) -> None:
    (tmp_path / "jobs").touch()
    job = store.add_job(spec(), (UPDATE,))[0].id
    assert store.job(job).state is S.QUEUED
    records.write_run(tmp_path / "jobs" / job / "run-1", records.RunNote(S.INSTALLING, "boot"))
