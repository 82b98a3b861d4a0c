"""The supervisor: what it does for an installer, and that it needs nothing of the disk meanwhile (law 9)."""

import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.machines import LONG, Gate, readable

from wua.engine import supervisor
from wua.engine.runs import Outcome, RunWatch, Spawner, Wakeup, write_command
from wua.model.plugins import Command
from wua.system.inotify import IN_CREATE, IN_MOVED_TO, Inotify
from wua.system.locks import FileLock, lock_holder
from wua.system.process import ProcessRef, session_members


@pytest.fixture
def spawner() -> Iterator[Spawner]:
    made = Spawner()
    yield made
    made.close()


class Run:
    """A shell script under a supervisor."""

    def __init__(self, spawner: Spawner, folder: Path, script: str, lock: int | None = None) -> None:
        self.folder = folder
        env = {"PATH": "/usr/bin:/bin"}
        write_command(folder, Command(("/bin/sh", "-c", script), env, cwd=str(folder.parent)))
        self.lines: list[str] = []
        self.wakeup = Wakeup()
        self.watch = RunWatch(
            folder,
            self.wakeup,
            on_lines=self.lines.extend,
            on_wake=lambda: None,
            on_tick=lambda idle: None,
        )
        self.keeper = spawner.start(str(folder), lock)

    def outcome(self) -> Outcome:
        return self.watch.follow(self.keeper)


def wait_for_file(path: Path) -> None:
    with Inotify() as notify:
        notify.add(str(path.parent), IN_CREATE | IN_MOVED_TO)
        while not path.exists():
            assert readable(notify.fileno(), LONG)
            notify.drain()


@pytest.mark.parametrize(
    ("script", "exit_code"), [("exit 0", 0), ("exit 7", 7), ("kill -9 $$", -9), ("kill -2 $$", -2)]
)
def test_the_exit_status_is_told(spawner: Spawner, tmp_path: Path, script: str, exit_code: int) -> None:
    run = Run(spawner, tmp_path / "run", script)
    assert run.outcome() == Outcome(exit_code, True)
    assert json.loads((run.folder / "status").read_text())["exit"] == exit_code


def test_output_and_status_lines_go_to_files(spawner: Spawner, tmp_path: Path) -> None:
    run = Run(
        spawner, tmp_path / "run", "echo out; echo err >&2; echo one >&{status}; printf tail >&{status}"
    )
    assert run.outcome().exit == 0
    assert (run.folder / "output").read_text() == "out\nerr\n"
    assert run.lines == ["one"]


def test_a_program_that_does_not_exist(spawner: Spawner, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    write_command(folder, Command(("/nowhere/at-all",), {}, cwd="/"))
    keeper = spawner.start(str(folder), None)
    watch = RunWatch(folder, Wakeup(), on_lines=lambda _: None, on_wake=lambda: None, on_tick=lambda _: None)
    assert watch.follow(keeper) == Outcome(127, True)
    assert "/nowhere/at-all" in (folder / "output").read_text()


def test_the_installer_has_its_own_session_and_a_clean_environment(spawner: Spawner, tmp_path: Path) -> None:
    # Neither a pipe nor a redirection: the shell itself would hold a descriptor more for a moment.
    script = "env; echo pid $$; cut -d' ' -f6 /proc/$$/stat; ls /proc/$$/fd"
    run = Run(spawner, tmp_path / "run", script)
    assert run.outcome().exit == 0
    said = (run.folder / "output").read_text().split()
    assert [line.partition("=")[0] for line in said if "=" in line] == ["PATH", "PWD"]
    _, pid, session, *descriptors = [line for line in said if "=" not in line]
    assert pid == session
    assert sorted(descriptors) == ["0", "1", "2", "9"]  # standard ones and the status file


def test_a_session_that_outlives_a_failed_installer_is_waited_for(spawner: Spawner, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    run = Run(spawner, tmp_path / "run", f"(read x < {gate.path}; echo late >> {tmp_path}/late) & exit 1")
    assert run.keeper is not None
    assert run.keeper.wait(LONG)
    (left,) = session_members(run.watch.installer.pid)  # type: ignore[union-attr]
    assert left.alive()
    gate.open()
    assert run.outcome() == Outcome(1, True)
    assert (tmp_path / "late").exists()


def test_orphans_that_end_early_do_not_end_the_run(spawner: Spawner, tmp_path: Path) -> None:
    """The supervisor inherits orphans; their ends are not the installer's."""
    run = Run(spawner, tmp_path / "run", "(sh -c 'exit 9' &) ; (sh -c 'exit 8' &); sh -c 'exit 0'; exit 5")
    assert run.outcome() == Outcome(5, True)


def test_the_lock_is_held_as_long_as_the_installer_lives(spawner: Spawner, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    lock = FileLock(tmp_path / "lock")
    assert lock.acquire()
    run = Run(spawner, tmp_path / "run", f"read x < {gate.path}", lock.fileno())
    gate.reached()
    lock.release()
    assert lock_holder(tmp_path / "lock") is not None
    run.keeper.send(9)  # type: ignore[union-attr]
    run.keeper.wait(LONG)  # type: ignore[union-attr]
    assert lock_holder(tmp_path / "lock") is not None
    gate.open()
    assert run.outcome() == Outcome(None, True)
    assert lock_holder(tmp_path / "lock") is None


def test_a_killed_spawner_is_replaced(spawner: Spawner, tmp_path: Path) -> None:
    assert Run(spawner, tmp_path / "one", "exit 0").outcome().exit == 0
    process = spawner._process
    assert process is not None
    process.kill()
    assert Run(spawner, tmp_path / "two", "exit 0").outcome().exit == 0


def test_a_request_that_is_heard_twice_starts_one_installer(spawner: Spawner, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    run = Run(spawner, tmp_path / "run", f"echo ran >> {tmp_path}/ran; read x < {gate.path}; exit 3")
    gate.reached()
    loser = spawner.start(str(run.folder), None)
    assert loser is None or loser.wait(LONG)
    watch = RunWatch(
        run.folder,
        Wakeup(),
        on_lines=lambda _: gate.open() if gate.path.exists() else None,
        on_wake=lambda: None,
        on_tick=lambda _: gate.open() if gate.path.exists() else None,
    )
    assert watch.follow(loser) == Outcome(3, True)
    assert (tmp_path / "ran").read_text() == "ran\n"


# --- law 9


def test_while_the_installer_runs_the_supervisor_holds_only_its_own_files(
    spawner: Spawner, tmp_path: Path
) -> None:
    gate = Gate(tmp_path / "gate")
    run = Run(spawner, tmp_path / "run", f"read x < {gate.path}")
    gate.reached()
    assert run.keeper is not None
    own = Path(f"/proc/{run.keeper.pid}/fd")
    opened = {os.readlink(link) for link in own.iterdir()}
    inherited = {os.readlink(f"/proc/self/fd/{number}") for number in (0, 1, 2)}
    foreign = {
        name
        for name in opened - inherited
        if not name.startswith((str(run.folder), "/dev/null", "pipe:", "socket:"))
    }
    assert not foreign
    mapped = maps(run.keeper.pid)
    assert mapped <= maps(spawner._process.pid)  # type: ignore[union-attr]
    gate.open()
    assert run.outcome().exit == 0


def maps(pid: int) -> set[str]:
    lines = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return {line.split(None, 5)[5] for line in lines if len(line.split(None, 5)) == 6}


def copied_python(folder: Path) -> Path:
    """An interpreter of its own prefix: a copied program, its library as links."""
    program = Path(os.path.realpath(sys.executable))
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    library = Path(sysconfig.get_path("stdlib"))
    copy = folder / "bin" / version
    copy.parent.mkdir(parents=True)
    shutil.copy2(program, copy)
    (folder / "lib" / version).mkdir(parents=True)
    for path in library.iterdir():
        if path.name not in ("site-packages", "dist-packages", "test"):
            (folder / "lib" / version / path.name).symlink_to(path)
    done = subprocess.run(
        [copy, "-I", "-S", "-c", "import sys, json; print(sys.prefix, json.__file__)"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode or not done.stdout.startswith(str(folder)):
        pytest.skip(f"this interpreter can't be copied: {done.stdout}{done.stderr}")
    return copy


def test_python_and_the_supervisor_are_deleted_under_a_running_installer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an upgrade of Python, of its library and of wua itself would do, at the worst moment."""
    prefix = tmp_path / "prefix"
    monkeypatch.setattr(sys, "executable", str(copied_python(prefix)))
    shutil.copy(supervisor.__file__, prefix / "supervisor.py")
    monkeypatch.setattr(supervisor, "__file__", str(prefix / "supervisor.py"))
    spawner = Spawner()
    gate = Gate(tmp_path / "gate")
    run = Run(spawner, tmp_path / "run", f"read x < {gate.path}; exit 42")
    gate.reached()
    shutil.rmtree(prefix)
    gate.open()
    assert run.outcome() == Outcome(42, True)
    assert json.loads((run.folder / "status").read_text())["exit"] == 42
    spawner.close()


def test_from_claim_to_status_nothing_is_loaded_and_nothing_else_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All that Python tells its auditors of: no import, no library, no program but one, no foreign file."""
    log = tmp_path / "told"
    watched = tmp_path / "watched.py"
    watched.write_text(AUDITED.format(log=str(log), supervisor=supervisor.__file__))
    monkeypatch.setattr(supervisor, "__file__", str(watched))
    spawner = Spawner()
    run = Run(spawner, tmp_path / "run", "exit 9")
    assert run.outcome() == Outcome(9, True)
    spawner.close()
    assert run.keeper is not None
    assert run.watch.installer is not None
    keeper, installer = run.keeper.pid, run.watch.installer.pid
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    told = {
        pid: [line[1:] for line in lines if line[0] == pid and line[1] not in IN_MEMORY]
        for pid in (keeper, installer)
    }
    begin = told[keeper].index(["os.link", f"{run.folder}/.claim.{keeper}", f"{run.folder}/claim"])
    assert told[keeper][begin + 1 :] == [
        ["open", f"/proc/{installer}/stat"],
        ["os.rename", f"{run.folder}/.started", f"{run.folder}/started"],
        ["os.rename", f"{run.folder}/.status", f"{run.folder}/status"],
    ]
    assert told[installer] == [
        ["open", "/dev/null"],
        ["open", f"{run.folder}/output"],
        ["open", f"{run.folder}/lines"],
        ["os.chdir", str(tmp_path)],
        ["os.exec", "/bin/sh"],
    ]


IN_MEMORY = ("array.__new__", "fcntl.fcntl", "socket.sendmsg")
AUDITED = """
import fcntl, json, os, runpy, sys

log = os.open({log!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
log = fcntl.fcntl(log, fcntl.F_DUPFD_CLOEXEC, 900)  # out of the way of what the supervisor closes
forks = []  # in a process of the spawner: how far it is from it


def hook(event, words):
    if forks:
        told = [os.getpid(), event, *(word for word in words if str(word).startswith("/"))]
        os.write(log, (json.dumps(told) + "\\n").encode())


os.register_at_fork(after_in_child=lambda: forks.append(1))
sys.addaudithook(hook)
runpy.run_path({supervisor!r}, run_name="__main__")
"""


def test_the_disk_is_full_when_the_status_is_due(spawner: Spawner, tmp_path: Path) -> None:
    """Its room was taken before the installer began: the record is written in place, then named."""
    gate = Gate(tmp_path / "gate")
    run = Run(spawner, tmp_path / "run", f"read x < {gate.path}; exit 4")
    gate.reached()
    hidden = run.folder / ".status"
    assert hidden.stat().st_size == supervisor.RECORD_SIZE
    assert hidden.read_text().strip() == "{}"
    number = hidden.stat().st_ino
    gate.open()
    assert run.outcome().exit == 4
    assert (run.folder / "status").stat().st_ino == number
    assert (run.folder / "status").stat().st_size == supervisor.RECORD_SIZE


def test_signals_to_the_group_do_not_reach_the_supervisor(spawner: Spawner, tmp_path: Path) -> None:
    gate = Gate(tmp_path / "gate")
    run = Run(spawner, tmp_path / "run", f"read x < {gate.path}; exit 6")
    gate.reached()
    assert run.keeper is not None
    for number in (1, 2, 3, 15):
        run.keeper.send(number)
    assert isinstance(run.watch.installer, ProcessRef)
    gate.open()
    assert run.outcome() == Outcome(6, True)
