"""Reading compressed files piece by piece, whatever apt stored them as.

gzip, xz and bzip2 come from the standard library. lz4 and zstd are read through the libraries
that apt itself is linked to; where these cannot be loaded, apt's own ``apt-helper`` does it.
"""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

from wua.model.problems import error

PIECE: Final = 1 << 20  # bytes; small enough to stay in the processor's cache, large enough to be few
SUFFIXES: Final = ("", ".lz4", ".zst", ".gz", ".xz", ".bz2", ".lzma")

_APT_HELPER: Final = "/usr/lib/apt/apt-helper"


class Unreadable(Exception):
    """The content is not what the file's name says."""


def pieces(path: Path) -> Iterator[bytes]:
    """The decompressed content of ``path``, in pieces of about ``PIECE`` bytes. The suffix tells the format.

    Raises:
        OSError: the file cannot be opened.
        WuaError: index-unreadable, the content is damaged or its format has no reader here.
    """
    try:
        yield from _READERS.get(path.suffix, _plain)(path)
    except (Unreadable, EOFError) as damage:
        raise error("index-unreadable", f"{path}: {damage}") from None
    except OSError as damage:
        if damage.errno is None:  # the standard decompressors word damage so
            raise error("index-unreadable", f"{path}: {damage}") from None
        raise


def _plain(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=0) as file:
        yield from _in_pieces(file)


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def _in_pieces(file: _Readable) -> Iterator[bytes]:
    while piece := file.read(PIECE):
        yield piece


def _gzip(path: Path) -> Iterator[bytes]:
    import gzip

    with gzip.open(path, "rb") as file:
        yield from _in_pieces(file)


def _xz(path: Path) -> Iterator[bytes]:
    import lzma

    try:
        with lzma.open(path, "rb") as file:
            yield from _in_pieces(file)
    except lzma.LZMAError as damage:
        raise Unreadable(str(damage)) from None


def _bzip2(path: Path) -> Iterator[bytes]:
    import bz2

    with bz2.open(path, "rb") as file:
        yield from _in_pieces(file)


def _lz4(path: Path) -> Iterator[bytes]:
    from wua.metadata import native_codecs

    try:
        codec = native_codecs.lz4()
    except OSError:
        return _helper(path)
    return codec.decode(path.read_bytes(), PIECE)


def _zstd(path: Path) -> Iterator[bytes]:
    from wua.metadata import native_codecs

    try:
        codec = native_codecs.zstd()
    except OSError:
        return _helper(path)
    return codec.decode(path.read_bytes(), PIECE)


def _helper(path: Path) -> Iterator[bytes]:
    """Apt's own reader; it takes absolute paths and is present wherever apt is."""
    try:
        child = subprocess.Popen(
            [_APT_HELPER, "cat-file", str(path.absolute())], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    except FileNotFoundError:
        raise Unreadable(f"nothing here reads {path.suffix} files: {_APT_HELPER} is missing") from None
    assert child.stdout is not None
    assert child.stderr is not None
    with child:
        yield from _in_pieces(child.stdout)
        said = child.stderr.read().decode("utf-8", "replace").strip()
    if child.returncode != 0:
        raise Unreadable(said or f"apt-helper ended with {child.returncode}")


_READERS: Final[dict[str, Callable[[Path], Iterator[bytes]]]] = {
    ".gz": _gzip,
    ".xz": _xz,
    ".lzma": _xz,
    ".bz2": _bzip2,
    ".lz4": _lz4,
    ".zst": _zstd,
}
