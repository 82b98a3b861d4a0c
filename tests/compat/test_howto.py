"""The page about pywin32 scripts does what it says: its script and its test, as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

from tests.quality.project import ROOT

PAGE = ROOT / "docs" / "how-to" / "run-a-pywin32-script.md"


def test_the_script_and_its_test(short_dir: Path) -> None:
    script, test = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (short_dir / "patch.py").write_text(script)
    (short_dir / "test_patch.py").write_text(test)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--basetemp", str(short_dir / "t"), "test_patch.py"],
        cwd=short_dir,
        env={**os.environ, "WUA_HOST_IDLE": "1"},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
