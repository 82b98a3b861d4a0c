"""A shadow: a plain root with this machine's package database, to play an upgrade without touching it.

It has the machine's status, file lists, old scripts, automatic marks, holds, sources, pins, lists and
settings, and copies of its readable configuration files; none of its programs. So apt decides as on
the machine, and dpkg really unpacks. What it can't show: services, kernels, triggers of packages
that are not changed, ownership overrides, scripts that ignore DPKG_ROOT: those are left out, and
their packages unpacked all the same.
"""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.targets import aptconf, dpkgdb, layout, scriptless, sources
from wua.targets.aptconf import Setting
from wua.targets.debian import DebianBase
from wua.targets.layout import Layout
from wua.targets.plain import copy_debconf, merge_usr, write_config
from wua.targets.roots import RootTarget

_CONFFILES: Final = re.compile(r"^Conffiles:\n((?: .*\n?)+)", re.MULTILINE)
_OF_DPKG: Final = ("arch", "diversions")
_OF_ETC: Final = ("passwd", "group", "os-release", "hosts", "locale.gen")
_NOT_NEEDED: Final = (".triggers", ".md5sums", ".shlibs", ".symbols")
_WORLD_READ: Final = 0o004


class Shadow(RootTarget):
    """See the module."""

    @property
    def takes_scripts_out(self) -> bool:
        return True

    def take_scripts_out(self, deb: Path) -> None:
        scriptless.take_out(deb, self.layout.apt, self.dpkg_dir / "info")

    def _argv(self, tool: str, words: Sequence[str]) -> tuple[str, ...]:
        found = super()._argv(tool, words)
        return (str(self.layout.apt / "dpkg"), *found[1:]) if tool == "dpkg" else found


def create_shadow(top: Path, host: DebianBase) -> "Shadow":
    """Make a shadow of the host as it is now, in an empty or absent folder. About 0.4 s and 40 MB.

    Args:
        top: the folder, absolute.
        host: the machine, as its HostTarget; its lists are the ones copied.

    Raises:
        WuaError: target-unusable.
    """
    place = Layout(top)
    place.create()
    try:
        return _fill(place, host)
    except BaseException:
        layout.remove_tree(top)
        raise


def _fill(place: Layout, host: DebianBase) -> Shadow:
    admin = place.root / "var/lib/dpkg"
    copy_database(host.dpkg_dir, admin)
    if host.extended_states.is_file():
        shutil.copyfile(host.extended_states, place.apt / "state/extended_states")
    if Path("/lib").is_symlink():
        merge_usr(place.root)
    copy_debconf(place.root, with_answers=True)
    for name in _OF_ETC:
        if Path("/etc", name).is_file():
            shutil.copyfile(Path("/etc", name), place.root / "etc" / name)
    copy_conffiles(admin / "status", place.root)
    sources.copy_host(place.etc)
    sources.copy_preferences(place.etc)
    sources.copy_lists(host.lists_dir, place.lists)
    program = scriptless.write_program(place.apt)
    carried = aptconf.carried(aptconf.host_settings(), ("Acquire::", "APT::"))
    write_config(place, [*carried, Setting("Dir::Bin::dpkg", str(program))])
    place.hand_over()
    spec = TargetSpec(TargetKind.SHADOW, str(place.top))
    place.write_spec(spec)
    return Shadow(spec)


def copy_database(source: Path, admin: Path) -> None:
    """Copy dpkg's database, without triggers, ownership overrides and what an upgrade never reads.

    Triggers of packages whose programs are not here would only fail, and an override may
    name users that a confined dpkg can't give files to.
    """
    dpkgdb.create(admin)
    for name in ("status", *_OF_DPKG):
        if (source / name).is_file():
            shutil.copyfile(source / name, admin / name)
    for file in (source / "info").iterdir():
        if file.suffix not in _NOT_NEEDED:
            shutil.copy(file, admin / "info" / file.name)


def conffiles(status: Path) -> Iterator[Path]:
    """The configuration files that the installed packages have registered."""
    for block in _CONFFILES.findall(status.read_text(errors="replace")):
        for line in block.splitlines():
            words = line.split()
            if words and words[-1] != "obsolete":
                yield Path(words[0])


def copy_conffiles(status: Path, root: Path) -> None:
    """Copy what everyone may read, so that dpkg sees which files were changed here.

    Not what only root may read, even for root: scripts in the shadow could read the copy.
    """
    for file in conffiles(status):
        try:
            if file.is_symlink() or not file.stat().st_mode & _WORLD_READ:
                continue
            place = root / file.relative_to("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, place)
        except OSError:  # absent here, or in a folder that is closed to us
            continue
