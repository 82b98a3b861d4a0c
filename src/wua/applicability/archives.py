"""Where a version comes from, and the pin expressions that select by it (apt_preferences(5))."""

import re
from typing import Final, NamedTuple

from wua.applicability.expressions import CannotEvaluate, expression


class Archive(NamedTuple):
    """What apt knows of one index, or of the status file, for pins. "" where it knows nothing."""

    site: str = ""
    suite: str = ""
    codename: str = ""
    version: str = ""
    origin: str = ""
    label: str = ""
    component: str = ""
    architecture: str = ""
    not_automatic: bool = False
    but_automatic_upgrades: bool = False
    is_status: bool = False


STATUS: Final = Archive(suite="now", is_status=True)

_LETTERS: Final = {
    "v": "version",
    "o": "origin",
    "a": "suite",
    "n": "codename",
    "l": "label",
    "c": "component",
    "b": "architecture",
}
_QUOTED: Final = re.compile(r'"(.*)"')


class Selector:
    """The meaning of one ``Pin:`` line, without its priority.

    Raises:
        CannotEvaluate: it holds a pattern that only apt understands.
    """

    def __init__(self, kind: str, data: str) -> None:
        self._kind = kind
        self._site = ""
        self._everything = kind == "release" and data == "*"
        self._wanted: dict[str, str] = {}
        self._release = ""
        if kind == "origin":
            quoted = _QUOTED.fullmatch(data)
            self._site = quoted[1] if quoted else data
        elif kind == "version":
            self._wanted["version"] = data
        elif not self._everything:
            self._read_release(data)
        for pattern in (self._site, self._release, *self._wanted.values()):
            expression(pattern)

    def _read_release(self, data: str) -> None:
        if "=" not in data:
            if data[:1].isdigit():
                self._wanted["version"] = data
            else:
                self._release = data
            return
        for part in data.split(","):
            letter, _, value = part.strip().partition("=")
            if value and letter.lower() in _LETTERS:
                self._wanted[_LETTERS[letter.lower()]] = value.strip()
        if not self._wanted:  # apt then selects what it has no facts about
            raise CannotEvaluate(f"the pin release {data}")

    @property
    def is_version(self) -> bool:
        """It looks at the version alone, not at where it comes from."""
        return self._kind == "version"

    def matches_version(self, version: str) -> bool:
        return _version_matches(self._wanted["version"], version)

    def matches(self, archive: Archive) -> bool:
        """Whether an index is selected; never true for a selector of versions."""
        if self._kind == "origin":
            return self._matches_site(archive)
        if self._kind == "version":
            return False
        if self._everything:
            return True
        return self._matches_release(archive)

    def _matches_site(self, archive: Archive) -> bool:
        if not self._site:
            return not archive.site and not archive.is_status
        return bool(archive.site and expression(self._site)(archive.site))

    def _matches_release(self, archive: Archive) -> bool:
        if not self._wanted and not self._release:
            return False
        if self._release:
            matches = expression(self._release)
            if not any(name and matches(name) for name in (archive.suite, archive.codename)):
                return False
        return all(_field_matches(name, pattern, archive) for name, pattern in self._wanted.items())


def _field_matches(name: str, pattern: str, archive: Archive) -> bool:
    value: str = getattr(archive, name)
    if not value:
        return False
    if name == "version":
        return _version_matches(pattern, value)
    return bool(expression(pattern)(value))


def _version_matches(pattern: str, version: str) -> bool:
    if pattern.endswith("*") and version.lower().startswith(pattern[:-1].lower()):
        return True
    return bool(expression(pattern)(version))
