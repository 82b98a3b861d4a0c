"""On a terminal: questions, moving progress, Ctrl-C, colours."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator

import pytest
from tests.support.cli_world import Desk

from wua.system.locks import FileLock
from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def slow(desk: Desk) -> Desk:
    """The machine needs an update that waits at a gate, and one after it."""
    gate = desk.gate()
    desk.set(SimulatedUpdate("slow", "3.1", gate=str(gate.path)), SimulatedUpdate("later"))
    return desk


def test_the_plan_is_shown_and_approved(desk: Desk) -> None:
    with desk.terminal("install", "editor") as terminal:
        shown = terminal.read_until("Go ahead? [y/N]")
        assert "editor" in shown
        assert "1.2 MB to download." in shown
        terminal.type("y\n")
        assert terminal.end() == 0
        assert "installed    editor 2.0" in terminal.text
        assert "Done in" in terminal.text


@pytest.mark.parametrize("answer", ["n\n", "\n", "yo\n", "\x04"])
def test_no_is_the_default_and_changes_nothing(desk: Desk, answer: str) -> None:
    with desk.terminal("install", "editor") as terminal:
        terminal.read_until("Go ahead?")
        terminal.type(answer)
        assert terminal.end() == 4
        assert "Nothing was changed." in terminal.text
    assert desk.json("jobs").result == []


def test_ctrl_c_at_the_question_changes_nothing(desk: Desk) -> None:
    with desk.terminal("install", "editor") as terminal:
        terminal.read_until("Go ahead?")
        terminal.interrupt()
        assert terminal.end() == 4
        assert terminal.text.endswith("\nNothing was changed.\n")
    assert desk.json("jobs").result == []


def test_progress_names_phase_update_and_percent(slow: Desk) -> None:
    with slow.terminal("install", "--all", "-y") as terminal:
        shown = terminal.read_until("1/2 slow 3.1")
        assert "installing" in shown
        assert re.search(r"\d+ %", shown)
        assert "━" in shown
        slow.gates[0].open()
        assert terminal.end() == 0
        assert "installed    later 1.0" in terminal.text


def test_ctrl_c_aborts_and_says_what_that_means(slow: Desk) -> None:
    with slow.terminal("install", "--all", "-y") as terminal:
        terminal.read_until("1/2 slow 3.1")
        terminal.interrupt()
        shown = terminal.read_until("Ctrl-C again leaves it running.")
        assert "Asked to abort: the running package transaction ends first" in shown.replace("\n", " ")
        assert terminal.end() == 4
        assert "left undone  later 1.0" in terminal.text
        assert "^C" not in terminal.text
    assert slow.json("jobs").result[0]["result"]["code"] == 5


def test_a_second_ctrl_c_leaves_the_job_running(desk: Desk) -> None:
    gate = desk.gate()
    desk.set(SimulatedUpdate("slow", gate=str(gate.path), stubborn=True))
    with desk.terminal("install", "slow", "-y") as terminal:
        terminal.read_until("1/1 slow 1.0")
        terminal.interrupt()
        terminal.read_until("Asked to abort")
        terminal.interrupt()
        assert terminal.end() == 4
        left = re.search(r"Left running.*wua attach (\w+)", terminal.text)
    assert left is not None
    assert "installing" in desk.here("jobs", "--active").out
    gate.open()
    assert "installed    slow 1.0" in desk.here("attach", left[1]).out


def test_attach_watch_leaves_with_one_ctrl_c(slow: Desk) -> None:
    job = slow.json("install", "slow", "-y", "--detach").result["job"]
    with slow.terminal("attach", "--watch") as terminal:
        terminal.read_until("1/1 slow 3.1")
        terminal.interrupt()
        assert terminal.end() == 0
        assert f"wua attach {job}" in terminal.text
    slow.gates[0].open()
    slow.wait_until_idle()
    assert slow.here("attach", job).code == 0


@pytest.fixture
def held(desk: Desk) -> Iterator[FileLock]:
    """The machine's lock, in the hands of this process."""
    lock = FileLock(desk.root / "machine.lock")
    assert lock.acquire()
    yield lock
    lock.release()


def test_who_holds_the_lock_is_named(desk: Desk, held: FileLock) -> None:
    with desk.terminal("install", "editor", "-y", columns=200) as terminal:
        shown = terminal.read_until(f"holds {desk.root}/machine.lock")
        assert "waiting for lock" in shown
        assert f"(pid {os.getpid()})" in shown
        held.release()
        assert terminal.end() == 0


def test_a_held_lock_ends_as_busy_after_the_time_out(desk: Desk, held: FileLock) -> None:
    ran = desk.here("install", "editor", "-y", "--lock-timeout", "0.1")
    assert ran.code == 6
    assert any(line.startswith("waiting: ") for line in ran.lines)
    assert "lock-held, WU_E_INSTALL_NOT_ALLOWED 0x80240016" in ran.out


def test_a_phase_that_takes_too_long_is_named(slow: Desk) -> None:
    ran = slow.here("install", "slow", "-y", "--time-out", "0.1")
    assert ran.code in (1, 4)
    assert "installing took longer than 0.1 s" in ran.out


def test_without_rich_a_terminal_gets_lines(slow: Desk) -> None:
    """As with an install that has no extra: importing rich fails."""
    (slow.root / "rich.py").write_text("raise ImportError('no rich here')\n")
    path = os.pathsep.join(filter(None, (str(slow.root), os.environ.get("PYTHONPATH"))))
    with slow.terminal("install", "slow", "-y", PYTHONPATH=path) as terminal:
        terminal.read_until("\ninstalling\n")
        slow.gates[0].open()
        assert terminal.end() == 0
        assert "installed    slow 3.1" in terminal.text
        assert "━" not in terminal.text


@pytest.mark.parametrize(
    ("words", "env", "coloured"),
    [
        ((), {}, True),
        (("--color", "never"), {}, False),
        ((), {"NO_COLOR": "1"}, False),
        (("--color", "always"), {"NO_COLOR": "1"}, True),
        ((), {"TERM": "dumb"}, False),
    ],
)
def test_colours(desk: Desk, words: tuple[str, ...], env: dict[str, str], coloured: bool) -> None:
    with desk.terminal("search", *words, **env) as terminal:
        assert terminal.end() == 0
        assert ("\x1b[" in terminal.raw) is coloured


def test_colours_in_a_pipe_only_when_asked_for(desk: Desk) -> None:
    assert "\x1b[" not in desk.here("search").out
    assert "\x1b[" in desk.here("search", "--color", "always").out


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_nothing_is_wider_than_the_terminal(desk: Desk, columns: int) -> None:
    desk.set(
        SimulatedUpdate(
            "a-very-long-package-name-that-goes-on-and-on-and-on-dev", "1.2.3+really4.5.6-7~deb12u8"
        ),
        SimulatedUpdate("b", exit=2),
        SimulatedUpdate("c", reboot=True),
    )
    for words in (("search",), ("install", "--all", "-y"), ("jobs",), ("history",), ("info",), ("show", "b")):
        with desk.terminal(*words, columns=columns) as terminal:
            terminal.end()
            wide = [
                line
                for line in terminal.text.split("\n")
                if len(line) > columns and str(desk.root) not in line
            ]
            assert not wide


def test_what_a_package_says_cannot_steer_the_terminal(desk: Desk) -> None:
    desk.set(SimulatedUpdate("evil", "1\x1b]0;title\x07"))
    for words in (("search",), ("show", "evil"), ("plan", "evil")):
        with desk.terminal(*words) as terminal:
            terminal.end()
            assert "\x1b]0;" not in terminal.raw
            assert "\x07" not in terminal.raw


def test_a_reader_that_goes_away_is_no_error(desk: Desk) -> None:
    desk.here("install", "--all", "-y")
    reading = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.close()"], stdin=subprocess.PIPE)
    assert reading.stdin is not None
    reading.wait()
    done = subprocess.run(
        desk.command("history"), env=desk.env(), stdout=reading.stdin, stderr=subprocess.PIPE, check=False
    )
    reading.stdin.close()
    assert (done.returncode, done.stderr) == (0, b"")
