"""What dpkg says is installed, read from its status file and journal; no process is started.

The journal (``updates/``) holds the states that dpkg has not yet merged into ``status``;
a later record of a package replaces an earlier one (dpkg's own rule on opening the database).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from wua.metadata.dpkg_status import read_automatic

_FIELD: Final = re.compile(
    r"^(Package|Status|Architecture|Version|Essential|Installed-Size): *(.*)$", re.MULTILINE
)
_SOURCE: Final = re.compile(r"^Source: (\S+)", re.MULTILINE)
_CONFFILES: Final = re.compile(r"^Conffiles:\n((?: .*\n?)+)", re.MULTILINE)

# states in which a package's files and configuration are complete
_COMPLETE: Final = frozenset({"installed", "triggers-pending"})
# states that an interrupted or failed run leaves behind
_BROKEN: Final = frozenset({"half-installed", "unpacked", "half-configured", "triggers-awaited"})


class Installed(NamedTuple):
    """One package as dpkg knows it; ``stanza`` is its whole record."""

    name: str
    architecture: str
    version: str
    want: str  # "install", "hold", "deinstall", "purge", "unknown"
    flag: str  # "ok" or "reinstreq"
    state: str  # "installed", "config-files", "unpacked" …
    essential: bool
    installed_size: int  # bytes
    stanza: str

    @property
    def complete(self) -> bool:
        return self.state in _COMPLETE and self.flag == "ok"

    @property
    def broken(self) -> bool:
        """Left behind by an interrupted or failed run."""
        return self.state in _BROKEN or self.flag == "reinstreq"

    @property
    def present(self) -> bool:
        """dpkg counts it as something that is there, complete or not."""
        return self.state not in ("not-installed", "config-files")

    @property
    def status(self) -> str:
        """As dpkg-query words it, with the version."""
        return f"{self.want} {self.flag} {self.state} {self.version}".strip()

    def conffiles(self) -> dict[str, str]:
        """Path and MD5 of each configuration file as the package shipped it; obsolete ones left out."""
        found = _CONFFILES.search(self.stanza)
        if found is None:
            return {}
        rows = (line.split() for line in found[1].splitlines())
        return {row[0]: row[1] for row in rows if len(row) == 2}


class DpkgState:
    """The packages of one admin folder at one moment."""

    def __init__(self, packages: Mapping[tuple[str, str], Installed], native: str) -> None:
        self._packages = packages
        self._native = native

    @classmethod
    def read(cls, dpkg_dir: Path, native: str) -> "DpkgState":
        """Read status and journal. A missing status file means nothing is installed."""
        packages: dict[tuple[str, str], Installed] = {}
        for text in _texts(dpkg_dir):
            for stanza in text.split("\n\n"):
                package = _parse(stanza)
                if package is not None:
                    packages[(package.name, _slot(package.architecture, native))] = package
        return cls(packages, native)

    def find(self, name: str, architecture: str = "") -> Installed | None:
        """A package by name and architecture; "all" and the native one are the same place."""
        return self._packages.get((name, _slot(architecture or self._native, self._native)))

    def any(self, name: str) -> Installed | None:
        """The native package of that name, else a foreign one that is present."""
        native = self.find(name)
        if native is not None and native.present:
            return native
        return next((p for (n, _), p in self._packages.items() if n == name and p.present), native)

    def broken(self) -> tuple[Installed, ...]:
        return tuple(package for package in self._packages.values() if package.broken)

    def __iter__(self) -> Iterator[Installed]:
        return iter(self._packages.values())


def _texts(dpkg_dir: Path) -> Iterator[str]:
    updates = dpkg_dir / "updates"
    journal = sorted(p for p in updates.iterdir() if p.name.isdigit()) if updates.is_dir() else []
    for path in (dpkg_dir / "status", *journal):
        try:
            yield path.read_text(errors="surrogateescape")
        except FileNotFoundError:  # dpkg has just merged the journal, or a fresh root
            continue


def _slot(architecture: str, native: str) -> str:
    return native if architecture == "all" else architecture


def _parse(stanza: str) -> Installed | None:
    fields = dict(_FIELD.findall(stanza))
    status = fields.get("Status", "").split()
    if len(status) != 3 or "Package" not in fields:
        return None
    return Installed(
        name=fields["Package"],
        architecture=fields.get("Architecture", ""),
        version=fields.get("Version", ""),
        want=status[0],
        flag=status[1],
        state=status[2],
        essential=fields.get("Essential") == "yes",
        installed_size=int(fields.get("Installed-Size") or 0) * 1024,
        stanza=stanza.strip("\n"),
    )


def automatic_marks(extended_states: Path, native: str) -> frozenset[tuple[str, str]]:
    """(name, architecture) of packages that apt holds as automatically installed; "all" counts as native."""
    marks = read_automatic(extended_states)
    return frozenset((name, _slot(architecture or native, native)) for name, architecture in marks)


def source_names(state: DpkgState, names: Iterable[str]) -> frozenset[str]:
    """The source packages of installed packages; a package without a Source field is its own."""
    found = set()
    for name in names:
        package = state.any(name)
        field = _SOURCE.search(package.stanza) if package else None
        found.add(field[1] if field else name)
    return frozenset(found)
