"""The apt service and handler, joined with the store's memory and a catalogue of their own."""

from pathlib import Path
from typing import TYPE_CHECKING

from wua.engine.wiring import Memory
from wua.model.enums import ResultCode, UpdateOperation
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
        from wua.handlers.kept import QUOTA, KeptPackages

        kept = KeptPackages(Path(target.paths.cache) / "kept", QUOTA)
        return frozenset(
            entry.update.update_id
            for entry in newest_of_each(history)
            if entry.operation == UpdateOperation.INSTALLATION
            and entry.code is ResultCode.SUCCEEDED
            and previous_can_be_had(entry, catalogue, kept)
        )

    return AptService(target, catalogue, memory, uninstallable=can_be_taken_back), catalogue


def open_handler(target: DebianTarget, memory: Memory, catalogue: Catalogue) -> "AptHandler":
    """Entry point of ``wua.handlers``."""
    from wua.handlers.apt import AptHandler

    return AptHandler(target, lookup(catalogue), memory)


def newest_of_each(history: tuple[HistoryEntry, ...]) -> list[HistoryEntry]:
    """The newest entry of every package, out of a history that begins with the newest."""
    newest: dict[tuple[str, str], HistoryEntry] = {}
    for entry in history:
        newest.setdefault((entry.name, entry.architecture), entry)
    return list(newest.values())


def previous_can_be_had(entry: HistoryEntry, catalogue: Catalogue, kept: "KeptPackages") -> bool:
    """Whether there was nothing before, or the version before is kept or in the lists."""
    if not entry.from_version:
        return True
    key = (entry.name, entry.architecture, entry.from_version)
    return bool(kept.find(*key)) or bool(catalogue.known_by("update_id", [deb_update_id(*key)]))
