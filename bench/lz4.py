"""An lz4 frame, through the library that apt depends on: stored lists are made anew in apt's own format."""

import ctypes


def compress(data: bytes) -> bytes:
    library = ctypes.CDLL("liblz4.so.1")
    library.LZ4F_compressFrameBound.restype = ctypes.c_size_t
    library.LZ4F_compressFrameBound.argtypes = (ctypes.c_size_t, ctypes.c_void_p)
    library.LZ4F_compressFrame.restype = ctypes.c_size_t
    library.LZ4F_compressFrame.argtypes = (
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_char_p,
        ctypes.c_size_t,
        ctypes.c_void_p,
    )
    room = library.LZ4F_compressFrameBound(len(data), None)
    buffer = ctypes.create_string_buffer(room)
    size = library.LZ4F_compressFrame(buffer, room, data, len(data), None)
    if size > room:
        raise OSError("lz4 could not compress")
    return buffer.raw[:size]
