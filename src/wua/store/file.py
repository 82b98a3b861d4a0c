"""The file of a store: opening it, transactions of two durabilities, errors, and replacing a broken file."""

import contextlib
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wua.model.problems import error
from wua.store import database
from wua.system.folders import folder_lock
from wua.system.log import log


class StoreFile:
    """A database with a durable and a soft connection. Methods may be called from any thread.

    A file that is found broken is kept aside, and ``rebuild`` fills a new one; every process that has
    the old one open changes over by itself.

    Raises:
        WuaError: store-newer, store-unwritable on opening; disk-full, store-unwritable, store-corrupt on
            use; connection-lost once it was closed.
    """

    steps: Sequence[str] = ()

    def __init__(
        self, path: Path, *, read_only: bool = False, clock: Callable[[], float] = time.time
    ) -> None:
        self.path = path
        self.read_only = read_only
        self.set_aside: Path | None = None  # the corrupt file that this store replaced, if it did
        self._clock = clock
        self._lock = threading.RLock()
        self._closed = False
        self._reader: database.Reader | None = None
        if read_only:
            self._reader = database.connect_read_only(path)
            self._db = self._soft = self._reader.connection
        else:
            self._open()

    def rebuild(self, set_aside: Path) -> None:
        """Fill a new store; the broken one is kept as ``set_aside``."""

    def close(self) -> None:
        with self._lock:
            self._closed = True
            if self._reader is not None:
                self._reader.close()
            else:
                self._soft.close()
                self._db.close()

    def is_sound(self) -> bool:
        """Whether every page of the file is in order; reads all of it."""
        with self._lock:
            self._ensure()
            return database.is_sound(self._db)

    # --- opening

    def _open(self) -> None:
        """Nobody sees a new store before it is filled: who fills it has the folder alone."""
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with folder_lock(folder):
                self._connect()
        except OSError as failure:
            raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
        except database.Corrupt:
            with folder_lock(folder, alone=True):
                self._replace()

    def _connect(self) -> None:
        """Raises Corrupt, WuaError."""
        self._inode = -1
        suspect = self._suspect.exists()
        self._db = database.connect(self.path, newest=len(self.steps))
        try:
            if suspect and not database.is_sound(self._db):
                raise database.Corrupt("damaged pages")
            database.migrate(self._db, self.steps)
            self._soft = database.connect(self.path, sync="NORMAL")
        except sqlite3.DatabaseError as failure:
            self._db.close()
            if database.is_corrupt(failure):
                raise database.Corrupt(str(failure)) from None
            raise database.trouble(self.path, failure) from None
        except BaseException:
            self._db.close()
            raise
        if suspect:
            self._suspect.unlink(missing_ok=True)
        self._inode = os.stat(self.path).st_ino

    @property
    def _suspect(self) -> Path:
        """Whoever met a damaged page leaves this file; the next to open the store looks at all pages."""
        return self.path.with_name(f"{self.path.name}.suspect")

    def _replace(self) -> None:
        with contextlib.suppress(database.Corrupt):
            return self._connect()  # another process has done it meanwhile
        self.set_aside = database.set_aside(self.path)
        self._suspect.unlink(missing_ok=True)
        self._connect()
        self.rebuild(self.set_aside)
        log(f"{self.path} was damaged: it is kept as {self.set_aside.name}, and was built again")
        return None

    def _ensure(self) -> None:
        """Raise when the store was closed; change over when another process replaced a broken file."""
        if self._closed:
            raise error("connection-lost", "the store was closed")
        if self.read_only or self._db.in_transaction or self._soft.in_transaction:
            return
        try:
            inode = os.stat(self.path).st_ino
        except FileNotFoundError:
            inode = -1
        except OSError as failure:
            raise error("store-unwritable", f"{failure.filename}: {failure.strerror}") from None
        if inode != self._inode:
            self._soft.close()
            self._db.close()
            self._open()

    # --- using

    @contextmanager
    def _write(self, *, soft: bool = False) -> Iterator[sqlite3.Connection]:
        """One transaction; durable unless it is ``soft``."""
        with self._lock:
            self._ensure()
            db = self._soft if soft else self._db
            try:
                db.execute("BEGIN IMMEDIATE")
                try:
                    yield db
                    db.execute("COMMIT")
                except BaseException:
                    if db.in_transaction:  # a full disk makes SQLite roll back by itself
                        db.execute("ROLLBACK")
                    raise
            except sqlite3.DatabaseError as failure:
                raise self._trouble(failure) from failure

    def _rows(self, sql: str, *values: Any) -> list[Any]:
        with self._lock:
            self._ensure()
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as failure:
                raise self._trouble(failure) from failure

    def _trouble(self, failure: sqlite3.DatabaseError) -> Exception:
        """What to raise for an error of SQLite; defects stay what they are."""
        if database.is_corrupt(failure):
            if not self.read_only:
                self._suspect.touch()
                self._inode = -1  # look at the whole file before it is used again
            return error("store-corrupt", f"{self.path}: {failure}")
        if isinstance(failure, sqlite3.OperationalError):
            return database.trouble(self.path, failure)
        return failure
