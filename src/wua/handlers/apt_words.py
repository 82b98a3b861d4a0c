"""From a request to apt's words: which version of which package should come, go or come back."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from wua.handlers.dpkg_state import DpkgState, Installed
from wua.handlers.kept import KeptPackages
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import HistoryEntry
from wua.model.plans import LeftOut, Operation, PlanRequest
from wua.model.plugins import PackageHistory, PackageLookup, PackageRow
from wua.model.problems import error
from wua.model.updates import UpdateId

Key = tuple[str, str]  # name, architecture


class Words(NamedTuple):
    """What to ask apt for.

    ``requested`` are the packages asked for, ``reasons`` tell why others are in ``words``,
    ``local`` maps a word that is a path to the package it holds.
    """

    words: tuple[str, ...] = ()
    requested: frozenset[Key] = frozenset()
    reasons: dict[Key, str] = {}
    left_out: tuple[LeftOut, ...] = ()
    # Own dependencies of the packages that go: they may go too if apt then needs them no more.
    candidates: dict[Key, str] = {}
    # Words to add when the request alone cannot be solved: the rest of the same job.
    siblings: tuple[str, ...] = ()


class WordMaker:
    """Turns requests into words, with what the system, the catalogue and the history say."""

    def __init__(
        self, state: DpkgState, lookup: PackageLookup, history: PackageHistory, kept: KeptPackages
    ) -> None:
        self._state = state
        self._lookup = lookup
        self._history = history
        self._kept = kept

    def words(self, request: PlanRequest) -> Words:
        """Raises WuaError no-updates, unknown-update, unknown-job, uninstall-not-allowed, not-installed."""
        makers: dict[Operation, Callable[[PlanRequest], Words]] = {
            Operation.INSTALL: self._install,
            Operation.UNINSTALL: self._uninstall,
            Operation.REMOVE: self._remove,
            Operation.UNDO: self._undo,
        }
        return makers[request.operation](request)

    def _install(self, request: PlanRequest) -> Words:
        words, requested, left_out = [], set(), []
        for row in self._rows(request.updates):
            now = self._state.find(row.name, row.architecture)
            if now and now.complete and now.version == row.version and not request.reinstall:
                left_out.append(LeftOut(_title(row), "already installed", row.update))
                continue
            words.append(f"{row.name}:{row.architecture}={row.version}")
            requested.add((row.name, row.architecture))
        return Words(tuple(words), frozenset(requested), left_out=tuple(left_out))

    def _uninstall(self, request: PlanRequest) -> Words:
        words, requested, left_out = [], set(), []
        candidates: dict[Key, str] = {}
        jobs: list[str] = []
        for row in self._rows(request.updates):
            now = self._state.find(row.name, row.architecture)
            if now is None or not now.present or now.version != row.version:
                left_out.append(LeftOut(_title(row), "not installed", row.update))
                continue
            entry = self._entry_for(row)
            words.append(self._back(entry))
            requested.add((row.name, row.architecture))
            jobs.append(entry.job)
            if not entry.from_version:
                candidates |= self._brought_in(entry.job)
        siblings = self._siblings(jobs, requested)
        return Words(tuple(words), frozenset(requested), {}, tuple(left_out), candidates, siblings)

    def _remove(self, request: PlanRequest) -> Words:
        words, requested, left_out = [], set(), []
        for text in request.packages:
            name, _, architecture = text.partition(":")
            now = self._state.find(name, architecture) if architecture else self._state.any(name)
            gone = now is None or not (now.present or (request.purge and now.state == "config-files"))
            if now is None or gone:
                left_out.append(LeftOut(text, "not installed"))
                continue
            words.append(_removal(now))
            requested.add((now.name, now.architecture))
        if not request.packages:
            raise error("no-updates", "no package was named")
        return Words(tuple(words), frozenset(requested), left_out=tuple(left_out))

    def _undo(self, request: PlanRequest) -> Words:
        words, requested, left_out = [], set(), []
        for entry in self._history.of_job(request.job):
            if entry.code is not ResultCode.SUCCEEDED or entry.from_version == entry.to_version:
                continue
            try:
                word = self._reverse(entry)
            except _Impossible as why:
                left_out.append(LeftOut(_entry_title(entry), str(why), entry.update))
                continue
            words.append(word)
            requested.add((entry.name, entry.architecture))
        return Words(tuple(words), frozenset(requested), left_out=tuple(left_out))

    # --- parts

    def _rows(self, updates: Sequence[UpdateId]) -> Iterable[PackageRow]:
        if not updates:
            raise error("no-updates", "the request names no update")
        known = self._lookup.by_id(updates)
        for update in updates:
            if update not in known:
                raise error("unknown-update", f"{update.update_id} revision {update.revision}")
        return (known[update] for update in dict.fromkeys(updates))

    def _entry_for(self, row: PackageRow) -> HistoryEntry:
        found = entry_that_brought(self._history.of_package(row.name, row.architecture), row.version)
        if found is None:
            raise error("uninstall-not-allowed", f"{_title(row)} was not installed by wua")
        return found

    def _back(self, entry: HistoryEntry) -> str:
        try:
            return self._reverse(entry)
        except _Impossible as why:
            raise error("uninstall-not-allowed", f"{_entry_title(entry)}: {why}") from None

    def _reverse(self, entry: HistoryEntry) -> str:
        """The word that takes one entry back. An upgrade never turns into a removal."""
        now = self._state.find(entry.name, entry.architecture)
        here = now.version if now and now.present else ""
        if here != entry.to_version:
            raise _Impossible(
                f"it changed since: {here or 'nothing'} is installed, not {entry.to_version or 'nothing'}"
            )
        if not entry.from_version:
            return f"{entry.name}:{entry.architecture}-"
        return self._version_word(entry.name, entry.architecture, entry.from_version)

    def _version_word(self, name: str, architecture: str, version: str) -> str:
        """``name:arch=version`` where a source has it, else the path of the kept package."""
        if self._lookup.by_version([(name, architecture, version)]):
            return f"{name}:{architecture}={version}"
        kept = self._kept.find(name, architecture, version)
        if kept is None:
            raise _Impossible(f"version {version} is in no source any more and was not kept")
        return str(self._kept.path(kept))

    def _brought_in(self, job: str) -> dict[Key, str]:
        """Automatic packages that a job added for the sake of others: key and removing word."""
        found = {}
        for entry in self._history.of_job(job):
            now = self._state.find(entry.name, entry.architecture)
            own = not entry.requested and not entry.from_version and entry.code is ResultCode.SUCCEEDED
            if own and now is not None and now.present and now.version == entry.to_version:
                found[entry.name, entry.architecture] = _removal(now)
        return found

    def _siblings(self, jobs: Sequence[str], requested: set[Key]) -> tuple[str, ...]:
        """The reverse of whatever else the jobs upgraded, as far as it is possible."""
        words = []
        for entry in (entry for job in dict.fromkeys(jobs) for entry in self._history.of_job(job)):
            key = (entry.name, entry.architecture)
            if key in requested or entry.code is not ResultCode.SUCCEEDED or not entry.from_version:
                continue
            try:
                words.append(self._reverse(entry))
            except _Impossible:  # then apt has to solve it without
                continue
        return tuple(words)


def entry_that_brought(entries: Iterable[HistoryEntry], version: str) -> HistoryEntry | None:
    """The entry that says how wua brought a package to the version it has; None when wua did not.

    ``entries`` are those of one package, newest first. Each must have led to the version that the one
    after it found, and an uninstallation takes the installation before it out of the account.
    """
    taken_back = 0
    for entry in entries:
        if entry.code is not ResultCode.SUCCEEDED or entry.from_version == entry.to_version:
            continue
        if entry.to_version != version:  # something else happened in between
            return None
        if entry.operation == UpdateOperation.UNINSTALLATION:
            taken_back += 1
        elif taken_back:
            taken_back -= 1
        else:
            return entry
        version = entry.from_version
    return None


class _Impossible(Exception):
    """Why one change cannot be taken back."""


def _removal(package: Installed) -> str:
    return f"{package.name}:{package.architecture}-"


def _title(row: PackageRow) -> str:
    return f"{row.name} {row.version} ({row.architecture})"


def _entry_title(entry: HistoryEntry) -> str:
    return f"{entry.name} {entry.to_version or entry.from_version} ({entry.architecture})"
