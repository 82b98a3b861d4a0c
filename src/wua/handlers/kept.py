"""Packages kept from before a change, so that it can be taken back when no source has them."""

import contextlib
import hashlib
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from wua.handlers.apt_simulation import file_name
from wua.model.problems import error
from wua.model.struct import Value
from wua.system.files import write_atomic

QUOTA: Final = 2 * 1024**3  # bytes kept unless the settings say otherwise
_CHUNK: Final = 1 << 20


class KeptPackage(Value, frozen=True):
    """One kept .deb.

    ``source`` is "cache" (as the archive made it) or "repacked" (from the installed files).
    """

    name: str
    architecture: str
    version: str
    file: str
    size: int
    sha256: str
    source: str
    since: float  # seconds since 1970 UTC


class KeptPackages:
    """A folder of kept .deb files with an index, oldest first. ``quota`` in bytes."""

    def __init__(self, folder: Path, quota: int = QUOTA, clock: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.quota = quota
        self._clock = clock

    def all(self) -> tuple[KeptPackage, ...]:
        """Oldest first. An index that cannot be read counts as empty: the files alone prove nothing."""
        try:
            data = (self.folder / "index.json").read_bytes()
            return msgspec.json.decode(data, type=tuple[KeptPackage, ...])
        except (FileNotFoundError, PermissionError, msgspec.DecodeError):
            return ()

    def find(self, name: str, architecture: str, version: str) -> KeptPackage | None:
        """The kept .deb of a version, if its file is there; its digest is checked before it is used."""
        for kept in reversed(self.all()):
            if (kept.name, kept.architecture, kept.version) == (name, architecture, version):
                return kept if self.path(kept).is_file() else None
        return None

    def path(self, kept: KeptPackage) -> Path:
        return self.folder / kept.file

    @contextlib.contextmanager
    def room(self, name: str, architecture: str, version: str) -> Iterator[Path]:
        """A path to write a new .deb to; it is kept when the block ends well, else removed.

        Raises:
            WuaError: disk-full or target-unusable, when it could not be written.
        """
        self._make_folder()
        path = self.folder / f".new-{os.getpid()}"
        try:
            yield path
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        self._enter(path, name, architecture, version)

    def add_copy(self, deb: Path, name: str, architecture: str, version: str) -> KeptPackage:
        """Keep a .deb of the cache; a hard link where the file system and the kernel allow it."""
        self._make_folder()
        path = self.folder / f".new-{os.getpid()}"
        path.unlink(missing_ok=True)
        try:
            os.link(deb, path)
        except OSError:  # another file system, or a file of another owner
            shutil.copyfile(deb, path)
        return self._enter(path, name, architecture, version, source="cache")

    def _make_folder(self) -> None:
        """Open to all, as apt may run as the owner of a root of its own; each file has its own mode."""
        if not self.folder.is_dir():
            self.folder.mkdir(parents=True)
            self.folder.chmod(0o755)

    def _enter(
        self, new: Path, name: str, architecture: str, version: str, source: str = "repacked"
    ) -> KeptPackage:
        size = new.stat().st_size
        if size > self.quota:
            new.unlink()
            raise error(
                "disk-full", f"{name} {version} ({size} bytes) is larger than the quota of {self.quota} bytes"
            )
        file = file_name(name, version, architecture)
        kept = KeptPackage(name, architecture, version, file, size, sha256_of(new), source, self._clock())
        os.replace(new, self.folder / file)
        self._write([*(old for old in self.all() if old.file != file), kept])
        return kept

    def _write(self, packages: list[KeptPackage]) -> None:
        """Write the index without what the quota has no room for, then remove those files."""
        dropped = []
        while packages and sum(kept.size for kept in packages) > self.quota:
            dropped.append(packages.pop(0))
        write_atomic(self.folder / "index.json", msgspec.json.encode(packages))
        for old in dropped:
            self.path(old).unlink(missing_ok=True)


def sha256_of(path: Path) -> str:
    """The digest of a file, read once."""
    digest = hashlib.sha256()
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
