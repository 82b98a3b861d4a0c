"""What the state store keeps, and what it answers."""

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import (
    DeliveryState,
    Ended,
    HistoryEntry,
    JobKind,
    JobResult,
    JobSpec,
    Noted,
    Progress,
    Progressed,
    StateChanged,
    Subscription,
)
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import TABLE, IllegalTransition, JobState, OnCancel
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.store.state import StateStore
from wua.system.process import ProcessRef

S = JobState
UPDATE = UpdateId("11111111-2222-3333-4444-555555555555")
REQUEST = PlanRequest(Operation.INSTALL, updates=(UPDATE,))
SPEC = JobSpec(JobKind.INSTALL, request=REQUEST)
PLAN = Plan(REQUEST, "t", "w", 0.0)
DONE = JobResult(ResultCode.SUCCEEDED)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    made = StateStore(tmp_path / "state.db", clock=lambda: 1000.0)
    yield made
    made.close()


def add(store: StateStore, spec: JobSpec = SPEC) -> str:
    return store.add_job(spec, (UPDATE,))[0].id


def entry(job: str, name: str = "a") -> HistoryEntry:
    return HistoryEntry(
        0, job, UPDATE, f"{name} 1", 1, ResultCode.SUCCEEDED, 0, 0, 1.0, "x", name, "sim", "", "1", True
    )


def problem(function: object, *given: object, **named: object) -> str:
    with pytest.raises(WuaError) as raised:
        function(*given, **named)  # type: ignore[operator]
    return raised.value.problem.id


# --- jobs


def test_a_job_is_as_it_was_submitted(store: StateStore) -> None:
    record, new = store.add_job(SPEC, (UPDATE,))
    assert new
    assert (record.state, record.created, record.last_seq) == (S.QUEUED, 1000.0, 1)
    assert store.job(record.id) == record
    assert store.jobs() == (record,)
    assert [e.event for e in store.events(record.id)] == [StateChanged(S.QUEUED)]


def test_a_search_runs_from_the_beginning_and_has_an_owner(store: StateStore) -> None:
    me = ProcessRef.current()
    record, _ = store.add_job(JobSpec(JobKind.SEARCH), (), owner=me)
    assert (record.state, record.started) == (S.RUNNING, 1000.0)
    assert store.unfinished(acting=False) == ((record, me),)
    assert store.unfinished(acting=True) == ()


def test_a_unique_beginning_of_an_id_is_enough(store: StateStore) -> None:
    ids = [add(store) for _ in range(40)]
    for job in ids:
        assert store.job(job).id == job
        length = next(n for n in range(1, 9) if sum(i.startswith(job[:n]) for i in ids) == 1)
        assert store.job(job[:length]).id == job
        if length > 1:
            assert problem(store.job, job[: length - 1]) == "unknown-job"
    for wrong in ("", "*", "?", "[0-9a-f]*", "nowhere", "%"):
        assert problem(store.job, wrong) == "unknown-job"


def test_jobs_come_newest_first_and_active_ones_alone(store: StateStore) -> None:
    ids = [add(store) for _ in range(5)]
    store.finish(ids[1], DONE)
    assert [job.id for job in store.jobs(limit=3)] == ids[:1:-1]
    assert [job.id for job in store.jobs(active=True)] == [ids[4], ids[3], ids[2], ids[0]]
    assert [job.id for job, _ in store.unfinished(acting=True)] == [ids[0], ids[2], ids[3], ids[4]]


def test_the_newest_fifty_jobs_are_shown_unless_more_are_asked_for(store: StateStore) -> None:
    for _ in range(52):
        store.add_job(JobSpec(JobKind.SEARCH), ())
    assert len(store.jobs()) == 50
    assert len(store.jobs(limit=51)) == 51


def test_the_same_key_gives_the_same_job_once_it_was_withdrawn_a_new_one(store: StateStore) -> None:
    spec = JobSpec(JobKind.INSTALL, request=REQUEST, idempotency_key="k")
    first, new = store.add_job(spec, (UPDATE,))
    again, newer = store.add_job(spec, (UPDATE,))
    assert (new, newer, again.id) == (True, False, first.id)
    store.withdraw(first.id)
    assert store.abort_requested(first.id)
    other, new = store.add_job(spec, (UPDATE,))
    assert new
    assert other.id != first.id


def test_busy_when_it_must_not_queue(store: StateStore) -> None:
    alone = JobSpec(JobKind.INSTALL, request=REQUEST, queue=False)
    add(store, JobSpec(JobKind.DOWNLOAD, request=REQUEST))
    first = add(store, alone)
    assert problem(store.add_job, alone, (UPDATE,)) == "busy"
    assert len(store.jobs()) == 2
    store.finish(first, DONE)
    add(store, alone)


def test_a_job_for_later_is_in_nobodys_way(tmp_path: Path) -> None:
    now = 100.0
    store = StateStore(tmp_path / "state.db", clock=lambda: now)
    alone = JobSpec(JobKind.INSTALL, request=REQUEST, queue=False)
    later = add(store, replace(alone, not_before=200.0))
    done = add(store, alone)
    store.finish(done, DONE)
    now = 200.0
    assert problem(store.add_job, alone, (UPDATE,)) == "busy"
    now = 150.0
    store.transition(later, S.PLANNING)
    assert problem(store.add_job, alone, (UPDATE,)) == "busy"  # begun, whatever it was to wait for
    store.close()


# --- steps


def test_steps_are_those_of_the_table(store: StateStore) -> None:
    job = add(store)
    with pytest.raises(IllegalTransition):
        store.transition(job, S.INSTALLING)
    assert store.job(job).state is S.QUEUED
    assert store.transition(job, S.PLANNING, "why", plan=PLAN, owner=ProcessRef.current())
    record = store.job(job)
    assert (record.state, record.started) == (S.PLANNING, 1000.0)
    assert store.plan(job) == PLAN
    assert store.events(job)[-1].event == StateChanged(S.PLANNING, "why")
    ((_, owner),) = store.unfinished(acting=True)
    assert owner == ProcessRef.current()


WAYS = {
    S.QUEUED: (),
    S.PLANNING: (S.PLANNING,),
    S.DOWNLOADING: (S.PLANNING, S.DOWNLOADING),
    S.LOCKING: (S.PLANNING, S.LOCKING),
    S.REPAIRING: (S.PLANNING, S.LOCKING, S.REPAIRING),
    S.VERIFYING: (S.PLANNING, S.LOCKING, S.VERIFYING),
    S.INSTALLING: (S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING),
}


@pytest.mark.parametrize("state", WAYS)
def test_a_step_is_refused_after_an_abort_that_its_state_obeys(store: StateStore, state: JobState) -> None:
    """So the state that a request was recorded in is the state that it was heard in."""
    job = add(store)
    for step in WAYS[state]:
        assert store.transition(job, step)
    assert store.request_abort(job) is state
    before = store.job(job)
    following = next(s for s in sorted(TABLE[state].next, key=list(S).index) if s is not S.EVALUATING)
    obeys = TABLE[state].cancel in (OnCancel.END_NOW, OnCancel.SIGNAL)
    assert store.transition(job, following) is not obeys
    if obeys:
        assert store.job(job) == before
    if S.EVALUATING in TABLE[state].next and obeys:
        assert store.transition(job, S.EVALUATING)


def test_an_abort_of_an_ended_job_changes_nothing(store: StateStore) -> None:
    job = add(store)
    store.finish(job, DONE)
    before = store.job(job)
    assert store.request_abort(job) is S.ENDED
    store.withdraw(job)
    assert store.job(job) == before


def test_the_result_is_written_once(store: StateStore) -> None:
    job = add(store)
    events = [Progressed(Progress(S.ENDED, 100))]
    assert store.finish(job, DONE, [entry(job, "a"), entry(job, "b")], events=events)
    before = store.job(job), store.events(job), store.history()
    assert not store.finish(job, JobResult(ResultCode.FAILED), [entry(job, "c")])
    assert (store.job(job), store.events(job), store.history()) == before
    record = store.job(job)
    assert (record.state, record.result, record.ended) == (S.ENDED, DONE, 1000.0)
    assert [e.event for e in store.events(job)][-2:] == [*events, Ended(DONE)]


def test_an_ended_job_takes_no_events(store: StateStore) -> None:
    job = add(store)
    store.finish(job, DONE)
    store.tell(job, Noted("too late"))
    assert store.events(job)[-1].event == Ended(DONE)


def test_events_are_read_from_a_cursor(store: StateStore) -> None:
    job, other = add(store), add(store)
    for number in range(10):
        store.tell(job, Noted(str(number)))
        store.tell(other, Noted("other"))
    assert [e.seq for e in store.events(job)] == list(range(1, 12))
    assert [e.seq for e in store.events(job, 4, 3)] == [5, 6, 7]
    assert store.events(job, 11) == ()
    assert store.events("nowhere") == ()
    assert {e.job for e in store.events(job)} == {job}
    assert store.job(job).last_seq == 11


def test_the_newest_progress_is_kept(store: StateStore) -> None:
    job = add(store)
    assert store.job(job).progress is None
    store.tell(job, Progressed(Progress(S.PLANNING, 1)), Progressed(Progress(S.PLANNING, 2)))
    progress = store.job(job).progress
    assert progress is not None
    assert progress.percent == 2


def test_what_one_connection_writes_softly_all_others_see(store: StateStore) -> None:
    job = add(store)
    store.tell(job, Noted("soft"))
    other = StateStore(store.path)
    assert other.events(job)[-1].event == Noted("soft")
    other.close()


# --- runs


def test_runs_are_numbered_and_never_used_again(store: StateStore, tmp_path: Path) -> None:
    job = add(store)
    seen: list[Path] = []
    first = store.begin_run(job, S.DOWNLOADING, tmp_path / "runs", seen.append)
    second = store.begin_run(job, S.INSTALLING, tmp_path / "runs")
    assert (first.n, second.n) == (1, 2)
    assert seen == [Path(first.folder)]
    assert store.runs(job) == (first, second)
    store.forget_run(job, second.n)
    assert store.runs(job) == (first,)
    assert store.begin_run(job, S.INSTALLING, tmp_path / "runs").n == 3
    store.mark_cancelled(job, 1)
    store.end_run(job, 1, None)
    run = store.runs(job)[0]
    assert (run.ended, run.exit, run.cancelled) == (True, None, True)
    store.end_run(job, 3, -9)
    assert store.runs(job)[1].exit == -9


def test_a_run_whose_files_cannot_be_written_is_not_recorded(store: StateStore, tmp_path: Path) -> None:
    job = add(store)

    def full(path: Path) -> None:
        raise OSError(28, "No space left on device", str(path))

    with pytest.raises(OSError, match="No space"):
        store.begin_run(job, S.INSTALLING, tmp_path / "runs", full)
    assert store.runs(job) == ()


# --- deliveries, history, hidden marks


def test_deliveries_are_due_once_their_job_has_ended(store: StateStore) -> None:
    job, other = add(store), add(store)
    first = store.subscribe(job, Subscription(("/bin/true",)))
    second = store.subscribe(job[:8], Subscription(("/bin/false",)))
    third = store.subscribe(other, Subscription(("/bin/true",)))
    assert store.deliveries() == (first, second, third)
    assert store.deliveries(job) == (first, second)
    assert store.deliveries(due=True) == ()
    store.finish(job, DONE)
    assert store.deliveries(due=True) == (first, second)
    store.attempted(first.id, DeliveryState.DELIVERED, tried=1)
    done = store.deliveries(job)[0]
    assert (done.tried, done.next_try, done.last_error) == (1, 0.0, "")
    store.attempted(second.id, DeliveryState.PENDING, tried=2, next_try=5.0, last_error="exit 1")
    (due,) = store.deliveries(due=True)
    assert (due.id, due.tried, due.next_try, due.last_error) == (second.id, 2, 5.0, "exit 1")
    store.attempted(second.id, DeliveryState.GIVEN_UP, tried=8, last_error="exit 1")
    assert store.deliveries(due=True) == ()
    assert [d.state for d in store.deliveries(job)] == [DeliveryState.DELIVERED, DeliveryState.GIVEN_UP]
    assert problem(store.subscribe, "nowhere", Subscription(("x",))) == "unknown-job"


def test_history_is_read_from_the_newest(store: StateStore) -> None:
    jobs = [add(store) for _ in range(3)]
    for number, job in enumerate(jobs):
        store.finish(job, DONE, [entry(job, f"{number}a"), entry(job, f"{number}b")])
    assert [h.name for h in store.history()] == ["2b", "2a", "1b", "1a", "0b", "0a"]
    assert [h.name for h in store.history(1, 2)] == ["2a", "1b"]
    assert [h.id for h in store.history(0, 2)] == [6, 5]
    assert [h.name for h in store.history_of(jobs[1])] == ["1a", "1b"]
    assert len(store.history(update_id=UPDATE.update_id)) == 6
    assert store.history(update_id="other") == ()
    assert store.history_count() == 6


def test_hidden_marks(store: StateStore) -> None:
    store.set_hidden(["a", "b", "a"], True)
    store.set_hidden(["a"], True)
    assert store.hidden() == {"a", "b"}
    store.set_hidden(["b", "c"], False)
    assert store.hidden() == {"a"}


# --- threads, processes, the end


def test_small_things_are_kept_by_area_and_name(store: StateStore) -> None:
    store.keep("a", "y", b"1")
    store.keep("a", "x", b'"text"')
    store.keep("b", "x", b"[]")
    store.keep("a", "y", b"2")
    assert list(store.kept("a").items()) == [("x", b'"text"'), ("y", b"2")]
    store.keep("a", "x", None)
    store.keep("a", "never", None)
    assert store.kept("a") == {"y": b"2"}
    assert store.kept("c") == {}


def test_when_an_application_last_succeeded(tmp_path: Path) -> None:
    moments = iter(range(1, 100))
    store = StateStore(tmp_path / "state.db", clock=lambda: float(next(moments)))
    results = [ResultCode.SUCCEEDED, ResultCode.SUCCEEDED_WITH_ERRORS, ResultCode.FAILED]
    ended = []
    for result in results:
        job, _ = store.add_job(JobSpec(JobKind.INSTALL, request=REQUEST, application_id="it"), (UPDATE,))
        store.finish(job.id, JobResult(result))
        ended.append(store.job(job.id).ended)
    assert store.last_success(JobKind.INSTALL, "it") == ended[1]
    assert store.last_success(JobKind.INSTALL, "other") == 0.0
    assert store.last_success(JobKind.SEARCH, "it") == 0.0
    store.close()


def test_many_threads_write_at_once(store: StateStore) -> None:
    job = add(store)

    def tell() -> None:
        for number in range(25):
            store.tell(job, Noted(str(number)))

    threads = [threading.Thread(target=tell) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [e.seq for e in store.events(job)] == list(range(1, 202))


def _write_elsewhere(path: Path, job: str) -> None:
    store = StateStore(path)
    for number in range(25):
        store.tell(job, Noted(str(number)))
        store.finish(store.add_job(SPEC, ())[0].id, DONE)
    store.close()


def test_many_processes_write_at_once(store: StateStore) -> None:
    job = add(store)
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=_write_elsewhere, args=(store.path, job)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    assert [e.seq for e in store.events(job)] == list(range(1, 77))
    assert len(store.jobs(limit=1000)) == 76


def test_a_closed_store_says_so(store: StateStore) -> None:
    job = add(store)
    store.close()
    assert problem(store.job, job) == "connection-lost"
    assert problem(store.tell, job, Noted("x")) == "connection-lost"
    store.close()


def test_a_defect_is_not_taken_for_trouble_with_the_disk(store: StateStore) -> None:
    with pytest.raises(sqlite3.IntegrityError), store._write() as db:
        db.execute("INSERT INTO hidden VALUES (NULL, NULL)")
    assert store.hidden() == frozenset()


def test_a_problem_survives_the_store(store: StateStore) -> None:
    from wua.model.problems import problem as make

    job = add(store)
    cause = make("lock-held", "somebody")
    store.finish(job, JobResult(ResultCode.FAILED, codes.WU_E_INSTALL_NOT_ALLOWED, problem=cause))
    result = store.job(job).result
    assert result is not None
    assert result.problem == cause
