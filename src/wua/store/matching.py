"""Criteria over offers that are in no catalogue: a table in memory for as long as the question takes."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from wua.model.updates import Offer


def matching(offers: Sequence[Offer], where: str, values: tuple[Any, ...]) -> list[Offer]:
    """Those that a condition holds for, as ``wua.criteria`` compiles it, in their order."""
    names = [name for name in Offer.__struct_fields__ if name != "category_ids"]
    db = sqlite3.connect(":memory:")
    try:
        db.execute(f"CREATE TABLE offers ({', '.join(names)})")
        db.execute("CREATE TABLE offer_categories (update_id, category_id)")
        marks = ",".join("?" * len(names))
        rows = [[getattr(offer, name) for name in names] for offer in offers]
        db.executemany(f"INSERT INTO offers VALUES ({marks})", rows)
        pairs = [(offer.update_id, category) for offer in offers for category in offer.category_ids]
        db.executemany("INSERT INTO offer_categories VALUES (?,?)", pairs)
        found = db.execute(f"SELECT rowid FROM offers WHERE {where} ORDER BY rowid", values).fetchall()
    finally:
        db.close()
    return [offers[number - 1] for (number,) in found]
