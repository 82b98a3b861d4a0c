"""Targets of every kind for the contract suite, each with a small repository as its only source."""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from tests.support.mini_debian import create_mini

from wua.model.plugins import Command, DebianTarget
from wua.system.run import Completed, run
from wua.targets import sources
from wua.targets.host import HostTarget
from wua.targets.layout import Layout
from wua.targets.plain import create_plain
from wua.targets.roots import RootTarget
from wua.testing.debian import Package, Repository

OWN_KINDS = ("plain", "namespace", "shadow")


STATUS = """Package: base
Essential: yes
Status: install ok installed
Architecture: all
Version: 1.0
Maintainer: Tests <tests@example.invalid>
Description: all that this host has

"""


class SmallHost(HostTarget):
    """A host with one package: what is done on its shadow is quick."""

    def __init__(self, top: Path) -> None:
        super().__init__()
        self._admin = top / "dpkg"
        (self._admin / "info").mkdir(parents=True)
        (self._admin / "status").write_text(STATUS)
        (self._admin / "info/base.list").write_text("/.\n/usr\n/usr/share\n")
        self._lists = top / "lists"
        self._lists.mkdir()

    @property
    def dpkg_dir(self) -> Path:
        return self._admin

    @property
    def lists_dir(self) -> Path:
        return self._lists


def make_repository(path: Path, *packages: Package) -> Repository:
    repository = Repository(path)
    for package in packages:
        repository.add(package)
    repository.write()
    return repository


def make_root(kind: str, top: Path, repository: Repository) -> RootTarget:
    """A root of a kind whose only source is the repository, with its lists fetched."""
    source = repository.source_line()
    if kind == "plain":
        target: RootTarget = create_plain(top, source)
    elif kind == "namespace":
        target = create_mini(top, source)
    else:
        target = SmallHost(top.with_name("host")).shadow(top)
        only_source(target.layout, source)
    checked(target.fetch("update"))
    return target


def only_source(layout: Layout, source: str) -> None:
    shutil.rmtree(layout.etc / "sources.list.d")
    (layout.etc / "sources.list.d").mkdir()
    for file in layout.lists.iterdir():
        if file.is_file():
            file.unlink()
    sources.write(layout.etc, source)


def checked(command: Command) -> Completed:
    done = run(command)
    assert done.exit == 0, (command.argv, done.stdout, done.stderr)
    return done


def install(target: DebianTarget, *names: str) -> Completed:
    """Fetch and install, as two commands."""
    checked(target.fetch("-y", "--download-only", "install", *names))
    return run(target.act("apt-get", "-y", "install", *names))


def state_of(target: DebianTarget, names: Sequence[str]) -> dict[str, str]:
    """Version and state of packages, as dpkg-query tells them."""
    done = run(target.apt("dpkg-query", "-W", "-f", "${Package} ${db:Status-Status} ${Version}\n", *names))
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in done.stdout.splitlines()}


def is_root() -> bool:
    return os.geteuid() == 0
