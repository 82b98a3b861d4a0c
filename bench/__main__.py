"""``python -m bench [PART …]``: run the benchmarks, write bench/results.json and docs/benchmarks.md."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path

from bench.harness import Row, dump, environment, fail, table

PARTS = ("jobs", "search", "cli", "apt")
HERE = Path(__file__).resolve().parent


def main(wanted: list[str]) -> None:
    unknown = set(wanted) - set(PARTS)
    if unknown:
        fail(f"no benchmark called {', '.join(sorted(unknown))}; there are: {', '.join(PARTS)}")
    rows: list[Row] = []
    for part in wanted or PARTS:
        for row in importlib.import_module(f"bench.{part}").rows():
            rows.append(row)
            print(table([row], {}).splitlines()[9], row.notes, sep="\n", flush=True)
    if not wanted:
        stamp = environment()
        (HERE / "results.json").write_text(dump(rows, stamp))
        (HERE.parent / "docs" / "benchmarks.md").write_text(table(rows, stamp))


if __name__ == "__main__":
    main(sys.argv[1:])
