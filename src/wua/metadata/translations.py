"""apt's Translation files: the long descriptions that Packages files leave out."""

import re
from collections.abc import Collection
from pathlib import Path
from typing import Final

from wua.metadata.compression import pieces

_ENTRY: Final = re.compile(
    rb"^Description-md5: ([0-9a-f]{32})\n(?:[^ \n][^\n]*\n)*?Description-[^:\n]+: ([^\n]*(?:\n [^\n]*)*)",
    re.MULTILINE,
)


def read_descriptions(path: Path, wanted: Collection[str]) -> dict[str, str]:
    """Descriptions by the MD5 that the Packages file names; first line and long text as they are written.

    Raises:
        OSError: the file cannot be opened.
        WuaError: index-unreadable.
    """
    keys = {key.encode() for key in wanted}
    found: dict[str, str] = {}
    rest = b""
    for piece in pieces(path):
        block = rest + piece
        cut = block.rfind(b"\n\n") + 2
        block, rest = block[:cut], block[cut:]
        _take(block, keys, found)
        if len(found) == len(keys):
            return found
    _take(rest, keys, found)
    return found


def _take(block: bytes, keys: set[bytes], found: dict[str, str]) -> None:
    for digest, text in _ENTRY.findall(block):
        if digest in keys:
            found[digest.decode()] = text.decode("utf-8", "replace")
