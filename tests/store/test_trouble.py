"""Stores that are newer, broken, full, unwritable, or another user's."""

import os
import shutil
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support import small_disk

from wua.model.enums import ResultCode
from wua.model.jobs import Ended, HistoryEntry, JobKind, JobResult, JobSpec, Noted, Subscription
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.store import database
from wua.store.migrations import STEPS
from wua.store.state import StateStore

S = JobState
UPDATE = UpdateId("11111111-2222-3333-4444-555555555555")
REQUEST = PlanRequest(Operation.INSTALL, updates=(UPDATE,))
SPEC = JobSpec(JobKind.INSTALL, request=REQUEST, idempotency_key="key")
DONE = JobResult(ResultCode.SUCCEEDED)
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be")


def problem_of(function: Callable[..., object], *given: object, **named: object) -> str:
    with pytest.raises(WuaError) as raised:
        function(*given, **named)
    return raised.value.problem.id


def snapshot(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


# --- migrations and newer stores


def test_each_step_is_run_once_from_wherever_a_store_stands(tmp_path: Path) -> None:
    steps = (
        "CREATE TABLE a (x);\n",
        "CREATE TABLE b (x);\nINSERT INTO b VALUES (1);\n",
        "INSERT INTO b VALUES (2);\n",
    )
    for known in range(1, len(steps) + 1):
        connection = database.connect(tmp_path / "db", newest=known)
        database.migrate(connection, steps[:known])
        assert database.version(connection) == known
        connection.close()
    connection = database.connect(tmp_path / "db")
    assert connection.execute("SELECT x FROM b ORDER BY x").fetchall() == [(1,), (2,)]
    connection.close()


def test_a_step_that_fails_leaves_the_store_where_it_was(tmp_path: Path) -> None:
    steps = ("CREATE TABLE a (x);\n", "CREATE TABLE b (x);\nINSERT INTO nowhere VALUES (1);\n")
    connection = database.connect(tmp_path / "db")
    with pytest.raises(sqlite3.OperationalError):
        database.migrate(connection, steps)
    assert database.version(connection) == 1
    assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("a",)]
    connection.close()


def test_the_first_step_is_a_released_one(tmp_path: Path) -> None:
    """A store of the first format is brought up to date with what is in it."""
    connection = database.connect(tmp_path / "state.db")
    database.migrate(connection, STEPS[:1])
    connection.execute("INSERT INTO hidden VALUES ('x', 1.0)")
    connection.close()
    store = StateStore(tmp_path / "state.db")
    assert store.hidden() == {"x"}
    assert store.kept("service") == {}
    store.keep("service", "a", b"{}")
    assert store.kept("service") == {"a": b"{}"}
    store.close()


def test_another_users_store_of_the_first_format_keeps_nothing(tmp_path: Path) -> None:
    connection = database.connect(tmp_path / "state.db")
    database.migrate(connection, STEPS[:1])
    connection.close()
    store = StateStore(tmp_path / "state.db", read_only=True)
    assert store.kept("service") == {}
    store.close()


@pytest.mark.parametrize("journal", ["wal", "delete"])
def test_a_newer_store_is_refused_and_not_touched(tmp_path: Path, journal: str) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    connection = sqlite3.connect(folder / "state.db")
    connection.execute(f"PRAGMA journal_mode={journal}")
    connection.execute("CREATE TABLE of_tomorrow (x)")
    connection.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    connection.commit()
    connection.close()
    before = snapshot(folder)
    assert problem_of(StateStore, folder / "state.db") == "store-newer"
    assert snapshot(folder) == before


def test_a_store_that_has_just_become_newer_is_refused(tmp_path: Path) -> None:
    """Its header is old still: the new format stands in the log beside it."""
    StateStore(tmp_path / "state.db").close()
    other = sqlite3.connect(tmp_path / "state.db")
    other.execute(f"PRAGMA user_version={len(STEPS) + 1}")
    other.commit()
    assert problem_of(StateStore, tmp_path / "state.db") == "store-newer"
    other.close()


# --- broken stores


def filled(folder: Path) -> tuple[str, str]:
    """(an ended job, a running one) in a new store."""
    store = StateStore(folder / "state.db")
    ended, _ = store.add_job(SPEC, (UPDATE,))
    store.subscribe(ended.id, Subscription(("/bin/true",)))
    entry = HistoryEntry(
        0, ended.id, UPDATE, "a 1", 1, ResultCode.SUCCEEDED, 0, 0, 1.0, "x", "a", "sim", "", "1", True
    )
    store.finish(ended.id, DONE, [entry])
    store.save_record(ended.id)
    running, _ = store.add_job(JobSpec(JobKind.INSTALL, request=REQUEST), (UPDATE,))
    for step in (S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING):
        store.transition(running.id, step, plan=Plan(REQUEST, "t", "w", 0.0))
    store.begin_run(running.id, S.INSTALLING, folder / "jobs" / running.id)
    store.set_hidden(["h"], True)
    store.keep("service", "s", b'{"with_au":true}')
    store.close()
    return ended.id, running.id


def garbage(path: Path) -> None:
    path.write_bytes(b"this is no database" * 500)


def beginning(path: Path) -> None:
    path.write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5000])


@pytest.mark.parametrize("damage", [garbage, beginning, cut])
def test_a_broken_store_is_kept_aside_and_built_again(tmp_path: Path, damage: Callable[[Path], None]) -> None:
    ended, running = filled(tmp_path)
    path = tmp_path / "state.db"
    damage(path)
    broken = path.read_bytes()
    store = StateStore(path)
    if store.set_aside is None:  # the damage is met when the page is read
        assert problem_of(lambda: (store.history(), store.jobs())) == "store-corrupt"
        assert len(store.jobs()) == 2
    assert store.set_aside is not None
    assert store.set_aside.read_bytes() == broken

    record = store.job(ended)
    assert (record.state, record.result, record.spec) == (S.ENDED, DONE, SPEC)
    assert [h.name for h in store.history()] == ["a"]
    assert [d.job for d in store.deliveries(due=True)] == [ended]
    assert store.add_job(SPEC, (UPDATE,))[0].id == ended
    noted, last = [e.event for e in store.events(ended)]
    assert isinstance(noted, Noted)
    assert str(store.set_aside) in noted.text
    assert last == Ended(DONE)

    record = store.job(running)
    assert record.state is S.INSTALLING
    assert record.updates == (UPDATE,)
    assert store.plan(running) == Plan(REQUEST, "t", "w", 0.0)
    (run,) = store.runs(running)
    assert (run.n, run.phase, run.ended) == (1, S.INSTALLING, False)
    assert store.begin_run(running, S.INSTALLING, tmp_path / "jobs" / running).n == 2
    assert store.hidden() == {"h"}
    assert store.kept("service") == {"s": b'{"with_au":true}'}
    store.close()


def test_readers_with_an_old_cursor_hear_of_the_end(tmp_path: Path) -> None:
    _, running = filled(tmp_path)
    store = StateStore(tmp_path / "state.db")
    for number in range(50):  # softly told, and not in the record
        store.tell(running, Noted(str(number)))
    cursor = store.job(running).last_seq
    store.close()
    garbage(tmp_path / "state.db")
    store = StateStore(tmp_path / "state.db")
    store.finish(running, DONE)
    assert store.events(running, cursor)[-1].event == Ended(DONE)
    store.close()


def test_others_who_have_the_store_open_change_over(tmp_path: Path) -> None:
    ended, _ = filled(tmp_path)
    path = tmp_path / "state.db"
    living = StateStore(path)
    assert living.job(ended).id == ended
    garbage(path)
    new = StateStore(path)
    assert new.set_aside is not None
    living.tell(living.add_job(SPEC, ())[0].id, Noted("x"))
    fresh, _ = living.add_job(JobSpec(JobKind.UNDO, request=REQUEST), ())
    assert new.job(fresh.id).kind is JobKind.UNDO
    living.close()
    new.close()


def test_it_is_said_aloud(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    filled(tmp_path)
    garbage(tmp_path / "state.db")
    StateStore(tmp_path / "state.db").close()
    (kept,) = tmp_path.glob("state.db.corrupt-*")
    assert f"state.db was damaged: it is kept as {kept.name}" in capsys.readouterr().err
    StateStore(tmp_path / "state.db").close()
    assert capsys.readouterr().err == ""


def test_two_who_find_it_broken_build_it_once(tmp_path: Path) -> None:
    filled(tmp_path)
    garbage(tmp_path / "state.db")
    words = "import sys; from pathlib import Path; from wua.store.state import StateStore;"
    words += "s = StateStore(Path(sys.argv[1])); print(len(s.jobs())); s.close()"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", words, str(tmp_path / "state.db")], stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    assert [process.communicate()[0] for process in processes] == ["2\n"] * 4
    kept = [path for path in tmp_path.glob("state.db.corrupt-*") if path.suffix.startswith(".corrupt")]
    assert len([path for path in kept if not path.name.endswith(("-wal", "-shm"))]) == 1


def test_nobody_sees_a_new_store_before_it_is_filled(tmp_path: Path) -> None:
    filled(tmp_path)
    garbage(tmp_path / "state.db")
    seen: list[int] = []

    def look() -> None:
        other = StateStore(tmp_path / "state.db")
        seen.append(len(other.jobs()))
        other.close()

    class Filling(StateStore):
        def rebuild(self, set_aside: Path) -> None:
            looking.start()
            looking.join(0.2)  # ample for a look at what is not there yet
            super().rebuild(set_aside)

    looking = threading.Thread(target=look)
    store = Filling(tmp_path / "state.db")
    looking.join()
    assert seen == [len(store.jobs())] == [2]
    store.close()


def test_records_that_are_lost_too_are_named(tmp_path: Path) -> None:
    ended, running = filled(tmp_path)
    garbage(tmp_path / "state.db")
    (tmp_path / "jobs" / running / "record.json").write_text("{")
    store = StateStore(tmp_path / "state.db")
    assert [job.id for job in store.jobs()] == [ended]
    noted = store.events(ended)[0].event
    assert isinstance(noted, Noted)
    assert f"these jobs are lost: {running}" in noted.text
    store.close()


def test_a_record_that_lags_behind_its_runs_does_not_begin_them_again(tmp_path: Path) -> None:
    _, running = filled(tmp_path)
    record = tmp_path / "jobs" / running / "record.json"
    record.write_text(record.read_text().replace('"state":"installing"', '"state":"planning"'))
    garbage(tmp_path / "state.db")
    store = StateStore(tmp_path / "state.db")
    assert store.job(running).state is S.INSTALLING
    store.close()


def test_a_locked_store_is_not_taken_for_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path)
    connect = database.connect
    monkeypatch.setattr(
        database, "connect", lambda path, **named: connect(path, **{**named, "timeout": 0.05})
    )
    other = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    store = StateStore(tmp_path / "state.db")
    other.execute("BEGIN IMMEDIATE")
    assert problem_of(store.add_job, SPEC, ()) in ("store-unwritable", "")
    other.execute("ROLLBACK")
    other.close()
    assert store.set_aside is None
    store.close()


# --- no room, no right


FILL = """
import sys
from pathlib import Path
from wua.model.jobs import JobKind, JobSpec, Noted
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.store.state import StateStore

store = StateStore(Path(sys.argv[1]) / "state.db")
spec = JobSpec(JobKind.INSTALL, request=PlanRequest(Operation.INSTALL))
job = store.add_job(spec, ())[0].id
ballast = Path(sys.argv[1]) / "ballast"
with open(ballast, "wb", buffering=0) as file:
    try:
        while True:
            file.write(b"x" * 4096)
    except OSError:
        pass
kinds = set()
added = 0
for number in range(200):
    try:
        store.add_job(spec, ())
        added += 1
    except WuaError as failure:
        kinds.add(failure.problem.id)
    try:
        store.tell(job, Noted("x" * 500))
    except WuaError as failure:
        kinds.add(failure.problem.id)
ballast.unlink()
store.add_job(spec, ())
print(sorted(kinds), store.set_aside, len(store.jobs(limit=1000)) == added + 2)
store.close()
again = StateStore(Path(sys.argv[1]) / "state.db")
print(again.set_aside, len(again.jobs(limit=1000)) == added + 2)
"""


def test_a_full_disk_is_named_and_nothing_is_lost(tmp_path: Path) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, small_disk.__file__, "600", str(folder), sys.executable, "-c", FILL, str(folder)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == small_disk.UNAVAILABLE:
        pytest.skip("no mounts without privileges here")
    assert done.stderr == ""
    assert done.stdout.split("\n") == ["['disk-full'] None True", "None True", ""]


def test_a_file_that_may_not_grow(tmp_path: Path) -> None:
    words = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000))\n" + FILL
    words = words.replace("while True:", "while False:")
    done = subprocess.run(
        [sys.executable, "-c", words, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert "disk-full" in done.stdout or "store-unwritable" in done.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert problem_of(StateStore, tmp_path / "state.db") == "store-unwritable"
    tmp_path.chmod(0o700)


def test_a_place_that_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert problem_of(StateStore, tmp_path / "file" / "state.db") == "store-unwritable"


# --- another user's store

READ = """
import sys
from pathlib import Path
from wua.model.problems import WuaError
from wua.store.state import StateStore
try:
    store = StateStore(Path(sys.argv[1]), read_only=True)
except WuaError as failure:
    sys.exit(failure.problem.id)
print(len(store.jobs()), len(store.history()))
try:
    store.set_hidden(["x"], True)
except WuaError as failure:
    print(failure.problem.id)
store.close()
"""


def read_as_nobody(folder: Path) -> list[str]:
    """(jobs and history entries, what a write gives) of the store, read by another user."""
    home = Path(sys.modules["wua"].__file__ or "").parents[1]
    done = subprocess.run(
        [*NOBODY, sys.executable, "-c", READ, str(folder / "state.db")],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(home), "PATH": os.environ["PATH"], "TMPDIR": "/tmp"},
    )
    if "PermissionError" in done.stderr or "No module named" in done.stderr:
        pytest.skip(f"another user can't read the sources here: {done.stderr.splitlines()[-1]}")
    assert done.stderr == "", done.stderr
    return done.stdout.splitlines()


@as_root
@pytest.mark.parametrize("writer", ["living", "ended", "killed"])
def test_another_user_reads_a_store(short_dir: Path, writer: str) -> None:
    short_dir.chmod(0o755)
    filled(short_dir)
    words = (
        "import sys, os; from pathlib import Path; from wua.store.state import StateStore;"
        "from wua.model.jobs import *; from wua.model.plans import *\n"
        "s = StateStore(Path(sys.argv[1]))\n"
        "s.add_job(JobSpec(JobKind.UNDO, request=PlanRequest(Operation.UNDO)), ())\n"
        "print('ready', flush=True); sys.stdin.read(); s.close()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", words, str(short_dir / "state.db")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdout.readline()
    if writer == "killed":
        process.kill()
    if writer != "living":
        process.stdin.close()
        process.wait()
    before = sorted(path.name for path in short_dir.iterdir())
    assert read_as_nobody(short_dir) == ["3 1", "store-unwritable"]
    assert sorted(path.name for path in short_dir.iterdir()) == before
    if writer == "living":
        process.stdin.close()
        process.wait()
    process.stdout.close()


@as_root
@pytest.mark.parametrize(("file_mode", "folder_mode"), [(0o600, 0o755), (0o644, 0o700)])
def test_another_user_is_told_that_a_store_may_not_be_read(
    short_dir: Path, file_mode: int, folder_mode: int
) -> None:
    filled(short_dir)
    (short_dir / "state.db").chmod(file_mode)
    short_dir.chmod(folder_mode)
    home = Path(sys.modules["wua"].__file__ or "").parents[1]
    done = subprocess.run(
        [*NOBODY, sys.executable, "-c", READ, str(short_dir / "state.db")],
        capture_output=True,
        text=True,
        check=False,
        env={"PYTHONPATH": str(home), "PATH": os.environ["PATH"], "TMPDIR": "/tmp"},
    )
    assert done.returncode != 0
    assert "store-unwritable" in done.stderr or "No module named" in done.stderr


def test_reading_a_store_that_is_not_there(tmp_path: Path) -> None:
    assert problem_of(StateStore, tmp_path / "state.db", read_only=True) == "store-unwritable"


def test_a_private_copy_is_taken_of_a_store_whose_writer_was_killed(tmp_path: Path) -> None:
    """The log beside the file is copied with it: what it holds was committed."""
    filled(tmp_path)
    writer = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    writer.execute("INSERT INTO hidden VALUES ('late', 1)")
    copy = tmp_path / "copy"
    copy.mkdir()
    for path in tmp_path.glob("state.db*"):
        if not path.name.endswith("-shm"):
            shutil.copy(path, copy)
    writer.close()
    copied = database._copied(copy / "state.db")
    assert copied is not None
    assert copied.connection.execute("SELECT count(*) FROM hidden").fetchone() == (2,)
    assert not (copy / "state.db-shm").exists()
    copied.close()
