"""Writing small files so that a reader sees the old or the new content, never a part."""

import os
from pathlib import Path
from typing import Final

# Not for children, and bytes as they are; the second is a matter on Windows only.
_PLAIN: Final = getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOINHERIT", 0)


def write_atomic(path: str | Path, data: bytes, *, sync: bool = True, mode: int = 0o644) -> None:
    """Replace ``path`` in one step; ``sync`` makes it last through a power loss."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    fd = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | _PLAIN, mode)
    try:
        os.write(fd, data)
        if sync:
            os.fsync(fd)
    finally:
        os.close(fd)
    os.replace(temporary, path)
