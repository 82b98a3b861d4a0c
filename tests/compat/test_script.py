"""``wua script``: a pywin32 script runs as python would run it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli_world import Desk, Ran, desk_in

from wua.testing.machine import SimulatedUpdate


@pytest.fixture
def desk(short_dir: Path) -> Iterator[Desk]:
    with desk_in(short_dir) as desk:
        desk.set(SimulatedUpdate("editor", "2.0"), SimulatedUpdate("library", "1.5"))
        yield desk


def ran(desk: Desk, tmp_path: Path, text: str, *arguments: str) -> Ran:
    script = tmp_path / "update.py"
    script.write_text(text)
    return desk.program("script", str(script), *arguments)


def test_it_finds_updates(desk: Desk, tmp_path: Path) -> None:
    text = """
import win32com.client
import pythoncom
session = win32com.client.Dispatch("Microsoft.Update.Session")
for update in session.CreateUpdateSearcher().Search("IsInstalled=0").Updates:
    print(update.Title)
"""
    assert ran(desk, tmp_path, text) == (0, "editor 2.0\nlibrary 1.5\n", "")


def test_the_root_may_be_named_before_and_after_the_verb(desk: Desk, tmp_path: Path) -> None:
    script = tmp_path / "update.py"
    script.write_text("import os, sys; print(os.environ['WUA_TARGET'], sys.argv[1:])")
    root = str(desk.root)
    for words in (("--root", root, "script", str(script)), ("script", "--root", root, str(script))):
        done = desk.program(*words, "--root", "x", "--json", WUA_TARGET="/nowhere")
        assert done == (0, f"{root} ['--root', 'x', '--json']\n", "")


def test_it_is_the_main_program(desk: Desk, tmp_path: Path) -> None:
    (tmp_path / "beside.py").write_text("WORD = 'found'")
    text = """# -*- coding: latin-1 -*-
import sys
import __main__
from beside import WORD
if __name__ == "__main__":
    print(sys.argv[1:], __file__ == sys.argv[0], sys.path[0] != "", __main__.__dict__ is globals(), WORD)
    print(type(main).__name__ if "main" in globals() else "own names only")
"""
    done = ran(desk, tmp_path, text, "-v", "--", "--flag=1", "word")
    assert done.err == ""
    assert done.lines == ["['-v', '--', '--flag=1', 'word'] True True True found", "own names only"]


@pytest.mark.parametrize(
    ("ending", "code", "said"),
    [
        ("", 0, ""),
        ("raise SystemExit", 0, ""),
        ("import sys; sys.exit(7)", 7, ""),
        ("import sys; sys.exit(True)", 1, ""),
        ("import sys; sys.exit('no updates')", 1, "no updates\n"),
    ],
)
def test_its_exit_code_is_passed_on(desk: Desk, tmp_path: Path, ending: str, code: int, said: str) -> None:
    assert ran(desk, tmp_path, ending) == (code, "", said)


def test_an_exception_is_shown_as_python_shows_it(desk: Desk, tmp_path: Path) -> None:
    text = """
import win32com.client
def create():
    win32com.client.Dispatch("No.Such.Class")
create()
"""
    done = ran(desk, tmp_path, text)
    lines = done.err.splitlines()
    assert done.code == 1
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == f'  File "{tmp_path}/update.py", line 5, in <module>'
    assert lines[-1] == "pywintypes.com_error: (-2147221005, 'Invalid class string', None, None)"


def test_a_script_that_is_not_python(desk: Desk, tmp_path: Path) -> None:
    done = ran(desk, tmp_path, "if no python\n")
    assert done.code == 1
    assert done.err.startswith(f'  File "{tmp_path}/update.py", line 1')
    assert "SyntaxError" in done.err


def test_an_interrupted_script(desk: Desk, tmp_path: Path) -> None:
    done = ran(desk, tmp_path, "raise KeyboardInterrupt")
    assert done.code == 130
    assert done.err.endswith("KeyboardInterrupt\n")


def test_a_script_that_is_not_there(desk: Desk, tmp_path: Path) -> None:
    done = desk.program("script", str(tmp_path / "absent.py"))
    assert done.code == 2
    assert "absent.py" in done.err


def test_it_installs_and_is_called_back(desk: Desk, tmp_path: Path) -> None:
    text = """
import sys
import win32com.client, win32event
done = win32event.CreateEvent(None, True, False, None)
session = win32com.client.Dispatch("Microsoft.Update.Session")
session.ClientApplicationID = "a script"
updates = session.CreateUpdateSearcher().Search("IsInstalled=0").Updates
downloader = session.CreateUpdateDownloader()
downloader.Updates = updates
assert downloader.Download().ResultCode == 2
installer = session.CreateUpdateInstaller()
installer.Updates = updates
class Completed:
    def Invoke(self, job, args):
        result = installer.EndInstall(job)
        print(result.ResultCode, [result.GetUpdateResult(i).HResult for i in range(job.Updates.Count)])
        win32event.SetEvent(done)
job = installer.BeginInstall(None, Completed(), None)
win32event.WaitForSingleObject(done, win32event.INFINITE)
job.CleanUp()
sys.exit(3 if installer.IsBusy else 0)
"""
    assert ran(desk, tmp_path, text) == (0, "2 [0, 0]\n", "")
    assert desk.json("history").result[0]["application_id"] == "a script"
