"""A Wine prefix with the DLL in it, and the programs that call it."""

import contextlib
import fcntl
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.quality.project import ROOT

from support.sources import tool, windows_python
from support.wine_prefix import NewPrefix, Ran, lacking
from wua.com.prefix import FOLDER, WINDOWS_FOLDER
from wua.com.registration import DLL, FILES

CLIENTS = ROOT / "tests" / "com" / "clients"
COMPILER = "x86_64-w64-mingw32-g++"
LIBRARIES = ("-lole32", "-loleaut32", "-luuid", "-luser32", "-lntdll")
MISSING = lacking("widl", "x86_64-w64-mingw32-gcc", COMPILER)
needs_wine = pytest.mark.skipif(bool(MISSING), reason=f"no {MISSING}")


def put_dll(prefix: NewPrefix, built: Path) -> Path:
    """Have a prefix use what was built, under all names; the server's folder."""
    folder = prefix.path / FOLDER
    folder.mkdir(parents=True, exist_ok=True)  # wua itself may have been there
    for name in FILES:
        if (built / name).exists():
            shutil.copyfile(built / name, folder / name)
    register(prefix, "/i:original")
    return folder


def register(prefix: NewPrefix, *words: str) -> None:
    ran = prefix.run("regsvr32", "/s", "/n", *words, f"{WINDOWS_FOLDER}\\{DLL}")
    assert ran.code == 0, ran.text


class Wine(NewPrefix):
    """A prefix for the DLL, the clients' programs beside it; ``native`` is where the DLL is built."""

    def __init__(self, path: Path, native: Path) -> None:
        super().__init__(path)
        self.native = native
        self.drive = path / "drive_c"
        self.folder = path / FOLDER  # the server's

    def script(self, name: str) -> Ran:
        """One of the clients that are scripts, in cscript."""
        return self.run("cscript", "//nologo", self._copied(name))

    def compiled(self, source: Path) -> str:
        """A C++ client, as a Windows path."""
        target = self.drive / f"{source.stem}.exe"
        if not target.exists():
            unicode = ["-municode"] if "wmain" in source.read_text() else []
            words = ["-std=gnu++17", "-static", *unicode, f"-I{self.native}", str(source), "-o", str(target)]
            subprocess.run([COMPILER, *words, *LIBRARIES], check=True)
        return f"C:\\{target.name}"

    def python(self, name: str, *words: str) -> Ran:
        """One of the clients that are Python programs, in CPython for Windows."""
        return self.run(str(windows_python()), "-B", self._copied(name), *words)

    def _copied(self, name: str) -> str:
        shutil.copyfile(CLIENTS / name, self.drive / name)
        return f"C:\\{name}"

    def registry(self, key: str) -> list[str]:
        """A key with everything below it."""
        return self.run("reg", "query", key, "/s").lines


@contextlib.contextmanager
def wine_in(bases: Path) -> Iterator[Wine]:
    """A new prefix with the DLL registered under all names; what is built is kept in ``bases``."""
    with tempfile.TemporaryDirectory(prefix="wua-wine-") as top, ThreadPoolExecutor(1) as pool:
        built = pool.submit(build_native, bases / "native")
        with Wine(Path(top) / "prefix", bases / "native") as wine:
            put_dll(wine, built.result())
            yield wine


def build_native(folder: Path) -> Path:
    """What `make native` builds, without the 32-bit DLL; once for all workers of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            tool("build_native").build(folder, both=False)
            (folder / "done").touch()
    return folder
