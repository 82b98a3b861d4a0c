"""apt's Packages files: what candidate selection and offers need of every stanza, in columns.

Whole stanzas are read again from the file, by position, when somebody asks for the details of a
package; keeping them would double the work of the first import.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from wua.metadata.compression import pieces
from wua.metadata.deb822 import Paragraph, parse

NO_DIGEST: Final = bytes(32)

# One stanza in the order that archive software writes. Whatever looks different is found by
# counting, and then read field by field.
_STANZA: Final = re.compile(
    rb"^Package: (\S+)\n"
    rb"(?:Source: (.+)\n)?"
    rb"(?:.+\n)*?Version: (\S+)\n"
    rb"(?:.+\n)*?Architecture: (\S+)\n"
    rb"(?:.+\n)*?Size: (\d+)\n"
    rb"(?:.+\n)*?SHA256: ([0-9a-f]{64})\n",
    re.MULTILINE,
)
_DIVISION: Final = re.compile(rb"\n\n")
_RARE: Final = (b"\nEssential: ", b"\nPhased-Update-Percentage: ")


class IndexData(msgspec.Struct, array_like=True):
    """The packages of one index, column by column; a row is one stanza.

    ``sources`` holds the Source field ("" where it equals the package, "name" or "name
    (version)"); ``digests`` 32 bytes of SHA-256 for each row, zero where the index has none;
    ``starts`` the stanza's place in the decompressed file, with the end of the last one added.
    """

    names: list[str] = []
    versions: list[str] = []
    architectures: list[str] = []
    sources: list[str] = []
    sizes: list[int] = []
    digests: bytes = b""
    starts: list[int] = []
    essential: list[int] = []  # rows
    phased: dict[int, int] = {}  # row: percent

    def digest(self, row: int) -> bytes:
        return self.digests[row * 32 : row * 32 + 32]

    def __len__(self) -> int:
        return len(self.names)


class _Columns:
    """Columns while they grow, still as bytes."""

    def __init__(self) -> None:
        self.rows: list[tuple[bytes, ...]] = []
        self.starts: list[int] = []
        self.essential: list[int] = []
        self.phased: dict[int, int] = {}

    def finished(self, end: int) -> IndexData:
        if not self.rows:
            return IndexData()
        names, sources, versions, architectures, sizes, digests = zip(*self.rows, strict=True)
        return IndexData(
            names=[name.decode() for name in names],
            versions=[version.decode() for version in versions],
            architectures=_shared(architectures),
            sources=[source.decode() if source else "" for source in sources],
            sizes=[int(size) for size in sizes],
            digests=bytes.fromhex(b"".join(digests).decode()),
            starts=[*self.starts, end],
            essential=self.essential,
            phased=self.phased,
        )


def _shared(words: Iterable[bytes]) -> list[str]:
    """Decoded, with one string for each different word."""
    known: dict[bytes, str] = {}
    return [known.get(word) or known.setdefault(word, word.decode()) for word in words]


def read_index(path: Path) -> IndexData:
    """Read a Packages file, compressed or not.

    Raises:
        OSError: the file cannot be opened.
        WuaError: index-unreadable.
    """
    columns, offset = _Columns(), 0
    for block in _blocks(pieces(path)):
        _take(block, offset, columns)
        offset += len(block)
    return columns.finished(offset)


def _blocks(stream: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes, cut only between stanzas."""
    rest = b""
    for piece in stream:
        block = rest + piece
        cut = block.rfind(b"\n\n") + 2
        if cut < 2:
            rest = block
            continue
        rest = block[cut:]
        yield block[:cut]
    if rest:
        yield rest


def _take(block: bytes, offset: int, columns: _Columns) -> None:
    rows = _STANZA.findall(block)
    starts = [0, *(division.end() for division in _DIVISION.finditer(block))]
    if starts[-1] == len(block):
        starts.pop()
    if not _is_regular(block, rows, starts):
        _take_slowly(block, offset, columns)
        return
    for start in _RARE:
        at = block.find(start)
        while at >= 0:
            value = block[at + len(start) : block.find(b"\n", at + 1)]
            _note_rare(columns, len(columns.rows) + bisect_right(starts, at) - 1, start, value)
            at = block.find(start, at + 1)
    columns.rows += rows
    columns.starts += [offset + start for start in starts] if offset else starts


def _is_regular(block: bytes, rows: list[tuple[bytes, ...]], starts: list[int]) -> bool:
    """Whether the fast expression saw everything: one match in each stanza, from its first line on."""
    if len(rows) != len(starts) or block.count(b"\nSource: ") != sum(row[1] != b"" for row in rows):
        return False
    return all(block.startswith(b"Package: ", start) for start in starts)


def _note_rare(columns: _Columns, row: int, name: bytes, value: bytes) -> None:
    if name == _RARE[0]:
        if value == b"yes":
            columns.essential.append(row)
    elif value.isdigit():
        columns.phased[row] = int(value)


def _take_slowly(block: bytes, offset: int, columns: _Columns) -> None:
    for match in re.finditer(rb"(?:[^\n]+(?:\n|\Z))+", block):
        paragraphs = parse(match[0].decode("utf-8", "replace"))
        if not paragraphs or not (name := paragraphs[0].field("Package")):
            continue
        fields, row = paragraphs[0], len(columns.rows)
        digest = fields.field("SHA256").lower()
        columns.rows.append(
            (
                name.encode(),
                fields.field("Source").encode(),
                fields.field("Version").encode(),
                fields.field("Architecture").encode(),
                fields.field("Size").encode() or b"0",
                digest.encode() if len(digest) == 64 else NO_DIGEST.hex().encode(),
            )
        )
        columns.starts.append(offset + match.start())
        for rare in _RARE:
            _note_rare(columns, row, rare, fields.field(rare.decode().strip(": \n")).encode())


def read_stanzas(path: Path, places: Iterable[tuple[int, int]]) -> dict[int, Paragraph]:
    """Stanzas by the place where they begin; ``places`` are (begin, end) in the decompressed file.

    Raises as ``read_index`` does.
    """
    wanted = sorted(places, reverse=True)
    found: dict[int, Paragraph] = {}
    if not wanted:
        return found
    offset, held = 0, b""
    for piece in pieces(path):
        held += piece
        while wanted and wanted[-1][1] <= offset + len(held):
            begin, end = wanted.pop()
            paragraphs = parse(held[begin - offset : end - offset].decode("utf-8", "replace"))
            found[begin] = paragraphs[0] if paragraphs else Paragraph()
        if not wanted:
            break
        skip = max(0, min(wanted[-1][0] - offset, len(held)))
        held, offset = held[skip:], offset + skip
    return found
