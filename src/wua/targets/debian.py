"""What all Debian targets share: facts read from files, fingerprints, lock holders."""

import os
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from wua.model.plugins import Holder, OsFacts, TargetPaths, TargetSpec
from wua.model.updates import RestartReason
from wua.system.clock import SYSTEM_CLOCK, SystemClock
from wua.system.fcntl_locks import lock_holders
from wua.targets import dpkgdb


class DebianBase:
    """The reading half of a Debian target. Subclasses say where things lie and how programs are run."""

    def __init__(self, spec: TargetSpec, paths: TargetPaths) -> None:
        self._spec = spec
        self._paths = paths

    @property
    def spec(self) -> TargetSpec:
        return self._spec

    @property
    def paths(self) -> TargetPaths:
        return self._paths

    @property
    def clock(self) -> SystemClock:
        return SYSTEM_CLOCK

    @property
    def root_dir(self) -> Path:
        """Where the target's files lie, seen from here: "/" for the host."""
        raise NotImplementedError

    @property
    def dpkg_dir(self) -> Path:
        return self.root_dir / "var/lib/dpkg"

    @property
    def lists_dir(self) -> Path:
        raise NotImplementedError

    @property
    def archives_dir(self) -> Path:
        raise NotImplementedError

    @property
    def extended_states(self) -> Path:
        raise NotImplementedError

    def _sources(self) -> tuple[Path, ...]:
        """Files and folders that configure apt: sources, pins, settings, keys."""
        raise NotImplementedError

    def fingerprint(self) -> str:
        paths = (self.dpkg_dir / "status", self.dpkg_dir / "arch", self.extended_states)
        return fingerprint((*paths, self.lists_dir, *self._sources()))

    @property
    def takes_scripts_out(self) -> bool:
        return False

    def take_scripts_out(self, deb: Path) -> None:
        raise AssertionError(f"{self.spec.kind.value}: {deb.name} has its scripts run, or is refused")

    def holders(self) -> tuple[Holder, ...]:
        return lock_holders(
            (
                self.dpkg_dir / "lock-frontend",
                self.dpkg_dir / "lock",
                self.archives_dir / "lock",
                self.lists_dir / "lock",
            )
        )

    def is_interrupted(self) -> tuple[str, ...]:
        return dpkgdb.interrupted(self.dpkg_dir)

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        return ()

    @cached_property
    def _os(self) -> OsFacts:
        release = os_release(self.root_dir)
        native, foreign = architectures(self.dpkg_dir)
        return OsFacts(
            id=release.get("ID", ""),
            version=release.get("VERSION_ID", ""),
            title=release.get("PRETTY_NAME", ""),
            codename=release.get("VERSION_CODENAME", ""),
            architecture=native,
            foreign=foreign,
        )

    def os(self) -> OsFacts:
        return self._os


def os_release(root: Path) -> dict[str, str]:
    """os-release(5) of a root; of the host where the root has none."""
    for path in (root / "usr/lib/os-release", root / "etc/os-release", Path("/etc/os-release")):
        try:
            lines = path.read_text(errors="replace").splitlines()
        except OSError:
            continue
        return {key: val.strip("\"'") for key, sign, val in (line.partition("=") for line in lines) if sign}
    return {}


def architectures(admin: Path) -> tuple[str, tuple[str, ...]]:
    """The native architecture, as dpkg itself says, and the foreign ones of a database."""
    import subprocess

    done = subprocess.run(
        ["/usr/bin/dpkg", "--print-architecture"], env={}, capture_output=True, text=True, check=True
    )
    native = done.stdout.strip()
    try:
        listed = (admin / "arch").read_text().split()
    except OSError:
        listed = []
    return native, tuple(name for name in listed if name != native)


def fingerprint(paths: Iterable[Path]) -> str:
    """A digest of what stat says of files, and of the files in folders; a missing one counts as such.

    The inode and the size stand beside the time, as a file may be replaced by one of the same time.
    """
    import hashlib

    digest = hashlib.blake2b(digest_size=16)
    for path in paths:
        for line in _stats(path):
            digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _stats(path: Path) -> Iterator[str]:
    try:
        state = path.stat()
    except OSError:
        yield f"{path}\0-\n"
        return
    yield f"{path}\0{state.st_mtime_ns}\0{state.st_size}\0{state.st_ino}\n"
    if not path.is_dir():
        return
    try:
        entries = sorted(os.scandir(path), key=lambda entry: entry.name)
    except PermissionError:
        return
    for entry in entries:
        if entry.name in ("lock", "partial", "auxfiles"):
            continue
        try:
            state = entry.stat()
        except OSError:
            continue
        yield f"{entry.name}\0{state.st_mtime_ns}\0{state.st_size}\0{state.st_ino}\n"
