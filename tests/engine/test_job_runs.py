"""Runs as the job host sees them: taken or fenced, started, followed, signalled, whatever was killed."""

import contextlib
import json
import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support.scripted import Fate, leave, wait_until

from wua.engine import runs
from wua.engine.runs import Outcome, RunWatch, Spawner, Undecided, Wakeup, fence, write_command
from wua.model.plugins import Command
from wua.model.problems import WuaError
from wua.system import process
from wua.system.process import ProcessRef, boot_id


class Watched:
    """A watch that notes what it heard; ``react`` is called with the lines."""

    def __init__(self, folder: Path) -> None:
        self.wakeup = Wakeup()
        self.react: Callable[[list[str]], None] = lambda lines: None
        self.lines: list[str] = []
        self.wakes = 0
        self.idle: list[float] = []
        self.watch = RunWatch(
            folder, self.wakeup, on_lines=self._heard, on_wake=self._woken, on_tick=self.idle.append
        )

    def _heard(self, lines: list[str]) -> None:
        self.lines.extend(lines)
        self.react(lines)

    def _woken(self) -> None:
        self.wakes += 1


@pytest.fixture
def run(tmp_path: Path) -> Path:
    folder = tmp_path / "run-1"
    folder.mkdir()
    return folder


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    made = Spawner()
    yield made
    made.close()


def shell(script: str, **options: object) -> Command:
    return Command(("/bin/sh", "-c", script), {"PATH": "/usr/bin:/bin"}, **options)  # type: ignore[arg-type]


def kind_of(failure: pytest.ExceptionInfo[WuaError]) -> str:
    return failure.value.problem.id


def children() -> set[int]:
    """The processes that this one started, by their numbers."""
    found = set()
    for pid in process.pids():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            if f"PPid:\t{os.getpid()}\n" in Path(f"/proc/{pid}/status").read_text():
                found.add(pid)
    return found


# --- who takes a run


def test_a_run_that_nobody_took_is_fenced_off_for_ever(run: Path) -> None:
    assert fence(run)
    assert json.loads((run / "claim").read_text()) == {}
    assert fence(run)
    assert os.listdir(run) == ["claim"]


def test_a_run_that_a_supervisor_took_is_its_own(run: Path) -> None:
    leave(run, Fate())
    before = (run / "claim").read_bytes()
    assert not fence(run)
    assert (run / "claim").read_bytes() == before


def test_a_run_without_a_folder_is_fenced_too(run: Path) -> None:
    lost = run / "lost" / "run-1"
    assert fence(lost)
    assert fence(lost)


def test_a_supervisor_that_is_quicker_wins(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.link

    def late(source: Path, target: Path) -> None:
        leave(run, Fate())
        real(source, target)

    monkeypatch.setattr(os, "link", late)
    assert not fence(run)
    assert not list(run.glob(".fence*"))


def test_what_cannot_be_written_is_not_decided(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Undecided, match="Not a directory"):
        fence(tmp_path / "file" / "run-1")


# --- the order to run


def test_the_order_is_what_a_supervisor_reads(run: Path) -> None:
    write_command(run.parent / "new" / "run-2", shell("exit 3"))
    said = json.loads((run.parent / "new" / "run-2" / "command.json").read_text())
    assert said["argv"] == ["/bin/sh", "-c", "exit 3"]
    assert (said["cwd"], said["cancel_signal"], said["env"]) == ("/", 2, {"PATH": "/usr/bin:/bin"})


def test_an_order_that_has_no_room_or_no_right(run: Path) -> None:
    (run / "command.json").symlink_to("/dev/full")
    with pytest.raises(WuaError) as full:
        write_command(run, shell("true"))
    assert kind_of(full) == "disk-full"
    assert "No space left on device" in str(full.value)
    (run / "file").touch()
    with pytest.raises(WuaError) as other:
        write_command(run / "file" / "run-2", shell("true"))
    assert kind_of(other) == "store-unwritable"
    assert str(run / "file" / "run-2") in str(other.value)


# --- waking


def test_a_wakeup_is_heard_until_it_is_cleared() -> None:
    wakeup = Wakeup()
    ready = [os.dup(wakeup.fileno())]
    wakeup.set()
    wakeup.set()
    assert os.eventfd_read(ready[0]) == 2
    wakeup.set()
    wakeup.clear()
    wakeup.clear()
    with pytest.raises(BlockingIOError):
        os.eventfd_read(ready[0])
    wakeup.close()
    wakeup.set()
    wakeup.close()
    assert wakeup.fileno() == -1
    with pytest.raises(BlockingIOError):
        os.eventfd_read(ready[0])
    os.close(ready[0])


# --- following


def test_a_run_is_followed_from_its_start_to_its_end(run: Path, spawner: Spawner) -> None:
    write_command(run, shell("echo said; echo one >&{status}; echo two >&{status}; exit 5", cwd="/tmp"))
    launched = spawner.start(str(run), None)
    watched = Watched(run)
    assert watched.watch.follow(launched) == Outcome(5, True)
    assert watched.lines == ["one", "two"]
    assert (run / "output").read_text() == "said\n"


def test_a_run_is_followed_by_whoever_finds_it(run: Path, spawner: Spawner) -> None:
    os.mkfifo(run / "gate")
    write_command(run, shell(f"read x < {run}/gate; echo one >&{{status}}"))
    assert spawner.start(str(run), None) is not None
    wait_until((run / "started").exists)
    spawner.close()  # supervisors at work go on
    watched = Watched(run)
    with open(run / "gate", "w") as gate:
        gate.write("go\n")
    assert watched.watch.follow(None) == Outcome(0, True)
    assert watched.lines == ["one"]


def test_lines_come_while_the_installer_is_at_work(run: Path, spawner: Spawner) -> None:
    os.mkfifo(run / "gate")
    write_command(run, shell(f"echo one >&{{status}}; read x < {run}/gate; echo two >&{{status}}"))
    launched = spawner.start(str(run), None)
    watched = Watched(run)

    def heard(lines: list[str]) -> None:
        if lines == ["one"]:
            with open(run / "gate", "w") as gate:
                gate.write("go\n")

    watched.react = heard
    assert watched.watch.follow(launched) == Outcome(0, True)
    assert watched.lines == ["one", "two"]


def test_the_spawner_is_started_again_when_it_was_killed(run: Path, spawner: Spawner) -> None:
    before = children()
    spawner.warm()
    spawner.warm()
    (first,) = children() - before
    assert os.getsid(first) == first  # what is sent to the group of a caller at a terminal is not for it
    os.kill(first, signal.SIGKILL)
    write_command(run, shell("exit 0"))
    launched = spawner.start(str(run), None)
    assert Watched(run).watch.follow(launched) == Outcome(0, True)


def test_a_lock_that_is_handed_over_is_kept_by_the_installer(run: Path, spawner: Spawner) -> None:
    write_command(run, shell("[ -e /proc/self/fd/8 ] && exit 11; exit 12"))
    lock = os.open(run / "lock", os.O_RDWR | os.O_CREAT)
    launched = spawner.start(str(run), lock)
    os.close(lock)
    assert Watched(run).watch.follow(launched) == Outcome(11, True)


def test_a_run_whose_supervisor_never_began_is_fenced(run: Path) -> None:
    other = subprocess.Popen(["/bin/true"])
    launched = ProcessRef.of(other.pid)
    other.wait()
    assert Watched(run).watch.follow(launched) == Outcome(None, False)
    assert fence(run)


def test_a_supervisor_killed_before_its_installer_may_execute(run: Path) -> None:
    leave(run, Fate(None))
    (run / "started").unlink()
    assert Watched(run).watch.follow(None) == Outcome(None, False)


@pytest.mark.parametrize("code", [0, 7, -9, None])
def test_the_end_of_a_run_is_what_its_supervisor_wrote(run: Path, code: int | None) -> None:
    leave(run, Fate(code, lines="a\nb"))
    watched = Watched(run)
    assert watched.watch.follow(None) == Outcome(code, True)
    assert watched.lines == ["a"]


def test_a_run_that_another_supervisor_has_is_followed_there(run: Path) -> None:
    """The order was heard twice: the one that we know of ended, the other one works."""
    worker = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)
    owner = ProcessRef.of(worker.pid)
    assert owner is not None
    leave(run, Fate(0))
    (run / "status").rename(run / ".status")
    (run / "claim").write_text(json.dumps({"pid": owner.pid, "start": owner.start, "boot": owner.boot}))
    watched = Watched(run)
    ended: list[Outcome] = []
    thread = threading.Thread(target=lambda: ended.append(watched.watch.follow(None)))
    thread.start()
    wait_until(lambda: watched.wakes)
    assert ended == []
    (run / ".status").rename(run / "status")
    assert worker.stdin is not None
    worker.stdin.close()
    worker.wait()
    thread.join()
    assert ended == [Outcome(0, True)]


@pytest.mark.parametrize("code", [None, 1])
def test_what_a_failed_or_lost_installer_left_running_is_waited_for(run: Path, code: int | None) -> None:
    script = "sleep 0.2 & exec true"
    installer = subprocess.Popen(["/bin/sh", "-c", script], start_new_session=True)
    me = ProcessRef.of(installer.pid)
    leave(run, Fate(code))
    start = me.start if me else 1
    (run / "started").write_text(json.dumps({"pid": installer.pid, "start": start, "boot": boot_id()}))
    installer.wait()
    assert Watched(run).watch.follow(None) == Outcome(code, True)
    assert process.session_members(installer.pid) == ()


def test_remains_that_do_not_end_are_given_up(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "REMAINS_GRACE", 0.05)
    installer = subprocess.Popen(
        ["/bin/sh", "-c", "cat <&0 & exit 1"], stdin=subprocess.PIPE, start_new_session=True
    )
    leave(run, Fate(1))
    (run / "started").write_text(json.dumps({"pid": installer.pid, "start": 1, "boot": boot_id()}))
    installer.wait()
    assert Watched(run).watch.follow(None) == Outcome(1, True)
    assert installer.stdin is not None
    installer.stdin.close()


def test_a_run_of_before_a_restart_of_the_machine_is_over(run: Path) -> None:
    """Its process numbers belong to others by now."""
    leave(run, Fate(None))
    other = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE, start_new_session=True)
    found = ProcessRef.of(other.pid)
    assert found is not None
    for name in ("claim", "started"):
        (run / name).write_text(json.dumps({"pid": found.pid, "start": found.start, "boot": "before"}))
    watched = Watched(run)
    assert watched.watch.follow(None) == Outcome(None, True)
    assert not watched.watch.signal(signal.SIGTERM)
    assert other.stdin is not None
    other.stdin.close()
    other.wait()


# --- signalling and looking


def test_a_signal_goes_to_the_installer_alone(run: Path, spawner: Spawner) -> None:
    os.mkfifo(run / "gate")
    write_command(
        run, shell(f"trap 'echo got >&{{status}}; exit 3' INT; echo up >&{{status}}; read x < {run}/gate")
    )
    watched = Watched(run)
    assert not watched.watch.signal(signal.SIGINT)
    launched = spawner.start(str(run), None)

    def heard(lines: list[str]) -> None:
        if lines == ["up"]:
            assert watched.watch.signal(signal.SIGINT)

    watched.react = heard
    assert watched.watch.follow(launched) == Outcome(3, True)
    assert watched.lines == ["up", "got"]
    assert not watched.watch.signal(signal.SIGINT)


def test_a_wake_is_passed_on(run: Path, spawner: Spawner) -> None:
    os.mkfifo(run / "gate")
    write_command(run, shell(f"read x < {run}/gate"))
    launched = spawner.start(str(run), None)
    watched = Watched(run)
    thread = threading.Thread(target=watched.watch.follow, args=(launched,))
    thread.start()
    wait_until(lambda: watched.wakes)
    wait_until((run / "started").exists)
    for _ in range(3):
        before = watched.wakes
        watched.wakeup.set()
        wait_until(lambda before=before: watched.wakes > before)
    with open(run / "gate", "w") as gate:
        gate.write("go\n")
    thread.join()


@pytest.mark.parametrize("inotify", [True, False])
def test_idle_time_grows_until_there_is_evidence_of_life(
    run: Path, spawner: Spawner, monkeypatch: pytest.MonkeyPatch, inotify: bool
) -> None:
    """Without inotify, whose number is limited, the ticks read the lines."""
    monkeypatch.setattr(runs, "TICK", 0.002)
    if not inotify:
        monkeypatch.setattr(runs, "Inotify", _none)
    gates = [run / "first", run / "second"]
    for gate in gates:
        os.mkfifo(gate)
    write_command(run, shell(f"read x < {gates[0]}; echo line >&{{status}}; read x < {gates[1]}"))
    launched = spawner.start(str(run), None)
    watched = Watched(run)
    thread = threading.Thread(target=watched.watch.follow, args=(launched,))
    thread.start()
    for gate in gates:
        wait_until(lambda: len(watched.idle) > 3 and watched.idle[-1] > watched.idle[-2] > watched.idle[-3])
        idle = watched.idle[-1]
        watched.idle.clear()
        gate.write_text("go\n")
        wait_until(lambda idle=idle: not thread.is_alive() or min(watched.idle, default=idle) < idle)
    thread.join()
    assert watched.lines == ["line"]


def _none() -> None:
    raise OSError(24, "Too many open files")
