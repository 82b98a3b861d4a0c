"""A Wine prefix: its folder for wua, and running a Windows program in it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final

from wua.model.problems import error

FOLDER: Final = Path("drive_c", "ProgramData", "wua")
WINDOWS_FOLDER: Final = "C:\\ProgramData\\wua"
PATIENCE: Final = 120.0  # seconds for one command; the first one in a prefix may bring the prefix up to date
QUIET: Final = {
    "WINEDEBUG": "-all",
    "WINEDLLOVERRIDES": "mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d",  # a crash opens no debugger
}


class Prefix:
    """A folder that ``wineboot`` made.

    Raises:
        WuaError: invalid-argument, when it is none.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path).absolute()
        if not (self.path / "dosdevices").is_dir() or not (self.path / "drive_c" / "windows").is_dir():
            raise error(
                "invalid-argument",
                f"{self.path} is no Wine prefix",
                next_step=f"Make one: `WINEPREFIX={self.path} wineboot --init`.",
            )

    @property
    def folder(self) -> Path:
        """Where the DLL, the connection file and the log are."""
        return self.path / FOLDER

    @property
    def bits(self) -> int:
        """64, or 32 when it was made with ``WINEARCH=win32``; a prefix of 64 runs 32-bit programs, too."""
        return 64 if (self.path / "drive_c" / "windows" / "syswow64").is_dir() else 32

    def run(self, *words: str) -> tuple[int, str]:
        """Run a Windows program to its end; its exit code, of which Wine keeps 8 bits, and its output.

        Raises:
            WuaError: not-supported, when there is no Wine; timed-out.
        """
        wine = shutil.which("wine")
        if wine is None:
            raise error("not-supported", "Wine is not installed", next_step="Install the package wine.")
        # A file, not a pipe: services that Wine starts keep a pipe open long after the command has ended.
        with tempfile.TemporaryFile() as output:
            try:
                done = subprocess.run(
                    [wine, *words],
                    env=os.environ | QUIET | {"WINEPREFIX": str(self.path)},
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    timeout=PATIENCE,
                    check=False,
                    start_new_session=True,
                )
            except subprocess.TimeoutExpired:
                raise error("timed-out", f"wine {words[0]} took longer than {PATIENCE:g} s") from None
            output.seek(0)
            return done.returncode, output.read().decode(errors="replace").replace("\r", "")
