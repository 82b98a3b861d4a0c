"""Comparing wua's offers with apt's own answers."""

import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from wua.metadata.dpkg_status import DpkgPackage, read_status
from wua.model.plugins import DebianTarget
from wua.model.updates import SearchWarning
from wua.services.apt import AptService
from wua.services.apt_ask import ask_candidates
from wua.store.catalogue import Catalogue


class Memory:
    """The marks of a test."""

    def __init__(self) -> None:
        self.marks: frozenset[str] = frozenset()

    def hidden(self) -> frozenset[str]:
        return self.marks


class Standing(NamedTuple):
    """A version of a package, and whether it is the one that is there."""

    package: str  # "name", or "name:architecture" for a foreign one
    version: str
    present: bool


def apt_says(target: DebianTarget, packages: Collection[str]) -> set[Standing]:
    """What is there and what apt would install, by dpkg's status and apt-cache policy."""
    native = target.os().architecture
    records = {_key(record, native): record for record in read_status(target.dpkg_dir / "status")}
    standings = set()
    for package, candidate in ask_candidates(target, packages).items():
        record = records.get(package)
        current = record.version if record is not None and record.present else ""
        if current:
            standings.add(Standing(package, current, present=True))
        if candidate and candidate != current:
            standings.add(Standing(package, candidate, present=False))
    return standings


def _key(record: DpkgPackage, native: str) -> str:
    return record.name if record.architecture in (native, "all") else f"{record.name}:{record.architecture}"


def wua_says(catalogue: Catalogue, native: str, packages: Collection[str] | None = None) -> set[Standing]:
    """What wua offers."""
    standings = set()
    for offer in catalogue.search():
        foreign = offer.architecture not in (native, "all")
        package = f"{offer.name}:{offer.architecture}" if foreign else offer.name
        if packages is None or package in packages:
            standings.add(Standing(package, offer.version, present=offer.version == offer.installed_version))
    return standings


class Compared(NamedTuple):
    catalogue: Catalogue
    service: AptService
    warnings: tuple[SearchWarning, ...]


def synchronised(target: DebianTarget, folder: Path | None = None, memory: Memory | None = None) -> Compared:
    """A catalogue of the target's updates."""
    if folder is None:
        state = Path(target.paths.state)
        state.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(dir=state))
    catalogue = Catalogue(folder / "catalogue.db")
    service = AptService(target, catalogue, memory if memory is not None else Memory())
    return Compared(catalogue, service, service.sync())


def all_packages(catalogue: Catalogue, native: str) -> set[str]:
    """Every package that the catalogue knows, offered or not."""
    return {
        known.offer.name
        if known.offer.architecture in (native, "all")
        else f"{known.offer.name}:{known.offer.architecture}"
        for known in catalogue.known("1")
    }


def assert_same(target: DebianTarget, compared: Compared, extra: Collection[str] = ()) -> set[Standing]:
    """The offers are exactly what apt says; answers them."""
    native = target.os().architecture
    ours = wua_says(compared.catalogue, native)
    theirs = apt_says(target, {*all_packages(compared.catalogue, native), *extra})
    assert ours == theirs, f"only wua: {sorted(ours - theirs)}; only apt: {sorted(theirs - ours)}"
    return ours
