"""A Wine prefix with the DLL in it, and the programs that run there."""

import contextlib
import fcntl
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.quality.project import ROOT

from wua.com.prefix import QUIET, WINDOWS_FOLDER, Prefix
from wua.com.registration import DLL, FILES

CLIENTS = ROOT / "tests" / "com" / "clients"
COMPILER = "x86_64-w64-mingw32-g++"
NEEDED = ("wine", "wineserver", "widl", "x86_64-w64-mingw32-gcc", COMPILER)
LONG = 100.0  # seconds; only a test that fails waits so long


def lacking() -> str:
    """What is missing here, or nothing."""
    return ", ".join(name for name in NEEDED if shutil.which(name) is None)


needs_wine = pytest.mark.skipif(bool(lacking()), reason=f"no {lacking()}")


class Ran(NamedTuple):
    code: int
    lines: list[str]


class Wine:
    """A prefix of the tests' own."""

    def __init__(self, top: Path, built: Future[Path]) -> None:
        self.path = top / "prefix"
        self._run("wineboot", "--init")
        self.prefix = Prefix(self.path)
        self.prefix.folder.mkdir(parents=True)
        self.built = built.result()
        for name in FILES:
            if (self.built / name).exists():
                shutil.copyfile(self.built / name, self.prefix.folder / name)

    def _run(self, *words: str, check: bool = True) -> None:
        subprocess.run(
            words,
            env=os.environ | QUIET | {"WINEPREFIX": str(self.path), "WINEARCH": "win64"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=LONG,
            check=check,
        )

    def register(self, *words: str) -> None:
        code, said = self.prefix.run("regsvr32", "/s", "/n", *words, f"{WINDOWS_FOLDER}\\{DLL}")
        assert code == 0, said

    def run(self, *words: str) -> Ran:
        code, said = self.prefix.run(*words)
        return Ran(code, said.strip().splitlines())

    def script(self, name: str) -> Ran:
        """One of the clients that are scripts, in cscript."""
        shutil.copyfile(CLIENTS / name, self.path / "drive_c" / name)
        return self.run("cscript", "//nologo", f"C:\\{name}")

    def compiled(self, source: Path) -> str:
        """A C++ client, as a Windows path."""
        target = self.path / "drive_c" / f"{source.stem}.exe"
        if not target.exists():
            unicode = ["-municode"] if "wmain" in source.read_text() else []
            words = ["-std=gnu++17", "-static", *unicode, f"-I{self.built}", str(source), "-o", str(target)]
            subprocess.run([COMPILER, *words, "-lole32", "-loleaut32", "-luuid", "-luser32"], check=True)
        return f"C:\\{target.name}"

    def be_windows_10(self) -> None:
        """CPython asks for it."""
        self.run("reg", "add", "HKCU\\Software\\Wine", "/v", "Version", "/d", "win10", "/f")

    def python(self, home: Path, name: str, *words: str) -> Ran:
        """One of the clients that are Python programs, in CPython for Windows."""
        self.be_windows_10()
        shutil.copyfile(CLIENTS / name, self.path / "drive_c" / name)
        command = ["wine", str(home / "python.exe"), "-B", f"C:\\{name}", *words]
        # It wants a pipe, which Wine's services hold open after it has ended: nobody waits for its end.
        ours, its = os.pipe()
        output: list[bytes] = []

        def read() -> None:
            with contextlib.suppress(OSError):
                while part := os.read(ours, 65536):
                    output.append(part)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        done = subprocess.run(
            command,
            env=os.environ | QUIET | {"WINEPREFIX": str(self.path)},
            stdin=subprocess.PIPE,
            stdout=its,
            stderr=its,
            timeout=LONG,
            check=False,
        )
        os.write(its, b"\n--- end\n")
        os.close(its)
        while b"--- end" not in b"".join(output):
            reader.join(0.01)
        text = b"".join(output).decode(errors="replace").replace("\r", "")
        return Ran(done.returncode, text.partition("\n--- end")[0].strip().splitlines())

    def registry(self, key: str) -> list[str]:
        """A key with everything below it."""
        return self.run("reg", "query", key, "/s").lines

    def close(self) -> None:
        for word in ("-k", "-w"):  # end, and be seen to have ended; it may have done so by itself
            self._run("wineserver", word, check=False)


@contextlib.contextmanager
def wine_in(top: Path, bases: Path) -> Iterator[Wine]:
    """A new prefix in a folder that is deleted afterwards; what is built is kept in ``bases``."""
    with ThreadPoolExecutor(1) as pool:
        wine = Wine(top, pool.submit(build_native, bases / "native"))
    try:
        yield wine
    finally:
        wine.close()
        shutil.rmtree(top)


def build_native(folder: Path) -> Path:
    """What `make native` builds, without the 32-bit DLL; once for all workers of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            from tests.quality.test_generated import tool

            tool("build_native").build(folder, both=False)
            (folder / "done").touch()
    return folder
