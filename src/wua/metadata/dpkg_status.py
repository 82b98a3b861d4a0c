"""dpkg's status file and apt's list of automatic marks, for candidate selection.

Only ``status`` is read, as apt does; dpkg merges its journal into it at the end of every run.
"""

import re
from pathlib import Path
from typing import Final

import msgspec

from wua.metadata.deb822 import parse

_FIELD: Final = re.compile(
    rb"^(Package|Status|Architecture|Version|Essential|Source|Phased-Update-Percentage):[ \t]*(.*?)[ \t\r]*$",
    re.MULTILINE,
)
# Nothing of the package counts as there; its record may remain for its configuration files.
_GONE: Final = frozenset({"not-installed", "config-files"})
# Files and configuration complete. A package that waits for another's triggers works as well.
_COMPLETE: Final = frozenset({"installed", "triggers-pending", "triggers-awaited"})


class DpkgPackage(msgspec.Struct, frozen=True, array_like=True):
    """One record of the status file."""

    name: str
    architecture: str
    version: str
    want: str  # "install", "hold", "deinstall", "purge", "unknown"
    state: str  # "installed", "config-files", "unpacked" …
    flag: str = "ok"  # or "reinstreq"
    essential: bool = False
    source: str = ""  # the Source field: "", "name" or "name (version)"

    @property
    def present(self) -> bool:
        """apt counts it as the current version: some of it is there."""
        return bool(self.version) and self.state not in _GONE

    @property
    def complete(self) -> bool:
        return bool(self.version) and self.state in _COMPLETE and self.flag == "ok"

    @property
    def held(self) -> bool:
        return self.want == "hold"


def read_status(path: Path) -> list[DpkgPackage]:
    """The records of a status file, in its order. A missing file means that nothing is installed.

    Raises OSError when it is there and cannot be read.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return []
    return [record for stanza in data.split(b"\n\n") if (record := _record(stanza)) is not None]


def _record(stanza: bytes) -> DpkgPackage | None:
    seen = {name: value.decode("utf-8", "replace") for name, value in _FIELD.findall(stanza)}
    status = seen.get(b"Status", "").split()
    if b"Package" not in seen or len(status) != 3:
        return None
    return DpkgPackage(
        name=seen[b"Package"],
        architecture=seen.get(b"Architecture", ""),
        version=seen.get(b"Version", ""),
        want=status[0],
        flag=status[1],
        state=status[2],
        essential=seen.get(b"Essential") == "yes",
        source=seen.get(b"Source", ""),
    )


def read_automatic(path: Path) -> frozenset[tuple[str, str]]:
    """(name, architecture) of the packages that apt marks as installed automatically."""
    try:
        text = path.read_text("utf-8", "replace")
    except FileNotFoundError:
        return frozenset()
    return frozenset(
        (fields.field("Package"), fields.field("Architecture"))
        for fields in parse(text)
        if fields.field("Auto-Installed") == "1"
    )
