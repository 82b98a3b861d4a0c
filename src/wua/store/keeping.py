"""Small things that a store keeps by area and name: registered services, settings, reports."""

from typing import Final

from wua.store import database, records
from wua.store.file import StoreFile

SINCE: Final = 2  # the format that brought the table; another user's store may be older


class Keeping(StoreFile):
    """A store that also keeps JSON values, each by its area and its name in it."""

    def kept(self, area: str) -> dict[str, bytes]:
        """Name to value of one area, by name. An older store, open for reading, keeps nothing."""
        with self._lock:
            self._ensure()
            if self.read_only and database.version(self._db) < SINCE:
                return {}
        return dict(self._rows("SELECT name, value FROM kept WHERE area=? ORDER BY name", area))

    def keep(self, area: str, name: str, value: bytes | None) -> None:
        """Keep a value in the place of an earlier one, or forget it (None)."""
        with self._write() as db:
            if value is None:
                db.execute("DELETE FROM kept WHERE area=? AND name=?", (area, name))
            else:
                db.execute("INSERT OR REPLACE INTO kept VALUES (?,?,?)", (area, name, value))
        records.write_kept(self.path, self._rows("SELECT area, name, value FROM kept"))
