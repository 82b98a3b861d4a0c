"""Build everything, and let install.exe install a real package into a Debian root, called back in Wine.

    make com

What it makes is temporary: a Wine prefix, a small Debian root, a package repository with one package.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from wua.model.enums import TargetKind
from wua.targets import create_root, destroy
from wua.testing.debian import Package, Repository

HERE = Path(__file__).resolve().parent
NATIVE = HERE.parents[1] / "build" / "native"
COMPILER = "x86_64-w64-mingw32-g++"
QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d"}
TIMEOUT = 120  # seconds for each command


def compile_client(target):
    """The example against the header that `make native` has generated."""
    libraries = ("-lole32", "-loleaut32", "-luuid")
    source = str(HERE / "install.cpp")
    words = ["-std=gnu++17", "-municode", "-static", f"-I{NATIVE}", source, "-o", str(target), *libraries]
    subprocess.run([COMPILER, *words], check=True)


def main():
    if not (NATIVE / "wuacom.dll").exists():
        print("There is no DLL: `make native` builds it.")
        return 1
    with tempfile.TemporaryDirectory(prefix="wua-com-") as folder:
        top = Path(folder)
        prefix, root = top / "prefix", top / "root"
        environment = os.environ | QUIET | {"WINEPREFIX": str(prefix), "WINEARCH": "win64"}

        def run(*words, check=True):
            """Output goes to ours, which is no pipe of this program's: Wine's services keep those open."""
            print("$", *words, flush=True)
            return subprocess.run(words, env=environment, stdin=subprocess.DEVNULL, timeout=TIMEOUT, check=check)

        repository = Repository(top / "repository")
        repository.add(Package("hello", "2.10"))
        repository.write()
        create_root(root, TargetKind.PLAIN_ROOT, sources=repository.source_line())
        compile_client(top / "install.exe")
        wua = (sys.executable, "-m", "wua")
        try:
            run("wineboot", "--init")
            run(*wua, "com", "register", "--prefix", str(prefix), "--original-names", "--root", str(root))
            done = run("wine", str(top / "install.exe"), "hello", check=False)
            run(*wua, "--root", str(root), "history")
            run(*wua, "com", "unregister", "--prefix", str(prefix))
        finally:
            run("wineserver", "-k", check=False)
            destroy(root)
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
