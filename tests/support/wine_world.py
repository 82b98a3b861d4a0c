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
from tests.support.sources import tool, windows_python
from tests.support.wine_prefix import NewPrefix, Ran, lacking, put_dll

from wua.com.prefix import FOLDER
from wua.com.registration import DLLS

CLIENTS = ROOT / "tests" / "com" / "clients"
COMPILERS = {64: "x86_64-w64-mingw32-g++", 32: "i686-w64-mingw32-g++"}
LIBRARIES = ("-lole32", "-loleaut32", "-luuid", "-luser32", "-lntdll")
MISSING = lacking("widl", "x86_64-w64-mingw32-gcc", COMPILERS[64])
needs_wine = pytest.mark.skipif(bool(MISSING), reason=f"no {MISSING}")


class Wine(NewPrefix):
    """A prefix for the DLL, the clients' programs beside it; ``native`` is where the DLL is built."""

    def __init__(self, path: Path, native: Path, bits: int = 64) -> None:
        super().__init__(path, bits)
        self.native = native
        self.drive = path / "drive_c"
        self.folder = path / FOLDER  # the server's

    def script(self, name: str, bits: int = 64) -> Ran:
        """One of the clients that are scripts, in cscript."""
        cscript = r"C:\windows\syswow64\cscript.exe" if bits == 32 else "cscript"
        return self.run(cscript, "//nologo", self._copied(name))

    def compiled(self, source: Path, bits: int = 64) -> str:
        """A C++ client, as a Windows path."""
        target = self.drive / f"{source.stem}-{bits}.exe"
        if not target.exists():
            unicode = ["-municode"] if "wmain" in source.read_text() else []
            words = ["-std=gnu++17", "-static", *unicode, f"-I{self.native}", str(source), "-o", str(target)]
            subprocess.run([COMPILERS[bits], *words, *LIBRARIES], check=True)
        return f"C:\\{target.name}"

    def python(self, name: str, *words: str) -> Ran:
        """One of the clients that are Python programs, in CPython for Windows."""
        return self.run(*self._python(name, *words))

    def begin_python(self, name: str, *words: str) -> subprocess.Popen[bytes]:
        return self.begin(*self._python(name, *words))

    def _python(self, name: str, *words: str) -> tuple[str, ...]:
        return (str(windows_python()), "-B", self._copied(name), *words)

    def _copied(self, name: str) -> str:
        shutil.copyfile(CLIENTS / name, self.drive / name)
        return f"C:\\{name}"

    def registry(self, key: str, bits: int = 64) -> list[str]:
        """A key with everything below it, as programs of so many bits see it."""
        return self.run("reg", "query", key, "/s", f"/reg:{bits}").lines


def add_32_bit(wine: Wine, bases: Path) -> None:
    """Have the prefix's 32-bit programs use the DLL, too; the test is skipped where they can't run."""
    if not (wine.drive / "windows" / "syswow64" / "kernel32.dll").exists():
        pytest.skip("no 32-bit Wine")
    if missing := lacking(COMPILERS[32]):
        pytest.skip(f"no {missing}")
    if not (wine.folder / DLLS[32]).exists():
        put_dll(wine, build_native(bases / "native-both", both=True))


@contextlib.contextmanager
def wine_in(bases: Path) -> Iterator[Wine]:
    """A new prefix with the DLL registered under all names; what is built is kept in ``bases``."""
    with tempfile.TemporaryDirectory(prefix="wua-wine-") as top, ThreadPoolExecutor(1) as pool:
        built = pool.submit(build_native, bases / "native")
        with Wine(Path(top) / "prefix", bases / "native") as wine:
            put_dll(wine, built.result())
            yield wine


def build_native(folder: Path, *, both: bool = False) -> Path:
    """What `make native` builds, once for all workers of a run; the 32-bit DLL if ``both``."""
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            tool("build_native").build(folder, both=both)
            (folder / "done").touch()
    return folder
