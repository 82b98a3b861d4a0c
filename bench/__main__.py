"""``python -m bench [PART …]``: run the benchmarks, write bench/results.json and docs/benchmarks.md.

With parts named, the other rows stay as they were measured before.
"""

from __future__ import annotations

import importlib
import os
import sys
import tempfile
from pathlib import Path

from bench.harness import Row, Stolen, dump, environment, fail, load, table

PARTS = ("jobs", "search", "wuapi", "com", "cli", "apt", "first_run")
HERE = Path(__file__).resolve().parent


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(PARTS)
    if unknown:
        fail(f"no benchmark called {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    with tempfile.TemporaryDirectory(prefix="wua-bench-code-") as folder:
        # As installed: every process finds compiled modules, whatever this environment says of them.
        os.environ["PYTHONPYCACHEPREFIX"] = folder
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        _measure(wanted)


def _measure(wanted: list[str]) -> None:
    rows: list[Row] = []
    for part in wanted or PARTS:
        stolen = Stolen()
        for row in importlib.import_module(f"bench.{part}").rows():
            row.notes = "; ".join(filter(None, (row.notes, stolen.note())))
            stolen = Stolen()
            rows.append(row)
            _write(rows, anew=not wanted)
            line = next(line for line in table([row], {}).splitlines() if line.startswith(f"| {row.name} |"))
            print(line, row.notes, sep="\n", flush=True)


def _write(rows: list[Row], *, anew: bool) -> None:
    stamp = environment()
    results = HERE / "results.json"
    if not anew and results.exists():
        fresh = {row.name: row for row in rows}
        rows = [fresh.pop(row.name, row) for row in load(results.read_text())] + list(fresh.values())
    results.write_text(dump(rows, stamp) + "\n")
    (HERE.parent / "docs" / "benchmarks.md").write_text(table(rows, stamp))


if __name__ == "__main__":
    main(sys.argv[1:])
