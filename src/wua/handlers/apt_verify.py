"""Files of a plan: there or not, right or not. What apt gets is the file that was checked (law 7)."""

import os
import shutil
from pathlib import Path

from wua.handlers.kept import sha256_of
from wua.model.plans import Plan, PlanItem
from wua.model.problems import error

_Seen = tuple[int, int, int]  # size, mtime in ns, inode


class Cache:
    """apt's archives folder of one target. Digests are remembered while a file stays untouched."""

    def __init__(self, archives: Path) -> None:
        self._archives = archives
        self._digests: dict[Path, tuple[_Seen, str]] = {}

    def path(self, item: PlanItem) -> Path:
        return self._archives / item.file

    def seems_there(self, item: PlanItem) -> bool:
        """Whether a file of the right size is there; nothing is read."""
        if not item.file:
            return True
        return any(_size(path) == item.size for path in (self.path(item), Path(item.local or "/nonexistent")))

    def has(self, item: PlanItem) -> bool:
        """Whether the file, or the local one it can be copied from, has the right size and digest."""
        if not item.file:
            return True
        places = [Path(item.local)] if item.local else [self.path(item)]
        return any(_size(path) == item.size and self._digest(path) == item.sha256 for path in places)

    def verify(self, plan: Plan) -> None:
        """Read every file once more, right before the run; local ones are copied into the archives first.

        Raises:
            WuaError: not-downloaded, content-mismatch, disk-full; the file is named.
        """
        for item in plan.items:
            if item.file:
                self._bring(item)
                self._check(item)

    def _bring(self, item: PlanItem) -> None:
        if not item.local:
            return
        new = self._archives / f".{item.file}.new"
        try:
            shutil.copy(item.local, new)  # with its mode: a repacked package may not be for everyone
            seen = os.stat(item.local)
            if os.geteuid() == 0:
                os.chown(new, seen.st_uid, seen.st_gid)
            os.replace(new, self.path(item))
        except FileNotFoundError as gone:
            raise error("not-downloaded", f"{gone.filename} is not there any more") from None
        except OSError as failed:
            new.unlink(missing_ok=True)
            raise error("disk-full", f"copying {item.local} to {self._archives}: {failed.strerror}") from None

    def _check(self, item: PlanItem) -> None:
        path = self.path(item)
        size = _size(path)
        if size < 0:
            raise error("not-downloaded", str(path))
        if size != item.size:
            raise error("content-mismatch", f"{path} has {size} bytes, the index says {item.size}")
        if not item.sha256:
            raise error("content-mismatch", f"no SHA-256 is known for {path}")
        found = sha256_of(path)
        if found != item.sha256:
            raise error("content-mismatch", f"{path} has SHA-256 {found}, the index says {item.sha256}")

    def _digest(self, path: Path) -> str:
        seen = _stat(path)
        known = self._digests.get(path)
        if known is not None and known[0] == seen:
            return known[1]
        digest = sha256_of(path)
        self._digests[path] = (seen, digest)
        return digest


def _stat(path: Path) -> _Seen:
    seen = path.stat()
    return seen.st_size, seen.st_mtime_ns, seen.st_ino


def _size(path: Path) -> int:
    """Bytes of a file, -1 when there is none."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return -1
