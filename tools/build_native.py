"""Build the COM DLL, its type library and its header into a folder, for 64 and 32 bit.

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


def build_dll(folder: Path, machine: str, name: str) -> None:
    """Compile native/ for one machine; the type library is inside as a resource."""
    run(
        folder,
        f"{machine}-windres",
        "--include-dir",
        str(folder),
        str(SOURCES / "wuacom.rc"),
        f"{name}.res.o",
    )
    sources = sorted(str(path) for path in SOURCES.glob("*.c"))
    run(
        folder,
        f"{machine}-gcc",
        *("-std=gnu11", "-O2", "-s", "-shared", "-static-libgcc", *WARNINGS, f"-I{SOURCES}"),
        *("-Wl,--no-insert-timestamp", "-Wl,--kill-at", "-Wl,--enable-stdcall-fixup", "-o", name),
        *(*sources, "tables.c", f"{name}.res.o", str(SOURCES / "wuacom.def"), *LIBRARIES),
    )


def build(folder: Path, *, both: bool = True) -> None:
    """Build everything; the 32-bit DLL if ``both``. Raises subprocess.CalledProcessError."""
    folder.mkdir(parents=True, exist_ok=True)
    idl = str(SOURCES / "wua.idl")
    run(folder, "widl", "-h", "-H", "wua.h", idl)
    run(folder, "widl", "-u", "-U", "wua_i.c", idl)
    run(folder, "widl", "-t", "-o", "wua.tlb", idl)
    (folder / "tables.c").write_text(generate_native.render())
    build_dll(folder, "x86_64-w64-mingw32", "wuacom.dll")
    if both and shutil.which("i686-w64-mingw32-gcc"):
        build_dll(folder, "i686-w64-mingw32", "wuacom32.dll")


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
