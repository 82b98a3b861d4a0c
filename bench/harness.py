"""Paired, interleaved timing: us, the peer and the floor in one run, so that ratios mean something.

A benchmark is a function that answers ``Row``s. Contestants of one row are timed in turn (A B C A B C …),
so that a machine that slows down slows all of them; ratios are medians of the ratios of each round.
"""

from __future__ import annotations

import json
import os
import platform
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

REPEATS = 20


@dataclass
class Row:
    """One line of the table. Times are seconds; ``targets`` are (ratio name, limit)."""

    name: str
    samples: dict[str, list[float]]
    unit: str = "ms"
    us: str = "wua"
    compare: bool = True  # whether ratios of us to the others mean something
    targets: dict[str, float] = field(default_factory=dict)  # "peer" -> at most this ratio of medians
    limits: list[tuple[str, float, float]] = field(
        default_factory=list
    )  # what was measured, its value, at most
    notes: str = ""
    extra: dict[str, Any] = field(default_factory=dict)

    def median(self, who: str) -> float:
        return statistics.median(self.samples[who])

    def percentile(self, who: str, share: float) -> float:
        values = sorted(self.samples[who])
        return values[min(len(values) - 1, int(share * len(values)))]

    def ratio(self, peer: str) -> float:
        """Median over the rounds of us / peer."""
        pairs = zip(self.samples[self.us], self.samples[peer], strict=True)
        return statistics.median(ours / theirs for ours, theirs in pairs)

    def others(self) -> list[str]:
        """Whom we are compared with."""
        return [who for who in self.samples if who != self.us] if self.compare else []

    def reached(self) -> bool | None:
        if not self.targets and not self.limits:
            return None
        held = all(value <= limit for _, value, limit in self.limits)
        return held and all(self.ratio(peer) <= limit for peer, limit in self.targets.items())


def timed(call: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin


def interleave(
    contestants: Mapping[str, Callable[[], Any]], *, repeats: int = REPEATS, warm: int = 2
) -> dict[str, list[float]]:
    """Time each contestant ``repeats`` times, in turn, after ``warm`` rounds that don't count.

    A contestant that answers a float is taken to have timed itself (seconds).
    """
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    for number in range(warm + repeats):
        for name, call in contestants.items():
            begin = time.perf_counter()
            said = call()
            took = said if isinstance(said, float) else time.perf_counter() - begin
            if number >= warm:
                samples[name].append(took)
    return samples


class Stolen:
    """How much of this virtual machine's processor time its host has given to others, since this was made."""

    def __init__(self) -> None:
        self._all, self._stolen = self._ticks()

    @staticmethod
    def _ticks() -> tuple[int, int]:
        fields = [int(word) for word in Path("/proc/stat").read_text().split(maxsplit=9)[1:9]]
        return sum(fields), fields[7]

    def note(self) -> str:
        """To stand beside what was measured; "" for less than one percent."""
        whole, stolen = self._ticks()
        percent = 100 * (stolen - self._stolen) / max(1, whole - self._all)
        return (
            f"the machine's own host took {percent:.0f} % of its processors meanwhile" if percent >= 1 else ""
        )


def environment() -> dict[str, str]:
    """What the figures were measured on."""
    cpu = ""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    return {
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "kernel": platform.release().split("-")[0],
        "cpu": cpu,
        "cores": str(os.cpu_count()),
        "load": f"{os.getloadavg()[2]:.1f} (mean of the last 15 minutes)",
        "debian": Path("/etc/debian_version").read_text().strip()
        if Path("/etc/debian_version").exists()
        else "",
    }


def table(rows: list[Row], stamp: dict[str, str]) -> str:
    """The rows as the Markdown of docs/benchmarks.md."""
    lines = [
        "# Benchmarks",
        "",
        "Written by `make bench`; the raw figures are in `bench/results.json`. Medians of interleaved runs;",
        "a ratio is the median over the rounds of ours divided by the other's in the same round.",
        "Limits that are times and no ratios depend on the processor, too: what a bare interpreter, a",
        "message or a file costs at the time stands beside them.",
        "",
        "Measured on: " + ", ".join(f"{key} {value}" for key, value in stamp.items() if value) + ".",
        "",
        "| operation | figures (median) | ratios | must reach | reached |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        scale = {"ms": 1e3, "s": 1.0, "us": 1e6}[row.unit]
        figures = ", ".join(
            f"{who} {statistics.median(values) * scale:.3g} {row.unit}" for who, values in row.samples.items()
        )
        ratios = ", ".join(f"{row.ratio(who):.2f} x {who}" for who in row.others())
        wanted = ", ".join(
            [f"<= {limit:g} x {peer}" for peer, limit in row.targets.items()]
            + [f"<= {limit:g} {what} ({value:.3g})" for what, value, limit in row.limits]
        )
        reached = {True: "yes", False: "**no**", None: "reported"}[row.reached()]
        lines.append(f"| {row.name} | {figures} | {ratios} | {wanted} | {reached} |")
        if row.notes:
            lines.append(f"| | {row.notes} | | | |")
    return "\n".join(lines) + "\n"


def dump(rows: list[Row], stamp: dict[str, str]) -> str:
    found = {
        "environment": stamp,
        "rows": [
            {
                "name": row.name,
                "unit": row.unit,
                "us": row.us,
                "compare": row.compare,
                "samples": row.samples,
                "targets": row.targets,
                "limits": row.limits,
                "ratios": {who: row.ratio(who) for who in row.others()},
                "reached": row.reached(),
                "notes": row.notes,
                "extra": row.extra,
            }
            for row in rows
        ],
    }
    return json.dumps(found, indent=1)


def load(text: str) -> list[Row]:
    """The rows that ``dump`` wrote."""
    names = Row.__dataclass_fields__
    return [
        Row(**{key: value for key, value in row.items() if key in names}) for row in json.loads(text)["rows"]
    ]


def fail(text: str) -> None:
    print(text, file=sys.stderr)
    raise SystemExit(2)
