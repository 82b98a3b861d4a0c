"""The apt service: the updates of a Debian target, from its own apt sources.

Reads: the lists that apt stored, preferences files, dpkg's status. Runs: ``apt-config dump`` and ``apt-get
indextargets`` for the configuration, ``apt-get update`` to refresh, and ``apt-cache policy`` where a
configuration has something that only apt understands. Cannot: say whether an upgrade can be resolved (that
is the plan's matter). Tested against ``apt-cache policy`` for every package of many configurations.
"""

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec

from wua.model import codes
from wua.model.identity import update_id
from wua.model.plugins import DebianTarget, PackageLookup
from wua.model.problems import WuaError, error
from wua.model.updates import SearchWarning, Service, Update, UpdateId, Verdict
from wua.services.apt_world import WORLD, Overlays, World, is_current, is_laid, load_world
from wua.store.catalogue import Catalogue, KnownOffer, is_damage

if TYPE_CHECKING:
    from wua.services.apt_view import View

SERVICE: Final = Service(id=update_id("service:apt"), name="apt", is_default=True)
RETRY_AFTER: Final = 60.0  # seconds for which a failed refresh isn't tried again, unless it is forced

_REFRESH: Final = "apt.refresh"


class Memory(Protocol):
    """What the service asks of the state store."""

    def hidden(self) -> frozenset[str]:
        """Ids of the updates that wua hides."""


class Refreshed(msgspec.Struct, array_like=True):
    """The last refresh: seconds since 1970 UTC, and what apt said."""

    attempted: float = 0.0
    succeeded: float = 0.0
    warnings: tuple[SearchWarning, ...] = ()


class AptService:
    """Implements ``UpdateService`` for a Debian target.

    ``uninstallable`` answers the ids of updates that wua could take back (decided by its history
    and cache). ``clock`` gives seconds since 1970 UTC.
    """

    def __init__(
        self,
        target: DebianTarget,
        catalogue: Catalogue,
        memory: Memory,
        *,
        uninstallable: Callable[[], frozenset[str]] = frozenset,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._target = target
        self._catalogue = catalogue
        self._memory = memory
        self._overlays = Overlays(memory.hidden, uninstallable)
        self._clock = clock
        self._view: View | None = None

    @property
    def service(self) -> Service:
        return SERVICE

    @property
    def services(self) -> tuple[Service, ...]:
        return (SERVICE,)

    def refresh(
        self, *, force: bool, max_age: float, tell: Callable[[str], None]
    ) -> tuple[SearchWarning, ...]:
        """Fetch apt's lists anew if they are older than ``max_age`` seconds, or ``force``.

        What failed is warned of; the old lists stay in use.
        """
        from wua.services import apt_refresh

        now, last = self._clock(), self._last_refresh()
        if not force:
            if apt_refresh.age(self._target, now, last.succeeded) <= max_age:
                return ()
            if last.warnings and 0 <= now - last.attempted < min(RETRY_AFTER, max_age):
                return last.warnings
        try:
            complete, warnings = apt_refresh.fetch(self._target, tell)
        except WuaError as failure:
            complete, warnings = False, (_warning(failure),)
        last = Refreshed(now, now if complete else last.succeeded, warnings)
        with self._catalogue.writing() as writer:
            writer.put(_REFRESH, msgspec.msgpack.encode(last))
        return warnings

    def _last_refresh(self) -> Refreshed:
        data = self._catalogue.get(_REFRESH)
        return Refreshed() if data is None else msgspec.msgpack.decode(data, type=Refreshed)

    def sync(self) -> tuple[SearchWarning, ...]:
        """Bring catalogue and offers up to date; about a millisecond when nothing changed.

        Raises:
            WuaError: target-unusable, apt can't read its own configuration; store-unwritable.
        """
        notes = list(self._catalogue.take_notes())
        world = self._synchronise()
        notes += (*self._catalogue.take_notes(), *world.warnings, *world.asked)
        return tuple(SearchWarning(codes.WU_S_UPDATE_ERROR, note) for note in notes)

    def _synchronise(self) -> World:
        import sqlite3

        try:
            world = load_world(self._catalogue)
            if (
                world is not None
                and is_current(world, self._target)
                and is_laid(world, self._target, self._overlays)
            ):
                return world
            return self._update()
        except sqlite3.DatabaseError as damage:
            if not is_damage(damage):
                raise error("store-unwritable", f"{self._catalogue.path}: {damage}") from None
            self._catalogue.rebuild(str(damage))
        except WuaError as failure:
            if failure.problem.id != "catalogue-damaged":
                raise
        return self._update()

    def _update(self) -> World:
        from wua.services.apt_sync import Synchroniser

        return Synchroniser(self._target, self._catalogue, self._overlays).run()

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        """Everything known of these updates, in the order asked.

        Raises:
            WuaError: unknown-update, index-unreadable.
        """
        from wua.services import apt_details

        return apt_details.details(self._look(), self._known(ids), SERVICE.id)

    def verdict(self, update: UpdateId) -> Verdict:
        """How an update stands, with all reasons.

        Raises:
            WuaError: unknown-update.
        """
        from wua.services import apt_verdict

        (known,) = self._known([update])
        marked = update.update_id in self._memory.hidden()
        return apt_verdict.verdict(self._look(), known, marked=marked)

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]:
        """Update ids for names, ``name:architecture``, ``name=version`` and update ids.

        Raises:
            WuaError: unknown-update.
        """
        from wua.services.apt_resolve import resolve

        return resolve(self._catalogue, names, self._target.os().architecture)

    def _look(self) -> "View":
        """A view of the world, the same one while the world is: opening it costs some 20 ms."""
        from wua.services.apt_view import View

        world = load_world(self._catalogue) or self._synchronise()
        view = self._view
        if view is None or view.world != world:
            view = self._view = View(self._target, self._catalogue, world)
        return view

    def _known(self, ids: Sequence[UpdateId]) -> list[KnownOffer]:
        if self._catalogue.get(WORLD) is None:
            self._synchronise()
        known = self._catalogue.known_by("update_id", {update.update_id for update in ids})
        found = {each.offer.id: each for each in known}
        for update in ids:
            if update not in found:
                raise error("unknown-update", f"{update.update_id} revision {update.revision}")
        return [found[update] for update in ids]


def lookup(catalogue: Catalogue) -> PackageLookup:
    """What the apt handler asks of a catalogue that this service has filled."""
    from wua.services.apt_lookup import AptLookup

    return AptLookup(catalogue)


def _warning(failure: WuaError) -> SearchWarning:
    return SearchWarning(failure.problem.hresult, f"{failure.problem.seen} [{failure.problem.id}]")
