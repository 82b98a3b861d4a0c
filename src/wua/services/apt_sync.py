"""Bringing the catalogue up to date with apt's lists, its configuration and dpkg's status.

Every file is read only if its time, size or inode changed since the last reading; then only the
packages that it concerns are judged anew. Other configuration (sources, pins, archives, phasing)
means that all are.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wua.applicability.archives import STATUS, Archive
from wua.applicability.expressions import CannotEvaluate
from wua.applicability.phasing import PhasingRules
from wua.applicability.policy import Policy, release_exists
from wua.applicability.preferences import Broken, Pin, read_pins
from wua.metadata.deb822 import locate
from wua.metadata.dpkg_status import DpkgPackage, read_status
from wua.metadata.packages_index import IndexData, read_index
from wua.metadata.release_file import ReleaseFacts, read_release
from wua.model.identity import deb_update_id
from wua.model.plugins import DebianTarget, OsFacts
from wua.model.problems import WuaError
from wua.services import apt_categories as categories
from wua.services import apt_stanzas
from wua.services.apt_ask import ask_candidates
from wua.services.apt_config import (
    AptConfig,
    IndexTarget,
    Stamp,
    config_command,
    entries,
    list_names,
    machine_id_path,
    read_config,
    release_file,
    stamp,
    stored_file,
)
from wua.services.apt_content import Contents
from wua.services.apt_offers import Labels, Offers
from wua.services.apt_packages import Index, Key, Package, Packages, changed_names, changed_records
from wua.store.catalogue import Catalogue, Writer

SERVICE: Final = "apt"
WORLD: Final = "apt.world"
_RECORDS: Final = "apt.records"


class StoredIndex(msgspec.Struct, array_like=True):
    """One index as it was last read, and what its Release file says."""

    target: IndexTarget
    path: str
    stamp: Stamp
    release_path: str
    release_stamp: Stamp
    release: ReleaseFacts
    source: int = 0  # in the catalogue
    problem: str = ""  # why the last reading failed

    @property
    def archive(self) -> Archive:
        facts, target = self.release, self.target
        return Archive(
            site=target.host,
            suite=facts.suite,
            codename=facts.codename,
            version=facts.version,
            origin=facts.origin,
            label=facts.label,
            component=target.component,
            architecture=target.architecture,
            not_automatic=facts.not_automatic,
            but_automatic_upgrades=facts.but_automatic_upgrades,
        )


class World(msgspec.Struct, array_like=True):
    """What the offers in the catalogue were made from."""

    config: AptConfig
    lists: Stamp
    status: Stamp
    indexes: list[StoredIndex]
    policy: str = ""  # digest of everything that candidates hang on, the packages apart
    marks: str = ""  # digests of what is laid over the offers
    uninstallable: str = ""
    archives: Stamp = (0, 0, 0)
    warnings: list[str] = []


class Overlays(NamedTuple):
    """What others know of the updates, by update id."""

    hidden: Callable[[], frozenset[str]]
    uninstallable: Callable[[], frozenset[str]]


class Rules(NamedTuple):
    """Everything that candidates hang on, the packages apart."""

    archives: tuple[Archive, ...]
    pins: tuple[Pin, ...]
    native: str
    architectures: tuple[str, ...]
    default_release: str
    phasing: PhasingRules
    problem: str
    os: tuple[object, ...]

    def digest(self) -> str:
        return hashlib.sha256(repr(self).encode()).hexdigest()


def load_world(catalogue: Catalogue) -> World | None:
    data = catalogue.get(WORLD)
    if data is None:
        return None
    try:
        return msgspec.msgpack.decode(data, type=World)
    except msgspec.DecodeError:
        return None


class Synchroniser:
    """One synchronisation of one target's catalogue."""

    def __init__(self, target: DebianTarget, catalogue: Catalogue, overlays: Overlays) -> None:
        self._target = target
        self._catalogue = catalogue
        self._overlays = overlays

    def run(self) -> World:
        """The world that the catalogue shows afterwards.

        Raises:
            WuaError: target-unusable.
        """
        world = load_world(self._catalogue)
        hidden, uninstallable = self._overlays.hidden(), self._overlays.uninstallable()
        marks, reversible = _digest(hidden), _digest(uninstallable)
        if (
            world is not None
            and world.marks == marks
            and world.uninstallable == reversible
            and world.archives == stamp(self._target.archives_dir)
            and self._is_current(world)
        ):
            return world
        with self._catalogue.writing() as writer:
            world = load_world(self._catalogue)  # another process may have been quicker
            if world is None or not self._is_current(world):
                world = self._update(writer, world)
            if world.marks != marks:
                writer.hide(hidden)
                world.marks = marks
            if world.uninstallable != reversible:
                writer.mark("uninstallable", uninstallable)
                world.uninstallable = reversible
            if (archives := stamp(self._target.archives_dir)) != world.archives:
                writer.mark("downloaded", downloaded(self._target.archives_dir))
                world.archives = archives
            writer.put(WORLD, msgspec.msgpack.encode(world))
        return world

    def _is_current(self, world: World) -> bool:
        return (
            world.lists == stamp(self._target.lists_dir)
            and world.status == stamp(self._status)
            and all(
                index.stamp == stamp(index.path) and index.release_stamp == stamp(index.release_path)
                for index in world.indexes
            )
            and world.config.is_current(config_command(self._target))
        )

    @property
    def _status(self) -> Path:
        return self._target.dpkg_dir / "status"

    def _update(self, writer: Writer, before: World | None) -> World:
        # stamps are taken before the reading: what changes meanwhile is read again next time
        lists, status = stamp(self._target.lists_dir), stamp(self._status)
        config = self._config(before)
        reading = _Reading(self._catalogue, writer, config, self._target.lists_dir, before)
        reading.read()
        records, changed = self._records(writer, before, status, config.native)
        warnings = [index.problem for index in reading.indexes if index.problem]
        rules, said = make_rules(config, reading.indexes, self._target.os())
        warnings += said
        digest = rules.digest()
        whole = before is None or before.policy != digest
        indexes = [index_of(each, reading.data(each)) for each in reading.indexes]
        packages = Packages(indexes, records, native=rules.native, architectures=rules.architectures)
        if whole or reading.changed or changed:
            offers, said = self._offers(writer, packages, rules)
            warnings += said
            names = reading.changed | changed
            if whole:
                writer.replace_all(offers.everything())
            else:
                writer.replace_names(names, offers.of(packages.with_names(names)))
        reading.drop_unused()
        # the new rows have no marks yet
        return World(config, lists, status, reading.indexes, policy=digest, warnings=warnings)

    def _config(self, before: World | None) -> AptConfig:
        if (
            before is not None
            and before.config.is_current(config_command(self._target))
            and before.config.names == list_names(self._target.lists_dir)
        ):
            return before.config
        return read_config(self._target)

    def _records(
        self, writer: Writer, before: World | None, status: Stamp, native: str
    ) -> tuple[list[DpkgPackage], set[str]]:
        stored = load_records(self._catalogue)
        if before is not None and before.status == status and stored is not None:
            return stored, set()
        records = read_status(self._status)
        writer.put(_RECORDS, msgspec.msgpack.encode(records))
        return records, changed_records(_by_key(stored or []), _by_key(records))

    def _offers(self, writer: Writer, packages: Packages, rules: Rules) -> tuple[Offers, list[str]]:
        policy, problem = make_policy(rules)
        ask, warnings = None, []
        if policy is None:
            warnings.append(
                f"apt itself was asked for all candidates, because only it understands {problem}."
            )

            def ask(keys: Collection[Key]) -> Mapping[Key, str]:
                try:
                    return ask_candidates(self._target, keys)
                except WuaError as refused:
                    warnings.append(str(refused))
                    return {}

        def contents(some: Sequence[Package]) -> Contents:
            return apt_stanzas.contents(packages.indexes, self._status, some)

        return Offers(packages, policy, rules.phasing, self._labels(writer), contents, ask), warnings

    def _labels(self, writer: Writer) -> Callable[[Archive], Labels]:
        os_facts = self._target.os()

        def labels(archive: Archive) -> Labels:
            product = categories.product(os_facts, archive.origin)
            return Labels(
                *(
                    writer.category_set((product, classification))
                    for classification in (
                        categories.SECURITY_UPDATES,
                        categories.UPDATES,
                        categories.APPLICATIONS,
                    )
                )
            )

        return labels


class _Reading:
    """The indexes of a configuration: those that changed are read, the rest is loaded when needed."""

    def __init__(
        self, catalogue: Catalogue, writer: Writer, config: AptConfig, lists_dir: Path, before: World | None
    ) -> None:
        self._catalogue = catalogue
        self._writer = writer
        self._config = config
        self._lists_dir = lists_dir
        self._before = {index.target.file: index for index in before.indexes} if before is not None else {}
        self._loaded: dict[int, IndexData] = {}
        self._stored = writer.sources(SERVICE)
        self.indexes: list[StoredIndex] = []
        self.changed: set[str] = set()  # names of packages that changed in an index

    def read(self) -> None:
        done: set[str] = set()
        for target in self._config.targets:
            path = stored_file(target, self._config, self._lists_dir)
            if target.kind != "Packages" or path is None or target.file in done:
                continue
            done.add(target.file)
            self.indexes.append(self._read(target, path))

    def _read(self, target: IndexTarget, path: Path) -> StoredIndex:
        was = self._before.get(target.file)
        release = release_file(target, self._config, self._lists_dir)
        index = StoredIndex(
            target,
            str(path),
            stamp(path),
            str(release or ""),
            stamp(release) if release is not None else stamp(""),
            ReleaseFacts(),
            self._stored.get(target.file, 0),
        )
        if was is not None and (was.release_path, was.release_stamp) == (
            index.release_path,
            index.release_stamp,
        ):
            index.release = was.release
        elif release is not None:
            index.release = read_release(release)
        if was is not None and (was.path, was.stamp) == (index.path, index.stamp) and index.source:
            index.problem = was.problem
        else:
            self._take(index, path)
        return index

    def _take(self, index: StoredIndex, path: Path) -> None:
        """Read an index; where that fails, what was read before stays."""
        old = self.data(index) if index.source else IndexData()
        try:
            new = read_index(path)
        except (WuaError, OSError) as failure:
            index.problem = str(failure)
            new = old
        if not index.source or new is not old:
            index.source = self._writer.put_source(SERVICE, index.target.file, msgspec.msgpack.encode(new))
        self._loaded[index.source] = new
        self.changed |= changed_names(old, new) if self._before else set()

    def data(self, index: StoredIndex) -> IndexData:
        if index.source not in self._loaded:
            data = self._catalogue.source_data(index.source)
            self._loaded[index.source] = msgspec.msgpack.decode(data, type=IndexData) if data else IndexData()
        return self._loaded[index.source]

    def drop_unused(self) -> None:
        used = {index.source for index in self.indexes}
        for source in self._stored.values():
            if source not in used:
                self._writer.drop_source(source)


def index_of(stored: StoredIndex, data: IndexData) -> Index:
    return Index(stored.source, stored.archive, data, stored.path)


def make_rules(
    config: AptConfig, indexes: Iterable[StoredIndex], os_facts: OsFacts
) -> tuple[Rules, list[str]]:
    """The rules of a configuration, and what is to be said about it."""
    archives = tuple(index.archive for index in indexes)
    pins, problem, warnings = _pins(config)
    default = config.option("APT::Default-Release")
    try:
        if default and not release_exists(default, (*archives, STATUS)):
            warnings.append(
                f"apt refuses to work: the value '{default}' is invalid for APT::Default-Release, "
                "as such a release is not available in the sources"
            )
            default = ""
    except CannotEvaluate as only_apt:
        problem = problem or str(only_apt)
    rules = Rules(
        archives=archives,
        pins=pins,
        native=config.native,
        architectures=tuple(config.lists.get("apt::architectures", ())),
        default_release=default,
        phasing=phasing_rules(config),
        problem=problem or config.problem,
        os=(os_facts.id, os_facts.version, os_facts.title),
    )
    return rules, warnings


def make_policy(rules: Rules) -> tuple[Policy | None, str]:
    """The policy, or None and what it is that only apt understands."""
    if rules.problem:
        return None, rules.problem
    try:
        archives = (*rules.archives, STATUS)
        return Policy(archives, rules.pins, native=rules.native, default_release=rules.default_release), ""
    except CannotEvaluate as only_apt:
        return None, str(only_apt)


def load_records(catalogue: Catalogue) -> list[DpkgPackage] | None:
    data = catalogue.get(_RECORDS)
    return None if data is None else msgspec.msgpack.decode(data, type=list[DpkgPackage])


def phasing_rules(config: AptConfig) -> PhasingRules:
    machine_id = config.option("APT::Machine-ID")
    if not machine_id:
        try:
            machine_id = (
                Path(machine_id_path(config.options)).read_text("utf-8", "replace").partition("\n")[0]
            )
        except OSError:
            machine_id = ""
    return PhasingRules(
        machine_id=machine_id,
        always=_either(config, "Always-Include-Phased-Updates"),
        never=_either(config, "Never-Include-Phased-Updates"),
        by_policy=config.flag("APT::Get::Phase-Policy"),
    )


def _either(config: AptConfig, name: str) -> bool:
    return config.flag(f"APT::Get::{name}") or config.flag(f"Update-Manager::{name}")


def _pins(config: AptConfig) -> tuple[tuple[Pin, ...], str, list[str]]:
    """Pins of the preferences files, what only apt understands of them, warnings."""
    try:
        return tuple(read_pins(_records_of(config))), "", []
    except Broken as refused:
        return (), "", [f"apt refuses to work: {refused}"]


def _records_of(config: AptConfig) -> Iterable[tuple[str, int, Mapping[str, str]]]:
    for path in preference_files(config):
        try:
            text = Path(path).read_text("utf-8", "replace")
        except OSError:
            continue
        for found in locate(text):
            yield path, found.line, found.fields


def preference_files(config: AptConfig) -> list[str]:
    """The preferences files in the order of their weight: the first pin that matches counts."""
    files = [path] if (path := config.path("Dir::Etc::preferences")) and os.path.isfile(path) else []
    folder = config.path("Dir::Etc::preferencesparts")
    for name in entries(folder) if folder else ():
        extension = name.rpartition(".")[2] if "." in name else ""
        plain = all(c.isascii() and (c.isalnum() or c in "-_.") for c in name)
        if extension in ("", "pref") and plain and not name.startswith("."):
            files.append(os.path.join(folder, name))
    return files


def downloaded(archives_dir: Path) -> set[str]:
    """Update ids of the package files in apt's cache, by their names (name_version_architecture.deb)."""
    found = set()
    for entry in entries(str(archives_dir)):
        words = entry.removesuffix(".deb").split("_")
        if entry.endswith(".deb") and len(words) == 3:
            name, version, architecture = (word.replace("%3a", ":") for word in words)
            found.add(deb_update_id(name, architecture, version))
    return found


def _by_key(records: Iterable[DpkgPackage]) -> dict[Key, DpkgPackage]:
    return {f"{record.name}:{record.architecture}": record for record in records}


def _digest(ids: frozenset[str]) -> str:
    return hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest() if ids else ""
