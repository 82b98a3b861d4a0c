"""From packages and apt's policy to the rows of the catalogue: what is offered, and as what."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple

from wua.applicability.archives import Archive
from wua.applicability.debian_version import compare, sort_key
from wua.applicability.phasing import PhasingRules
from wua.applicability.policy import DOWNGRADE, Choice, Policy
from wua.metadata.dpkg_status import DpkgPackage
from wua.model.enums import DeploymentAction, UpdateType
from wua.model.identity import deb_update_id
from wua.services.apt_content import Contents, divided
from wua.services.apt_packages import Entry, Index, Key, Package, Packages, Stanza
from wua.store.catalogue_writer import Row

NOT_INSTALLED: Final = "not installed"
EXCLUDED: Final = "not apt's candidate"
_SOFTWARE: Final = UpdateType.SOFTWARE.value
_INSTALL: Final = DeploymentAction.INSTALLATION.value
_OPTIONAL: Final = DeploymentAction.OPTIONAL_INSTALLATION.value
_DETECTION: Final = DeploymentAction.DETECTION.value

Candidates = Callable[[Collection[Key]], Mapping[Key, str]]


class Labels(NamedTuple):
    """Category sets of one archive's packages, as the catalogue numbers them."""

    security: int
    update: int
    application: int


class Standing(NamedTuple):
    """How one version stands: the part of a row that is not of the version itself."""

    installed_version: str
    action: int
    installed: int
    held: int
    browse_only: int
    security: int
    reason: str
    offered: int


def is_security(archive: Archive) -> bool:
    """Whether an archive is for security updates, by its suite or label."""
    return archive.suite.endswith("-security") or archive.label.lower().endswith("-security")


class Offers:
    """Makes the rows.

    ``contents`` reads whole stanzas of packages, for the rare cases that need them; ``ask``
    answers candidates in the policy's place where only apt can.
    """

    def __init__(
        self,
        packages: Packages,
        policy: Policy | None,
        phasing: PhasingRules,
        labels: Callable[[Archive], Labels],
        contents: Callable[[Sequence[Package]], Contents],
        ask: Candidates | None = None,
    ) -> None:
        self._packages = packages
        self._policy = policy
        self._phasing = phasing
        self._contents = contents
        self._ask = ask
        self._labels = [labels(archive) for archive in packages.archives]
        self._security = [is_security(archive) for archive in packages.archives]
        self._essential = [frozenset(index.data.essential) for index in packages.indexes]

    def everything(self) -> Iterator[Row]:
        """Rows of all packages, those of the indexes in their order."""
        special = self._special()
        for number, index in enumerate(self._packages.indexes):
            if self._policy is not None:
                yield from self._plain(number, index, special)
        yield from self.of(special)

    def _special(self) -> set[Key]:
        """Packages whose candidate is not just the one version that they have."""
        packages, policy = self._packages, self._policy
        if policy is None:
            return {
                key for index in packages.indexes for key in packages.keys(index) if key
            } | packages.records.keys()
        special = packages.repeated() | packages.records.keys()
        for index in packages.indexes:
            data, keys = index.data, packages.keys(index)
            if self._phasing.by_policy:
                special.update(keys[row] for row in data.phased)
            if policy.has_specific_pins:
                special.update(self._pinned(index, keys))
        special.discard("")
        return special

    def _pinned(self, index: Index, keys: list[Key]) -> Iterator[Key]:
        policy, data = self._policy, index.data
        assert policy is not None
        if (names := policy.pinned_names) is not None:
            for key, name in zip(keys, data.names, strict=True):
                if name in names:
                    yield key
            return
        for key, name, source in zip(keys, data.names, data.sources, strict=True):
            if policy.pinned(name, (source.partition(" ")[0] or name,)):
                yield key

    def _plain(self, number: int, index: Index, special: set[Key]) -> Iterator[Row]:
        """Packages that are not installed and have one version: quick, because there are so many."""
        assert self._policy is not None
        offered = int(self._policy.priorities[number] > 0)
        reason = NOT_INSTALLED if offered else EXCLUDED
        data, source, origin = index.data, index.source, index.archive.label
        label, essential, digests = (
            self._labels[number].application,
            self._essential[number],
            index.data.digests,
        )
        keys = self._packages.keys(index)
        columns = zip(keys, data.names, data.versions, data.architectures, data.sizes, strict=True)
        for row, (key, name, version, arch, size) in enumerate(columns):
            if key in special or not key:
                continue
            yield (
                deb_update_id(name, arch, version), 1, f"{name} {version} ({arch})", name, version, arch, "",
                _SOFTWARE, _OPTIONAL, 0, 0, 1 if row in essential else 0, 1, 0, 0, 0, 0, size, origin, reason,
                label, offered, 0, digests[row * 32 : row * 32 + 32], source,
            )  # fmt: skip

    def of(self, wanted: Collection[Key]) -> Iterator[Row]:
        """Rows of these packages."""
        gathered = self._packages.gather(wanted)
        if self._policy is not None:
            self._divide(gathered, self._policy)
        asked = self._ask(wanted) if self._ask is not None else None
        for key, package in gathered.items():
            choice = self.choice(package) if asked is None else _answered(package, asked.get(key, ""))
            yield from self._package(package, choice)

    def _divide(self, gathered: dict[Key, Package], policy: Policy) -> None:
        """Where it matters, have an entry for each content of a version."""
        packages = self._packages
        touched = [
            key
            for key, package in gathered.items()
            if package.is_ambiguous
            and (
                self._phasing.by_policy
                or any(len(entry.stanzas) > 1 and packages.percent(entry) < 100 for entry in package.entries)
                or (
                    policy.has_specific_pins
                    and policy.tells_contents_apart(package.name, packages.source_names(package))
                )
            )
        ]
        if touched:
            contents = self._contents([gathered[key] for key in touched])
            for key in touched:
                gathered[key] = divided(gathered[key], contents)

    def choice(self, package: Package) -> Choice | None:
        """apt's candidate by the policy."""
        assert self._policy is not None
        known = self._packages.known(package)
        ceiling = None
        if self._phasing.by_policy:
            late = {
                each for each, entry in zip(known, package.entries, strict=True) if self._keeps_back(entry)
            }
            ceiling = late.__contains__
        return self._policy.candidate(package.name, package.architecture, known, package.current, ceiling)

    def _package(self, package: Package, choice: Choice | None) -> Iterator[Row]:
        rows: dict[str, Row] = {}
        current, record = package.current, package.record
        if current and record is not None:
            row = self._present_row(package, record)
            rows[row[0]] = row
        if choice is not None and choice.version != current:
            row = self._entry_row(package, package.entries[choice.place], self._standing(package, choice))
            rows.setdefault(row[0], row)
        for entry in package.entries:
            if entry.version != current and entry.stanzas:
                row = self._entry_row(package, entry, self._unoffered(package, entry))
                rows.setdefault(row[0], row)
        return iter(rows.values())

    def _standing(self, package: Package, choice: Choice) -> Standing:
        """Of the candidate, where it is not what is installed."""
        current, record = package.current, package.record
        if not current or record is None:
            return Standing("", _OPTIONAL, 0, 0, 1, 0, NOT_INSTALLED, 1)
        held = int(record.held)
        security = int(self.is_security_upgrade(package, choice.version))
        if compare(choice.version, current) < 0:
            return Standing(current, _INSTALL, 0, held, 0, 0, f"pinned: goes back from {current}", 1)
        reason = f"{'security ' if security else ''}upgrade from {current}"
        if not record.complete:
            reason += f", which is {record.state}"
        action = _INSTALL
        entry = package.entries[choice.place]
        if self._keeps_back(entry):
            action = _DETECTION
            reason = f"phased to {self._packages.percent(entry)} %, not yet for this machine"
        return Standing(current, action, 0, held, 0, security, f"held: {reason}" if held else reason, 1)

    def _present_row(self, package: Package, record: DpkgPackage) -> Row:
        complete = int(record.complete)
        reason = "installed" if complete else f"{record.state}, not complete"
        stanzas = package.stanzas(record.version)
        security = self._from_security(stanzas)
        standing = Standing(record.version, _INSTALL, complete, 0, 0, security, reason, 1)
        for stanza in stanzas:
            if self._packages.indexes[stanza.place].data.architectures[stanza.row] == record.architecture:
                return self._stanza_row(stanza, standing)
        return self._record_row(record, standing)

    def _record_row(self, record: DpkgPackage, standing: Standing) -> Row:
        """Of a version that no index has."""
        label = self._labels[-1].update
        return _row_of(
            record.name, record.version, record.architecture, standing, 0, "", label, b"", 0, record.essential
        )

    def _unoffered(self, package: Package, entry: Entry) -> Standing:
        current = package.current
        older = current and compare(entry.version, current) < 0
        reason = "older than the installed version" if older else EXCLUDED
        action = _INSTALL if current else _OPTIONAL
        return Standing(
            current, action, 0, 0, int(not current), self._from_security(entry.stanzas), reason, 0
        )

    def is_security_upgrade(self, package: Package, candidate: str) -> bool:
        """Whether the candidate is a security update, or a version between it and the installed one."""
        floor, ceiling = sort_key(package.current), sort_key(candidate)
        return any(
            floor < sort_key(entry.version) <= ceiling and self._from_security(entry.stanzas)
            for entry in package.entries
        )

    def _from_security(self, stanzas: Iterable[Stanza]) -> int:
        return int(any(self._security[stanza.place] for stanza in stanzas))

    def _keeps_back(self, entry: Entry) -> bool:
        percent = self._packages.percent(entry)
        if percent >= 100:
            return False
        name, source_version = self._packages.source(entry.stanzas[0])
        return self._phasing.keeps_back(name, source_version, percent)

    def _entry_row(self, package: Package, entry: Entry, standing: Standing) -> Row:
        """By the stanza that apt would fetch: of those of the best index, the first."""
        if not entry.stanzas:  # a removed package's version, which a pin makes the candidate
            assert package.record is not None
            return self._record_row(
                package.record, standing._replace(reason=f"{standing.reason}; in no source")
            )
        if self._policy is None or len(entry.stanzas) == 1:
            return self._stanza_row(entry.stanzas[0], standing)
        priorities = self._policy.priorities
        return self._stanza_row(max(entry.stanzas, key=lambda stanza: priorities[stanza.place]), standing)

    def _stanza_row(self, stanza: Stanza, standing: Standing) -> Row:
        index = self._packages.indexes[stanza.place]
        data, labels = index.data, self._labels[stanza.place]
        label = labels.update if standing.installed_version else labels.application
        return _row_of(
            data.names[stanza.row],
            data.versions[stanza.row],
            data.architectures[stanza.row],
            standing,
            data.sizes[stanza.row],
            index.archive.label,
            labels.security if standing.security and standing.installed_version else label,
            data.digest(stanza.row),
            index.source,
            stanza.row in self._essential[stanza.place],
        )


def _row_of(
    name: str, version: str, arch: str, standing: Standing, size: int, origin: str, label: int, digest: bytes,
    source: int, essential: bool,
) -> Row:  # fmt: skip
    auto = (
        standing.security
        if standing.action == _INSTALL and not standing.installed and standing.offered
        else 0
    )
    return (
        deb_update_id(name, arch, version), 1, f"{name} {version} ({arch})", name, version, arch,
        standing.installed_version, _SOFTWARE, standing.action, standing.installed, standing.held,
        int(essential), standing.browse_only, auto, 0, 0, 0, size, origin, standing.reason, label,
        standing.offered, standing.held, digest, source,
    )  # fmt: skip


def _answered(package: Package, version: str) -> Choice | None:
    """What apt said, as if the policy had."""
    places = (place for place, entry in enumerate(package.entries) if entry.version == version)
    return next((Choice(place, version, DOWNGRADE) for place in places), None)
