"""``agent.search`` over a stored catalogue, against the same SQL by hand and as many plain objects.

The catalogues are synthetic: made-up packages in the proportions of a Debian archive.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import wua
from bench.harness import Row, interleave
from wua.model.enums import DeploymentAction, UpdateType
from wua.model.identity import deb_update_id
from wua.model.updates import Category, Offer, SearchWarning, Service
from wua.store import catalogue as stored
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

CATEGORY = Category("0fa1201d-4330-4fa8-8ae9-b877473b6441", "Security Updates", "UpdateClassification")
EVERYTHING = "DeploymentAction=*"
FIELDS = Offer.__struct_fields__


class Plain:
    """The least that an object with these fields can be."""

    __slots__ = FIELDS

    def __init__(self, *values: object) -> None:
        (
            self.update_id, self.revision, self.title, self.name, self.version, self.architecture,
            self.installed_version, self.type, self.deployment_action, self.installed, self.hidden,
            self.mandatory, self.browse_only, self.auto_select, self.downloaded, self.uninstallable,
            self.reboot_required, self.size, self.origin, self.reason, self.category_ids,
        ) = values  # fmt: skip


class StoredService:
    """A service whose catalogue is always up to date."""

    service = Service("5f7c0b5e-6c1b-5b8a-9a3c-0d8f6f1f2a11", "synthetic")
    services = (service,)

    def refresh(self, **_: object) -> tuple[SearchWarning, ...]:
        return ()

    def sync(self) -> tuple[SearchWarning, ...]:
        return ()


def made_up(number: int, label: int) -> Iterator[stored.Row]:
    """One row in ten is of an installed package."""
    for n in range(number):
        name, version = f"package-{n:07}", f"1.{n % 50}-{n % 7}+deb12u{n % 3}"
        installed = n % 10 == 0
        action = DeploymentAction.INSTALLATION if installed else DeploymentAction.OPTIONAL_INSTALLATION
        yield (
            deb_update_id(name, "amd64", version), 1, f"{name} {version} (amd64)", name, version, "amd64",
            "1.0-1" if installed else "", UpdateType.SOFTWARE.value, action.value, 0, 0, 0,
            int(not installed), int(n % 30 == 0), 0, 0, 0, 1000 + n, "Debian",
            "not installed", label, 1, 0, b"", 1,
        )  # fmt: skip


@contextmanager
def agent_with(folder: Path, number: int) -> Iterator[tuple[wua.Agent, Path]]:
    """An agent over a catalogue of so many offers."""
    path = folder / f"{number}.db"
    catalogue = stored.Catalogue(path)
    with catalogue.writing() as writer:
        writer.replace_all(made_up(number, writer.category_set([CATEGORY])))
    simulated = SimulatedMachine.create(folder / str(number), [SimulatedUpdate("one")])
    with wua.open(target=simulated) as agent:
        local = agent.protocol
        parts = local.parts
        local._parts = type(parts)(StoredService(), catalogue, lambda: parts.handler)
        yield agent, path


def hand_written(path: Path, where: str):
    """The same SELECT, every row a plain slotted object."""
    database = sqlite3.connect(path)
    sql = f"SELECT {', '.join(FIELDS)} FROM offers WHERE offered = 1{where}"
    return lambda: [Plain(*row) for row in database.execute(sql)]


def compared(folder: Path, number: int) -> Row:
    with agent_with(folder, number) as (agent, path):
        by_hand = hand_written(path, "")
        assert (
            len(agent.search(EVERYTHING, include_superseded=True).result(60).updates)
            == len(by_hand())
            == number
        )
        samples = interleave(
            {
                "wua": lambda: keep(agent.search(EVERYTHING, include_superseded=True).result(60)),
                "wua, superseded left out": lambda: keep(agent.search(EVERYTHING).result(60)),
                "SQL and plain objects": by_hand,
                "count(*)": counting(path),
            }
        )
    row = Row(f"agent.search, all {number:,} of a catalogue (synthetic)", samples)
    row.targets = {"SQL and plain objects": 2.0}
    row.notes = "objects included; synthetic catalogue"
    return row


def selective(folder: Path, number: int) -> Row:
    with agent_with(folder, number) as (agent, path):
        wanted = " AND deployment_action = 1 AND installed = 0 AND hidden = 0"
        by_hand = hand_written(path, wanted)
        assert len(agent.search(include_superseded=True).result(60).updates) == len(by_hand())
        samples = interleave(
            {
                "wua": lambda: keep(agent.search(include_superseded=True).result(60)),
                "SQL and plain objects": by_hand,
                "count(*)": counting(path),
            }
        )
    row = Row(f"agent.search, the tenth of {number:,} that is needed (synthetic)", samples)
    row.targets = {"SQL and plain objects": 2.0}
    row.notes = "synthetic catalogue"
    return row


def keep(found: object) -> None:
    """The result lives until here, as a caller's would."""


def counting(path: Path):
    database = sqlite3.connect(path)
    return lambda: database.execute("SELECT count(*) FROM offers").fetchone()


SIZES = (100, 1_000, 10_000, 100_000, 1_000_000)


def linear(folder: Path) -> Row:
    samples: dict[str, list[float]] = {}
    for number in SIZES:
        with agent_with(folder, number) as (agent, path):
            repeats = 20 if number <= 100_000 else 3
            one = interleave(
                {"wua": lambda: keep(agent.search(EVERYTHING, include_superseded=True).result(120))},
                repeats=repeats,
                warm=1,
            )
            samples[f"{number:,}"] = one["wua"]
            if number == SIZES[-1]:
                by_hand = interleave({"by hand": hand_written(path, "")}, repeats=repeats, warm=1)
                samples[f"{number:,} by hand"] = by_hand["by hand"]
    most = f"{SIZES[-1]:,}"
    row = Row("agent.search from 100 to 1,000,000 (synthetic)", samples, us=most, compare=False)
    each = {number: row.median(f"{number:,}") / number * 1e6 for number in SIZES}
    row.notes = "µs for each offer: " + ", ".join(f"{number:,} {value:.2f}" for number, value in each.items())
    row.notes += "; a search of its own costs what the smallest shows; 3 repeats of the largest; synthetic"
    row.limits = [("x the time per offer at 1,000,000 against 100,000", each[1_000_000] / each[100_000], 1.3)]
    row.extra["us per offer"] = {str(number): value for number, value in each.items()}
    return row


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        folder = Path(name)
        yield compared(folder / "all", 100_000)
        yield selective(folder / "some", 100_000)
        yield linear(folder / "linear")
