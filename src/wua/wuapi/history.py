"""What was installed and removed before (IUpdateHistoryEntry, IUpdateHistoryEntry2)."""

import re
from collections.abc import Sequence
from datetime import datetime
from functools import cached_property
from typing import Final

from wua.model import codes
from wua.model.jobs import HistoryEntry
from wua.model.problems import WuaError
from wua.model.updates import Update as Details
from wua.wuapi import enums
from wua.wuapi.categories import CategoryCollection, CategoryTree
from wua.wuapi.collections import Listing, StringCollection, strings
from wua.wuapi.context import Context
from wua.wuapi.declare import ComObject
from wua.wuapi.errors import asking, fail, signed
from wua.wuapi.update_parts import UpdateIdentity as Identity
from wua.wuapi.update_parts import date

_ONE_UPDATE: Final = re.compile(r"\s*UpdateID\s*=\s*'([^']*)'\s*", re.IGNORECASE)


class _Past:
    """What the entries of one answer share: details and categories, fetched for all when first asked for."""

    def __init__(self, shared: Context, entries: Sequence[HistoryEntry]) -> None:
        self._context = shared
        self._ids = tuple(dict.fromkeys(entry.update for entry in entries))

    @cached_property
    def details(self) -> dict[object, Details]:
        """Of those updates that the catalogue still knows."""
        try:
            return {each.id: each for each in self._context.protocol.details(self._ids)}
        except WuaError:  # one of them is gone
            return {each.id: each for one in self._ids for each in self._single(one)}

    def _single(self, update: tuple[str, int]) -> tuple[Details, ...]:
        try:
            return self._context.protocol.details([update])  # type: ignore[list-item]
        except WuaError:
            return ()

    @cached_property
    def tree(self) -> CategoryTree:
        with asking:
            return CategoryTree(self._context.protocol.categories())


class UpdateHistoryEntry(ComObject, interfaces=("IUpdateHistoryEntry2",)):
    """One installation or removal of one update (IUpdateHistoryEntry2).

    Differs: packages that came along with an update have entries of their own.
    """

    __slots__ = ("_entry", "_past")

    def __init__(self, past: _Past, entry: HistoryEntry) -> None:
        self._past, self._entry = past, entry

    @property
    def _details(self) -> Details | None:
        return self._past.details.get(self._entry.update)

    @property
    def Operation(self) -> enums.UpdateOperation:
        """uoInstallation or uoUninstallation. Searches and downloads leave no entry."""
        return enums.UpdateOperation(self._entry.operation)

    @property
    def ResultCode(self) -> enums.OperationResultCode:
        """What became of the update in that operation."""
        return enums.OperationResultCode(self._entry.code)

    @property
    def HResult(self) -> int:
        """The HRESULT of the update in that operation; 0 for a success."""
        return signed(self._entry.hresult)

    @property
    def UnmappedResultCode(self) -> int:
        """The installer's own exit code where that was not an HRESULT, else 0."""
        return signed(self._entry.unmapped)

    @property
    def Date(self) -> datetime:
        """When it ended, UTC, with its time zone."""
        return date(self._entry.date)

    @property
    def UpdateIdentity(self) -> Identity:
        """Which revision of which update it was."""
        return Identity(self._entry.update)

    @property
    def Title(self) -> str:
        """Name and version, as the operation knew them."""
        return self._entry.title

    @property
    def Description(self) -> str:
        """What the update is; empty when the catalogue no longer knows it."""
        if self._entry.description:
            return self._entry.description
        return self._details.description if self._details else ""

    @property
    def ClientApplicationID(self) -> str:
        """The program that asked for it; Unknown when it gave no name."""
        return self._entry.application_id

    @property
    def ServerSelection(self) -> enums.ServerSelection:
        """ssOthers where ServiceID names the service: it was neither WSUS nor Windows Update."""
        known = enums.ServerSelection
        return known.ssOthers if self._entry.service_id else known.ssDefault

    @property
    def ServiceID(self) -> str:
        """The id of the service that the update came from."""
        return self._entry.service_id

    @property
    def UninstallationSteps(self) -> StringCollection:
        """Empty, and read-only: packages bring no notes on their removal."""
        return strings()

    @property
    def UninstallationNotes(self) -> str:
        """Empty: packages bring no notes on their removal."""
        return ""

    @property
    def SupportUrl(self) -> str:
        """As IUpdate.SupportUrl; empty when the catalogue no longer knows the update."""
        return self._details.support_url if self._details else ""

    @property
    def Categories(self) -> CategoryCollection:
        """The categories of the update; empty when the catalogue no longer knows it."""
        return self._past.tree.of(self._details.category_ids if self._details else ())


class UpdateHistoryEntryCollection(
    Listing[UpdateHistoryEntry], interfaces=("IUpdateHistoryEntryCollection",)
):
    """A part of the history (IUpdateHistoryEntryCollection)."""

    __slots__ = ()


def query(shared: Context, criteria: str | None, start: int, count: int) -> UpdateHistoryEntryCollection:
    """Entries from the newest (0) on, read anew at each call.

    Raises:
        ComError: WU_E_INVALIDINDEX when there is no entry at ``start``, so also for an empty history, and
            when ``count`` is not positive; WU_E_INVALID_CRITERIA for anything but ``UpdateID='…'``.
    """
    update_id = ""
    if criteria:
        found = _ONE_UPDATE.fullmatch(criteria)
        if found is None:
            fail(codes.WU_E_INVALID_CRITERIA, "the history knows the criterion UpdateID='…' only")
        update_id = found[1].lower()
    if start < 0 or count <= 0:
        fail(codes.WU_E_INVALIDINDEX, f"{count} entries from index {start}")
    with asking:
        entries = shared.protocol.history(start, count, update_id)
    if not entries:
        fail(codes.WU_E_INVALIDINDEX, f"the history has no entry at index {start}")
    past = _Past(shared, entries)
    return UpdateHistoryEntryCollection([UpdateHistoryEntry(past, entry) for entry in entries])
