"""The apt service and handler, joined with the store's memory and a catalogue of their own."""

from pathlib import Path
from typing import TYPE_CHECKING

from wua.engine.wiring import Memory
from wua.model.enums import ResultCode
from wua.model.identity import deb_update_id
from wua.model.jobs import HistoryEntry
from wua.model.plugins import DebianTarget
from wua.services.apt import AptService, lookup
from wua.store.catalogue import Catalogue

if TYPE_CHECKING:
    from wua.handlers.apt import AptHandler
    from wua.handlers.kept import KeptPackages


def open_service(target: DebianTarget, memory: Memory) -> tuple[AptService, Catalogue]:
    """Entry point of ``wua.services``."""
    catalogue = Catalogue(Path(target.paths.state) / "catalogue.db")

    def can_be_taken_back() -> frozenset[str]:
        history = memory.history()
        if not history:
            return frozenset()
        from wua.handlers.apt_words import entry_that_brought
        from wua.handlers.kept import QUOTA, KeptPackages

        kept = KeptPackages(Path(target.paths.cache) / "kept", QUOTA)
        found = set()
        for entries in by_package(history):
            newest = entries[0]
            entry = entry_that_brought(entries, newest.to_version)
            if entry is not None and previous_can_be_had(entry, catalogue, kept):
                found.add(entry.update.update_id)
        return frozenset(found)

    return AptService(target, catalogue, memory, uninstallable=can_be_taken_back), catalogue


def open_handler(target: DebianTarget, memory: Memory, catalogue: Catalogue) -> "AptHandler":
    """Entry point of ``wua.handlers``."""
    from wua.handlers.apt import AptHandler

    return AptHandler(target, lookup(catalogue), memory)


def by_package(history: tuple[HistoryEntry, ...]) -> list[list[HistoryEntry]]:
    """A history, newest first, split by package."""
    split: dict[tuple[str, str], list[HistoryEntry]] = {}
    for entry in history:
        if entry.code is ResultCode.SUCCEEDED:
            split.setdefault((entry.name, entry.architecture), []).append(entry)
    return list(split.values())


def previous_can_be_had(entry: HistoryEntry, catalogue: Catalogue, kept: "KeptPackages") -> bool:
    """Whether there was nothing before, or the version before is kept or in the lists."""
    if not entry.from_version:
        return True
    key = (entry.name, entry.architecture, entry.from_version)
    return bool(kept.find(*key)) or bool(catalogue.known_by("update_id", [deb_update_id(*key)]))
