"""A small Debian that has wua in it and an update of everything that runs it: Python, libc, OpenSSL, SQLite.

The packages are Debian's own. Where the lists have two versions of a source package the older one is
installed and the newer one on offer; where they have one, the newer one is made of it: the same package with
another version, and other bytes in its libraries and modules, so that dpkg has every file to replace.
"""

import hashlib
import importlib.metadata
import os
import re
import shutil
import subprocess
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final, NamedTuple

from tests.support import inside_wua
from tests.support.target_kinds import checked

from wua.applicability.debian_version import sort_key
from wua.model.enums import TargetKind
from wua.targets import create_root
from wua.targets.layout import give
from wua.targets.namespace import NamespaceRoot

PROJECT: Final = Path(__file__).parents[2]
GROUPS: Final = re.compile(r"glibc|openssl|sqlite3|python3\.\d+")  # source packages
ARCHIVE: Final = "srv/archive"
SOURCES: Final = f"deb [trusted=yes] file:/{ARCHIVE} ./\n"
DPKG: Final = "usr/local/sbin/dpkg"
APT: Final = f"""
APT::Sandbox::User "root";
Acquire::Languages "none";
DPkg::Options {{ "--force-unsafe-io"; }};
Dir::Bin::dpkg "/{DPKG}";
"""
# dpkg as apt calls it. It stops at "before" ahead of everything, at "between" when the new Python is unpacked
# and not configured yet, and at "last" when everything is unpacked; where there is no such pipe it goes on.
GATED: Final = """#!/bin/sh
stop() {
    [ -p /$1.go ] || return 0
    exec 7</$1.go
    echo here > /$1.here
    read -r word <&7
    exec 7<&-
}
case " $* " in *" --unpack "* | *" --configure "*)
    stop before
    [ "$(dpkg-query -W -f '${db:Status-Status}' PYTHON-minimal)" = installed ] || stop between
esac
case " $* " in *" --configure --pending "*) stop last; esac
exec /usr/bin/dpkg "$@"
"""


class Change(NamedTuple):
    """The update of a source package: its binary packages here; whether ``new`` is made here."""

    source: str
    packages: tuple[str, ...]
    old: str
    new: str
    made: bool

    def words(self, version: str) -> list[str]:
        return [f"{name}={version}" for name in self.packages]


def make(top: Path, bases: Path) -> tuple[NamespaceRoot, list[Change]]:
    """The machine, as apt inside sees it: four sources to be upgraded, and nothing else on offer."""
    root = create_root(top, TargetKind.NAMESPACE_ROOT, base_cache=bases)
    assert isinstance(root, NamespaceRoot)
    checked(root.fetch("update"))
    put_in(root, ["python3"])
    changes = find_changes(root)
    put_in(root, [word for change in changes for word in change.words(change.old)])
    publish(root, changes)
    python = next(change.source for change in changes if change.source.startswith("python"))
    add_wua(root.root_dir, python)
    if os.geteuid() == 0:
        give(root.root_dir, root.layout.worker()[0])
    return root, changes


def put_in(root: NamespaceRoot, words: list[str]) -> None:
    options = ("-y", "--allow-downgrades")
    checked(root.fetch(*options, "--download-only", "install", *words))
    checked(root.act("apt-get", *options, "install", *words))


def find_changes(root: NamespaceRoot) -> list[Change]:
    """What is installed of the sources in question, with the two newest versions in the lists."""
    listed = checked(root.apt("dpkg-query", "-W", "-f", "${source:Package} ${Package} ${Version}\n")).stdout
    groups: dict[str, dict[str, str]] = {}
    for source, name, version in (line.split() for line in listed.splitlines()):
        if GROUPS.fullmatch(source):
            groups.setdefault(source, {})[name] = version
    assert len(groups) == 4, groups
    return [change_of(source, found, versions(root, found)) for source, found in sorted(groups.items())]


def versions(root: NamespaceRoot, names: Collection[str]) -> list[str]:
    """The versions that the lists have of all the packages, oldest first."""
    lines = checked(root.apt("apt-cache", "madison", *names)).stdout.splitlines()
    known = {tuple(word.strip() for word in line.split("|")[:2]) for line in lines}
    common = {version for _, version in known if all((name, version) in known for name in names)}
    return sorted(common, key=sort_key)


def change_of(source: str, installed: dict[str, str], known: list[str]) -> Change:
    names = tuple(sorted(installed))
    if len(known) > 1:
        return Change(source, names, *known[-2:], made=False)
    (version,) = set(installed.values())
    return Change(source, names, version, f"{version}+newer", made=True)


def publish(root: NamespaceRoot, changes: Iterable[Change]) -> None:
    """Fill the folder inside that is the only source of the machine."""
    archive = root.root_dir / ARCHIVE
    archive.mkdir(parents=True)
    for deb in root.archives_dir.glob("*.deb"):
        deb.unlink()
    for change in changes:
        words = change.words(change.old if change.made else change.new)
        checked(root.fetch("-y", "--reinstall", "--download-only", "install", *words))
    for deb in root.archives_dir.glob("*.deb"):
        name = deb.name.partition("_")[0]
        change = next((each for each in changes if name in each.packages), None)
        if change is not None and change.made:
            repack(deb, archive / f"{name}.deb", change, root.layout.top / "repack")
        elif change is not None:
            shutil.copyfile(deb, archive / f"{name}.deb")
        deb.unlink()
    debs = sorted(archive.glob("*.deb"))
    assert len(debs) == sum(len(change.packages) for change in changes)
    (archive / "Packages").write_text("\n".join(map(index_stanza, debs)))


def repack(deb: Path, place: Path, change: Change, work: Path) -> None:
    """The same package of another version, every module and library of it one byte longer."""
    command("dpkg-deb", "-R", str(deb), str(work))
    control = work / "DEBIAN/control"
    old = re.compile(rf"(^Version: |\(= ){re.escape(change.old)}(?=\)|$)", re.MULTILINE)
    text = old.sub(rf"\g<1>{change.new}", control.read_text())
    control.write_text(text)
    (work / "DEBIAN/md5sums").unlink(missing_ok=True)
    for file in work.rglob("*"):
        if file.is_file() and not file.is_symlink() and "DEBIAN" not in file.parts:
            with file.open("r+b") as bytes_of:
                more = b"\0" if bytes_of.read(4) == b"\x7fELF" else b"\n" * (file.suffix == ".py")
                bytes_of.seek(0, os.SEEK_END)
                bytes_of.write(more)
    command("dpkg-deb", "--root-owner-group", "-Zgzip", "-z1", "-b", str(work), str(place))
    shutil.rmtree(work)


def index_stanza(deb: Path) -> str:
    data = deb.read_bytes()
    control = command("dpkg-deb", "-f", str(deb)).rstrip("\n")
    return (
        f"{control}\nFilename: ./{deb.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"
    )


def add_wua(root: Path, python: str) -> None:
    """wua and what it needs where an administrator would put it, apt's sources, and the gates."""
    place = root / f"usr/local/lib/{python}/dist-packages"
    place.mkdir(parents=True, exist_ok=True)
    shutil.copytree(PROJECT / "src/wua", place / "wua", ignore=shutil.ignore_patterns("__pycache__"))
    for line in (PROJECT / "requirements/runtime.txt").read_text().splitlines():
        if match := re.match(r"([\w.-]+)==", line):
            copy_distribution(match[1], place)
    shutil.copy(inside_wua.__file__, place)
    (place / "watch.pth").write_text("import inside_wua; inside_wua.watch()\n")
    etc = root / "etc/apt"
    shutil.rmtree(etc / "sources.list.d", ignore_errors=True)
    (etc / "sources.list").write_text(SOURCES)
    (etc / "apt.conf.d/90test").write_text(APT)
    dpkg = root / DPKG
    dpkg.write_text(GATED.replace("PYTHON", python))
    dpkg.chmod(0o755)


def copy_distribution(name: str, place: Path) -> None:
    for file in importlib.metadata.files(name) or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            aim = place / file
            aim.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file.locate(), aim)


def command(*words: str) -> str:
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout
