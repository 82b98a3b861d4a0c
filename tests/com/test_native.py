"""What is built of native/, without running it: where slots are in the header, what the DLLs export."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.quality.project import ROOT
from tests.support.wine_world import build_native

from wua.wuapi.table import INTERFACES

MACHINES = ("x86_64-w64-mingw32", "i686-w64-mingw32")
EXPORTS = {
    "DllCanUnloadNow",
    "DllGetClassObject",
    "DllInstall",
    "DllRegisterServer",
    "DllUnregisterServer",
}


def needs(*programs: str) -> pytest.MarkDecorator:
    missing = [name for name in programs if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"no {', '.join(missing)}")


def layout() -> str:
    """A C file that compiles only if the header has every member in the slot that the declaration names."""
    lines = ["#define CINTERFACE", "#include <stddef.h>", "#include <windows.h>", '#include "wua.h"']
    for name, interface in INTERFACES.items():
        for row in interface.rows:
            member = row.name if row.kind == "method" else f"{row.kind}_{row.name}"
            offset = f"offsetof({name}Vtbl, {member}) == {row.slot} * sizeof(void *)"
            lines.append(f'_Static_assert({offset}, "{name}.{member}");')
    return "\n".join(lines) + "\n"


@pytest.mark.wine
@pytest.mark.parametrize(
    "machine", [pytest.param(each, marks=needs("widl", f"{each}-gcc")) for each in MACHINES]
)
def test_every_member_is_in_its_slot(machine: str, bases: Path, tmp_path: Path) -> None:
    built = build_native(bases / "native")
    source = tmp_path / "layout.c"
    source.write_text(layout())
    words = ["-std=gnu11", "-fsyntax-only", f"-I{built}", str(source)]
    subprocess.run([f"{machine}-gcc", *words], check=True)
    source.write_text(layout().replace("== 7 *", "== 8 *"))
    assert subprocess.run([f"{machine}-gcc", *words], check=False, capture_output=True).returncode != 0


@pytest.mark.wine
@needs("widl", *(f"{machine}-gcc" for machine in MACHINES))
def test_both_dlls_export_the_same(tmp_path: Path) -> None:
    from tests.quality.test_generated import tool

    tool("build_native").build(tmp_path)
    for machine, name in zip(MACHINES, ("wuacom.dll", "wuacom32.dll"), strict=True):
        words = [f"{machine}-objdump", "-p", str(tmp_path / name)]
        listed = subprocess.run(words, capture_output=True, text=True, check=True).stdout
        names = listed.partition("[Ordinal/Name Pointer] Table")[2].partition("\n\n")[0]
        assert set(re.findall(r"\] (?:\+base\[ *\d+\] *[0-9a-f]+ )?(\w+)$", names, re.MULTILINE)) == EXPORTS


def test_where_nothing_can_be_built_one_line_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    words = [sys.executable, str(ROOT / "tools" / "build_native.py"), str(tmp_path / "x")]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        "The COM DLL is not built: widl, x86_64-w64-mingw32-gcc, x86_64-w64-mingw32-windres missing "
        "(Debian: wine64-tools, gcc-mingw-w64).\n"
    )
    assert not (tmp_path / "x").exists()
