"""The marks ``proves`` of the tests are honest: without the member, the test fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.quality.project import ROOT

TESTS = """
import pytest
from wua.wuapi import StringCollection

@pytest.mark.proves("IStringCollection", "Add Count")
def test_that_asserts():
    strings = StringCollection()
    assert strings.Add("a") == 0
    assert strings.Count == 1

@pytest.mark.proves("IStringCollection", "Add")
def test_that_only_touches():
    StringCollection().Add("a")
"""


def sabotage(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "sabotage", "-p", "no:cacheprovider", *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "tools")}
    for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
        environment.pop(name, None)
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def test_a_test_that_only_touches_a_member_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_some.py").write_text(TESTS)
    done = sabotage("-c", ROOT / "pyproject.toml", "--rootdir", ROOT, tmp_path)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "3 claims, 1 that do not hold:" in done.stdout
    assert "test_that_only_touches passes without IStringCollection.Add" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_every_mark_is_honest() -> None:
    done = sabotage("tests/wuapi")
    assert done.returncode == 0, done.stdout[-5000:]
