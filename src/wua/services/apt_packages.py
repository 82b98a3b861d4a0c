"""All that is known of packages: the stanzas of the indexes and dpkg's records, brought together by package.

A package is a name and one of apt's architectures; what is for all architectures belongs to the
native one, as in apt.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from wua.applicability.archives import STATUS, Archive
from wua.applicability.policy import Known
from wua.metadata.dpkg_status import DpkgPackage
from wua.metadata.packages_index import IndexData

Key = str  # "name" for the native architecture, else "name:architecture"


class Index(NamedTuple):
    """One stored index: its number in the catalogue, what it is to pins, its rows, and its file."""

    source: int
    archive: Archive
    data: IndexData
    path: str


class Stanza(NamedTuple):
    place: int  # of the index, in apt's order
    row: int


class Entry(NamedTuple):
    """One version as apt counts versions: stanzas of the same content, and perhaps what is installed."""

    version: str
    stanzas: tuple[Stanza, ...]
    in_status: bool


class Package(NamedTuple):
    """One package with every version of it. ``record`` is dpkg's, None when it has none."""

    name: str
    architecture: str  # apt's
    entries: list[Entry]  # in apt's order of indexes; several may have one version
    record: DpkgPackage | None

    @property
    def current(self) -> str:
        """The version that apt counts as installed; "" when none."""
        return self.record.version if self.record is not None and self.record.present else ""

    def stanzas(self, version: str) -> list[Stanza]:
        return [stanza for entry in self.entries if entry.version == version for stanza in entry.stanzas]

    @property
    def is_ambiguous(self) -> bool:
        """Whether one version comes from several places, so that its contents may differ."""
        return any(len(entry.stanzas) + entry.in_status > 1 for entry in self.entries)


class Packages:
    """The packages of one configuration; ``indexes`` stand in apt's order."""

    def __init__(
        self,
        indexes: Sequence[Index],
        records: Iterable[DpkgPackage],
        *,
        native: str,
        architectures: Collection[str],
    ) -> None:
        self.indexes = tuple(indexes)
        self.native = native
        self._architectures = frozenset(architectures) | {native}
        self.records = {self.key(record.name, record.architecture): record for record in records}
        self.status: Final = len(self.indexes)  # number of the status file among the archives

    @property
    def archives(self) -> tuple[Archive, ...]:
        return (*(index.archive for index in self.indexes), STATUS)

    def key(self, name: str, architecture: str) -> Key:
        return name if architecture in (self.native, "all", "") else f"{name}:{architecture}"

    def split(self, key: Key) -> tuple[str, str]:
        name, _, architecture = key.partition(":")
        return name, architecture or self.native

    def keys(self, index: Index) -> list[Key]:
        """The package of every row; "" for architectures that apt does not look at."""
        data, native, ours = index.data, self.native, {*self._architectures, "all"}
        different = set(data.architectures)
        if different <= {native, "all"}:
            return data.names
        if different <= ours:
            return [self.key(name, arch) for name, arch in zip(data.names, data.architectures, strict=True)]
        return [
            self.key(name, arch) if arch in ours else ""
            for name, arch in zip(data.names, data.architectures, strict=True)
        ]

    def repeated(self) -> set[Key]:
        """Packages that have more than one stanza."""
        seen: set[Key] = set()
        repeated: set[Key] = set()
        for index in self.indexes:
            keys = self.keys(index)
            here = set(keys)
            if len(here) != len(keys):
                once: set[Key] = set()
                repeated.update(key for key in keys if key in once or once.add(key))  # type: ignore[func-returns-value]
            repeated |= here & seen
            seen |= here
        repeated.discard("")
        return repeated

    def gather(self, wanted: Collection[Key]) -> dict[Key, Package]:
        """The packages of these keys, whether they are in an index, in dpkg's records, or both.

        One version is one entry; ``apt_content`` divides it where its contents matter.
        """
        found: dict[Key, dict[str, list[Stanza]]] = {key: {} for key in wanted}
        for place, index in enumerate(self.indexes):
            versions = index.data.versions
            for row, key in enumerate(self.keys(index)):
                if key in found:
                    found[key].setdefault(versions[row], []).append(Stanza(place, row))
        return {key: self._package(key, versions) for key, versions in found.items()}

    def _package(self, key: Key, versions: Mapping[str, Sequence[Stanza]]) -> Package:
        record = self.records.get(key)
        own = record.version if record is not None else ""
        entries = [Entry(version, tuple(stanzas), version == own) for version, stanzas in versions.items()]
        if own and own not in versions:
            entries.append(Entry(own, (), in_status=True))
        return Package(*self.split(key), entries, record)

    def with_names(self, names: Collection[str]) -> set[Key]:
        """The keys, of all architectures, that these names have."""
        found = {key for key in self.records if key.partition(":")[0] in names}
        for index in self.indexes:
            keys = self.keys(index)
            found.update(key for key, name in zip(keys, index.data.names, strict=True) if name in names)
        found.discard("")
        return found

    def known(self, package: Package) -> list[Known]:
        """The versions of a package as the policy wants them, in the order of its entries."""
        return [self._known(entry, package) for entry in package.entries]

    def _known(self, entry: Entry, package: Package) -> Known:
        files = tuple(stanza.place for stanza in entry.stanzas)
        if entry.in_status:
            files += (self.status,)
        if not entry.stanzas:
            assert package.record is not None
            return Known(entry.version, files, source_name(package.record.source))
        first = entry.stanzas[0]
        source = source_name(self.indexes[first.place].data.sources[first.row])
        return Known(entry.version, files, source, self.percent(entry))

    def percent(self, entry: Entry) -> int:
        """To how many percent of machines a version is phased: by the last stanza that says so, as in apt."""
        percent = 100
        for stanza in entry.stanzas:
            percent = self.indexes[stanza.place].data.phased.get(stanza.row, percent)
        return percent

    def source(self, stanza: Stanza) -> tuple[str, str]:
        """Name and version of the source package of a stanza."""
        data, row = self.indexes[stanza.place].data, stanza.row
        return source_of(data.sources[row], data.names[row], data.versions[row])

    def source_names(self, package: Package) -> list[str]:
        """Names of the source packages of all versions."""
        names = {self.source(stanza)[0]: None for entry in package.entries for stanza in entry.stanzas}
        if package.record is not None:
            names[source_name(package.record.source) or package.name] = None
        return list(names)


def source_name(field: str) -> str:
    return field.partition(" ")[0]


def source_of(field: str, name: str, version: str) -> tuple[str, str]:
    """Name and version that a Source field means: "", "name" or "name (version)"."""
    source, _, rest = field.partition(" ")
    return source or name, rest.strip(" ()") or version


def changed_records(before: Mapping[Key, DpkgPackage], after: Mapping[Key, DpkgPackage]) -> set[str]:
    """Names of packages whose dpkg record differs."""
    return {
        key.partition(":")[0] for key in before.keys() | after.keys() if before.get(key) != after.get(key)
    }
