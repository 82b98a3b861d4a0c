"""What the wuapi face costs: late binding beside plain attributes, Search, and completed callbacks."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import wua
from bench.harness import Row, interleave
from bench.search import EVERYTHING, agent_with
from wua.testing.machine import SimulatedMachine, SimulatedUpdate
from wua.wuapi import UpdateSession
from wua.wuapi.delivery import Delivery
from wua.wuapi.dispatch import Dispatch

CALLS = 10_000
UPDATES = 1_000
PROPERTIES = (
    "Title", "Description", "Type", "IsInstalled", "IsHidden", "IsDownloaded", "IsMandatory", "IsBeta",
    "IsUninstallable", "IsPresent", "BrowseOnly", "AutoSelectOnWebSites", "RebootRequired", "MsrcSeverity",
    "SupportUrl", "MaxDownloadSize", "MinDownloadSize", "LastDeploymentChangeTime", "EulaAccepted",
    "DeploymentAction",
)  # fmt: skip


def access(update: Any) -> Row:
    """Reading one property, timed in batches of a hundred."""
    late, plain = Dispatch(update), update
    rounds = range(100)

    def read(one: Callable[[], Any]) -> Callable[[], float]:
        def batch() -> float:
            begin = time.perf_counter()
            for _ in rounds:
                one()
            return (time.perf_counter() - begin) / len(rounds)

        return batch

    samples = interleave(
        {
            "late-bound": read(lambda: late.Title),
            "in another case": read(lambda: late.title),
            "a method": read(lambda: late.AcceptEula),
            "attribute": read(lambda: plain.Title),
        },
        repeats=1000,
        warm=100,
    )
    row = Row("a member reached through late binding", samples, unit="us", us="late-bound")
    row.limits = [
        (f"us p50, {who}", row.median(who) * 1e6, 5.0)
        for who in ("late-bound", "in another case", "a method")
    ]
    return row


def listing(found: Any) -> Row:
    """Twenty properties of each of a thousand updates."""

    def list_all(updates: Any) -> None:
        for update in updates:
            for name in PROPERTIES:
                getattr(update, name)

    late = Dispatch(found).Updates
    assert late.Count == UPDATES
    samples = interleave(
        {"late-bound": lambda: list_all(late), "attributes": lambda: list_all(found.Updates)}
    )
    row = Row(f"{UPDATES:,} updates listed with {len(PROPERTIES)} properties each", samples, us="late-bound")
    row.targets = {"attributes": 3.0}
    return row


def searching(folder: Path) -> Row:
    """The same search through both faces."""
    with agent_with(folder, 100_000) as (agent, _), wua.use(agent):
        searcher = UpdateSession().CreateUpdateSearcher()
        assert searcher.Search(EVERYTHING).Updates.Count == 100_000
        samples = interleave(
            {
                "wuapi": lambda: searcher.Search(EVERYTHING).Updates.Count,
                "Pythonic": lambda: len(agent.search(EVERYTHING).result().updates),
            }
        )
    row = Row("Search through wuapi, 100,000 found", samples, us="wuapi")
    row.targets = {"Pythonic": 1.2}
    return row


class Counter:
    """The callable: counts, and tells when all have come."""

    def __init__(self, expected: int) -> None:
        self._left = expected
        self._guard = threading.Lock()
        self.all = threading.Event()

    def __call__(self, *_: object) -> None:
        with self._guard:
            self._left -= 1
            if not self._left:
                self.all.set()


def calling(agent: wua.Agent) -> Row:
    """From the end of each of many jobs to its completed callback; the peer is told of as many futures."""

    def ours() -> float:
        counter = Counter(CALLS)
        deliveries = [Delivery(agent.run) for _ in range(CALLS)]
        begin = time.perf_counter()
        for delivery in deliveries:
            agent.run(lambda delivery=delivery: delivery.finish(counter))  # type: ignore[misc]
        counter.all.wait()
        return time.perf_counter() - begin

    def futures() -> float:
        counter = Counter(CALLS)
        with ThreadPoolExecutor() as executor:
            begin = time.perf_counter()
            for _ in range(CALLS):
                executor.submit(counter)
            counter.all.wait()
            return time.perf_counter() - begin

    samples = interleave({"wua": ours, "concurrent.futures": futures}, repeats=10)
    row = Row(f"{CALLS:,} completed callbacks delivered", samples)
    row.targets = {"concurrent.futures": 2.0}
    return row


def jobs(agent: wua.Agent) -> Row:
    """Whole searches of one update, each with its callback; the peer runs the same searches in a pool."""
    number = CALLS // 10

    def ours() -> float:
        counter = Counter(number)
        searcher = UpdateSession().CreateUpdateSearcher()
        searcher.Online = False
        begin = time.perf_counter()
        for _ in range(number):
            searcher.BeginSearch(EVERYTHING, counter, None)
        counter.all.wait()
        return time.perf_counter() - begin

    def futures() -> float:
        counter = Counter(number)
        with ThreadPoolExecutor() as executor:
            begin = time.perf_counter()
            for _ in range(number):
                future = executor.submit(lambda: agent.search(EVERYTHING, offline=True).result())
                future.add_done_callback(counter)
            counter.all.wait()
            return time.perf_counter() - begin

    with wua.use(agent):
        samples = interleave({"wuapi": ours, "Pythonic in a pool": futures}, repeats=10)
    return Row(f"{number:,} searches at once, each with its completed callback", samples, us="wuapi")


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        folder = Path(name)
        many = [SimulatedUpdate(f"update-{n:04}") for n in range(UPDATES)]
        with wua.open(target=SimulatedMachine.create(folder / "many", many)) as agent, wua.use(agent):
            found = UpdateSession().CreateUpdateSearcher().Search("IsInstalled=0")
            yield access(found.Updates.Item(0))
            yield listing(found)
        yield searching(folder)
        one = SimulatedMachine.create(folder / "one", [SimulatedUpdate("one")])
        with wua.open(target=one) as agent:
            yield calling(agent)
            yield jobs(agent)
