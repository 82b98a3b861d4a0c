"""What outside installers reported, as the store keeps it."""

from typing import Final

import msgspec

from wua.model.reports import InstallerReport
from wua.model.struct import replace
from wua.store.state import StateStore

AREA: Final = "report"  # in the store


def write(store: StateStore, report: InstallerReport, now: float) -> None:
    """See ``Agent.record_report``."""
    store.keep(AREA, report.cookie, msgspec.json.encode(replace(report, reported=now)))


def read(store: StateStore) -> tuple[InstallerReport, ...]:
    """By cookie."""
    return tuple(msgspec.json.decode(value, type=InstallerReport) for value in store.kept(AREA).values())
