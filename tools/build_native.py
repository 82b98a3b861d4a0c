"""Build the COM DLL, the local server, their type library and its header into a folder, for 64 and 32 bit.

usage: build_native.py FOLDER

Needs widl and the mingw compilers. Where they are missing it says so in one line, and that is no failure;
without the 32-bit compiler only that DLL is left out.
"""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

sys.path.insert(0, str(Path(__file__).parent))  # also where a test loads this file by its path
import generate_native

SOURCES: Final = Path(__file__).resolve().parents[1] / "native"
NEEDED: Final = ("widl", "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-windres")
WARNINGS: Final = (
    "-Wall",
    "-Wextra",
    "-Werror",
    "-Wno-missing-field-initializers",
    "-Wno-cast-function-type",
)
LIBRARIES: Final = ("-lole32", "-loleaut32", "-luuid", "-ladvapi32", "-lws2_32")


def missing() -> list[str]:
    """The programs that are needed and not there."""
    return [name for name in NEEDED if shutil.which(name) is None]


def run(folder: Path, *command: str) -> None:
    subprocess.run(command, cwd=folder, check=True)


def compile_all(folder: Path, machine: str) -> None:
    """All objects for one machine, in a folder of their own; the type library is one of them."""
    resource = str(SOURCES / "wuacom.rc")
    flags = ("-std=gnu11", "-O2", *WARNINGS, f"-I{SOURCES}")
    sources = sorted(str(path) for path in SOURCES.glob("**/*.c"))
    folder.mkdir(exist_ok=True)
    run(folder, f"{machine}-gcc", *flags, "-c", *sources, str(folder.parent / "tables.c"))
    run(folder, f"{machine}-windres", "--include-dir", str(folder.parent), resource, "resource.o")


def link(folder: Path, machine: str, name: str, *inputs: str) -> None:
    run(
        folder,
        f"{machine}-gcc",
        *("-s", "-static-libgcc", "-Wl,--no-insert-timestamp", "-Wl,--kill-at", "-Wl,--enable-stdcall-fixup"),
        *("-o", name, *inputs, *LIBRARIES),
    )


def build_for(folder: Path, machine: str, dll: str, server: str = "") -> None:
    """The DLL for one machine, and the local server if it has a name."""
    place = folder / machine
    compile_all(place, machine)
    common = sorted(path.name for path in place.glob("*.o") if path.name != "server.o")
    link(place, machine, f"../{dll}", "-shared", str(SOURCES / "wuacom.def"), *common)
    if server:
        link(place, machine, f"../{server}", "-mwindows", "-municode", "server.o", *common)


def build(folder: Path, *, both: bool = True) -> None:
    """Build everything; the 32-bit DLL if ``both``. Raises subprocess.CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    idl = str(SOURCES / "wua.idl")
    run(folder, "widl", "-h", "-H", "wua.h", idl)
    run(folder, "widl", "-t", "-o", "wua.tlb", idl)
    (folder / "tables.c").write_text(generate_native.render())
    build_for(folder.resolve(), "x86_64-w64-mingw32", "wuacom.dll", "wuacom.exe")
    if both and shutil.which("i686-w64-mingw32-gcc"):
        build_for(folder.resolve(), "i686-w64-mingw32", "wuacom32.dll")


def main(folder: str) -> int:
    lacking = missing()
    if lacking:
        print(
            f"The COM DLL is not built: {', '.join(lacking)} missing (Debian: wine64-tools, gcc-mingw-w64)."
        )
        return 0
    build(Path(folder))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
