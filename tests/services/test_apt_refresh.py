"""Refreshing apt's lists: when, and what apt's words mean."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_compare import Memory
from tests.support.apt_root import AptRoot

from wua.model import codes
from wua.model.plugins import Command
from wua.model.problems import CATALOGUE, error
from wua.services.apt import AptService
from wua.services.apt_refresh import kind_of
from wua.store.catalogue import Catalogue
from wua.testing.debian import Package, Repository


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Talking(AptRoot):
    """Counts what its apt-get update is asked for."""

    calls = 0


class World:
    def __init__(self, folder: Path) -> None:
        self.root = Talking(folder / "root")
        self.clock = Clock()
        self.catalogue = Catalogue(folder / "catalogue.db")
        self.service = AptService(self.root, self.catalogue, Memory(), clock=self.clock)
        self.told: list[str] = []

    def refresh(self, *, force: bool = False, max_age: float = 3600.0) -> list[str]:
        warnings = self.service.refresh(force=force, max_age=max_age, tell=self.told.append)
        return [warning.text for warning in warnings]

    def fetched(self, at: float) -> None:
        """Have lists that apt fetched at a time."""
        (self.root.lists_dir / "deb.example_debian_dists_stable_InRelease").touch()
        self.date(at)

    def date(self, at: float) -> None:
        os.utime(self.root.lists_dir, (at, at))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.catalogue.close()


def says(world: World, text: str, exit_code: int = 0) -> None:
    script = f"printf '%s' \"$SAID\" >&2; exit {exit_code}"
    command = Command(("/bin/sh", "-c", script), {"PATH": "/bin:/usr/bin", "SAID": text})

    def fetch(*words: str) -> Command:
        world.root.calls += 1
        assert words == ("update",)
        return command

    world.root.fetch = fetch  # type: ignore[method-assign]


def test_lists_are_fetched_when_there_are_none(world: World) -> None:
    says(world, "")
    assert world.refresh() == []
    assert world.root.calls == 1
    assert world.told


def test_lists_are_fetched_when_they_are_old(world: World) -> None:
    says(world, "")
    world.fetched(at=1000.0)
    world.clock.now = 1000.0 + 3600
    world.refresh()
    assert world.root.calls == 0
    world.clock.now += 1
    world.refresh()
    assert world.root.calls == 1
    world.refresh()  # wua's own success counts, although apt changed nothing in the folder
    assert world.root.calls == 1
    world.clock.now += 3601
    world.refresh()
    assert world.root.calls == 2
    world.refresh(max_age=0.0)
    assert world.root.calls == 2
    world.refresh(force=True)
    assert world.root.calls == 3


def test_a_failure_is_said_again_and_not_tried_at_once(world: World) -> None:
    says(
        world,
        "W: Failed to fetch http://deb.example/x  Could not resolve 'deb.example'\n"
        "W: Some index files failed to download. They have been ignored, or old ones used instead.\n",
    )
    first = world.refresh()
    assert len(first) == 1
    world.clock.now += 59
    assert world.refresh() == first
    assert world.root.calls == 1
    world.clock.now += 2
    world.refresh()
    world.refresh(force=True)
    assert world.root.calls == 3


def test_a_warning_that_is_no_failure_lets_the_lists_be_fresh(world: World) -> None:
    world.fetched(at=0.0)
    says(world, "W: Target Packages (main/binary-amd64/Packages) is configured multiple times\n")
    world.clock.now = 10_000.0
    (warning,) = world.refresh()
    assert "configured multiple times" in warning
    assert world.refresh() == []
    assert world.root.calls == 1


def test_several_messages_of_several_lines(world: World) -> None:
    says(
        world,
        "W: GPG error: http://a stable InRelease: The following signatures couldn't be verified because the\n"
        "  public key is not available: NO_PUBKEY 0123\n"
        "E: The repository 'http://a stable InRelease' is not signed.\n"
        "N: Updating from such a repository can't be done securely.\n",
        100,
    )
    one, two = world.service.refresh(force=True, max_age=0, tell=world.told.append)
    assert one.text.endswith("NO_PUBKEY 0123 [source-refused]")
    assert two.text == "The repository 'http://a stable InRelease' is not signed. [source-refused]"
    assert {one.hresult, two.hresult} == {codes.WU_E_METADATA_SIGNATURE_VERIFY_FAILED}


def test_an_exit_code_without_words_is_a_failure_too(world: World) -> None:
    says(world, "", 100)
    (warning,) = world.refresh()
    assert "ended with 100" in warning


def test_who_may_not_fetch_is_told_and_goes_on(world: World) -> None:
    def fetch(*words: str) -> Command:
        raise error("access-denied", f"fetching needs root: {words}")

    world.root.fetch = fetch  # type: ignore[method-assign]
    (warning,) = world.refresh()
    assert "[access-denied]" in warning


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Failed to fetch http://x  Temporary failure resolving 'x'", "no-network"),
        ("Failed to fetch http://x  Could not connect to x:80 (111: Connection refused)", "no-network"),
        ("Failed to fetch http://x  404  Not Found [IP: 1.2.3.4 80]", "download-failed"),
        ("Release file for http://x/InRelease is expired (invalid since 6d 2h).", "source-refused"),
        ("Repository 'http://x stable' changed its 'Suite' value from 'a' to 'b'", "source-refused"),
        ("Failed to fetch http://x/Packages  Hash Sum mismatch", "source-refused"),
        ("Could not get lock /var/lib/apt/lists/lock. It is held by process 12 (apt-get)", "lock-held"),
        ("Unable to lock directory /var/lib/apt/lists/", "lock-held"),
        ("Problem unlinking the file /x - Unlink (13: Permission denied)", "access-denied"),
        ("Error writing to file - write (28: No space left on device)", "disk-full"),
        ("Key is stored in legacy trusted.gpg keyring", "source-warning"),
    ],
)  # fmt: skip
def test_kinds_of_messages(message: str, kind: str) -> None:
    assert kind_of(message) == kind
    assert kind in CATALOGUE


def test_real_sources_that_come_and_go(tmp_path: Path) -> None:
    root = AptRoot(tmp_path / "root")
    repository = Repository(tmp_path / "repo")
    repository.add(Package("a", "1"))
    repository.write()
    catalogue = Catalogue(tmp_path / "catalogue.db")
    clock = Clock()
    service = AptService(root, catalogue, Memory(), clock=clock)
    root.sources(repository.source_line())
    assert service.refresh(force=False, max_age=10, tell=lambda _: None) == ()
    assert service.sync() == ()
    assert [offer.title for offer in catalogue.search()] == ["a 1 (all)"]
    (tmp_path / "repo").rename(tmp_path / "away")
    (warning, *_) = service.refresh(force=True, max_age=10, tell=lambda _: None)
    assert str(tmp_path / "repo") in warning.text
    service.sync()
    assert [offer.title for offer in catalogue.search()] == ["a 1 (all)"]
    catalogue.close()


def test_no_network(tmp_path: Path) -> None:
    root = AptRoot(tmp_path / "root")
    root.sources(
        "deb [trusted=yes] http://127.0.0.1:9/debian stable main"
    )  # the discard port: nobody listens
    catalogue = Catalogue(tmp_path / "catalogue.db")
    service = AptService(root, catalogue, Memory(), clock=Clock())
    warnings = service.refresh(force=True, max_age=0, tell=lambda _: None)
    assert {warning.hresult for warning in warnings} == {codes.WU_E_DM_NONETWORK}
    assert service.sync() == ()
    catalogue.close()
