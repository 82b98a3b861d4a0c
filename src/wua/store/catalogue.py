"""The catalogue: offers and known updates of all services, stored for fast searches.

All of it is made from indexes and facts that lie elsewhere, so a damaged file or one of another
format is dropped and filled again; ``notes`` says so.
"""

import json
import sqlite3
import threading
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import msgspec

from wua.model.enums import DeploymentAction, UpdateType
from wua.model.problems import error
from wua.model.updates import Category, Offer
from wua.store.catalogue_schema import COLUMNS, FORMAT, OFFER_COLUMNS, SCHEMA
from wua.store.catalogue_writer import Row, Writer
from wua.store.database import Corrupt, connect, is_full, split, trouble, version

_OFFER: Final = ", ".join(OFFER_COLUMNS)
_TYPES: Final = {member.value: member for member in UpdateType}
_ACTIONS: Final = {member.value: member for member in DeploymentAction}
_LOG_KEPT: Final = 4_000_000  # bytes of a write-ahead log that stay on the disk for the next transaction


class KnownOffer(NamedTuple):
    """An offer with what the catalogue keeps beside it."""

    offer: Offer
    offered: bool  # False: known, but not offered to this target
    held: bool
    sha256: str
    source: int


class Catalogue:
    """One catalogue file. Methods may be called from any thread.

    Raises:
        WuaError: store-unwritable, on opening.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        self._lock = threading.RLock()
        self._db = self._open()

    # opening and rebuilding

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except (Corrupt, sqlite3.DatabaseError) as damage:
            if isinstance(damage, sqlite3.OperationalError) and "locked" in str(damage):
                raise error("store-unwritable", f"{self.path}: {damage}") from None
            self.notes.append(f"The catalogue {self.path} was damaged ({damage}); it is made anew.")
            self._delete()
            return self._connect()

    def _connect(self) -> sqlite3.Connection:
        db = connect(self.path, sync="NORMAL")
        db.execute("PRAGMA mmap_size=268435456")
        found = version(db)
        if found == FORMAT:
            return db
        db.execute("BEGIN IMMEDIATE")
        found = version(db)
        if found not in (0, FORMAT):
            db.execute("ROLLBACK")
            db.close()
            self.notes.append(f"The catalogue {self.path} has format {found}, not {FORMAT}; it is made anew.")
            self._delete()
            return self._connect()
        if found == 0:
            for statement in split(SCHEMA):
                db.execute(statement)
            db.execute(f"PRAGMA user_version={FORMAT}")
        db.execute("COMMIT")
        return db

    def _delete(self) -> None:
        for suffix in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + suffix).unlink(missing_ok=True)

    def rebuild(self, why: str) -> None:
        """Drop everything; the next synchronisation fills it again."""
        with self._lock:
            self.notes.append(f"The catalogue {self.path} was damaged ({why}); it is made anew.")
            self._db.close()
            self._delete()
            self._db = self._connect()

    def take_notes(self) -> tuple[str, ...]:
        """What is to be said about the catalogue itself, once."""
        taken, self.notes = tuple(self.notes), []
        return taken

    def close(self) -> None:
        with self._lock:
            self._db.close()

    # searching

    def search(
        self, where: str = "", params: Sequence[object] = (), *, order: str = "", limit: int = 0
    ) -> list[Offer]:
        """Offers that a condition holds for.

        ``where`` and ``order`` are SQL over the columns of ``offers`` (the fields of ``Offer``);
        ``category_ids`` there is the number of a set, see ``in_category``. Values belong into
        ``params``. ``limit`` 0 means all.

        Raises:
            WuaError: catalogue-damaged; it has been dropped, and synchronising makes it again.
        """
        sql = f"SELECT {_OFFER} FROM offers WHERE offered = 1"
        sql += f" AND ({where})" if where else ""
        sql += f" ORDER BY {order}" if order else ""
        sql += f" LIMIT {int(limit)}" if limit else ""
        with self._reading():
            return self._offers(self._db.execute(sql, params))

    def count(self, where: str = "1", params: Sequence[object] = ()) -> int:
        """How many offers a condition holds for."""
        sql = f"SELECT count(*) FROM offers WHERE offered = 1 AND ({where})"
        return int(self._query(sql, params)[0][0])

    @staticmethod
    def in_category() -> str:
        """A condition with one parameter, the category's GUID: the offer belongs to it."""
        return "category_ids IN (SELECT set_id FROM category_members WHERE category_id = ?)"

    def known(self, where: str, params: Sequence[object] = ()) -> list[KnownOffer]:
        """Known versions, offered or not, that a condition holds for."""
        width = len(OFFER_COLUMNS)
        with self._reading():
            rows = self._db.execute(
                f"SELECT {', '.join(COLUMNS)} FROM offers WHERE {where}", params
            ).fetchall()
            offers = self._offers([row[:width] for row in rows])
            return [
                KnownOffer(
                    offer, bool(row[width]), bool(row[width + 1]), row[width + 2].hex(), row[width + 3]
                )
                for offer, row in zip(offers, rows, strict=True)
            ]

    def known_by(self, column: str, values: Iterable[str]) -> list[KnownOffer]:
        """Known versions whose ``column`` (an indexed text column) has one of the values."""
        assert column in {"update_id", "name"}
        return self.known(f"{column} IN (SELECT value FROM json_each(?))", (json.dumps(list(values)),))

    def supersedence(self) -> Mapping[str, Collection[str]]:
        """Nothing: of packages, only versions of the same one take each other's place."""
        return {}

    def categories(self) -> tuple[Category, ...]:
        return tuple(
            msgspec.msgpack.decode(data, type=Category)
            for (data,) in self._query("SELECT data FROM categories ORDER BY rowid")
        )

    def _offers(self, rows: Iterable[Row]) -> list[Offer]:
        """Rows as objects, one at a time while they are read: so that memory holds each row only once.

        Every name is written out, because that is the quickest way to decode three values in twenty.
        """
        sets, types, actions = self._category_sets(), _TYPES, _ACTIONS
        return [
            Offer(
                update_id, revision, title, name, version, architecture, installed_version, types[kind],
                actions[action], installed, hidden, mandatory, browse_only, auto_select, downloaded,
                uninstallable, reboot_required, size, origin, reason, sets[categories],
            )
            for (
                update_id, revision, title, name, version, architecture, installed_version, kind, action,
                installed, hidden, mandatory, browse_only, auto_select, downloaded, uninstallable,
                reboot_required, size, origin, reason, categories,
            ) in rows
        ]  # fmt: skip

    def _category_sets(self) -> dict[int, tuple[str, ...]]:
        return {
            number: tuple(ids.split())
            for number, ids in self._db.execute("SELECT id, ids FROM category_sets")
        }

    @contextmanager
    def _reading(self) -> Iterator[None]:
        with self._lock:
            try:
                yield
            except sqlite3.DatabaseError as failure:
                if not is_damage(failure):
                    raise
                self.rebuild(str(failure))
                raise error("catalogue-damaged", f"{self.path}: {failure}") from None

    def _query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        with self._reading():
            return self._db.execute(sql, params).fetchall()

    # writing, by the services

    @contextmanager
    def writing(self) -> Iterator[Writer]:
        """A transaction; one writer at a time, across processes. Rolled back when the block raises.

        Raises:
            WuaError: disk-full.
        """
        with self._lock:
            self._db.execute("BEGIN IMMEDIATE")
            try:
                yield Writer(self._db)
                self._db.execute("COMMIT")
            except BaseException as failure:
                if self._db.in_transaction:  # a full disk makes SQLite roll back by itself
                    self._db.execute("ROLLBACK")
                if isinstance(failure, sqlite3.Error) and is_full(failure):
                    raise trouble(self.path, failure) from None
                raise
            self._shrink_log()

    def _shrink_log(self) -> None:
        """Give back the disk of a log that an import made large; not while somebody reads it."""
        log = self.path.with_name(self.path.name + "-wal")
        if log.stat().st_size > _LOG_KEPT:
            wait = self._db.execute("PRAGMA busy_timeout").fetchone()[0]
            self._db.execute("PRAGMA busy_timeout=0")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            self._db.execute(f"PRAGMA busy_timeout={wait}")

    def get(self, key: str) -> bytes | None:
        rows = self._query("SELECT value FROM meta WHERE key = ?", (key,))
        return rows[0][0] if rows else None

    def source_data(self, source: int) -> bytes:
        rows = self._query("SELECT data FROM sources WHERE id = ?", (source,))
        return rows[0][0] if rows else b""


def is_damage(failure: sqlite3.Error) -> bool:
    """Whether the file is at fault, and not a lock, a disk or a statement."""
    text = str(failure)
    return not isinstance(failure, sqlite3.IntegrityError) and any(
        sign in text for sign in ("malformed", "not a database", "no such table", "no such column", "corrupt")
    )
