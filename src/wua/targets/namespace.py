"""A namespace root: a complete small Debian in a folder, used through a user namespace.

dpkg runs inside it by chroot, so maintainer scripts see only this Debian, as "root" of it. Needs user
namespaces and no other right; apt stays outside, with the machine's network settings and keys. What it
can't do: services (policy-rc.d says no), device nodes, files of several owners (all belong to one uid).
A finished base is kept in a cache; the next root of the same sources is a copy of it.
"""

import hashlib
import os
import re
import shutil
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final

from wua.model.enums import TargetKind
from wua.model.plugins import Command, TargetSpec
from wua.model.problems import error
from wua.system.locks import FileLock
from wua.system.namespaces import Confinement
from wua.system.run import Completed, run
from wua.targets import aptconf, dpkgdb, layout
from wua.targets.aptconf import Setting
from wua.targets.debian import architectures
from wua.targets.layout import Layout, copy_tree
from wua.targets.plain import fill_sources, merge_usr
from wua.targets.roots import ARCHIVES_OPEN, LISTS_OPEN, RootTarget, folders, within

ARCHIVES: Final = "/var/cache/apt/archives"  # where they show inside, as dpkg must see them
RECIPE: Final = "2"  # to be raised when a base is made in another way
_MORE: Final = ("apt", "usr-is-merged")  # beside the Essential packages
_BUILD_TIME: Final = 900.0  # seconds; 10 s are usual

_UNPACK: Final = """
cd "$2" && ls *.deb | xargs -P "$(nproc)" -I{} sh -c 'dpkg-deb --fsys-tarfile "$1/$2" |
  tar -x -C "$3" --keep-directory-symlink' unpack "$2" {} "$1"
"""
_CONFIGURE: Final = """
ldconfig && cd /var/cache/apt/archives &&
dpkg --force-unsafe-io --force-depends --install *.deb && dpkg --configure -a
"""


class NamespaceRoot(RootTarget):
    """See the module."""

    def script_problem(self, deb: Path) -> str:
        return ""

    def act(self, tool: str, *words: str) -> Command:
        if self.unconfined:
            raise error("not-supported", f"{self.name} needs user namespaces: {self.unconfined}")
        return super().act(tool, *words)

    def apt(self, tool: str, *words: str) -> Command:
        argv = super()._argv(tool, words)  # from outside
        return self._unprivileged(argv, self._env | {"APT_CONFIG": str(self.layout.etc / "read.conf")})

    @cached_property
    def _env(self) -> dict[str, str]:
        return super()._env | {"HOME": "/root"}

    def _confinement(self) -> Confinement:
        outside, inside = str(self.layout.archives), f"{self.layout.root}{ARCHIVES}"
        lists = str(self.layout.lists)
        return (
            super()
            ._confinement()
            ._replace(
                over=((lists, lists), (outside, outside), (outside, inside)),
                open=(*within(lists, lists, LISTS_OPEN), *within(outside, inside, ARCHIVES_OPEN)),
                as_root=True,
                root=str(self.layout.root),
            )
        )

    def _argv(self, tool: str, words: Sequence[str]) -> tuple[str, ...]:
        root = str(self.layout.root)
        words = [word.replace(str(self.layout.archives), f"{root}{ARCHIVES}") for word in words]
        if not tool.startswith("dpkg"):
            return (f"/usr/bin/{tool}", *words)
        inside = [word.replace(f"{root}/", "/") for word in words]
        return ("/usr/sbin/chroot", str(self.layout.root), f"/usr/bin/{tool}", *inside)

    def shell(self, script: str, *words: str) -> Command:
        """A shell script outside the root, where the root can be written."""
        argv = ("/bin/sh", "-ec", script, "wua", *words)
        return Command(self._confinement()._replace(root="", over=(), open=()).wrap(argv), self._env)

    def shell_inside(self, script: str) -> Command:
        argv = ("/usr/sbin/chroot", str(self.layout.root), "/bin/sh", "-ec", script)
        return Command(self._confinement().wrap(argv), self._env)

    def cat_index(self, *files: str) -> Command:
        """Prints downloaded indexes, whatever their compression."""
        return self._unprivileged(("/usr/lib/apt/apt-helper", "cat-file", *files), self._env)


def create_namespace(top: Path, source_text: str = "", base_cache: Path | None = None) -> NamespaceRoot:
    """Make a complete small Debian in an empty or absent folder.

    Args:
        top: the folder, absolute.
        source_text: content of a sources file, one-line or deb822; "" for the machine's own sources.
        base_cache: where finished bases are kept; None for none.

    Raises:
        WuaError: target-unusable, not-supported (user namespaces), no-network, installer-failed.
    """
    place = Layout(top)
    place.create()
    try:
        return _fill(place, source_text, base_cache)
    except BaseException:
        layout.remove_tree(top)
        raise


def _fill(place: Layout, source_text: str, base_cache: Path | None) -> NamespaceRoot:
    fill_sources(place, source_text)
    write_config(place)
    place.hand_over()
    spec = TargetSpec(TargetKind.NAMESPACE_ROOT, str(place.top))
    target = NamespaceRoot(spec)
    if target.unconfined:
        raise error("not-supported", f"a namespace root needs user namespaces: {target.unconfined}")
    if base_cache is None:
        _build(target)
    else:
        key = base_key(place, target)
        base_cache.mkdir(parents=True, exist_ok=True)
        with FileLock(base_cache / f"{key}.lock"):
            _from_cache(target, base_cache / key)
    place.write_spec(spec)
    return target


def base_key(place: Layout, target: NamespaceRoot) -> str:
    """Names the base that a root's sources, architecture and owner ask for."""
    digest = hashlib.blake2b(digest_size=10)
    parts = [RECIPE, architectures(target.dpkg_dir)[0], str(place.worker()[0])]
    files = [place.etc / "sources.list", *sorted((place.etc / "sources.list.d").iterdir())]
    for part in (*parts, *(file.read_text() for file in files)):
        digest.update(part.encode() + b"\0")
    return digest.hexdigest()


def _from_cache(target: NamespaceRoot, base: Path) -> None:
    place = target.layout
    if not base.exists():
        _build(target)
        fresh = base.with_name(f"{base.name}.{os.getpid()}")
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir()
        copy_tree(place.root, fresh / "root")
        copy_tree(place.lists, fresh / "lists")
        fresh.rename(base)
        return
    place.root.rmdir()
    copy_tree(base / "root", place.root)
    if not any("_" in file.name for file in place.lists.iterdir()):
        shutil.rmtree(place.lists)
        copy_tree(base / "lists", place.lists)


def _build(target: NamespaceRoot) -> None:
    place = target.layout
    root = str(place.root)
    make_skeleton(place)
    place.hand_over()
    if not any("_" in file.name for file in place.lists.iterdir()):
        _fetched(run(target.fetch("update"), timeout=_BUILD_TIME))
    names = (*essential_names(target), *_MORE)
    _fetched(run(target.fetch("-y", "--download-only", "install", *names), timeout=_BUILD_TIME))
    _checked(run(target.shell(_UNPACK, root, str(target.archives_dir)), timeout=_BUILD_TIME), "unpacking")
    _checked(run(target.shell_inside(_CONFIGURE), timeout=_BUILD_TIME), "configuring")
    for deb in place.archives.glob("*.deb"):
        deb.unlink()


def make_skeleton(place: Layout) -> None:
    """What must be there before the first package: folders, links, the machine's names, no services."""
    root = place.root
    for name in ("dev", "proc", "sys", "run", "tmp", "etc", "var/log", f".{ARCHIVES}"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "tmp").chmod(0o1777)
    merge_usr(root)
    dpkgdb.create(root / "var/lib/dpkg")
    for name in ("hosts", "resolv.conf"):
        if Path("/etc", name).is_file():
            shutil.copyfile(Path("/etc", name), root / "etc" / name)
    no_services = root / "usr/sbin/policy-rc.d"
    no_services.write_text("#!/bin/sh\nexit 101\n")
    no_services.chmod(0o755)


def essential_names(target: NamespaceRoot) -> tuple[str, ...]:
    """The Essential packages of the root's sources. Raises WuaError source-refused where there are none."""
    words = ("indextargets", "--format", "$(FILENAME)", "Created-By: Packages")
    files = run(target.apt("apt-get", *words)).stdout.split()
    text = run(target.cat_index(*files)).stdout
    stanzas = (stanza for stanza in text.split("\n\n") if "\nEssential: yes" in stanza)
    names = {match[1] for stanza in stanzas if (match := re.search(r"^Package: (\S+)", stanza, re.MULTILINE))}
    if not names:
        raise error("source-refused", "the sources have no Essential packages: they hold no whole Debian")
    return tuple(sorted(names))


def write_config(place: Layout) -> None:
    """Two configurations: for acting, inside the namespace, and for reading and fetching, outside."""
    wishes = aptconf.carried(aptconf.host_settings(), ("Acquire::",))
    common = [*wishes, Setting("APT::Install-Recommends", "false"), *folders(place)]
    inside = [
        Setting("Dir::Cache::archives", f"{place.root}{ARCHIVES}/"),
        Setting("DPkg::Chroot-Directory", str(place.root)),
        Setting("DPkg::Options::", "--force-unsafe-io"),
    ]
    outside = [Setting("DPkg::Options::", f"--root={place.root}")]
    (place.etc / "apt.conf").write_text(aptconf.text([*common, *inside]))
    (place.etc / "read.conf").write_text(aptconf.text([*common, *outside]))


def _checked(done: Completed, what: str) -> None:
    if done.exit:
        raise error("installer-failed", f"{what} failed: {(done.stderr or done.stdout)[-2000:].strip()}")


def _fetched(done: Completed) -> None:
    """apt says "E:" or, for an index it could do without, "W: Failed to fetch" with exit 0."""
    if done.exit or "W: Failed to fetch" in done.stderr:
        raise error("no-network", f"the packages of a new root can't be fetched: {done.stderr.strip()[:500]}")
