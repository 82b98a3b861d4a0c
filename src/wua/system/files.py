"""Writing small files so that a reader sees the old or the new content, never a part."""

import os
from pathlib import Path


def write_atomic(path: str | Path, data: bytes, *, sync: bool = True, mode: int = 0o644) -> None:
    """Replace ``path`` in one step; ``sync`` makes it last through a power loss."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        os.write(fd, data)
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)
