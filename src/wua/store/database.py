"""Opening an SQLite store: durability, migrations, refusal of what is newer, setting aside what is broken."""

import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from wua.model.problems import error


class Corrupt(Exception):
    """The file is not a usable database."""


def connect(path: Path, *, sync: str = "FULL", timeout: float = 30.0) -> sqlite3.Connection:
    """A connection in WAL mode without implicit transactions.

    ``sync`` FULL makes every commit last through a power loss; NORMAL leaves that to the next
    FULL commit or checkpoint, and never harms the file.

    Raises:
        WuaError: store-unwritable.
        Corrupt: the file is no database.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute(f"PRAGMA synchronous={sync}")
    except sqlite3.OperationalError as failure:
        raise error("store-unwritable", f"{path}: {failure}") from None
    except sqlite3.DatabaseError as failure:
        raise Corrupt(str(failure)) from None
    except OSError as failure:
        raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
    return connection


def version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def migrate(connection: sqlite3.Connection, steps: Sequence[str], path: Path) -> None:
    """Run the steps that the file has not seen, each in a transaction of its own.

    Raises:
        WuaError: store-newer, before anything was touched.
    """
    if (found := version(connection)) > len(steps):
        connection.close()
        raise error("store-newer", f"{path} has format {found}, this wua knows {len(steps)}")
    while (done := version(connection)) < len(steps):
        connection.execute("BEGIN IMMEDIATE")
        if version(connection) == done:  # another process may have been quicker
            for statement in split(steps[done]):
                connection.execute(statement)
            connection.execute(f"PRAGMA user_version={done + 1}")
        connection.execute("COMMIT")


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
    try:
        return bool(connection.execute("PRAGMA quick_check(1)").fetchone()[0] == "ok")
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


def connect_read_only(path: Path) -> sqlite3.Connection:
    """Read another user's store.

    A WAL database that nobody has open can't be opened without writing beside it. Then the file
    alone holds everything, and a private copy of it is read; the copy is taken again if the
    file changed or a writer appeared meanwhile.

    Raises:
        WuaError: store-unwritable, when there is nothing readable.
    """
    wal = path.with_name(path.name + "-wal")
    for _ in range(20):
        if wal.exists():
            try:
                connection = sqlite3.connect(
                    f"file:{path}?mode=ro", uri=True, timeout=30, isolation_level=None, check_same_thread=False
                )
                connection.execute("PRAGMA user_version")
                return connection
            except sqlite3.OperationalError:
                pass  # the writer has just left: the copy below will do
        copied = _copy(path, wal)
        if copied is not None:
            return copied
    raise error("store-unwritable", f"{path} can't be read: it changes all the time")


def _copy(path: Path, wal: Path) -> sqlite3.Connection | None:
    try:
        before = path.stat()
        data = bytearray(path.read_bytes())
        after = path.stat()
    except OSError as failure:
        raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
    same = (before.st_mtime_ns, before.st_size, before.st_ino) == (after.st_mtime_ns, after.st_size, after.st_ino)
    if wal.exists() or not same:
        return None
    data[18:20] = b"\1\1"  # the header's mark of a WAL file, which memory has no room for
    connection = sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)
    connection.deserialize(bytes(data))
    connection.execute("PRAGMA query_only=1")
    return connection
