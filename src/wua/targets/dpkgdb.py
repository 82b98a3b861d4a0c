"""What the targets need of dpkg's database: installed packages, and traces of an interrupted run."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

CLEAN: Final = frozenset({"installed", "config-files", "not-installed"})
_FIELD: Final = re.compile(r"^(Package|Status|Version|Architecture|Provides):[ \t]*(.*)$", re.MULTILINE)


class Package(NamedTuple):
    name: str
    version: str
    architecture: str
    want: str  # install, hold, deinstall, purge, unknown
    flag: str  # ok, reinstreq
    state: str  # installed, half-configured …
    provides: str


def packages(status: Path) -> Iterator[Package]:
    """The stanzas of a status file; none when there is no such file."""
    try:
        text = status.read_text(errors="replace")
    except FileNotFoundError:
        return
    for stanza in text.split("\n\n"):
        fields = dict(_FIELD.findall(stanza))
        words = fields.get("Status", "").split()
        if "Package" in fields and len(words) == 3:
            yield Package(
                fields["Package"],
                fields.get("Version", ""),
                fields.get("Architecture", ""),
                words[0],
                words[1],
                words[2],
                fields.get("Provides", ""),
            )


def interrupted(admin: Path) -> tuple[str, ...]:
    """Packages that are neither in nor out, and "journal" when dpkg has unmerged records.

    The same states pass by in a healthy run: judge only when no lock is held.
    """
    found = [p.name for p in packages(admin / "status") if p.state not in CLEAN or p.flag != "ok"]
    try:
        journal = any(file.name.isdigit() for file in (admin / "updates").iterdir())
    except OSError:
        journal = False
    return (("journal",) if journal else ()) + tuple(dict.fromkeys(found))


def create(admin: Path) -> None:
    """Make an empty database."""
    for name in ("info", "updates", "triggers", "alternatives", "parts"):
        (admin / name).mkdir(parents=True, exist_ok=True)
    for name in ("status", "available"):
        (admin / name).touch()
    (admin / "info" / "format").write_text("1\n")


STUB: Final = "wua-host-base"


def stub_stanza(status: Path, architecture: str) -> str:
    """One installed package that provides, with its version, each package the host has installed."""
    provided: dict[str, str] = {}
    for package in packages(status):
        if package.state == "installed":
            provided[package.name] = f"{package.name} (= {package.version})"
            for other in filter(None, (word.strip() for word in package.provides.split(","))):
                provided.setdefault(other.partition(" ")[0], other)
    return "\n".join(
        (
            f"Package: {STUB}",
            "Status: install ok installed",
            "Priority: optional",
            "Section: metapackages",
            "Maintainer: wua <wua@localhost>",
            f"Architecture: {architecture}",
            "Version: 1",
            f"Provides: {', '.join(provided.values())}",
            "Description: stands for the packages of the host",
            " Their files are used where they are; this root holds what is added to them.",
            "",
            "",
        )
    )


def write_stub(admin: Path, host_status: Path, architecture: str) -> None:
    (admin / "status").write_text(stub_stanza(host_status, architecture))
    # The folders of a root count as its own, so that dpkg leaves them alone without a warning.
    folders = ("/.", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/etc", "/var", "/var/lib")
    (admin / "info" / f"{STUB}.list").write_text("".join(f"{folder}\n" for folder in folders))
    (admin / "info" / f"{STUB}.md5sums").touch()
