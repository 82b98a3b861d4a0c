"""Archives in the format of ar(5), as a Debian package is one: members behind headers of 60 bytes."""

from collections.abc import Iterator
from typing import IO, Final, NamedTuple

MAGIC: Final = b"!<arch>\n"
HEADER_SIZE: Final = 60
_NAME: Final = slice(0, 16)
_SIZE: Final = slice(48, 58)
_END: Final = slice(58, 60)


class Member(NamedTuple):
    """Where a member's content lies. ``start`` and ``size`` in bytes."""

    name: str
    start: int
    size: int


def header(name: str, size: int) -> bytes:
    """A member's header, without times and owners."""
    return f"{name:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{size:<10}`\n".encode("ascii")


def add(archive: IO[bytes], name: str, content: bytes) -> None:
    """Write a member, and the byte that evens it."""
    archive.write(header(name, len(content)))
    archive.write(content)
    archive.write(b"\n" * (len(content) % 2))


def members(archive: IO[bytes]) -> Iterator[Member]:
    """The members of an archive, in order.

    Raises:
        ValueError: it is none, or it is cut off in a header.
    """
    if archive.read(len(MAGIC)) != MAGIC:
        raise ValueError("not an ar archive")
    place = len(MAGIC)
    while True:
        archive.seek(place)
        head = archive.read(HEADER_SIZE)
        if not head:
            return
        if len(head) < HEADER_SIZE or head[_END] != b"`\n":
            raise ValueError(f"no header at byte {place}")
        size = int(head[_SIZE])
        yield Member(head[_NAME].decode("ascii").rstrip().rstrip("/"), place + HEADER_SIZE, size)
        place += HEADER_SIZE + size + size % 2
