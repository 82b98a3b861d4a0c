"""What the apt handler asks of the catalogue: between update ids and package versions."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from wua.metadata.packages_index import IndexData
from wua.model.identity import deb_update_id
from wua.model.plugins import PackageRow
from wua.model.updates import UpdateId
from wua.services import apt_stanzas
from wua.services.apt_packages import Index, Stanza
from wua.services.apt_reading import index_of
from wua.services.apt_world import load_world
from wua.store.catalogue import Catalogue, KnownOffer

Key = tuple[str, str, str]  # name, architecture, version


class AptLookup:
    """Implements ``PackageLookup`` over a catalogue that was synchronised before."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue

    def by_id(self, ids: Sequence[UpdateId]) -> Mapping[UpdateId, PackageRow]:
        """Raises WuaError index-unreadable."""
        wanted = set(ids)
        known = [each for each in self._known({each.update_id for each in ids}) if each.offer.id in wanted]
        rows = self._rows({_key(each): each for each in known})
        return {each.offer.id: _pick(rows.get(_key(each), ()), each) for each in known}

    def by_version(self, keys: Sequence[Key]) -> Mapping[Key, tuple[PackageRow, ...]]:
        """For (name, architecture, version). Raises WuaError index-unreadable."""
        wanted = {deb_update_id(*key): key for key in keys}
        known = {wanted[each.offer.update_id]: each for each in self._known(wanted)}
        rows = self._rows(known)
        return {key: tuple(rows.get(key, ())) or (_bare(each),) for key, each in known.items()}

    def _known(self, update_ids: Iterable[str]) -> list[KnownOffer]:
        return self._catalogue.known_by("update_id", update_ids)

    def _rows(self, known: Mapping[Key, KnownOffer]) -> dict[Key, list[PackageRow]]:
        """A row for each different content that the indexes have of a version."""
        world = load_world(self._catalogue)
        if world is None or not known:
            return {}
        names = {name for name, _, _ in known}
        indexes: list[Index] = []
        stanzas: dict[Stanza, Key] = {}
        for place, stored in enumerate(world.indexes):
            data = self._catalogue.source_data(stored.source)
            index = index_of(stored, msgspec.msgpack.decode(data, type=IndexData) if data else IndexData())
            indexes.append(index)
            for row in [row for row, name in enumerate(index.data.names) if name in names]:
                key = (index.data.names[row], index.data.architectures[row], index.data.versions[row])
                if key in known:
                    stanzas[Stanza(place, row)] = key
        found: dict[Key, list[PackageRow]] = {}
        fields = apt_stanzas.read(indexes, stanzas)
        for stanza, key in stanzas.items():
            package = _row(known[key], fields[stanza], indexes[stanza.place].archive.label)
            rows = found.setdefault(key, [])
            if all(package.sha256 != other.sha256 for other in rows):
                rows.append(package)
        return found


def _key(known: KnownOffer) -> Key:
    return known.offer.name, known.offer.architecture, known.offer.version


def _pick(rows: Sequence[PackageRow], known: KnownOffer) -> PackageRow:
    """The row with the content that the offer is for."""
    return next((row for row in rows if row.sha256 == known.sha256), rows[0] if rows else _bare(known))


def _bare(known: KnownOffer) -> PackageRow:
    """Of a version that only the system knows."""
    offer = known.offer
    return PackageRow(
        update=offer.id,
        name=offer.name,
        architecture=offer.architecture,
        version=offer.version,
        title=offer.title,
        essential=bool(offer.mandatory),
    )


def _row(known: KnownOffer, fields: Mapping[str, str], origin: str) -> PackageRow:
    offer = known.offer
    size, installed_size = fields.get("Size", ""), fields.get("Installed-Size", "")
    return PackageRow(
        update=offer.id,
        name=offer.name,
        architecture=offer.architecture,
        version=offer.version,
        title=offer.title,
        size=int(size) if size.isdigit() else 0,
        sha256=fields.get("SHA256", "").lower(),
        filename=fields.get("Filename", "").removeprefix("./"),
        origin=origin,
        essential=fields.get("Essential", "") == "yes",
        installed_size=int(installed_size) * 1024 if installed_size.isdigit() else 0,
    )
