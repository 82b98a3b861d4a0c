"""Salt's own Windows Update modules over a root of wua's: fetched, unmodified, and run by ``wua script``."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, Final

from tests.support.sources import source

MINION: Final = Path(__file__).with_name("salt_minion.py")
LONG: Final = 600.0  # seconds; only a test that fails waits so long
Call = tuple[str, str, list[Any], dict[str, Any]]


class Salt:
    """A minion on the machine in a folder, by wua's ``win32com`` or pywin32's own."""

    def __init__(self, root: Path, *, pywin32: bool = False) -> None:
        self.root = root
        folders = [source("salt"), *([source("pywin32")] if pywin32 else [])]
        others = filter(None, [os.environ.get("PYTHONPATH")])
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join((*folders, *others))}
        if pywin32:
            self.env["XDG_CACHE_HOME"] = str(root / "cache-of-its-own")

    def calls(self, *calls: Call) -> list[Any]:
        """What each call answered, all of them in one process."""
        done = subprocess.run(
            [
                *(sys.executable, "-m", "wua", "--root", str(self.root)),
                *("script", str(MINION), json.dumps(calls)),
            ],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=LONG,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        answers: list[Any] = json.loads(done.stdout.splitlines()[-1])
        return answers

    def run(self, function: str, *arguments: Any, **named: Any) -> Any:
        """A function of the execution module."""
        return self.calls(("win_wua", function, list(arguments), named))[0]

    def state(self, function: str, *arguments: Any, **named: Any) -> Any:
        """A function of the state module; ``test=True`` for a dry run."""
        return self.calls(("state", function, list(arguments), named))[0]
