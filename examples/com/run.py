"""Build everything, and let install.exe install a real package into a Debian root, called back in Wine.

    make com
    python examples/com/run.py [FOLDER]    where `make native` has put the DLL, if elsewhere

What it makes is temporary: a Wine prefix, a small Debian root, a package repository with one package.
"""

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import wua
from wua.model.enums import TargetKind
from wua.system.process import ProcessRef
from wua.targets import create_root, destroy
from wua.testing.debian import Package, Repository

HERE = Path(__file__).resolve().parent
NATIVE = Path(sys.argv[1]) if sys.argv[1:] else HERE.parents[1] / "build" / "native"
COMPILER = "x86_64-w64-mingw32-g++"
QUIET = {"WINEDEBUG": "-all", "WINEDLLOVERRIDES": "mscoree,mshtml=;winedbg.exe=d;winemenubuilder.exe=d"}
TIMEOUT = 120  # seconds for each command


def compile_client(target):
    """The example against the header that `make native` has generated."""
    libraries = ("-lole32", "-loleaut32", "-luuid")
    source = str(HERE / "install.cpp")
    words = ["-std=gnu++17", "-municode", "-static", f"-I{NATIVE}", source, "-o", str(target), *libraries]
    subprocess.run([COMPILER, *words], check=True)


def end_host(root):
    """End the root's job host, which would only do so when it has been idle for a while."""
    with wua.open(root=root) as agent:
        host = ProcessRef.of(agent.info().host_pid or 0)
    if host is not None and host.send(signal.SIGTERM):
        host.wait(TIMEOUT)


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
            options = {"stdin": subprocess.DEVNULL, "timeout": TIMEOUT, "check": check}
            return subprocess.run(words, env=environment, **options)

        repository = Repository(top / "repository")
        repository.add(Package("hello", "2.10"))
        repository.write()
        create_root(root, TargetKind.PLAIN_ROOT, sources=repository.source_line())
        compile_client(top / "install.exe")
        command = (sys.executable, "-m", "wua")
        try:
            run("wineboot", "--init")
            words = ("--root", str(root), "--native", str(NATIVE), "--original-names")
            run(*command, "com", "register", "--prefix", str(prefix), *words)
            done = run("wine", str(top / "install.exe"), "hello", check=False)
            run(*command, "--root", str(root), "history")
            run(*command, "com", "unregister", "--prefix", str(prefix))
        finally:
            for word in ("-k", "-w"):  # end, and be seen to have ended, before its folder goes
                run("wineserver", word, check=False)
            end_host(root)
            destroy(root)
        return done.returncode


if __name__ == "__main__":
    sys.exit(main())
