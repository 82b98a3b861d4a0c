"""Opening an SQLite store: durability, migrations, refusal of what is newer, setting aside what is broken."""

import os
import sqlite3
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from wua.model.problems import WuaError, error

if TYPE_CHECKING:
    import tempfile

_VERSION_AT: Final = slice(60, 64)  # of the header: user_version, big-endian
_MAGIC: Final = b"SQLite format 3\0"
_FULL: Final = {sqlite3.SQLITE_FULL}
_BROKEN: Final = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class Corrupt(Exception):
    """The file is not a usable database."""


def is_corrupt(failure: sqlite3.Error) -> bool:
    """Whether SQLite found the file itself broken."""
    return getattr(failure, "sqlite_errorcode", 0) & 0xFF in _BROKEN


def trouble(path: Path, failure: sqlite3.Error) -> WuaError:
    """What an error of SQLite means to a user of the store."""
    return error("disk-full" if is_full(failure) else "store-unwritable", f"{path}: {failure}")


def is_full(failure: sqlite3.Error) -> bool:
    """Whether there was no room to write."""
    return getattr(failure, "sqlite_errorcode", 0) & 0xFF in _FULL


def connect(
    path: Path, *, sync: str = "FULL", timeout: float = 30.0, newest: int | None = None
) -> sqlite3.Connection:
    """A connection in WAL mode without implicit transactions.

    ``sync`` FULL makes every commit last through a power loss; NORMAL leaves that to the next
    FULL commit or checkpoint, and never harms the file. ``newest`` is the newest format known.

    Raises:
        WuaError: store-newer, before anything was touched; disk-full, store-unwritable.
        Corrupt: the file is no database.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _opening:
            if newest is not None and _file(path) not in _opened:
                _refuse_newer(path, _stored_version(path), newest)
            connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
            _opened.add(_file(path))
    except OSError as failure:
        raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
    except sqlite3.Error as failure:
        raise trouble(path, failure) from None
    try:
        if newest is not None:
            _refuse_newer(path, version(connection), newest)
        _write_ahead(connection, timeout)
        connection.execute(f"PRAGMA synchronous={sync}")
    except sqlite3.DatabaseError as failure:
        connection.close()
        raise (Corrupt(str(failure)) if is_corrupt(failure) else trouble(path, failure)) from None
    except WuaError:
        connection.close()
        raise
    return connection


def _write_ahead(connection: sqlite3.Connection, timeout: float) -> None:
    """Use a write-ahead log. Who makes a file use one has it alone, and SQLite does not wait for that."""
    deadline = time.monotonic() + timeout
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as failure:
            if failure.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() >= deadline:
                raise
            time.sleep(0.005)
        else:
            return


# Files that this process has opened as databases. Closing any other descriptor of such a file
# would drop SQLite's locks on it (POSIX record locks belong to the process), and another process
# could then delete the write-ahead log that is in use here.
_opened: set[tuple[int, int] | None] = set()
_opening = threading.Lock()


def _file(path: Path) -> tuple[int, int] | None:
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _stored_version(path: Path) -> int:
    """The format that the file's header names, without opening it as a database."""
    try:
        with open(path, "rb") as file:
            header = file.read(100)
    except FileNotFoundError:
        return 0
    return int.from_bytes(header[_VERSION_AT], "big") if header.startswith(_MAGIC) else 0


def _refuse_newer(path: Path, found: int, newest: int) -> None:
    if found > newest:
        raise error("store-newer", f"{path} has format {found}, this wua knows {newest}")


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, steps: Sequence[str]) -> None:
    """Run the steps that the file has not seen, each in a transaction of its own. Raises sqlite3.Error."""
    while (done := version(connection)) < len(steps):
        connection.execute("BEGIN IMMEDIATE")
        try:
            if version(connection) == done:  # another process may have been quicker
                for statement in split(steps[done]):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={done + 1}")
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise


def split(script: str) -> list[str]:
    """The statements of a script; ``executescript`` would commit in between."""
    statements, current = [], ""
    for line in script.splitlines():
        current += line + "\n"
        if sqlite3.complete_statement(current):
            statements.append(current)
            current = ""
    return statements


def is_sound(connection: sqlite3.Connection) -> bool:
    """Whether every page and index of the database is in order."""
    try:
        return bool(connection.execute("PRAGMA integrity_check(1)").fetchone()[0] == "ok")
    except sqlite3.DatabaseError:
        return False


def set_aside(path: Path) -> Path:
    """Rename a broken database, with its side files, and answer the new name."""
    stamp = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
    kept = path.with_name(f"{path.name}.corrupt-{stamp}")
    for suffix in ("", "-wal", "-shm"):
        side = path.with_name(path.name + suffix)
        if side.exists():
            os.replace(side, kept.with_name(kept.name + suffix))
    return kept


class Reader:
    """A connection for reading another user's store, and the private copy it may be of."""

    def __init__(
        self, connection: sqlite3.Connection, copy: "tempfile.TemporaryDirectory[str] | None"
    ) -> None:
        self.connection = connection
        self._copy = copy

    def close(self) -> None:
        self.connection.close()
        if self._copy is not None:
            self._copy.cleanup()


def connect_read_only(path: Path) -> Reader:
    """Read another user's store.

    SQLite reads a WAL database that somebody has open. One that nobody has open can't be opened
    without writing beside it; then its files do not change, and a private copy of them is read. The
    copy is taken again if they changed or a writer appeared meanwhile.

    Raises:
        WuaError: store-unwritable, when there is nothing readable.
    """
    for _ in range(20):
        if os.access(path.with_name(path.name + "-wal"), os.F_OK):
            connection = sqlite3.connect(
                f"file:{path}?mode=ro", uri=True, timeout=30, isolation_level=None, check_same_thread=False
            )
            try:
                connection.execute("SELECT 1 FROM sqlite_master").fetchone()
                return Reader(connection, None)
            except sqlite3.OperationalError:
                connection.close()  # its writer has left or was killed: the copy will do
        copied = _copied(path)
        if copied is not None:
            return copied
    raise error("store-unwritable", f"{path} can't be read: it changes all the time")


def _copied(path: Path) -> Reader | None:
    """A private copy of the files; None when they changed while they were copied."""
    files = [path, path.with_name(path.name + "-wal")]
    before = [_state(file) for file in files]
    if before[0] is None:
        raise error("store-unwritable", f"{path}: there is no store")
    import tempfile

    folder = tempfile.TemporaryDirectory(prefix="wua-read-")
    try:
        for file, state in zip(files, before, strict=True):
            if state is not None:
                Path(folder.name, file.name).write_bytes(file.read_bytes())
    except FileNotFoundError:
        folder.cleanup()
        return None
    except OSError as failure:
        folder.cleanup()
        raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
    if [_state(file) for file in files] != before:
        folder.cleanup()
        return None
    connection = sqlite3.connect(Path(folder.name, path.name), isolation_level=None, check_same_thread=False)
    try:
        connection.execute("PRAGMA query_only=1")
        connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    except sqlite3.DatabaseError as failure:
        connection.close()
        folder.cleanup()
        raise trouble(path, failure) from None
    return Reader(connection, folder)


def _state(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    except OSError as failure:
        raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
    return found.st_mtime_ns, found.st_size, found.st_ino
