"""``make run`` in a fresh clone: how long a newcomer waits, and how much it takes."""

from __future__ import annotations

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from bench.harness import Row, fail

HERE = Path(__file__).resolve().parents[1]
USEFUL = re.compile(r"\d+ updates, \d+ of them security|FALLBACK")
NAME = "clone to the first useful line of make run"


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="wua-bench-clone-") as name:
        clone = Path(name) / "wua"
        begin = time.perf_counter()
        subprocess.run(["git", "clone", "--quiet", HERE, clone], check=True)
        first, said = 0.0, []
        with subprocess.Popen(
            ["make", "run"],
            cwd=clone,
            env={key: value for key, value in os.environ.items() if not key.startswith(("WUA_", "PYTHON"))},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as run:
            assert run.stdout is not None
            for line in run.stdout:
                said.append(line)
                if not first and USEFUL.search(line):
                    first = time.perf_counter() - begin
        whole = time.perf_counter() - begin
        if run.returncode or not first:
            fail("".join(said))
        megabytes = used(clone) / 1e6
    row = Row(NAME, {"first useful line": [first], "all of it": [whole]}, unit="s", us="first useful line")
    row.compare = False
    row.limits = [
        ("s to the first useful line", first, 60.0),
        ("s for all of it", whole, 180.0),
        ("MB in the clone", megabytes, 500.0),
    ]
    row.notes = f"the clone took {megabytes:.0f} MB at the end, .venv included; one run"
    yield row


def used(folder: Path) -> int:
    """Bytes of disk below a folder, a file with two names counted once."""
    found: dict[int, int] = {}
    for path, folders, files in os.walk(folder):
        for file in (*folders, *files):
            stat = os.lstat(os.path.join(path, file))
            found[stat.st_ino] = stat.st_blocks * 512
    return sum(found.values())
