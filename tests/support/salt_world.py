"""Salt's own Windows Update modules over a root of wua's: fetched, unmodified, and run by ``wua script``."""

import importlib.util
import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest

PROJECT: Final = Path(__file__).parents[2]
MINION: Final = Path(__file__).with_name("salt_minion.py")
LONG: Final = 600.0  # seconds; only a test that fails waits so long
Call = tuple[str, str, list[Any], dict[str, Any]]


@cache
def salt_source() -> Any:
    """The tool that fetches Salt's sources."""
    spec = importlib.util.spec_from_file_location("salt_source", PROJECT / "tools" / "salt_source.py")
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


@cache
def sources() -> str | Exception:
    """The folder that Salt is imported from, or why there is none."""
    tool = salt_source()
    try:
        return str(tool.folder())
    except tool.MissingSourceError as missing:
        return Exception(str(missing))


class Salt:
    """A minion on the machine in a folder."""

    def __init__(self, root: Path) -> None:
        found = sources()
        if isinstance(found, Exception):
            pytest.skip(str(found))
        self.root = root
        others = filter(None, [os.environ.get("PYTHONPATH")])
        self.env = {**os.environ, "PYTHONPATH": os.pathsep.join((found, *others))}

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
