"""Compressing for tests with the C libraries that apt depends on."""

import bz2
import ctypes
import gzip
import lzma


def lz4(data: bytes) -> bytes:
    library = ctypes.CDLL("liblz4.so.1")
    library.LZ4F_compressFrameBound.restype = library.LZ4F_compressFrame.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(library.LZ4F_compressFrameBound(ctypes.c_size_t(len(data)), None))
    made = library.LZ4F_compressFrame(
        room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), None
    )
    return room.raw[:made]


def zstd(data: bytes) -> bytes:
    library = ctypes.CDLL("libzstd.so.1")
    library.ZSTD_compressBound.restype = library.ZSTD_compress.restype = ctypes.c_size_t
    room = ctypes.create_string_buffer(library.ZSTD_compressBound(ctypes.c_size_t(len(data))))
    made = library.ZSTD_compress(room, ctypes.c_size_t(len(room)), data, ctypes.c_size_t(len(data)), 3)
    return room.raw[:made]


COMPRESSORS = {
    "": bytes,
    ".gz": lambda data: gzip.compress(data, mtime=0),
    ".xz": lzma.compress,
    ".lzma": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    ".bz2": bz2.compress,
    ".lz4": lz4,
    ".zst": zstd,
}
