"""A plan for people who are to approve it: every package, why, how much, and what is left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Final

from wua.cli.screen import Screen
from wua.cli.table import Cell, Column, Heading, Row, table
from wua.cli.words import clean, count, size
from wua.model.enums import ConffilePolicy
from wua.model.plans import Change, Plan, PlanItem
from wua.model.problems import WuaError

if TYPE_CHECKING:
    from wua.api.agent import Agent
    from wua.model.updates import UpdateId

SECURITY_CATEGORY: Final = "0fa1201d-4330-4fa8-8ae9-b877473b6441"  # WSUS's "Security Updates"
ORDER: Final = (
    Change.UPGRADE,
    Change.INSTALL,
    Change.REINSTALL,
    Change.DOWNGRADE,
    Change.REMOVE,
    Change.PURGE,
)
HEADINGS: Final[Mapping[Change, Heading]] = {
    Change.UPGRADE: Heading("Upgrade"),
    Change.INSTALL: Heading("Install"),
    Change.REINSTALL: Heading("Install again"),
    Change.DOWNGRADE: Heading("Downgrade", "careful"),
    Change.REMOVE: Heading("Remove", "bad"),
    Change.PURGE: Heading("Remove, with its configuration", "bad"),
}
CONFFILES: Final = {
    ConffilePolicy.KEEP: "are kept",
    ConffilePolicy.TAKE: "are replaced, with a copy beside",
    ConffilePolicy.STOP: "make their update fail",
}
COLUMNS: Final = (
    Column("PACKAGE", least=19),
    Column("FROM", least=13, drop=3, middle=True),
    Column("TO", least=13, middle=True),
    Column("SIZE", right=True, drop=2),
    Column("ORIGIN", least=15, drop=1),
    Column("WHY", least=18, wrap=True),
)


# What stands beside most packages of a plan should not fill the screen.
SHORT: Final = {"changes together with what was requested": "goes with it"}


class Surroundings:
    """What a plan is shown against: the target's own architecture, and which updates are for security."""

    def __init__(self, native: str = "", security: frozenset[UpdateId] = frozenset()) -> None:
        self.native = native
        self.security = security


def surroundings(agent: Agent, plan: Plan) -> Surroundings:
    """Look up what the plan itself does not say."""
    wanted = [item.update for item in plan.items if item.to_version]
    try:
        known = agent.details(wanted) if wanted else ()
    except WuaError:  # a version that only the cache knows: the marks are a help, not a need
        known = ()
    security = frozenset(update.id for update in known if SECURITY_CATEGORY in update.category_ids)
    return Surroundings(agent.info().architectures[0], security)


def render(screen: Screen, plan: Plan, around: Surroundings) -> Iterator[str]:
    """The lines of a plan."""
    if plan.items:
        yield screen.paint(headline(plan), "head")
        yield ""
        yield from table(screen, COLUMNS, list(_rows(plan, around)))
        yield ""
    if plan.left_out:
        yield screen.paint("Left out", "head")
        columns = (Column("", least=14), Column("", least=16, wrap=True))
        rows = [(Cell(each.name, "name"), each.reason) for each in plan.left_out]
        yield from list(table(screen, columns, rows))[1:]
        yield ""
    for text in plan.warnings:
        yield from screen.wrap(clean(text), "  ", screen.paint("Warning: ", "careful"))
    if plan.items:
        yield from _footer(screen, plan)


def headline(plan: Plan) -> str:
    """``Upgrade 2, install 1, remove 1 on this host``; ``Upgrade 2 packages on …`` where that is all."""
    numbers = {change: sum(item.change is change for item in plan.items) for change in ORDER}
    parts = [f"{change.value} {number}" for change, number in numbers.items() if number]
    if len(parts) == 1:
        parts = [f"{plan.items[0].change.value} {count(len(plan.items), 'package')}"]
    text = f"{', '.join(parts)} on {clean(plan.target)}"
    return text[:1].upper() + text[1:]


def _rows(plan: Plan, around: Surroundings) -> Iterator[Row | Heading]:
    for change in ORDER:
        items = [item for item in plan.items if item.change is change]
        if items:
            yield HEADINGS[change]
        for item in sorted(items, key=lambda item: not item.requested):
            yield _row(item, around)


def _row(item: PlanItem, around: Surroundings) -> Row:
    foreign = item.architecture not in (around.native, "all")
    why = [
        "essential" if item.essential and item.change not in (Change.UPGRADE, Change.INSTALL) else "",
        "security" if item.update in around.security else "",
        "" if item.requested else SHORT.get(item.reason, item.reason),
    ]
    return (
        Cell(item.qualified if foreign else item.name, "name"),
        item.from_version,
        item.to_version,
        size(item.size) if item.to_version else "",
        item.origin,
        Cell(", ".join(filter(None, why)), "careful" if item.update in around.security else ""),
    )


def _footer(screen: Screen, plan: Plan) -> Iterator[str]:
    disk = f"{size(abs(plan.disk_bytes))} {'more' if plan.disk_bytes >= 0 else 'less'}"
    parts = [f"{size(plan.download_bytes)} to download" if plan.download_bytes else "nothing to download"]
    parts += [f"{disk} on disk"] if plan.disk_bytes else []
    yield f"{', '.join(parts)}."
    if any(item.to_version for item in plan.items):
        policy = plan.request.conffiles
        text = f"Configuration files changed here {CONFFILES[policy]} (--conffiles {policy.value})."
        yield from screen.wrap(text, "  ", "")
    if plan.restart:
        lead = screen.paint("A restart is likely: ", "careful")
        yield from screen.wrap(f"{clean(plan.restart)}.", "  ", lead)
