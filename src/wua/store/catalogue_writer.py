"""Writing the catalogue: what a service may do within one transaction."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec

from wua.model.updates import Category
from wua.store.catalogue_schema import COLUMNS, DROP_INDEXES, INDEXES
from wua.store.database import split

_INSERT: Final = f"INSERT INTO offers({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"
_SHA256: Final = COLUMNS.index("sha256")

Row = tuple[Any, ...]  # values of COLUMNS, in order
Seen = dict[str, tuple[int, bytes]]  # update id: revision and digest


class Writer:
    """What a service may do to the catalogue within one transaction."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db

    def put(self, key: str, value: bytes) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def sources(self, service: str) -> dict[str, int]:
        """Keys and numbers of the stored indexes of a service."""
        return dict(self._db.execute("SELECT key, id FROM sources WHERE service = ?", (service,)))

    def put_source(self, service: str, key: str, data: bytes) -> int:
        """Store what was read from an index and answer its number, which stays while the key does."""
        row = self._db.execute(
            "INSERT INTO sources(service, key, data) VALUES (?, ?, ?)"
            " ON CONFLICT (service, key) DO UPDATE SET data = excluded.data RETURNING id",
            (service, key, data),
        ).fetchone()
        return int(row[0])

    def drop_source(self, source: int) -> None:
        self._db.execute("DELETE FROM sources WHERE id = ?", (source,))

    def category_set(self, categories: Sequence[Category]) -> int:
        """The number that stands for these categories in ``offers.category_ids``."""
        ids = " ".join(category.id for category in categories)
        found = self._db.execute("SELECT id FROM category_sets WHERE ids = ?", (ids,)).fetchone()
        if found:
            return int(found[0])
        number = self._db.execute(
            "INSERT INTO category_sets(ids) VALUES (?) RETURNING id", (ids,)
        ).fetchone()[0]
        for category in categories:
            self._db.execute("INSERT INTO category_members VALUES (?, ?)", (category.id, number))
            self.put_category(category)
        return int(number)

    def put_category(self, category: Category) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO categories VALUES (?, ?)", (category.id, msgspec.msgpack.encode(category))
        )

    def replace_all(self, rows: Iterable[Row]) -> None:
        """Make ``rows`` (values of COLUMNS) the whole content."""
        gone = self._known()
        self._db.execute("DELETE FROM offers")
        for statement in split(DROP_INDEXES):
            self._db.execute(statement)
        self._insert(rows, gone)
        for statement in split(INDEXES):
            self._db.execute(statement)

    def replace_names(self, names: Iterable[str], rows: Iterable[Row]) -> None:
        """Make ``rows`` everything that is known of the packages ``names``."""
        wanted = json.dumps(list(names))
        condition = "name IN (SELECT value FROM json_each(?))"
        gone = self._known(condition, (wanted,))
        self._db.execute(f"DELETE FROM offers WHERE {condition}", (wanted,))
        self._insert(rows, gone)

    def _insert(self, rows: Iterable[Row], gone: Seen) -> None:
        remembered = self._revisions()
        if gone or remembered:
            rows = list(_revised(rows, gone, remembered))
        self._db.executemany(_INSERT, rows)
        self._remember(gone)

    def mark(self, column: str, update_ids: Iterable[str]) -> None:
        """Set a flag on exactly these updates; rows that stand right are not touched.

        ``hidden`` is set on held offers too, and never on what is installed.
        """
        assert column in {"downloaded", "uninstallable", "hidden"}
        listed = json.dumps(sorted(update_ids))
        marked, kept = "update_id IN (SELECT value FROM json_each(?))", "0"
        if column == "hidden":
            marked, kept = f"installed = 0 AND {marked}", "held"
        self._db.execute(f"UPDATE offers SET {column} = 1 WHERE {column} = 0 AND {marked}", (listed,))
        self._db.execute(
            f"UPDATE offers SET {column} = {kept} WHERE {column} = 1 AND NOT ({marked})", (listed,)
        )

    def _known(self, condition: str = "1", params: Sequence[object] = ()) -> Seen:
        sql = f"SELECT update_id, revision, sha256 FROM offers WHERE {condition}"
        return {each: (revision, sha256) for each, revision, sha256 in self._db.execute(sql, params)}

    def _revisions(self) -> Seen:
        sql = "SELECT update_id, revision, sha256 FROM revisions"
        return {each: (revision, sha256) for each, revision, sha256 in self._db.execute(sql)}

    def _remember(self, gone: Seen) -> None:
        """Keep revision and digest of what went, so that its return with other content counts on."""
        self._db.executemany(
            "INSERT OR REPLACE INTO revisions VALUES (?, ?, ?)",
            [(each, revision, sha256) for each, (revision, sha256) in gone.items() if sha256],
        )


def _revised(rows: Iterable[Row], gone: Seen, remembered: Seen) -> Iterator[Row]:
    """The rows with their revisions: one more than before where the content is another.

    Takes out of ``gone`` what the rows bring back.
    """
    for row in rows:
        update_id, sha256 = row[0], row[_SHA256]
        was = gone.get(update_id)
        if was is None or not was[1]:
            was = remembered.get(update_id, was)
        if was is None:
            yield row
            continue
        revision, before = was
        if sha256:  # else the content can't be had any more: what is known of it stays remembered
            gone.pop(update_id, None)
            revision += before not in (b"", sha256)
        yield (update_id, revision, *row[2:])
