"""From packages and apt's policy to the rows of the catalogue: what is offered, and as what."""

from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Final, NamedTuple

from wua.applicability.archives import Archive
from wua.applicability.debian_version import compare, sort_key
from wua.applicability.phasing import PhasingRules
from wua.applicability.policy import DOWNGRADE, Choice, Known, Policy
from wua.metadata.dpkg_status import DpkgPackage
from wua.model.enums import DeploymentAction, UpdateType
from wua.model.identity import deb_update_id
from wua.services.apt_packages import Index, Key, Package, Packages, Stanza
from wua.store.catalogue import Row

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
    """Makes the rows. ``ask`` answers candidates in the policy's place where only apt can."""

    def __init__(
        self,
        packages: Packages,
        policy: Policy | None,
        phasing: PhasingRules,
        labels: Callable[[Archive], Labels],
        ask: Candidates | None = None,
    ) -> None:
        self._packages = packages
        self._policy = policy
        self._phasing = phasing
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
        asked = self._ask(wanted) if self._ask is not None else None
        for key, package in gathered.items():
            choice = self.choice(package) if asked is None else _answered(asked.get(key, ""))
            yield from self._package(package, choice)

    def choice(self, package: Package) -> Choice | None:
        """apt's candidate by the policy."""
        assert self._policy is not None
        ceiling = None
        if self._phasing.by_policy:
            by_version = package.stanzas

            def ceiling(known: Known) -> bool:
                return bool(by_version.get(known.version)) and self._keeps_back(package, known.version)

        return self._policy.candidate(
            package.name, package.architecture, self._packages.known(package), package.current, ceiling
        )

    def _package(self, package: Package, choice: Choice | None) -> Iterator[Row]:
        current, record = package.current, package.record
        candidate = choice.version if choice is not None else ""
        for version in package.stanzas:
            if version == current:
                continue
            standing = (
                self._standing(package, choice) if version == candidate else self._unoffered(package, version)
            )
            yield self._row(package, version, standing)
        if current and record is not None:
            yield self._row(package, current, self._present(package, record))

    def _standing(self, package: Package, choice: Choice | None) -> Standing:
        """Of the candidate, where it is not what is installed."""
        assert choice is not None
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
        if not security and self._keeps_back(package, choice.version):
            action = _DETECTION
            reason = f"phased to {self._percent(package, choice.version)} %, not yet for this machine"
        return Standing(current, action, 0, held, 0, security, f"held: {reason}" if held else reason, 1)

    def _present(self, package: Package, record: DpkgPackage) -> Standing:
        complete = int(record.complete)
        reason = "installed" if complete else f"{record.state}, not complete"
        return Standing(
            record.version, _INSTALL, complete, 0, 0, self._from_security(package, record.version), reason, 1
        )

    def _unoffered(self, package: Package, version: str) -> Standing:
        current = package.current
        older = current and compare(version, current) < 0
        reason = "older than the installed version" if older else EXCLUDED
        action = _INSTALL if current else _OPTIONAL
        return Standing(
            current, action, 0, 0, int(not current), self._from_security(package, version), reason, 0
        )

    def is_security_upgrade(self, package: Package, candidate: str) -> bool:
        """Whether an upgrade brings a security update: the candidate is one, or a version on the way to it."""
        floor, ceiling = sort_key(package.current), sort_key(candidate)
        return any(
            self._security[stanza.place]
            for version, stanzas in package.stanzas.items()
            for stanza in stanzas
            if floor < sort_key(version) <= ceiling
        )

    def _from_security(self, package: Package, version: str) -> int:
        return int(any(self._security[stanza.place] for stanza in package.stanzas.get(version, ())))

    def _percent(self, package: Package, version: str) -> int:
        stanza = package.stanzas[version][0]
        return self._packages.indexes[stanza.place].data.phased.get(stanza.row, 100)

    def _keeps_back(self, package: Package, version: str) -> bool:
        percent = self._percent(package, version)
        if percent >= 100:
            return False
        name, source_version = self._packages.source(package.stanzas[version][0], version)
        return self._phasing.keeps_back(name, source_version, percent)

    def _row(self, package: Package, version: str, standing: Standing) -> Row:
        record, stanzas = package.record, package.stanzas.get(version, [])
        if record is None or version != package.current:
            return self._stanza_row(stanzas[0], version, standing)
        for stanza in stanzas:
            if self._packages.indexes[stanza.place].data.architectures[stanza.row] == record.architecture:
                return self._stanza_row(stanza, version, standing)
        label = self._labels[-1].update
        return _row_of(
            record.name, version, record.architecture, standing, 0, "", label, b"", 0, record.essential
        )

    def _stanza_row(self, stanza: Stanza, version: str, standing: Standing) -> Row:
        index = self._packages.indexes[stanza.place]
        data, labels = index.data, self._labels[stanza.place]
        label = labels.update if standing.installed_version else labels.application
        return _row_of(
            data.names[stanza.row],
            version,
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


def _answered(version: str) -> Choice | None:
    return Choice(version, DOWNGRADE) if version else None
