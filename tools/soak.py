"""``make soak``: thousands of jobs with something killed in each, resumable over runs.

Four kinds of rounds (``wua.testing.crash``): every step of an ordinary job as the last of its process; random
kills on a scripted machine; random kills with real apt in a root of its own; losses of power. Afterwards no
job may be lost, law 3 must hold, and the history must agree with the machine. What was done stands in
``.soak``; a further run goes on behind it. One line for each kind at the end; exit status 1 when a round did
not add up.

    make soak ARGS="--seed 7 --cheap 500 --apt 60 --power 100 --points 0"
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from wua.testing.crash.soak import soak

HERE = Path(__file__).resolve().parents[1] / ".soak"


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--points", type=int, default=1, help="0 leaves the steps of an ordinary job out")
    parser.add_argument("--cheap", type=int, default=10_000, help="rounds in all, runs before counted")
    parser.add_argument("--apt", type=int, default=500)
    parser.add_argument("--power", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=1, help="where the dice begin")
    parser.add_argument("--jobs", type=int, default=2, help="portions at a time")
    asked = parser.parse_args()
    wanted = {"points": asked.points, "cheap": asked.cheap, "apt": asked.apt, "power": asked.power}
    well = soak(HERE, wanted, asked.seed, jobs=asked.jobs, tell=lambda text: print(text, flush=True))
    return 0 if well else 1


if __name__ == "__main__":
    sys.exit(main())
