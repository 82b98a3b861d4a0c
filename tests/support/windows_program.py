"""wua itself as a Windows program: Windows' own Python, in a Wine prefix."""

import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from tests.quality.project import ROOT

LONG = 120.0  # seconds for a command; only a test that fails waits so long
QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d"}
WINDOWS_10 = ("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f")


def lacking() -> str:
    """What is missing here, or nothing."""
    return ", ".join(name for name in ("wine", "wineserver") if shutil.which(name) is None)


def interpreter() -> Path:
    """python.exe, with wua and what it needs. Raises the tool's MissingSourceError."""
    spec = importlib.util.spec_from_file_location("windows_python", ROOT / "tools" / "windows_python.py")
    assert spec is not None
    assert spec.loader is not None
    tool: Any = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        spec.loader.exec_module(tool)
    finally:
        sys.path.remove(str(ROOT / "tools"))
    return Path(tool.folder()) / "python.exe"


class Ran(NamedTuple):
    code: int
    text: str


class WindowsProgram:
    """Runs wua in a prefix. What it writes goes through pipes: on a regular file the interpreter dies."""

    def __init__(self, prefix: Path) -> None:
        self.prefix = prefix
        self.python = interpreter()

    def wine(self, *words: str) -> Ran:
        environment = os.environ | QUIET | {"WINEPREFIX": str(self.prefix), "WINEARCH": "win64"}
        done = subprocess.run(
            ["wine", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONG,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode(errors="replace").replace("\r\n", "\n"))

    @contextmanager
    def running(self, *words: str) -> Iterator[subprocess.Popen[bytes]]:
        """A Python module at work; it is ended afterwards."""
        environment = os.environ | QUIET | {"WINEPREFIX": str(self.prefix), "WINEARCH": "win64"}
        program = subprocess.Popen(
            ["wine", str(self.python), "-m", *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            yield program
        finally:
            program.kill()
            program.communicate()

    def wua(self, *words: str) -> Ran:
        return self.wine(str(self.python), "-m", "wua", *words)

    def script(self, text: str, *words: str) -> Ran:
        return self.wine(str(self.python), "-c", text, *words)


@contextmanager
def prefix_in(folder: Path) -> Iterator[WindowsProgram]:
    """A new prefix that calls itself Windows 10, and whatever runs in it ended afterwards."""
    program = WindowsProgram(folder)
    environment = os.environ | QUIET | {"WINEPREFIX": str(folder), "WINEARCH": "win64"}
    silent = {"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    subprocess.run(["wineboot", "--init"], env=environment, timeout=LONG, check=True, **silent)
    try:
        subprocess.run(["wine", *WINDOWS_10], env=environment, timeout=LONG, check=True, **silent)
        yield program
    finally:
        subprocess.run(["wineserver", "-k"], env=environment, timeout=LONG, check=False, **silent)
        subprocess.run(["wineserver", "-w"], env=environment, timeout=LONG, check=False, **silent)
