"""``make soak``: hundreds of rounds of real apt with random kills, resumable over runs.

Every round installs, upgrades, removes or undoes generated packages in a plain root while the caller, the
job host, the supervisor, apt, dpkg or all of them are killed at a random moment; afterwards no job may
be lost, law 3 must hold, the history must agree with dpkg, and dpkg must be whole. Done portions stand in
``.soak/rounds.json``; a further run goes on behind them. Exit status 1 when a round did not add up.

    make soak ARGS="--rounds 500 --seed 7"
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from wua.testing.apt_workload import rounds

HERE = Path(__file__).resolve().parents[1] / ".soak"
PORTION = 20  # rounds in one fresh root


def load(file: Path) -> list[dict[str, Any]]:
    if not file.exists():
        return []
    found: list[dict[str, Any]] = json.loads(file.read_text())
    return found


def summary(portions: list[dict[str, Any]]) -> str:
    """The figures of all portions, as the validation ledger takes them."""
    total: dict[str, int] = {}
    for portion in portions:
        for name, value in portion.items():
            if isinstance(value, int) and name != "seed":
                total[name] = total.get(name, 0) + value
    broken = sum(len(portion["faults"]) for portion in portions)
    undelivered = sum(len(portion["undelivered"]) for portion in portions)
    counts = ", ".join(f"{name} {value}" for name, value in sorted(total.items()))
    return f"{len(portions) * PORTION} rounds: {counts}; did not add up: {broken}; undelivered: {undelivered}"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=500, help="how many in all, runs before counted")
    parser.add_argument("--seed", type=int, default=1, help="where the dice begin")
    asked = parser.parse_args()
    HERE.mkdir(exist_ok=True)
    file = HERE / f"rounds-{asked.seed}.json"
    portions = load(file)
    while len(portions) * PORTION < asked.rounds:
        seed = asked.seed * 1_000_000 + len(portions)
        folder = Path(tempfile.mkdtemp(prefix="wua-soak-"))
        try:
            portions.append(rounds(folder, PORTION, seed))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        file.write_text(json.dumps(portions, indent=1))
        print(summary(portions), flush=True)
    print(summary(portions))
    return int(any(portion["faults"] or portion["undelivered"] for portion in portions))


if __name__ == "__main__":
    sys.exit(main())
