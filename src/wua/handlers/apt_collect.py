"""Taking files from another cache: each is copied first, and the copy is verified before it counts."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from wua.handlers.kept import sha256_of
from wua.model.plans import PlanItem
from wua.model.problems import error


def collect(items: Iterable[PlanItem], folder: Path, archives: Path) -> int:
    """Copy the items' files from ``folder`` into ``archives``; how many were right and taken.

    The other cache may belong to somebody else, who could change a file after it was checked:
    so it is the copy that is read, and nothing else ever. Links are not followed.

    Raises:
        WuaError: disk-full.
    """
    return sum(_take(item, folder / item.file, archives) for item in items if item.file and item.sha256)


def _take(item: PlanItem, source: Path, archives: Path) -> bool:
    try:
        handle = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:  # not there, not readable, or a link: not a file of ours to take
        return False
    copy = archives / f".{item.file}.taken"
    try:
        with os.fdopen(handle, "rb") as reader:
            if os.fstat(reader.fileno()).st_size != item.size:
                return False
            with open(copy, "wb") as writer:
                shutil.copyfileobj(reader, writer)
        if copy.stat().st_size != item.size or sha256_of(copy) != item.sha256:
            return False
        copy.chmod(0o644)
        os.replace(copy, archives / item.file)
        return True
    except OSError as failed:
        raise error("disk-full", f"copying {source} to {archives}: {failed.strerror}") from None
    finally:
        copy.unlink(missing_ok=True)
