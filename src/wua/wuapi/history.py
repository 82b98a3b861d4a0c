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
from wua.wuapi.updates import UpdateIdentity as Identity
from wua.wuapi.updates import date

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
    """One installation or removal of one update (IUpdateHistoryEntry2)."""

    __slots__ = ("_entry", "_past")

    def __init__(self, past: _Past, entry: HistoryEntry) -> None:
        self._past, self._entry = past, entry

    @property
    def _details(self) -> Details | None:
        return self._past.details.get(self._entry.update)

    @property
    def Operation(self) -> enums.UpdateOperation:
        return enums.UpdateOperation(self._entry.operation)

    @property
    def ResultCode(self) -> enums.OperationResultCode:
        return enums.OperationResultCode(self._entry.code)

    @property
    def HResult(self) -> int:
        return signed(self._entry.hresult)

    @property
    def UnmappedResultCode(self) -> int:
        """The installer's own code where that was not an HRESULT, else 0."""
        return signed(self._entry.unmapped)

    @property
    def Date(self) -> datetime:
        """UTC, with its time zone."""
        return date(self._entry.date)

    @property
    def UpdateIdentity(self) -> Identity:
        return Identity(self._entry.update)

    @property
    def Title(self) -> str:
        return self._entry.title

    @property
    def Description(self) -> str:
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
        return self._entry.service_id

    @property
    def UninstallationSteps(self) -> StringCollection:
        return strings()

    @property
    def UninstallationNotes(self) -> str:
        return ""

    @property
    def SupportUrl(self) -> str:
        return self._details.support_url if self._details else ""

    @property
    def Categories(self) -> CategoryCollection:
        """Empty when the update is no longer in the catalogue."""
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
