"""Bringing the catalogue up to date with apt's lists, its configuration and dpkg's status.

Every file is read only if its time, size or inode changed since the last reading; then only the
packages that it concerns are judged anew. Other configuration (sources, pins, archives, phasing)
means that all are.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from wua.applicability.archives import Archive
from wua.metadata.dpkg_status import DpkgPackage, read_status
from wua.model.identity import deb_update_id
from wua.model.plugins import DebianTarget
from wua.model.problems import WuaError
from wua.services import apt_categories as categories
from wua.services import apt_stanzas
from wua.services.apt_ask import ask_candidates
from wua.services.apt_config import entries, list_names, read_config
from wua.services.apt_content import Contents
from wua.services.apt_offers import Labels, Offers
from wua.services.apt_packages import Key, Package, Packages, changed_records
from wua.services.apt_reading import Indexes, index_of
from wua.services.apt_rules import Rules, make_policy, make_rules
from wua.services.apt_world import (
    WORLD,
    AptConfig,
    Overlays,
    Stamp,
    World,
    config_command,
    digest,
    is_current,
    load_world,
    stamp,
)
from wua.store.catalogue import Catalogue
from wua.store.catalogue_writer import Writer
from wua.store.closures import read as read_closures

_RECORDS: Final = "apt.records"
_STALE: Final = "stale"  # no digest


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
        over = {"hidden": self._overlays.hidden(), "uninstallable": self._overlays.uninstallable()}
        with self._catalogue.writing() as writer:
            world = load_world(self._catalogue)  # another process may have been quicker
            changed = world is None or not is_current(world, self._target)
            if world is None or changed:
                world = self._update(writer, world)
            archives = stamp(self._target.archives_dir)
            if changed or archives != world.archives:
                over["downloaded"] = self._downloaded()
                world.archives = archives
            for column, ids in over.items():
                if world.laid.get(column, "") != (laid := digest(ids)):
                    writer.mark(column, ids)
                    world.laid[column] = laid
            writer.put(WORLD, msgspec.msgpack.encode(world))
        return world

    def _downloaded(self) -> frozenset[str]:
        """Ids of the updates that can be installed from apt's cache: what they need is there or installed."""
        there = in_cache(self._target.archives_dir)
        needs = read_closures(Path(self._target.paths.cache)) if there else {}
        if not needs.keys() & there:
            return there
        have = there | {
            deb_update_id(record.name, record.architecture, record.version)
            for record in load_records(self._catalogue) or ()
            if record.present
        }
        return frozenset(update for update in there if needs.get(update, frozenset()) <= have)

    @property
    def _status(self) -> Path:
        return self._target.dpkg_dir / "status"

    def _update(self, writer: Writer, before: World | None) -> World:
        # stamps are taken before the reading: what changes meanwhile is read again next time
        lists, status = stamp(self._target.lists_dir), stamp(self._status)
        config = self._config(before)
        reading = Indexes(self._catalogue, writer, config, self._target.lists_dir, before)
        reading.read()
        records, changed = self._records(writer, before, status, config.native)
        rules, warnings = make_rules(config, reading.indexes, self._target.os())
        warnings += [index.problem for index in reading.indexes if index.problem]
        world = World(config, lists, status, reading.indexes, policy=rules.digest(), warnings=warnings)
        whole = before is None or before.policy != world.policy
        names = reading.changed | changed
        if whole or names:
            indexes = [index_of(each, reading.data(each)) for each in reading.indexes]
            packages = Packages(indexes, records, native=rules.native, architectures=rules.architectures)
            offers, world.asked = self._offers(writer, packages, rules)
            if whole:
                writer.replace_all(offers.everything())
            else:
                writer.replace_names(names, offers.of(packages.with_names(names)))
        elif before is not None:
            world.asked = before.asked
        if before is not None and not whole:
            # new rows have no marks yet: lay them over again where there were any
            world.laid = {column: _STALE if laid and names else laid for column, laid in before.laid.items()}
        reading.drop_unused()
        return world

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
            return apt_stanzas.contents(self._target, packages.indexes, some)

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


def load_records(catalogue: Catalogue) -> list[DpkgPackage] | None:
    data = catalogue.get(_RECORDS)
    return None if data is None else msgspec.msgpack.decode(data, type=list[DpkgPackage])


def in_cache(archives_dir: Path) -> frozenset[str]:
    """Update ids of the package files in apt's cache, by their names (name_version_architecture.deb)."""
    found = set()
    for entry in entries(str(archives_dir)):
        words = entry.removesuffix(".deb").split("_")
        if entry.endswith(".deb") and len(words) == 3:
            name, version, architecture = (word.replace("%3a", ":") for word in words)
            found.add(deb_update_id(name, architecture, version))
    return frozenset(found)


def _by_key(records: Iterable[DpkgPackage]) -> dict[Key, DpkgPackage]:
    return {f"{record.name}:{record.architecture}": record for record in records}
