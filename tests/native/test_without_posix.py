"""What a Windows program loads needs nothing that only POSIX has. The real thing is in test_wine."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.quality.project import modules

HIDDEN = "fcntl grp posix_ipc pty pwd resource spwd syslog termios tty".split()
MISSING = (
    "fork getuid geteuid getgid getegid mkfifo setsid pidfd_open O_CLOEXEC O_NONBLOCK O_DIRECTORY".split()
)
PARTS = ("api", "cli", "compat", "criteria", "model", "native", "remote", "store", "wuapi")
ON_WINDOWS = {"wua.native.late"}  # needs comtypes, and Windows
SCRIPT = """
import asyncio, importlib, importlib.abc, os, subprocess, sys, tempfile
import click, msgspec, rich.live  # what they import is theirs to answer for

class Hidden(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name in {hidden}:
            raise ModuleNotFoundError(f"{{name}} is not there on Windows")

for name in {hidden}:
    sys.modules.pop(name, None)
for name in {missing}:
    if hasattr(os, name):
        delattr(os, name)
sys.meta_path.insert(0, Hidden())
for name in {modules}:
    importlib.import_module(name)
print("done")
"""


def names() -> list[str]:
    found = [name for name in modules() if name.split(".")[1:2] and name.split(".")[1] in PARTS]
    assert len(found) > 100
    return sorted(set(found) - ON_WINDOWS)


@pytest.mark.parametrize("chosen", [[], None], ids=["the check itself", "all modules"])
def test_what_only_posix_has_is_not_imported(chosen: list[str] | None, tmp_path: Path) -> None:
    wanted = ["wua.system.locks"] if chosen == [] else names()
    script = SCRIPT.format(hidden=HIDDEN, missing=MISSING, modules=wanted)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    if chosen == []:
        assert "fcntl is not there on Windows" in done.stderr
    else:
        assert done.stdout == "done\n", done.stderr
