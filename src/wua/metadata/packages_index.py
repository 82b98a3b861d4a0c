"""apt's Packages files: what candidate selection and offers need of every stanza, in columns.

Whole stanzas are read again from the file, by position, when somebody asks for the details of a
package; keeping them would double the work of the first import. A file that is read again is
compared stanza by stanza: only those that changed are taken apart.
"""

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from hashlib import sha1
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from wua.metadata.compression import pieces
from wua.metadata.deb822 import Paragraph, parse

NO_DIGEST: Final = bytes(32)
_CHECK: Final = 20  # bytes of a SHA-1: it only tells whether a stanza is the same as before

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
_LINES: Final = re.compile(rb"(?:[^\n]+(?:\n|\Z))+")
_RARE: Final = (b"\nEssential: ", b"\nPhased-Update-Percentage: ")

_Row = tuple[bytes, bytes, bytes, bytes, bytes, bytes]  # name, source, version, architecture, size, SHA-256
_T = TypeVar("_T")


class IndexData(msgspec.Struct, array_like=True):
    """The packages of one index, column by column; a row is one stanza.

    ``sources`` holds the Source field ("" where it equals the package, "name" or "name
    (version)"); ``digests`` 32 bytes of SHA-256 for each row, zero where the index has none;
    ``starts`` the stanza's place in the decompressed file, with the end of the last one added;
    ``checks`` the SHA-1 of each stanza.
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
    checks: bytes = b""

    def digest(self, row: int) -> bytes:
        return self.digests[row * 32 : row * 32 + 32]

    def __len__(self) -> int:
        return len(self.names)


class Reading:
    """The outcome of reading an index: its data, and the names of packages that changed since ``before``."""

    def __init__(self, data: IndexData, changed: set[str]) -> None:
        self.data = data
        self.changed = changed


def read_index(path: Path, before: IndexData | None = None) -> Reading:
    """Read a Packages file, compressed or not; ``before`` is what it was at the last reading.

    Raises:
        OSError: the file cannot be opened.
        WuaError: index-unreadable.
    """
    before = before if before is not None else IndexData()
    columns, offset = _Columns(), 0
    known = {check: row for row, check in enumerate(_cut(before.checks, _CHECK))}
    for block in _blocks(pieces(path)):
        starts = _starts(block)
        ends = [*starts[1:], len(block)] if starts else []
        checks = [sha1(block[a:b], usedforsecurity=False).digest() for a, b in zip(starts, ends, strict=True)]
        columns.starts += [offset + start for start in starts] if offset else starts
        columns.checks += checks
        if known:
            rows = [known.get(check, -1) for check in checks]
            _take_some(block, starts, ends, rows, columns)
            columns.old += rows
        else:
            _take_all(block, starts, ends, columns)
        offset += len(block)
    columns.starts.append(offset)
    fresh = columns.fresh()
    if not known:
        return Reading(fresh, set(fresh.names))
    return _merged(before, fresh, columns)


class _Columns:
    """What was read so far. ``old`` holds for every stanza its row at the last reading, -1 for a new one."""

    def __init__(self) -> None:
        self.rows: list[_Row] = []  # of stanzas that were taken apart
        self.starts: list[int] = []
        self.checks: list[bytes] = []
        self.old: list[int] = []
        self.essential: list[int] = []
        self.phased: dict[int, int] = {}

    def fresh(self) -> IndexData:
        """The stanzas that were taken apart."""
        if not self.rows:
            return IndexData(starts=self.starts)
        names, sources, versions, architectures, sizes, digests = zip(*self.rows, strict=True)
        return IndexData(
            names=[name.decode() for name in names],
            versions=[version.decode() for version in versions],
            architectures=_shared(architectures),
            sources=[source.decode() if source else "" for source in sources],
            sizes=[int(size) for size in sizes],
            digests=bytes.fromhex(b"".join(digests).decode()),
            starts=self.starts,
            essential=self.essential,
            phased=self.phased,
            checks=b"".join(self.checks),
        )


def _merged(before: IndexData, fresh: IndexData, columns: _Columns) -> Reading:
    """The file as it is now, from its old rows and its new ones."""
    old, new = columns.old, iter(range(len(fresh)))
    # new rows are numbered on from the old ones, so that one list serves for both
    refs = [row if row >= 0 else len(before) + next(new) for row in old]
    essential = {*before.essential, *(len(before) + row for row in fresh.essential)}
    phased = before.phased | {len(before) + row: percent for row, percent in fresh.phased.items()}
    digests: list[bytes] = _pick(_cut(before.digests, 32), _cut(fresh.digests, 32), refs)
    data = IndexData(
        names=_pick(before.names, fresh.names, refs),
        versions=_pick(before.versions, fresh.versions, refs),
        architectures=_pick(before.architectures, fresh.architectures, refs),
        sources=_pick(before.sources, fresh.sources, refs),
        sizes=_pick(before.sizes, fresh.sizes, refs),
        digests=b"".join(digests),
        starts=columns.starts,
        essential=[row for row, ref in enumerate(refs) if ref in essential] if essential else [],
        phased={row: phased[ref] for row, ref in enumerate(refs) if ref in phased} if phased else {},
        checks=b"".join(columns.checks),
    )
    gone = set(range(len(before))).difference(old)
    return Reading(data, {before.names[row] for row in gone} | set(fresh.names))


def _pick(before: list[_T], fresh: list[_T], refs: list[int]) -> list[_T]:
    both = before + fresh
    return [both[ref] for ref in refs]


def _cut(data: bytes, width: int) -> list[bytes]:
    return [data[at : at + width] for at in range(0, len(data), width)]


def _shared(words: Iterable[bytes]) -> list[str]:
    """Decoded, with one string for each different word."""
    known: dict[bytes, str] = {}
    return [known.get(word) or known.setdefault(word, word.decode()) for word in words]


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


def _starts(block: bytes) -> list[int]:
    starts = [0, *(division.end() for division in _DIVISION.finditer(block))]
    if starts[-1] == len(block):
        starts.pop()
    if all(block.startswith(b"Package: ", start) for start in starts):
        return starts
    # more than one empty line between stanzas, or stanzas that begin otherwise
    return [match.start() for match in _LINES.finditer(block)]


def _take_all(block: bytes, starts: list[int], ends: list[int], columns: _Columns) -> None:
    """Take every stanza apart, at once where they are all of the usual form."""
    rows: list[_Row] = _STANZA.findall(block)
    if not _is_regular(block, rows, starts):
        for start, end in zip(starts, ends, strict=True):
            _take(block[start:end], columns)
        return
    for rare in _RARE:
        at = block.find(rare)
        while at >= 0:
            value = block[at + len(rare) : block.find(b"\n", at + 1)]
            _note_rare(columns, len(columns.rows) + bisect_right(starts, at) - 1, rare, value)
            at = block.find(rare, at + 1)
    columns.rows += rows


def _is_regular(block: bytes, rows: list[_Row], starts: list[int]) -> bool:
    """Whether the fast expression saw everything: one match in each stanza, from its first line on."""
    if len(rows) != len(starts) or block.count(b"\nSource: ") != sum(row[1] != b"" for row in rows):
        return False
    return all(block.startswith(b"Package: ", start) for start in starts)


def _take_some(block: bytes, starts: list[int], ends: list[int], known: list[int], columns: _Columns) -> None:
    """Take those stanzas apart that are not known."""
    for place, row in enumerate(known):
        if row < 0:
            _take(block[starts[place] : ends[place]], columns)


def _take(stanza: bytes, columns: _Columns) -> None:
    """Take one stanza apart, field by field."""
    fields = (parse(stanza.decode("utf-8", "replace")) or [Paragraph()])[0]
    digest = fields.field("SHA256").lower()
    row = len(columns.rows)
    size = fields.field("Size")
    columns.rows.append(
        (
            fields.field("Package").encode(),
            fields.field("Source").encode(),
            fields.field("Version").encode(),
            fields.field("Architecture").encode(),
            size.encode() if size.isdecimal() else b"0",
            digest.encode() if len(digest) == 64 else NO_DIGEST.hex().encode(),
        )
    )
    for rare in _RARE:
        _note_rare(columns, row, rare, fields.field(rare.decode().strip(": \n")).encode())


def _note_rare(columns: _Columns, row: int, name: bytes, value: bytes) -> None:
    if name == _RARE[0]:
        if value == b"yes":
            columns.essential.append(row)
    elif value.isdigit():
        columns.phased[row] = int(value)


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
