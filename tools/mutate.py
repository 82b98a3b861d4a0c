"""Mutation testing of a part of wua: ``python tools/mutate.py criteria --sample 500 --seed 1``.

Changes the code in small ways, in memory, and counts how many of the changes the part's fast tests notice.
"""

import argparse
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from mutation.parts import PARTS
from mutation.runner import BaselineError, Fate, Verdict, baseline, judge, mutants, prepared, sample

ROOT = Path(__file__).resolve().parents[1]
NOTICED = (Fate.KILLED, Fate.TIMED_OUT)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("part", choices=PARTS)
    parser.add_argument("--sample", type=int, default=500, help="how many mutants to try (default 500)")
    parser.add_argument("--seed", type=int, default=1, help="of the sample (default 1)")
    parser.add_argument("--file", default="", help="only files with this in their path")
    parser.add_argument("--jobs", type=int, default=2, help="mutants at the same time (default 2)")
    parser.add_argument("--min-score", type=float, default=0, help="exit 1 below this percentage")
    return parser.parse_args()


def line(verdict: Verdict) -> str:
    mutant = verdict.mutant
    place = f"{mutant.file.relative_to(ROOT)}:{mutant.line}"
    return f"{verdict.fate.value}: {place}: {mutant.before[:100]}  ->  {mutant.after[:100]}"


def main() -> int:
    asked = arguments()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # the children are ended on the way out
    with prepared(ROOT):
        return measure(asked)


def measure(asked: argparse.Namespace) -> int:
    part = PARTS[asked.part]
    found = mutants([file for file in part.files(ROOT) if asked.file in str(file)])
    chosen = sample(found, asked.sample, asked.seed)
    start = time.monotonic()
    try:
        coverage = baseline(part, ROOT)
    except BaselineError as failed:
        print(failed, file=sys.stderr)
        print("The tests must pass before anything is changed.", file=sys.stderr)
        return 2
    drawn = f"{len(found)} mutants, {len(chosen)} tried, seed {asked.seed}"
    print(f"{asked.part}: {drawn}, {len(coverage.cost)} tests", flush=True)
    fates: Counter[Fate] = Counter()
    for number, verdict in enumerate(judge(ROOT, chosen, coverage, jobs=asked.jobs), 1):
        fates[verdict.fate] += 1
        if number % 50 == 0:
            print(f"{number} tried in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)
        if verdict.fate not in NOTICED:
            print(line(verdict), flush=True)
    noticed = sum(fates[fate] for fate in NOTICED)
    score = 100 * noticed / len(chosen) if chosen else 0.0
    counts = ", ".join(f"{fates[fate]} {fate.value}" for fate in Fate)
    print(f"{asked.part}: score {score:.1f} % ({counts}) in {time.monotonic() - start:.0f} s")
    return int(score < asked.min_score)


if __name__ == "__main__":
    sys.exit(main())
