"""Which licences were accepted on this machine, as the store keeps it."""

from typing import Final

from wua.store.state import StateStore

AREA: Final = "licence"  # in the store


def accepted(store: StateStore) -> frozenset[str]:
    """Ids of the updates."""
    return frozenset(store.kept(AREA))


def accept(store: StateStore, update_id: str) -> None:
    """A second time changes nothing."""
    store.keep(AREA, update_id, b"")
