"""The page about testing patch automation does what it says: its programs and tests, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from tests.quality.project import ROOT
from tests.support.sources import source

PAGE = ROOT / "docs" / "how-to" / "test-patch-automation.md"
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def run(folder: Path, **files: str) -> str:
    """The outcome of pytest on these files."""
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:asyncio", "--basetemp", str(folder / "t")],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": source("salt") if "conftest" in files else ""},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_there_is_nothing_on_the_page_that_is_not_run() -> None:
    assert len(BLOCKS) == 5


def test_a_script_and_what_can_be_done_to_a_machine(short_dir: Path) -> None:
    script, test, _, _, more = BLOCKS
    assert " 6 passed" in run(short_dir, patch=script, test_patch=test, test_more=more)


def test_a_salt_state(short_dir: Path) -> None:
    _, _, fixture, test, _ = BLOCKS
    assert " 2 passed" in run(short_dir, conftest=fixture, test_state=test)


@pytest.mark.parametrize("number", [1, 3])
def test_ten_lines_are_ten_lines(number: int) -> None:
    first = BLOCKS[number].split("\n\n\ndef ")[1]
    assert len([line for line in first.splitlines() if line.strip()]) <= 10
