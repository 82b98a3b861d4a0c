"""The examples do what they say."""

import subprocess
import sys
from pathlib import Path

from tests.quality.project import ROOT


def run(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    example = ROOT / "examples" / "install_with_callback.py"
    return subprocess.run(
        [sys.executable, str(example), *words], cwd=tmp_path, capture_output=True, text=True, check=False
    )


def test_install_with_callback(tmp_path: Path) -> None:
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert "begun; this program could do something else now" in lines
    assert lines[-4].startswith("100 %")
    assert lines[-3:] == [
        "orcSucceeded, restart needed: yes",
        "  editor 2.0: orcSucceeded 0x00000000",
        "  kernel 6.1: orcSucceeded 0x00000000",
    ]


def test_nothing_to_install(tmp_path: Path) -> None:
    done = run(tmp_path, "no-such-update")
    assert (done.returncode, done.stdout, done.stderr) == (0, "nothing to do\n", "")
