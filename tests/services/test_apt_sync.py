"""Synchronising: what changed is read again, and the catalogue is then what a new one would be."""

import hashlib
import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_compare import Compared, Memory, synchronised
from tests.support.apt_root import AptRoot, StoredArchive, stanza
from tests.support.random_apt import World

from wua.model.identity import deb_update_id
from wua.model.plugins import Command
from wua.services.apt import AptService
from wua.store.catalogue import Catalogue
from wua.system.run import run

Fields = dict[str, object]


def package(name: str, version: str = "1", **fields: object) -> Fields:
    digest = hashlib.sha256(f"{name} {version}".encode()).hexdigest()
    given: Fields = {
        "Package": name,
        "Version": version,
        "Architecture": "amd64",
        "Filename": f"pool/{name}_{version}_amd64.deb",
        "Size": 1000,
        "SHA256": digest,
        "Description": f"the package {name}",
    }
    return {**given, **fields}


def installed(name: str, version: str = "1", status: str = "install ok installed") -> str:
    return stanza({"Package": name, "Status": status, "Version": version, "Architecture": "amd64"})


class Machine:
    """A root with two archives and a catalogue that is kept from one synchronisation to the next."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.root = AptRoot(folder / "root")
        self.main = StoredArchive(self.root, "deb.example", "stable")
        self.security = StoredArchive(self.root, "deb.example", "stable-security", Label="Debian-Security")
        self.root.sources(self.main.line, self.security.line)
        self.memory = Memory()
        self.main.write([package("a"), package("b"), package("c")])
        self.security.write([])
        self.kept = synchronised(self.root, folder, self.memory)

    @property
    def catalogue(self) -> Catalogue:
        return self.kept.catalogue

    def sync(self) -> list[str]:
        return [warning.text for warning in self.kept.service.sync()]

    def versions(self, where: str = "") -> set[tuple[str, str]]:
        return {(offer.name, offer.version) for offer in self.catalogue.search(where)}

    def flags(self, column: str) -> set[str]:
        return {offer.name for offer in self.catalogue.search(f"{column} = 1")}


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.catalogue.close()


@pytest.fixture
def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    """From here on no file is parsed and no program runs."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("it was read again")

    monkeypatch.setattr("wua.services.apt_reading.read_index", refuse)
    monkeypatch.setattr("wua.services.apt_sync.read_status", refuse)
    monkeypatch.setattr("wua.services.apt_config.run", refuse)


def content(catalogue: Catalogue) -> list[tuple[object, ...]]:
    """Everything in the catalogue that does not depend on its history."""
    return sorted(
        (
            known.offer.update_id, known.offer.title, known.offer.installed_version,
            known.offer.deployment_action, known.offer.installed, known.offer.hidden, known.offer.mandatory,
            known.offer.browse_only, known.offer.auto_select, known.offer.size, known.offer.origin,
            known.offer.reason, known.offer.category_ids, known.offered, known.held, known.sha256,
        )
        for known in catalogue.known("1")
    )  # fmt: skip


def test_nothing_is_read_twice(machine: Machine, no_reading: None) -> None:
    before = content(machine.catalogue)
    assert machine.sync() == []
    again = synchronised(machine.root, machine.folder, machine.memory)
    assert content(again.catalogue) == before
    again.catalogue.close()


def test_one_index_changes(machine: Machine) -> None:
    machine.root.status(installed("a"), installed("b"))
    machine.sync()
    machine.security.write([package("a", "1.1"), package("new")])
    machine.sync()
    assert machine.versions() == {("a", "1"), ("a", "1.1"), ("b", "1"), ("c", "1"), ("new", "1")}
    assert machine.flags("auto_select") == {"a"}
    machine.security.write([package("new", "2")])
    machine.sync()
    assert machine.versions() == {("a", "1"), ("b", "1"), ("c", "1"), ("new", "2")}


def test_only_status_changes(machine: Machine) -> None:
    machine.root.status(installed("a", "0.9"), installed("gone"))
    machine.sync()
    assert machine.versions("installed = 1") == {("a", "0.9"), ("gone", "1")}
    (offer,) = machine.catalogue.search("name = 'a' AND installed = 0")
    assert (offer.installed_version, offer.reason) == ("0.9", "upgrade from 0.9")
    machine.root.status(installed("a", "1"))
    machine.sync()
    assert machine.versions("installed = 1") == {("a", "1")}
    assert ("gone", "1") not in machine.versions()


def test_release_facts_change(machine: Machine) -> None:
    machine.root.status(installed("a"))
    machine.security.write([package("a", "2")])
    machine.sync()
    machine.security.release["NotAutomatic"] = "yes"
    machine.security.write([package("a", "2")])
    machine.sync()
    assert machine.versions("name = 'a'") == {("a", "1")}


def test_options_sources_and_preferences_change(machine: Machine) -> None:
    machine.security.write([package("a", "2")])
    machine.sync()
    machine.root.config('APT::Default-Release "stable";')
    machine.sync()
    assert machine.versions("name = 'a'") == {("a", "1")}
    machine.root.preferences("Package: a\nPin: version 2\nPin-Priority: 995\n", "a.pref")
    machine.sync()
    assert machine.versions("name = 'a'") == {("a", "2")}
    machine.root.sources(machine.main.line)
    machine.sync()
    assert machine.versions() == {("a", "1"), ("b", "1"), ("c", "1")}


def test_a_file_that_is_touched_changes_nothing(machine: Machine) -> None:
    before = content(machine.catalogue)
    for path in machine.root.lists_dir.iterdir():
        os.utime(path, (1, 1))
    assert machine.sync() == []
    assert content(machine.catalogue) == before


def test_a_damaged_index_is_said_and_what_was_read_stays(machine: Machine) -> None:
    (index,) = machine.root.lists_dir.glob("*_stable_main*_Packages")
    text = index.read_bytes()
    index.unlink()
    (index.parent / f"{index.name}.xz").write_bytes(b"no xz at all")
    (warning,) = machine.sync()
    assert f"{index.name}.xz" in warning
    assert machine.versions() == {("a", "1"), ("b", "1"), ("c", "1")}
    assert machine.sync() == [warning]
    (index.parent / f"{index.name}.xz").unlink()
    index.write_bytes(text)
    assert machine.sync() == []


def test_marks_holds_and_the_cache_are_laid_over_the_offers(machine: Machine) -> None:
    machine.root.status(installed("a", "0.1", "hold ok installed"), installed("b", "0.1"))
    machine.sync()
    assert machine.flags("hidden") == {"a"}
    machine.memory.marks = frozenset({deb_update_id("c", "amd64", "1")})
    (machine.root.archives_dir / "b_1_amd64.deb").touch()
    machine.sync()
    assert machine.flags("hidden") == {"a", "c"}
    assert machine.flags("downloaded") == {"b"}
    # a change elsewhere keeps them, one of their own package too
    machine.security.write([package("b", "1.1"), package("c", "0.5")])
    machine.sync()
    assert machine.flags("hidden") == {"a", "c"}
    machine.memory.marks = frozenset()
    (machine.root.archives_dir / "b_1_amd64.deb").unlink()
    machine.sync()
    assert machine.flags("hidden") == {"a"}
    assert machine.flags("downloaded") == set()


def test_marks_that_go_while_packages_change(machine: Machine) -> None:
    machine.memory.marks = frozenset({deb_update_id("c", "amd64", "1")})
    machine.sync()
    assert machine.flags("hidden") == {"c"}
    machine.memory.marks = frozenset()
    machine.security.write([package("a", "1.1")])
    machine.sync()
    assert machine.flags("hidden") == set()


def test_uninstallable_comes_from_who_knows(machine: Machine) -> None:
    ids: set[str] = set()
    service = AptService(
        machine.root, machine.catalogue, machine.memory, uninstallable=lambda: frozenset(ids)
    )
    service.sync()
    ids.add(deb_update_id("a", "amd64", "1"))
    service.sync()
    assert machine.flags("uninstallable") == {"a"}


def test_epochs_in_file_names_of_the_cache(machine: Machine) -> None:
    machine.main.write([package("a", "1:2")])
    (machine.root.archives_dir / "a_1%3a2_amd64.deb").touch()
    machine.sync()
    assert machine.flags("downloaded") == {"a"}


def test_a_catalogue_that_is_damaged_is_made_anew(machine: Machine) -> None:
    before = content(machine.catalogue)
    machine.catalogue.close()
    path = machine.catalogue.path
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))
    again = synchronised(machine.root, machine.folder, machine.memory)
    assert any("made anew" in warning.text for warning in again.warnings)
    assert content(again.catalogue) == before
    assert again.service.sync() == ()
    again.catalogue.close()


def test_another_content_of_a_version_is_a_new_revision(machine: Machine) -> None:
    machine.main.write([package("a", SHA256="9" * 64), package("b"), package("c")])
    machine.sync()
    assert {offer.name: offer.revision for offer in machine.catalogue.search()} == {"a": 2, "b": 1, "c": 1}


def test_apt_that_refuses_its_configuration_is_an_error(tmp_path: Path) -> None:
    class Broken(AptRoot):
        def apt(self, tool: str, *words: str) -> Command:
            return Command(("/bin/sh", "-c", "echo E: broken >&2; exit 100"), {"PATH": "/bin"})

    with pytest.raises(Exception, match="E: broken"):
        synchronised(Broken(tmp_path / "root"), tmp_path)


@pytest.mark.parametrize("seed", range(8))
def test_step_by_step_is_the_same_as_anew(tmp_path: Path, seed: int) -> None:
    """A configuration turns into another one piece by piece; after every piece a new catalogue agrees."""
    dice = random.Random(seed)
    world, other = World(tmp_path / "one", 1000 + seed).root, World(tmp_path / "two", 2000 + seed).root
    kept: Compared | None = None
    pieces = ["etc/preferences", "dpkg/status", "etc/sources.list"]
    pieces += [f"state/lists/{path.name}" for path in other.lists_dir.iterdir() if path.is_file()]
    pieces += [f"state/lists/{path.name}" for path in world.lists_dir.iterdir() if path.is_file()]
    dice.shuffle(pieces)
    for piece in [None, *pieces[:6]]:
        if piece is not None:
            new, old = other.base / piece, world.base / piece
            old.unlink(missing_ok=True)
            if new.exists():
                old.write_bytes(new.read_bytes())
        if run(world.apt("apt-get", "indextargets")).exit != 0:
            continue  # a status with an architecture that is not configured here
        if kept is None:
            kept = synchronised(world, tmp_path)
        else:
            kept.service.sync()
        fresh = synchronised(world, tmp_path / f"fresh-{dice.random()}")
        assert content(kept.catalogue) == content(fresh.catalogue), piece
        fresh.catalogue.close()
    if kept is not None:
        kept.catalogue.close()
