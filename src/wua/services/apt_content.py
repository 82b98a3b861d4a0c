"""What apt takes for the same version: equal version numbers alone are not enough.

Where the same number comes with other dependencies, sizes or architectures, apt has two versions of that
number; since apt 2.7.3 also where both have a SHA256 and these differ. That matters to pins that select by
origin or source: they may concern one and not the other.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from wua.services.apt_packages import Entry, Package, Stanza

Fields = Mapping[str, str]  # with lower-case names

# apt's own list (debListParser::VersionHash); values of 1024 bytes and more do not count
_HASHED: Final = ("installed-size", "depends", "pre-depends", "conflicts", "breaks", "replaces")
_LONGEST: Final = 1024


class Contents(NamedTuple):
    """How to get at whole stanzas."""

    of_stanza: Callable[[Stanza], Fields]
    of_record: Callable[[Package], Fields]
    by_digest: Callable[[], bool]  # whether this apt compares digests; asked only where it matters


class Content(NamedTuple):
    hashed: tuple[str, ...]
    multi_arch: str
    size: int  # 0 unknown, as in dpkg's status
    sha256: str  # "" unknown, as well

    def is_same(self, other: "Content") -> bool:
        sizes_differ = self.size and other.size and self.size != other.size
        return self.hashed == other.hashed and self.multi_arch == other.multi_arch and not sizes_differ

    def has_other_digest(self, other: "Content") -> bool:
        return bool(self.sha256 and other.sha256) and self.sha256 != other.sha256


def content(fields: Fields) -> Content:
    size = fields.get("size", "")
    hashed = tuple(_normal(fields.get(name, "")) for name in _HASHED)
    sha256 = fields.get("sha256", "")
    return Content(hashed, _multi_arch(fields), int(size) if size.isdigit() else 0, sha256)


def _multi_arch(fields: Fields) -> str:
    value = fields.get("multi-arch", "").replace("no", "")
    if fields.get("architecture") != "all":
        return value
    return "all" if value == "same" else f"all {value}".strip()


def _normal(value: str) -> str:
    """Without white space, in lower case, "<=" and ">=" as the "<" and ">" of old packages."""
    if len(value.encode()) >= _LONGEST:
        return ""
    return "".join(value.split()).lower().replace("<=", "<").replace(">=", ">")


def divided(package: Package, contents: Contents) -> Package:
    """The package with an entry for each content, as apt's cache has it."""
    entries: list[Entry] = []
    for entry in package.entries:
        groups: list[tuple[Content, list[Stanza]]] = []
        for stanza in entry.stanzas:
            _group(groups, content(contents.of_stanza(stanza)), contents).append(stanza)
        installed = None
        if entry.in_status:
            installed = _group(groups, content(contents.of_record(package)), contents)
        entries += [
            Entry(entry.version, tuple(stanzas), in_status=stanzas is installed) for _, stanzas in groups
        ]
    return package._replace(entries=entries)


def _group(groups: list[tuple[Content, list[Stanza]]], wanted: Content, contents: Contents) -> list[Stanza]:
    for known, stanzas in groups:
        if known.is_same(wanted) and not (known.has_other_digest(wanted) and contents.by_digest()):
            return stanzas
    groups.append((wanted, []))
    return groups[-1][1]
