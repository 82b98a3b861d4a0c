"""What a demonstration plays of the pending updates: security first, as many as its limits hold.

Packages of one source need one another in the same version, so they are taken together or not at all. What
else a choice brings is only known to a plan, so a plan has the last word.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from wua.model.plans import Plan
from wua.model.updates import Offer, Update, UpdateId

# What a downloaded byte takes on the disk beside its unpacked files: the file itself, what it replaces in a
# package of its own, kept and once more to go back to, copies without scripts. An unpacked byte takes more,
# for files fill whole blocks.
_FILES: Final = 4.1
_BLOCKS: Final = 1.3
_PLANS: Final = 5  # attempts before a choice is cut short: each takes about a second


@dataclass(frozen=True)
class Cost:
    """Of a choice: bytes to download, bytes of disk, number of packages."""

    download: int
    disk: int
    packages: int

    @classmethod
    def of(cls, sizes: Sequence[tuple[int, int]]) -> Cost:
        """From the size of each package as a file and unpacked."""
        files, unpacked = sum(size for size, _ in sizes), sum(size for _, size in sizes)
        return cls(files, int(_FILES * files + _BLOCKS * unpacked), len(sizes))

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.download + other.download, self.disk + other.disk, self.packages + other.packages)

    def within(self, limit: Cost) -> bool:
        return self.download <= limit.download and self.disk <= limit.disk and self.packages <= limit.packages


@dataclass(frozen=True)
class Group:
    """The pending updates of one source."""

    offers: tuple[Offer, ...]
    cost: Cost

    @property
    def rank(self) -> tuple[bool, int, str]:
        return not any(offer.auto_select for offer in self.offers), self.cost.disk, self.offers[0].name


def groups(offers: Iterable[Offer], details: Callable[[list[UpdateId]], Sequence[Update]]) -> list[Group]:
    """The offers by source: those with security updates first, small before large."""
    offers = list(offers)
    by_source: dict[str, list[tuple[Offer, Update]]] = {}
    for offer, update in zip(offers, details([offer.id for offer in offers]), strict=True):
        source = update.fields.get("Source", offer.name).partition(" ")[0]
        by_source.setdefault(source, []).append((offer, update))
    found = [
        Group(
            tuple(offer for offer, _ in members),
            Cost.of([(offer.size, update.installed_size) for offer, update in members]),
        )
        for members in by_source.values()
    ]
    return sorted(found, key=lambda group: group.rank)


def fit(wanted: Iterable[Group], limit: Cost) -> list[Group]:
    """As many groups as are within a limit, in their order; one that is too large is passed over."""
    chosen, total = [], Cost(0, 0, 0)
    for group in wanted:
        if (total + group.cost).within(limit):
            chosen.append(group)
            total += group.cost
    return chosen


def choose(
    wanted: list[Group],
    limit: Cost,
    plan: Callable[[list[UpdateId]], Plan],
    cost: Callable[[Plan], Cost],
) -> Plan:
    """The plan of as many groups as are within a limit, with all that must change beside them.

    A plan that is over the limit says by how much; the next attempt leaves that much room. When only one
    group is left, it is taken whatever it costs.
    """
    room = limit
    for attempt in range(_PLANS):
        chosen = fit(wanted, room) or wanted[:1]
        made = plan([offer.id for group in chosen for offer in group.offers])
        whole = cost(made)
        if whole.within(limit) or len(chosen) == 1:
            return made
        alone = sum((group.cost for group in chosen), Cost(0, 0, 0))
        room = _less(limit, alone, whole, 1.0 - 0.1 * attempt)
    return plan([offer.id for offer in wanted[0].offers])


def _less(limit: Cost, alone: Cost, whole: Cost, share: float) -> Cost:
    """Room for the groups alone, when what they bring makes them cost ``whole``."""

    def scaled(limit: int, alone: int, whole: int) -> int:
        return int(share * limit * alone / whole) if whole > limit else limit

    return Cost(
        scaled(limit.download, alone.download, whole.download),
        scaled(limit.disk, alone.disk, whole.disk),
        scaled(limit.packages, alone.packages, whole.packages),
    )
