"""Whole stanzas of indexes and of dpkg's status, read from the files where they are needed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path

from wua.metadata.deb822 import parse
from wua.metadata.packages_index import read_stanzas
from wua.model.plugins import DebianTarget
from wua.services.apt_ask import compares_digests
from wua.services.apt_content import Contents, Fields
from wua.services.apt_packages import Index, Package, Stanza


def read(indexes: Sequence[Index], stanzas: Iterable[Stanza]) -> dict[Stanza, Mapping[str, str]]:
    """The fields of some stanzas; every index is read once.

    Raises:
        WuaError: index-unreadable.
        OSError: an index has gone.
    """
    wanted: dict[int, list[Stanza]] = defaultdict(list)
    for stanza in stanzas:
        wanted[stanza.place].append(stanza)
    found: dict[Stanza, Mapping[str, str]] = {}
    for place, here in wanted.items():
        starts = indexes[place].data.starts
        places = [(starts[each.row], starts[each.row + 1]) for each in here]
        fields = read_stanzas(Path(indexes[place].path), places)
        found.update((each, fields[begin]) for each, (begin, _) in zip(here, places, strict=True))
    return found


def contents(target: DebianTarget, indexes: Sequence[Index], packages: Sequence[Package]) -> Contents:
    """Access to every stanza of some packages of a target."""
    wanted = {stanza for package in packages for entry in package.entries for stanza in entry.stanzas}
    fields = {stanza: _lowered(found) for stanza, found in read(indexes, wanted).items()}
    known = records(target.dpkg_dir / "status") if any(package.record for package in packages) else {}

    def of_record(package: Package) -> Fields:
        record = package.record
        return _lowered(known.get((record.name, record.architecture), {})) if record is not None else {}

    return Contents(fields.__getitem__, of_record, cache(lambda: compares_digests(target)))


def records(status: Path) -> dict[tuple[str, str], Mapping[str, str]]:
    """dpkg's records, whole, by name and architecture."""
    text = status.read_text("utf-8", "replace")
    return {(each.field("Package"), each.field("Architecture")): each for each in parse(text)}


def _lowered(fields: Mapping[str, str]) -> Fields:
    return {name.lower(): value for name, value in fields.items()}
