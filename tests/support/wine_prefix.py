"""A Wine prefix of the tests' own, the COM DLL in it, and Windows programs that run there."""

import os
import select
import shutil
import subprocess
import time
from pathlib import Path
from typing import NamedTuple, Self

from wua.com.prefix import FOLDER, QUIET, WINDOWS_FOLDER
from wua.com.registration import DLLS, FILES

LONG = 120.0  # seconds for a command; only a test that fails waits so long
WINDOWS_10 = ("reg", "add", r"HKCU\Software\Wine", "/v", "Version", "/d", "win10", "/f")


def lacking(*more: str) -> str:
    """What is missing here, or nothing."""
    return ", ".join(name for name in ("wine", "wineserver", *more) if shutil.which(name) is None)


class Ran(NamedTuple):
    code: int
    text: str

    @property
    def lines(self) -> list[str]:
        return self.text.strip().splitlines()


class NewPrefix:
    """Made in ``path`` when entered; it calls itself Windows 10. What runs in it ends when it is left.

    A program that only waits keeps it up meanwhile: Wine's services start once, not for every command, and
    hold no pipe of a test's open. ``bits``: 64, which runs 32-bit programs where Wine has them, or 32.
    """

    def __init__(self, path: Path, bits: int = 64) -> None:
        self.path, self.bits = path, bits
        self._environment = os.environ | QUIET | {"WINEPREFIX": str(path), "WINEARCH": f"win{bits}"}

    def __enter__(self) -> Self:
        # It must be up before the next one: two that come first would start the services twice, and then COM
        # finds no other process.
        self._waiting = subprocess.Popen(
            ["wine", "cmd", "/k", "echo up"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        try:
            assert self._waiting.stdout is not None
            assert self._waiting.stdout.readline().strip() == b"up"
            self._silently("wine", *WINDOWS_10)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._waiting.kill()
        for word in ("-k", "-w"):  # end, and be seen to have ended
            self._silently("wineserver", word, check=False)
        self._waiting.communicate()

    def _silently(self, *words: str, check: bool = True) -> None:
        subprocess.run(
            words,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONG,
            check=check,
        )

    def begin(self, *words: str) -> subprocess.Popen[bytes]:
        """A Windows program at work. It writes into a pipe: on a regular file Windows' Python dies."""
        return subprocess.Popen(
            ["wine", *words],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def run(self, *words: str, timeout: float = LONG) -> Ran:
        """A Windows program to its end, which must come within ``timeout`` seconds."""
        with self.begin(*words) as program:
            try:
                output = _output(program, time.monotonic() + timeout)
            finally:
                program.kill()
        return Ran(program.returncode, output.decode(errors="replace").replace("\r\n", "\n"))


def _output(program: subprocess.Popen[bytes], limit: float) -> bytes:
    """What it writes until it ends; a server that it has started may hold the pipe open for longer."""
    assert program.stdout is not None
    output = b""
    over = False
    while not over or select.select([program.stdout], [], [], 0)[0]:
        assert time.monotonic() < limit, f"{program.args!r} does not end; so far {output!r}"
        over = program.poll() is not None
        if select.select([program.stdout], [], [], 0 if over else 0.05)[0]:
            part = os.read(program.stdout.fileno(), 65536)
            output += part
            if not part:
                program.wait(LONG)
                return output
    return output


def put_dll(prefix: NewPrefix, built: Path) -> Path:
    """Have a prefix use what was built, under all names; the server's folder."""
    folder = prefix.path / FOLDER
    folder.mkdir(parents=True, exist_ok=True)  # wua itself may have been there
    for name in FILES[prefix.bits]:
        if (built / name).exists():
            shutil.copyfile(built / name, folder / name)
    register(prefix, "/i:original")
    return folder


def register(prefix: NewPrefix, *words: str) -> None:
    ran = prefix.run("regsvr32", "/s", "/n", *words, f"{WINDOWS_FOLDER}\\{DLLS[prefix.bits]}")
    assert ran.code == 0, ran.text
