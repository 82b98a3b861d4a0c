"""lz4 frames and zstd streams through the C libraries that apt depends on (liblz4, libzstd)."""

import ctypes
from collections.abc import Iterator
from ctypes import byref, c_char_p, c_size_t, c_void_p
from functools import cache
from typing import Any

from wua.metadata.compression import Unreadable


class Lz4:
    """The frame format of lz4 (LZ4F_* of lz4frame.h)."""

    def __init__(self) -> None:
        self._library = _load("liblz4.so.1")
        self._library.LZ4F_decompress.restype = c_size_t
        self._library.LZ4F_getErrorName.restype = c_char_p

    def decode(self, data: bytes, piece: int) -> Iterator[bytes]:
        """Every frame in ``data``, in pieces of ``piece`` bytes.

        Raises:
            Unreadable: damaged or cut short.
        """
        library, context = self._library, c_void_p()
        self._check(library.LZ4F_createDecompressionContext(byref(context), 100))
        try:
            source, at, wanted = _address(data), 0, 1
            room = ctypes.create_string_buffer(piece)
            while at < len(data):
                filled = 0
                while filled < piece and at < len(data):
                    made, taken = c_size_t(piece - filled), c_size_t(len(data) - at)
                    wanted = self._check(
                        library.LZ4F_decompress(
                            context,
                            byref(room, filled),
                            byref(made),
                            c_void_p(source + at),
                            byref(taken),
                            None,
                        )
                    )
                    filled, at = filled + made.value, at + taken.value
                yield ctypes.string_at(room, filled)
            if wanted:
                raise Unreadable("the file is cut short")
        finally:
            library.LZ4F_freeDecompressionContext(context)

    def _check(self, code: int) -> int:
        if self._library.LZ4F_isError(c_size_t(code)):
            raise Unreadable(self._library.LZ4F_getErrorName(c_size_t(code)).decode())
        return code


class _Buffer(ctypes.Structure):
    """ZSTD_inBuffer and ZSTD_outBuffer have this form."""

    _fields_ = (("address", c_void_p), ("size", c_size_t), ("pos", c_size_t))


class Zstd:
    """zstd streams (ZSTD_decompressStream of zstd.h)."""

    def __init__(self) -> None:
        self._library = _load("libzstd.so.1")
        self._library.ZSTD_createDStream.restype = c_void_p
        self._library.ZSTD_decompressStream.restype = c_size_t
        self._library.ZSTD_getErrorName.restype = c_char_p

    def decode(self, data: bytes, piece: int) -> Iterator[bytes]:
        """Every frame in ``data``, in pieces of ``piece`` bytes.

        Raises:
            Unreadable: damaged or cut short.
        """
        library = self._library
        stream = c_void_p(library.ZSTD_createDStream())
        try:
            room = ctypes.create_string_buffer(piece)
            source, wanted = _Buffer(_address(data), len(data), 0), 1
            full = False
            while source.pos < len(data) or full:
                made = _Buffer(ctypes.addressof(room), piece, 0)
                wanted = self._check(library.ZSTD_decompressStream(stream, byref(made), byref(source)))
                full = made.pos == piece and wanted != 0
                yield ctypes.string_at(room, made.pos)
            if wanted:
                raise Unreadable("the file is cut short")
        finally:
            library.ZSTD_freeDStream(stream)

    def _check(self, code: int) -> int:
        if self._library.ZSTD_isError(c_size_t(code)):
            raise Unreadable(self._library.ZSTD_getErrorName(c_size_t(code)).decode())
        return code


def _load(name: str) -> Any:  # a ctypes library answers any name with a function
    return ctypes.CDLL(name)


def _address(data: bytes) -> int:
    return ctypes.cast(c_char_p(data), c_void_p).value or 0


@cache
def lz4() -> Lz4:
    """Raises OSError when the library is not there."""
    return Lz4()


@cache
def zstd() -> Zstd:
    """Raises OSError when the library is not there."""
    return Zstd()
