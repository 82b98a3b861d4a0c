"""What SQLite does to its files, recorded; and what a loss of power may leave of it.

``Recorder`` stands between SQLite and the operating system (as a VFS, SQLite's own interface for this) and
logs every write, truncation, deletion and sync of the databases with a given name. ``after_loss`` makes
files from such a log as they may be found afterwards:

* what was written before the last sync of its file is there;
* of what came later any set of 512-byte sectors may be there, in any order, across files too: a file may
  be longer with a hole in it, a truncation or a deletion may be undone;
* a sync of a file makes its name last, too (as ext4, XFS and Btrfs do); a deletion lasts from the next sync
  of the folder, which SQLite does with the first sync of a journal or log that it has opened;
* a sector is written as a whole or not at all, and its neighbours are not harmed (SQLite's "powersafe
  overwrite").

Not in the model: disks that say synced and lie (``trust`` False plays one), and damage to what was synced.
"""

import ctypes
import os
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, Final, NamedTuple

SECTOR: Final = 512  # bytes
_HEAD: Final = struct.Struct("<cBqI")  # kind, length of the name, offset, length of the data

WRITE: Final = b"W"
SYNC: Final = b"S"
TRUNCATE: Final = b"T"  # to ``offset`` bytes
DELETE: Final = b"D"
FOLDER: Final = b"F"  # the folder was synced: what was deleted stays so


class Op(NamedTuple):
    """One thing done to a file, or agreed on between the programs that write the log."""

    kind: bytes
    name: str
    offset: int = 0
    data: bytes = b""


def append(log: int, op: Op) -> None:
    """One write, so that the entries of several processes follow each other whole."""
    name = op.name.encode()
    os.write(log, _HEAD.pack(op.kind, len(name), op.offset, len(op.data)) + name + op.data)


def read(path: Path) -> list[Op]:
    """A log; an entry that was cut off by the death of its writer is left out."""
    data = path.read_bytes() if path.exists() else b""
    found, at = [], 0
    while at + _HEAD.size <= len(data):
        kind, named, offset, size = _HEAD.unpack_from(data, at)
        begin = at + _HEAD.size + named
        at = begin + size
        if at <= len(data):
            found.append(Op(kind, data[begin - named : begin].decode(), offset, data[begin:at]))
    return found


# --- after the loss


def after_loss(
    before: Mapping[str, bytes], ops: Sequence[Op], dice: Random, survives: float, *, trust: bool = True
) -> dict[str, bytes]:
    """The files after a loss of power behind the last of ``ops``; ``before`` is what there was, synced.

    ``survives``: how probable it is for each unsynced sector to be there. ``trust`` False: no sync counts.
    """
    files: dict[str, bytearray | None] = {name: bytearray(data) for name, data in before.items()}
    pending: dict[str, list[Op]] = {}
    for op in ops:
        if op.kind not in (SYNC, FOLDER):
            pending.setdefault(op.name, []).append(op)
        elif trust:
            for name, waiting in pending.items():
                lasting = _lasting(op, name, waiting)
                for done in waiting[:lasting]:
                    files[name] = _applied(files.get(name), done)
                del waiting[:lasting]
    for name, waiting in pending.items():
        files[name] = _torn(files.get(name), waiting, dice, survives)
    return {name: bytes(data) for name, data in files.items() if data is not None}


def _lasting(sync: Op, name: str, waiting: Sequence[Op]) -> int:
    """How much of what waits for the disk a sync has seen through."""
    if sync.kind == FOLDER:
        return max((place for place, op in enumerate(waiting, 1) if op.kind == DELETE), default=0)
    return len(waiting) if name == sync.name else 0


def _torn(found: bytearray | None, waiting: Sequence[Op], dice: Random, survives: float) -> bytearray | None:
    for op in waiting:
        if op.kind == WRITE:
            for piece in _sectors(op):
                if dice.random() < survives:
                    found = _applied(found, piece)
        elif dice.random() < survives:
            found = _applied(found, op)
        elif op.kind == DELETE:
            return found  # the name still leads to the old file, whatever was written to a new one
    return found


def _sectors(op: Op) -> Iterator[Op]:
    at, end = op.offset, op.offset + len(op.data)
    while at < end:
        until = min(end, (at // SECTOR + 1) * SECTOR)
        yield op._replace(offset=at, data=op.data[at - op.offset : until - op.offset])
        at = until


def _applied(found: bytearray | None, op: Op) -> bytearray | None:
    if op.kind == DELETE:
        return None
    found = bytearray() if found is None else found
    if op.kind == TRUNCATE:
        del found[op.offset :]
        return found
    if len(found) < op.offset:
        found.extend(bytes(op.offset - len(found)))
    found[op.offset : op.offset + len(op.data)] = op.data
    return found


# --- while it is written

_Pointer: Final = ctypes.c_void_p
_Int: Final = ctypes.c_int
_Long: Final = ctypes.c_int64
_WriteCall: Final = ctypes.CFUNCTYPE(_Int, _Pointer, _Pointer, _Int, _Long)
_TruncateCall: Final = ctypes.CFUNCTYPE(_Int, _Pointer, _Long)
_SyncCall: Final = ctypes.CFUNCTYPE(_Int, _Pointer, _Int)
_OpenCall: Final = ctypes.CFUNCTYPE(_Int, _Pointer, _Pointer, _Pointer, _Int, _Pointer)
_DeleteCall: Final = ctypes.CFUNCTYPE(_Int, _Pointer, ctypes.c_char_p, _Int)


class _Methods(ctypes.Structure):
    """sqlite3_io_methods, version 3."""

    _fields_ = (
        ("version", _Int),
        ("close", _Pointer),
        ("read", _Pointer),
        ("write", _Pointer),
        ("truncate", _Pointer),
        ("sync", _Pointer),
        ("others", _Pointer * 13),  # to xUnfetch
    )


class _Vfs(ctypes.Structure):
    """sqlite3_vfs, version 3."""

    _fields_ = (
        ("version", _Int),
        ("file_size", _Int),
        ("longest_path", _Int),
        ("next", _Pointer),
        ("name", ctypes.c_char_p),
        ("data", _Pointer),
        ("open", _Pointer),
        ("delete", _Pointer),
        ("others", _Pointer * 14),  # to xNextSystemCall
    )


def library() -> Any:
    """The SQLite of this Python; None when it can't be reached (built in, its names hidden)."""
    import _sqlite3

    found = ctypes.CDLL(getattr(_sqlite3, "__file__", None))
    if not hasattr(found, "sqlite3_vfs_find"):
        return None
    found.sqlite3_vfs_find.restype = ctypes.POINTER(_Vfs)
    return found


class Recorder:
    """Logs what this process does to databases named ``name`` and to their side files.

    ``step`` is told of every write and sync before it is done. Used with ``with``, or until the process ends.
    """

    def __init__(self, log: Path, name: str, step: Callable[[str], None] = lambda _: None) -> None:
        """Raises OSError, when the SQLite of this Python can't be reached, or is too old."""
        self._sqlite = library()
        if self._sqlite is None:
            raise OSError("the SQLite of this Python is not a shared library")
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
        self._name, self._step = name, step
        self._files: dict[int, str] = {}
        self._fresh: set[int] = set()  # journals and logs that were not synced since they were opened
        self._methods: dict[int, tuple[Any, ...]] = {}  # for each of SQLite's, ours and what it calls
        self._system = self._sqlite.sqlite3_vfs_find(None)
        if self._system.contents.version < 3:
            raise OSError("the SQLite of this Python is too old to be recorded")
        self._ours = _Vfs.from_buffer_copy(self._system.contents)
        self._ours.name = b"recorded"
        self._real_open = _OpenCall(self._ours.open)
        self._real_delete = _DeleteCall(self._ours.delete)
        self._calls = _OpenCall(self._open), _DeleteCall(self._delete)
        self._ours.open, self._ours.delete = (ctypes.cast(call, _Pointer).value for call in self._calls)
        self._sqlite.sqlite3_vfs_register(ctypes.byref(self._ours), 1)
        _KEPT.append(self)

    def close(self) -> None:
        """Databases opened from now on are not recorded; those that are open must be closed before."""
        self._sqlite.sqlite3_vfs_unregister(ctypes.byref(self._ours))
        self._sqlite.sqlite3_vfs_register(self._system, 1)
        os.close(self._log)

    def _open(self, vfs: int, name: int | None, file: int, flags: int, answer: int | None) -> int:
        found: int = self._real_open(vfs, name, file, flags, answer)
        path = os.path.basename(ctypes.string_at(name).decode()) if name else ""
        methods = _Pointer.from_address(file)
        if found == 0 and methods.value and path.startswith(self._name):
            self._files[file] = path
            self._fresh.discard(file)
            if path != self._name:
                self._fresh.add(file)
            methods.value = ctypes.addressof(self._recording(methods.value))
        return found

    def _recording(self, original: int) -> _Methods:
        if original in self._methods:
            found: _Methods = self._methods[original][0]
            return found
        ours = _Methods.from_buffer_copy(_Methods.from_address(original))
        write, truncate, sync = _WriteCall(ours.write), _TruncateCall(ours.truncate), _SyncCall(ours.sync)

        def on_write(file: int, data: int, size: int, offset: int) -> int:
            name = self._files[file]
            self._step(f"write {name} {offset}")
            append(self._log, Op(WRITE, name, offset, ctypes.string_at(data, size)))
            return int(write(file, data, size, offset))

        def on_truncate(file: int, size: int) -> int:
            append(self._log, Op(TRUNCATE, self._files[file], size))
            return int(truncate(file, size))

        def on_sync(file: int, flags: int) -> int:
            name = self._files[file]
            self._step(f"sync {name}")
            done = int(sync(file, flags))
            if done == 0:
                append(self._log, Op(SYNC, name))
                if file in self._fresh:
                    self._fresh.discard(file)
                    append(self._log, Op(FOLDER, ""))
            return done

        calls = _WriteCall(on_write), _TruncateCall(on_truncate), _SyncCall(on_sync)
        ours.write, ours.truncate, ours.sync = (ctypes.cast(call, _Pointer).value for call in calls)
        self._methods[original] = (ours, calls, write, truncate, sync)
        return ours

    def _delete(self, vfs: int, path: bytes, sync: int) -> int:
        name = os.path.basename(path.decode())
        if not name.startswith(self._name):
            return int(self._real_delete(vfs, path, sync))
        self._step(f"delete {name}")
        append(self._log, Op(DELETE, name))
        done = int(self._real_delete(vfs, path, sync))
        if sync and done == 0:
            append(self._log, Op(SYNC, name))
        return done


_KEPT: Final[list[Recorder]] = []  # SQLite goes on calling what it was given


@contextmanager
def recorded(log: Path, name: str) -> Iterator[None]:
    recorder = Recorder(log, name)
    try:
        yield
    finally:
        recorder.close()
