"""A plain root: a folder with an empty database and a stub that stands for the host's packages.

Needs apt, dpkg and no rights. dpkg works on it from outside (``--root``), so maintainer scripts run
outside as well: confined where the machine allows user namespaces, else only packages without
scripts are taken. What it can't do: packages whose scripts ignore DPKG_ROOT.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.targets import aptconf, dpkgdb, sources
from wua.targets.aptconf import Setting
from wua.targets.debian import architectures
from wua.targets.layout import Layout
from wua.targets.roots import RootTarget, dpkg_options, folders

HOST_ADMIN: Final = Path("/var/lib/dpkg")
HOST_LISTS: Final = Path("/var/lib/apt/lists")


class PlainRoot(RootTarget):
    """See the module."""


def create_plain(top: Path, source_text: str = "") -> PlainRoot:
    """Make a plain root in an empty or absent folder.

    Args:
        top: the folder, absolute.
        source_text: the content of a sources file, one-line or deb822; "" for the machine's own
            sources, with a copy of its lists.

    Raises:
        WuaError: target-unusable.
    """
    layout = Layout(top)
    layout.create()
    admin = layout.root / "var/lib/dpkg"
    dpkgdb.create(admin)
    native, _ = architectures(HOST_ADMIN)
    dpkgdb.write_stub(admin, HOST_ADMIN / "status", native)
    merge_usr(layout.root)
    copy_debconf(layout.root, with_answers=False)
    fill_sources(layout, source_text)
    carried = aptconf.carried(aptconf.host_settings(), ("Acquire::",))
    # Without the second, apt would add every Essential package that the database lacks to a dist-upgrade.
    wishes = [Setting("APT::Install-Recommends", "false"), Setting("pkgCacheGen::Essential", "none")]
    write_config(layout, [*carried, *wishes])
    spec = TargetSpec(TargetKind.PLAIN_ROOT, str(top))
    layout.hand_over()
    layout.write_spec(spec)
    return PlainRoot(spec)


def write_config(layout: Layout, wishes: list[Setting]) -> None:
    """apt's and dpkg's configuration for a root that dpkg does not change into."""
    options = [Setting("DPkg::Options::", option) for option in dpkg_options(layout)]
    (layout.etc / "apt.conf").write_text(aptconf.text([*wishes, *folders(layout), *options]))
    (layout.etc / "dpkg/dpkg.cfg").write_text("force-unsafe-io\n")


def fill_sources(layout: Layout, source_text: str) -> None:
    """The given sources, or the machine's own with a copy of what it has downloaded."""
    if source_text:
        sources.write(layout.etc, source_text)
        return
    sources.copy_host(layout.etc)
    sources.copy_lists(HOST_LISTS, layout.lists)


def copy_debconf(root: Path, *, with_answers: bool) -> None:
    """debconf looks for its settings and its answers below DPKG_ROOT, and wants their folder there."""
    data = Path("var/cache/debconf")
    (root / data).mkdir(parents=True)
    (root / "etc").mkdir(exist_ok=True)
    files = [
        Path("etc/debconf.conf"),
        *((data / "config.dat", data / "templates.dat") if with_answers else ()),
    ]
    for file in files:
        if os.access(Path("/") / file, os.R_OK):
            shutil.copyfile(Path("/") / file, root / file)


def merge_usr(root: Path) -> None:
    """Links as in a merged /usr, so that /lib and /usr/lib are one in here too."""
    for name in ("bin", "sbin", "lib", "lib64"):
        (root / "usr" / name).mkdir(parents=True, exist_ok=True)
        (root / name).symlink_to(f"usr/{name}")
