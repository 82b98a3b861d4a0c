"""A look at everything the catalogue's offers were made from, for questions about single updates."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import msgspec

from wua.applicability.policy import Policy
from wua.metadata.packages_index import IndexData
from wua.model.plugins import DebianTarget
from wua.services import apt_stanzas
from wua.services.apt_packages import Index, Package, Packages, Stanza
from wua.services.apt_reading import index_of
from wua.services.apt_rules import Rules, make_policy, make_rules
from wua.services.apt_sync import load_records
from wua.services.apt_world import StoredIndex, World
from wua.store.catalogue import Catalogue, KnownOffer

Version = tuple[str, str, str]  # name, architecture as the index writes it, version


class Found(NamedTuple):
    """A stanza with all of its fields and the index that it is from."""

    stored: StoredIndex
    fields: Mapping[str, str]


class View:
    """The world as of the last synchronisation. Made for one question; indexes are loaded when needed."""

    def __init__(self, target: DebianTarget, catalogue: Catalogue, world: World) -> None:
        self.target = target
        self.catalogue = catalogue
        self.world = world

    @property
    def status(self) -> Path:
        return self.target.dpkg_dir / "status"

    @cached_property
    def packages(self) -> Packages:
        indexes = [index_of(stored, self._data(stored)) for stored in self.world.indexes]
        rules = self._rules
        records = load_records(self.catalogue) or []
        return Packages(indexes, records, native=rules.native, architectures=rules.architectures)

    @cached_property
    def _rules(self) -> Rules:
        rules, _ = make_rules(self.world.config, self.world.indexes, self.target.os())
        return rules

    @cached_property
    def policy(self) -> tuple[Policy | None, str]:
        """The policy, or None and what it is that only apt understands."""
        return make_policy(self._rules)

    def _data(self, stored: StoredIndex) -> IndexData:
        data = self.catalogue.source_data(stored.source)
        return msgspec.msgpack.decode(data, type=IndexData) if data else IndexData()

    def package(self, known: KnownOffer) -> Package:
        """The package that a known version belongs to."""
        packages = self.packages
        key = packages.key(known.offer.name, known.offer.architecture)
        return packages.gather([key])[key]

    def stanzas(self, wanted: Iterable[Version]) -> dict[Version, list[Stanza]]:
        """Where the indexes have these versions, in apt's order."""
        found: dict[Version, list[Stanza]] = {version: [] for version in wanted}
        names = {name for name, _, _ in found}
        for place, index in enumerate(self.packages.indexes):
            data = index.data
            for row in [row for row, name in enumerate(data.names) if name in names]:
                version = (data.names[row], data.architectures[row], data.versions[row])
                if version in found:
                    found[version].append(Stanza(place, row))
        return found

    def fields(self, stanzas: Sequence[Stanza]) -> dict[Stanza, Found]:
        """Whole stanzas, read from the lists.

        Raises:
            WuaError: index-unreadable.
            OSError: a list has gone since the last synchronisation.
        """
        read = apt_stanzas.read(self.packages.indexes, stanzas)
        return {stanza: Found(self.world.indexes[stanza.place], fields) for stanza, fields in read.items()}

    def index(self, stanza: Stanza) -> Index:
        return self.packages.indexes[stanza.place]

    def records(self) -> dict[tuple[str, str], Mapping[str, str]]:
        """dpkg's records, whole, by name and architecture."""
        return apt_stanzas.records(self.status)
