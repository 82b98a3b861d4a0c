"""This Debian machine.

Reads the machine's own apt configuration and dpkg database; runs apt-get and dpkg as they are. Real
root uses apt's own lists and cache and may act. An ordinary user only looks and downloads: into lists
and a cache of his own, made with the machine's sources, keys and settings.
Tested by tests/targets/test_host.py and the contract suite; acting on a real host only with WUA_TEST_HOST=1.
"""

import os
import re
import socket
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wua.model.enums import TargetKind
from wua.model.plugins import Command, TargetPaths, TargetSpec
from wua.model.problems import error
from wua.model.updates import RestartReason
from wua.system.files import write_atomic
from wua.system.locks import FileLock
from wua.targets import aptconf
from wua.targets.debian import DebianBase

if TYPE_CHECKING:
    from wua.targets.shadow import Shadow

_MOVED: Final = re.compile(r"\b(Dir\b|RootDir\b)", re.IGNORECASE)
MACHINE_STATE: Final = "/var/lib/wua"
MACHINE_LOCK: Final = "/run/wua/installer.lock"  # the same for every store: one installer at a time
_APT: Final = Path("/etc/apt")


def host_paths(environ: Mapping[str, str], uid: int) -> TargetPaths:
    """Where the host's store, cache and sockets lie for a caller."""
    machine = ""
    if base := environ.get("WUA_STATE"):
        top = Path(base).absolute()
        state, cache, run = top / "state", top / "cache", top / "run"
    elif uid == 0:
        state, cache, run = Path(MACHINE_STATE), Path("/var/cache/wua"), Path("/run/wua")
    else:
        home = Path(environ.get("HOME") or f"/tmp/wua-{uid}")  # noqa: S108
        state = Path(environ.get("XDG_STATE_HOME") or home / ".local/state") / "wua"
        cache = Path(environ.get("XDG_CACHE_HOME") or home / ".cache") / "wua"
        runtime = environ.get("XDG_RUNTIME_DIR")
        run = Path(runtime) / "wua" if runtime else state / "run"
        machine = MACHINE_STATE
    return TargetPaths(str(state), str(cache), str(run), MACHINE_LOCK, machine)


class HostTarget(DebianBase):
    """This machine, for the calling user. Raises WuaError target-unusable where there is no apt."""

    def __init__(
        self,
        spec: TargetSpec | None = None,
        *,
        environ: Mapping[str, str] | None = None,
        uid: int | None = None,
    ) -> None:
        environ = os.environ if environ is None else environ
        self._uid = os.geteuid() if uid is None else uid
        super().__init__(spec or TargetSpec(TargetKind.HOST), host_paths(environ, self._uid))
        if not Path("/var/lib/dpkg/status").is_file():
            raise error("target-unusable", "this machine has no dpkg database (/var/lib/dpkg/status)")
        self._env = {
            **aptconf.ENV,
            "HOME": environ.get("HOME") or "/",
            **aptconf.proxies(dict(environ)),
        }
        self._private = None if self._uid == 0 else Path(self._paths.cache) / "apt"

    @property
    def name(self) -> str:
        return socket.gethostname()

    @property
    def root_dir(self) -> Path:
        return Path("/")

    @property
    def dpkg_dir(self) -> Path:
        return Path(self._apt_dir("Dir::State::status", "/var/lib/dpkg/status")).parent

    @property
    def lists_dir(self) -> Path:
        if self._private is None:
            return self._host_lists
        self._prepare(self._private)
        return self._private / "lists"

    @property
    def archives_dir(self) -> Path:
        if self._private is None:
            return Path(self._apt_dir("Dir::Cache::archives", "/var/cache/apt/archives"))
        return self._private / "archives"

    @property
    def extended_states(self) -> Path:
        return Path(self._apt_dir("Dir::State::extended_states", "/var/lib/apt/extended_states"))

    def _sources(self) -> tuple[Path, ...]:
        names = (
            "sources.list",
            "sources.list.d",
            "preferences",
            "preferences.d",
            "apt.conf",
            "apt.conf.d",
            "trusted.gpg",
            "trusted.gpg.d",
            "keyrings",
        )
        return tuple(_APT / name for name in names)

    def may_act(self) -> str:
        return "" if self._uid == 0 else "root's rights (run it with sudo)"

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        from wua.targets import restart

        return restart.reasons()

    def script_problem(self, deb: Path) -> str:
        return ""

    def shadow(self, folder: Path) -> "Shadow":
        from wua.targets.shadow import create_shadow

        return create_shadow(folder.absolute(), self)

    def apt(self, tool: str, *words: str) -> Command:
        if self._private is None or tool.startswith("dpkg"):
            return Command((f"/usr/bin/{tool}", *words), self._env)
        self._prepare(self._private)
        return Command((f"/usr/bin/{tool}", "-c", str(self._private / "apt.conf"), *words), self._env)

    def act(self, tool: str, *words: str) -> Command:
        if needed := self.may_act():
            raise error("access-denied", f"changing {self.name} needs {needed}")
        return Command((f"/usr/bin/{tool}", *words), self._env)

    def fetch(self, *words: str) -> Command:
        if self._private is None:
            return Command(("/usr/bin/apt-get", *words), self._env)
        # dpkg's lock is not an ordinary user's to take, so apt's locking is off and flock(1),
        # which becomes apt-get without a process between, keeps two fetches apart.
        command = self.apt("apt-get", "-o", "Debug::NoLocking=true", *words)
        lock = str(self._private / "fetch.lock")
        return Command(("/usr/bin/flock", "--no-fork", lock, *command.argv), command.env)

    def _apt_dir(self, name: str, default: str) -> str:
        """A folder or file of apt's configuration; apt is asked only when the machine may have moved it."""
        return self._moved.get(name) or default

    @cached_property
    def _moved(self) -> dict[str, str]:
        parts = sorted((_APT / "apt.conf.d").glob("*")) if (_APT / "apt.conf.d").is_dir() else []
        for file in (*parts, _APT / "apt.conf"):
            try:
                if _MOVED.search(file.read_text(errors="replace")):
                    return resolved_folders()
            except OSError:
                continue
        return {}

    @property
    def _host_lists(self) -> Path:
        return Path(self._apt_dir("Dir::State::lists", "/var/lib/apt/lists"))

    def _prepare(self, private: Path) -> None:
        """Make the private folders, and copy the host's lists when they are newer than ours."""
        config = private / "apt.conf"
        if not config.exists():
            for name in ("lists/partial", "archives/partial", "log"):
                (private / name).mkdir(parents=True, exist_ok=True)
            write_atomic(config, private_config(private).encode(), sync=False)
        if _stamp(self._host_lists) <= _stamp(private / "lists"):
            return
        lock = FileLock(private / "fetch.lock")
        if not lock.acquire():  # a fetch is at work on them just now
            return
        try:
            if _stamp(self._host_lists) > _stamp(private / "lists"):
                replace_lists(self._host_lists, private)
        finally:
            lock.release()


def resolved_folders() -> dict[str, str]:
    """Absolute places of the folders that this class asks for, as apt resolves them."""
    settings = aptconf.host_settings()
    found = {}
    for name in (
        "Dir::State::status",
        "Dir::State::lists",
        "Dir::State::extended_states",
        "Dir::Cache::archives",
    ):
        parts = [aptconf.value(settings, "RootDir")]
        words = name.split("::")
        parts += [aptconf.value(settings, "::".join(words[: end + 1])) for end in range(len(words))]
        place = Path("/")
        for part in filter(None, parts):
            place /= part
        found[name] = str(place)
    return found


def private_config(private: Path) -> str:
    """What an ordinary user's apt reads after the whole configuration of the machine."""
    return aptconf.clear_hooks() + aptconf.text(
        aptconf.Setting(name, val)
        for name, val in (
            ("Dir::State::lists", f"{private}/lists/"),
            ("Dir::Cache", str(private)),
            ("Dir::Cache::archives", "archives/"),
            ("Dir::Cache::pkgcache", "pkgcache.bin"),
            ("Dir::Cache::srcpkgcache", ""),  # as large again, and of use only where dpkg's status changes
            ("Dir::Log", f"{private}/log"),
            ("APT::Sandbox::User", ""),
        )
    )


def _stamp(lists: Path) -> int:
    """When a lists folder was last refreshed, in ns; 0 when it holds no index."""
    try:
        if not any("_" in name for name in os.listdir(lists)):
            return 0
        return max(path.stat().st_mtime_ns for path in (lists, lists / "partial") if path.exists())
    except OSError:
        return 0


def replace_lists(source: Path, private: Path) -> None:
    """Put a copy of the host's lists in place of the private ones."""
    import shutil

    from wua.targets import sources

    fresh, old = private / f"lists.{os.getpid()}", private / f"lists.old.{os.getpid()}"
    (fresh / "partial").mkdir(parents=True)
    if sources.copy_lists(source, fresh):
        when = _stamp(source)
        for folder in (fresh / "partial", fresh):
            os.utime(folder, ns=(when, when))
        os.rename(private / "lists", old)
        os.rename(fresh, private / "lists")
    shutil.rmtree(old, ignore_errors=True)
    shutil.rmtree(fresh, ignore_errors=True)
