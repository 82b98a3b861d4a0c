"""The update services of a simulated machine, and their catalogue."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any

from wua.model.enums import DeploymentAction
from wua.model.problems import error
from wua.model.updates import (
    Behavior,
    Category,
    Offer,
    Reason,
    SearchWarning,
    Service,
    Update,
    UpdateId,
    Verdict,
)
from wua.store.matching import matching
from wua.testing.machine.target import SimulatedMachine
from wua.testing.machine.updates import CATEGORY, SimulatedUpdate, with_parts


class SimulatedCatalogue:
    """The offers of a simulated machine as a table, so that criteria meet real SQL."""

    def __init__(self, machine: SimulatedMachine, hidden: Callable[[], frozenset[str]]) -> None:
        self._machine, self._hidden = machine, hidden

    def offers(self) -> list[Offer]:
        """What is offered: not what an installed update has superseded, unless it is installed, too."""
        updates = self._machine.updates()
        installed = {update.name for update in updates if self._machine.installed(update)}
        over = {name for update in updates if update.name in installed for name in update.supersedes}
        return [self.offer(update) for update in updates if update.name not in over - installed]

    def offer(self, update: SimulatedUpdate) -> Offer:
        """How one update stands, a part of a bundle perhaps."""
        hidden = update.id.update_id in self._hidden() or self._machine.held_back(update)
        return _offer(self._machine, update, hidden=hidden)

    def search(self, where: str, values: tuple[Any, ...]) -> list[Offer]:
        return matching(self.offers(), where, values)

    def supersedence(self) -> Mapping[str, Collection[str]]:
        updates = self._machine.updates()
        names = _names(updates)
        return {update.id.update_id: _superseded(names, update) for update in updates}

    def categories(self) -> tuple[Category, ...]:
        """Those of the updates, and always the one that updates have that name none."""
        found = {c.id: c for update in with_parts(self._machine.updates()) for c in update.categories}
        return tuple({CATEGORY.id: CATEGORY, **found}.values())

    def close(self) -> None:
        pass


def _names(updates: Iterable[SimulatedUpdate]) -> Mapping[str, str]:
    """The ids of updates by their names."""
    return {each.name: each.id.update_id for each in updates}


def _superseded(names: Mapping[str, str], update: SimulatedUpdate) -> tuple[str, ...]:
    """The ids of what an update supersedes; a name that no update has is taken for an id."""
    return tuple(names.get(name, name) for name in update.supersedes)


def _offer(machine: SimulatedMachine, update: SimulatedUpdate, *, hidden: bool) -> Offer:
    installed = machine.installed(update)
    optional = update.optional
    action = DeploymentAction.OPTIONAL_INSTALLATION if optional else DeploymentAction.INSTALLATION
    waiting = {leaf.name for leaf in update.leaves} & machine.wanting_restart()
    return Offer(
        update_id=update.id.update_id,
        revision=update.revision,
        title=update.label,
        name=update.name,
        version=update.version,
        architecture="sim",
        installed_version=update.version if installed else "",
        type=update.type,
        deployment_action=action,
        installed=int(installed),
        hidden=int(hidden),
        mandatory=int(update.mandatory),
        browse_only=int(optional),
        auto_select=int(update.important),
        downloaded=int(machine.downloaded(update)),
        uninstallable=int(update.uninstallable and not machine.absent(update)),
        reboot_required=int(installed and bool(waiting)),
        size=update.total_size,
        origin="simulated",
        reason="installed" if installed else "needed",
        category_ids=tuple(category.id for category in update.categories),
    )


class SimulatedService:
    """Implements UpdateService over the machine's own list."""

    def __init__(self, machine: SimulatedMachine, catalogue: SimulatedCatalogue) -> None:
        self._machine, self._catalogue = machine, catalogue

    @property
    def service(self) -> Service:
        return self.services[0]

    @property
    def services(self) -> tuple[Service, ...]:
        return self._machine.services()

    def refresh(
        self, *, force: bool, max_age: float, tell: Callable[[str], None]
    ) -> tuple[SearchWarning, ...]:
        """Nothing to fetch."""
        self._machine.wait_at("search-gate")
        return ()

    def sync(self) -> tuple[SearchWarning, ...]:
        return ()

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        known, names = self._known(), _names(self._machine.updates())
        return tuple(_details(names, _found(known, update)) for update in ids)

    def verdict(self, update: UpdateId) -> Verdict:
        offer = self._catalogue.offer(_found(self._known(), update))
        return Verdict(offer, (Reason("installed", str(offer.installed), offer.reason, "machine.json"),))

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]:
        found = []
        for name in names:
            matches = [u.id for u in self._machine.updates() if name in (u.name, u.id.update_id)]
            if not matches:
                raise error("unknown-update", name)
            found.append(matches[0])
        return tuple(found)

    def _known(self) -> Mapping[UpdateId, SimulatedUpdate]:
        """All updates and their parts; where two have one id, the first of them."""
        return {each.id: each for each in reversed([*with_parts(self._machine.updates())])}


def _found(known: Mapping[UpdateId, SimulatedUpdate], update: UpdateId) -> SimulatedUpdate:
    if update not in known:
        raise error("unknown-update", update.update_id)
    return known[update]


def _details(names: Mapping[str, str], update: SimulatedUpdate) -> Update:
    return Update(
        id=update.id,
        title=update.label,
        description=update.description or f"Simulated update {update.name}.",
        type=update.type,
        service_id=update.service_id,
        handler="simulated",
        name=update.name,
        version=update.version,
        architecture="sim",
        category_ids=tuple(category.id for category in update.categories),
        severity=update.severity,
        cve_ids=update.cve_ids,
        superseded_ids=_superseded(names, update),
        installing=update.behavior,
        removing=Behavior(reboot=update.behavior.reboot),
        drivers=update.drivers,
        image=update.image,
        licence=update.licence,
        bundled=tuple(part.id for part in update.bundle),
        deadline=update.deadline,
        kb_ids=update.kb_ids,
    )


def open_service(machine: SimulatedMachine, memory: Any) -> tuple[SimulatedService, SimulatedCatalogue]:
    """Entry point of ``wua.services``."""
    catalogue = SimulatedCatalogue(machine, memory.hidden)
    return SimulatedService(machine, catalogue), catalogue
