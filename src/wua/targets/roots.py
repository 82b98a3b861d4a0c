"""What the roots of one's own share: a private apt, confinement, and who may act.

Programs never run as uid 0 there: an ordinary user's roots are worked by that user, and those that
real root makes by an unprivileged uid that owns them. Reading and fetching calls only change to that
uid; acting calls are confined as well (``wua.system.confine``).
"""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Final, Self

from wua.model.plugins import Command, TargetSpec
from wua.model.problems import error
from wua.system import namespaces
from wua.system.namespaces import Confinement
from wua.targets import aptconf, scripts, sources
from wua.targets.aptconf import Setting
from wua.targets.debian import DebianBase
from wua.targets.layout import Layout, read_spec

# What apt wants to write in folders that are closed to scripts otherwise.
LISTS_OPEN: Final = ("partial", "auxfiles")
ARCHIVES_OPEN: Final = ("lock", "partial")
CHROOTLESS: Final = ("--force-not-root", "--force-script-chrootless", "--force-unsafe-io")


class RootTarget(DebianBase):
    """A Debian in a folder. ``spec.root`` is that folder."""

    def __init__(self, spec: TargetSpec) -> None:
        self.layout = Layout(spec.root)
        super().__init__(spec, self.layout.paths)
        self._caller = os.geteuid()
        try:
            self._worker = self.layout.worker()
        except OSError as failure:
            raise error("target-unusable", f"{self.layout.root}: {failure.strerror}") from failure
        if self._worker[0] == 0:
            raise error(
                "target-unusable", f"{self.layout.root} belongs to root, and nothing may run there as root"
            )

    @property
    def name(self) -> str:
        return str(self.layout.top)

    @property
    def root_dir(self) -> Path:
        return self.layout.root

    @property
    def lists_dir(self) -> Path:
        return self.layout.lists

    @property
    def archives_dir(self) -> Path:
        return self.layout.archives

    @property
    def extended_states(self) -> Path:
        return self.layout.apt / "state/extended_states"

    def _sources(self) -> tuple[Path, ...]:
        etc = self.layout.etc
        names = (
            "sources.list",
            "sources.list.d",
            "preferences",
            "preferences.d",
            "apt.conf",
            "more.conf",
            "apt.conf.d",
        )
        return tuple(etc / name for name in names)

    def may_act(self) -> str:
        if self._caller in (0, self._worker[0]):
            return ""
        return f"the rights of the owner of {self.layout.top}"

    @cached_property
    def unconfined(self) -> str:
        """Why acting calls can't be confined here; "" when they are."""
        return namespaces.why_not(*(self._worker if self._caller == 0 else (-1, -1)))

    def script_problem(self, deb: Path) -> str:
        found = scripts.of_package(deb, self.dpkg_dir / "info")
        if not found:
            return ""
        if self.unconfined:
            names = ", ".join(found)
            return f"it has maintainer scripts ({names}), and they can't be confined here: {self.unconfined}"
        return scripts.problem(found)

    def apt(self, tool: str, *words: str) -> Command:
        return self._unprivileged(self._argv(tool, words), self._env)

    def fetch(self, *words: str) -> Command:
        if needed := self.may_act():
            raise error("access-denied", f"fetching for {self.name} needs {needed}")
        command = self.apt("apt-get", *words)
        return Command(command.argv, command.env | aptconf.proxies(dict(os.environ)))

    def act(self, tool: str, *words: str) -> Command:
        if needed := self.may_act():
            raise error("access-denied", f"changing {self.name} needs {needed}")
        if self.unconfined:
            return self._unprivileged(self._argv(tool, words), self._env)
        confinement = self._confinement()
        local = tuple(word for word in words if word.startswith("/") and os.path.isfile(word))
        return Command(
            confinement._replace(read=(*confinement.read, *local)).wrap(self._argv(tool, words)), self._env
        )

    def shadow(self, folder: Path) -> Self:
        """A copy: what runs here runs there in the same way."""
        place = Layout(folder.absolute())
        self.layout.copy_to(place)
        return type(self)(read_spec(place.top))

    @cached_property
    def _env(self) -> dict[str, str]:
        environment = aptconf.ENV | {"APT_CONFIG": str(self.layout.etc / "apt.conf"), "HOME": "/nonexistent"}
        if self.unconfined:
            environment["TMPDIR"] = str(self.layout.apt / "tmp")
        return environment

    def _confinement(self) -> Confinement:
        etc_dpkg = str(self.layout.etc / "dpkg")
        lists, archives = str(self.layout.lists), str(self.layout.archives)
        uid, gid = self._worker if self._caller == 0 else (-1, -1)
        return Confinement(
            write=tuple(str(folder) for folder in (self.layout.root, *self.layout.written)),
            read=self._readable(),
            over=((etc_dpkg, "/etc/dpkg"), (lists, lists), (archives, archives)),
            open=(*within(lists, lists, LISTS_OPEN), *within(archives, archives, ARCHIVES_OPEN)),
            uid=uid,
            gid=gid,
        )

    def _readable(self) -> tuple[str, ...]:
        """What must be in sight beside the system: the root's folder, local repositories, their keys."""
        return (str(self.layout.top), *sources.local_paths(self.layout.etc))

    def _unprivileged(self, argv: Sequence[str], environment: dict[str, str]) -> Command:
        """As the root's own uid, not confined otherwise."""
        if self._caller != 0:
            return Command(tuple(argv), environment)
        drop = Confinement(read=self._readable(), uid=self._worker[0], gid=self._worker[1], only_drop=True)
        return Command(drop.wrap(argv), environment)

    def _argv(self, tool: str, words: Sequence[str]) -> tuple[str, ...]:
        """dpkg's own tools have to be told the root; apt's read it from the configuration."""
        if tool == "dpkg":
            return (f"/usr/bin/{tool}", *self._dpkg_options(), *words)
        if tool == "dpkg-query":
            return (f"/usr/bin/{tool}", f"--admindir={self.dpkg_dir}", *words)
        return (f"/usr/bin/{tool}", *words)

    def _dpkg_options(self) -> tuple[str, ...]:
        return dpkg_options(self.layout)


def within(source: str, place: str, names: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Pairs of paths for what is inside a folder that shows at another place."""
    return tuple((f"{source}/{name}", f"{place}/{name}") for name in names)


def dpkg_options(layout: Layout) -> tuple[str, ...]:
    """How dpkg works on a root that it does not change into."""
    return (f"--root={layout.root}", *CHROOTLESS, f"--log={layout.apt}/log/dpkg.log")


def folders(layout: Layout) -> list[Setting]:
    """apt's folders inside the root's own, and the machine's keys."""
    top = layout.apt
    return [
        Setting(name, val)
        for name, val in (
            ("Dir", "/"),
            ("Dir::Etc", str(layout.etc)),
            ("Dir::Etc::main", f"{layout.etc}/more.conf"),  # read after the one that APT_CONFIG names
            ("Dir::Etc::parts", f"{layout.etc}/apt.conf.d"),
            ("Dir::Etc::sourcelist", f"{layout.etc}/sources.list"),
            ("Dir::Etc::sourceparts", f"{layout.etc}/sources.list.d"),
            ("Dir::Etc::preferences", f"{layout.etc}/preferences"),
            ("Dir::Etc::preferencesparts", f"{layout.etc}/preferences.d"),
            ("Dir::Etc::trusted", "/etc/apt/trusted.gpg"),
            ("Dir::Etc::trustedparts", "/etc/apt/trusted.gpg.d"),
            ("Dir::Etc::netrc", "/etc/apt/auth.conf"),
            ("Dir::Etc::netrcparts", "/etc/apt/auth.conf.d"),
            ("Dir::State", f"{top}/state"),
            ("Dir::State::lists", f"{layout.lists}/"),
            ("Dir::State::status", f"{layout.root}/var/lib/dpkg/status"),
            ("Dir::State::extended_states", f"{top}/state/extended_states"),
            ("Dir::Cache", f"{top}/cache"),
            ("Dir::Log", f"{top}/log"),
            ("Dir::Log::Planner", f"{top}/log/eipp.log.xz"),
            ("APT::Sandbox::User", ""),
            ("APT::Machine-ID", aptconf.machine_id()),
            ("DPkg::Use-Pty", "false"),
        )
    ]
