"""The part of the native agent that is about updates, their history, and the machine."""

from collections.abc import Sequence

from wua.model.jobs import HistoryEntry
from wua.model.problems import error
from wua.model.updates import Category, Reason, RestartReason, Update, UpdateId, Verdict
from wua.native import mapping, naming, searching
from wua.native.administration import Administration
from wua.native.lane import SEARCHING
from wua.native.natives import each


class Reading(Administration):
    """Updates, history and restarts, as the Agent protocol has them."""

    def is_busy(self) -> bool:
        installer = "Microsoft.Update.Installer"
        return self._ask("ask whether it installs", lambda: bool(self._new(installer).IsBusy))

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]:
        return self._ask("look for updates", lambda: naming.resolve(self._shop, names), SEARCHING)

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        def read() -> tuple[Update, ...]:
            service = self._default_service()
            natives = self._shop.known.need(ids)
            for native in natives:
                self._shop.known.keep(each(native.BundledUpdates))  # no search finds them by themselves
            services = [self._shop.known.service_of(update) or service for update in ids]
            return tuple(map(mapping.details, natives, services))

        return self._ask("read updates", read, SEARCHING)

    def _default_service(self) -> str:
        found = self._registrations()
        return next((each.service_id for each in found if each.service and each.service.is_default), "")

    def verdict(self, update: UpdateId) -> Verdict:
        def judge() -> Verdict:
            found = self._shop.known.look([update])
            native = found[update] if update in found else self._shop.known.need([update])[0]
            offer = mapping.offer(native)
            marks = {"hidden": offer.hidden, "mandatory": offer.mandatory, "downloaded": offer.downloaded}
            others = [_reason(aspect, True) for aspect, holds in marks.items() if holds]
            return Verdict(offer, (_reason("installed", bool(offer.installed)), *others))

        return self._ask("look at an update", judge, SEARCHING)

    def hide(self, ids: Sequence[UpdateId], hidden: bool) -> None:
        self._must_act()

        def hide() -> None:
            natives = self._shop.known.need(ids)
            if hidden and any(native.IsMandatory for native in natives):
                raise error("mandatory-update", next(n.Title for n in natives if n.IsMandatory))
            for native in natives:
                native.IsHidden = hidden

        self._ask("hide updates" if hidden else "show updates", hide, SEARCHING)

    def accept_licence(self, update: UpdateId) -> None:
        self._must_act()

        def accept() -> None:
            (native,) = self._shop.known.need([update])
            native.AcceptEula()

        self._ask("accept a licence", accept, SEARCHING)

    def accepted_licences(self) -> tuple[str, ...]:
        """Of the updates that this agent has met: the native agent lists no others."""

        def accepted() -> tuple[str, ...]:
            met = self._shop.known.read(
                lambda n: mapping.identity(n).update_id if n.EulaText and n.EulaAccepted else ""
            )
            return tuple(filter(None, met))

        return self._ask("list accepted licences", accepted)

    def copy_from_cache(self, update: UpdateId, folder: str) -> None:
        self._must_act()
        self._ask("copy", lambda: self._shop.known.need([update])[0].CopyFromCache(folder, False))

    def copy_to_cache(self, update: UpdateId, files: Sequence[str]) -> bool:
        self._must_act()

        def copy() -> bool:
            (native,) = self._shop.known.need([update])
            chosen = self._new("Microsoft.Update.StringColl")
            for file in files:
                chosen.Add(file)
            native.CopyToCache(chosen)
            return bool(native.IsDownloaded)

        return self._ask("copy", copy)

    # --- history and the machine

    def history(self, start: int = 0, count: int = 100, update_id: str = "") -> tuple[HistoryEntry, ...]:
        """The native history, with what everybody did; jobs of wua are named in their entries."""
        return self._ask("read the history", lambda: self._history(start, count, update_id))

    def _history(self, start: int, count: int, update_id: str) -> tuple[HistoryEntry, ...]:
        searcher = self._new("Microsoft.Update.Searcher")
        total = searcher.GetTotalHistoryCount()
        if not total:
            return ()
        first, most = (0, total) if update_id else (start, min(count, total - start))
        if most <= 0:
            return ()
        natives = each(searcher.QueryHistory(first, most))
        found = [mapping.history_entry(native, total - first - n) for n, native in enumerate(natives)]
        if not update_id:
            return tuple(found)
        return tuple(entry for entry in found if entry.update.update_id == update_id)[start : start + count]

    def history_count(self) -> int:
        searcher = "Microsoft.Update.Searcher"
        return self._ask("count the history", lambda: int(self._new(searcher).GetTotalHistoryCount()))

    def categories(self) -> tuple[Category, ...]:
        return self._ask("list categories", lambda: searching.all_categories(self._shop), SEARCHING)

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        def ask() -> tuple[RestartReason, ...]:
            found = []
            if self._new("Microsoft.Update.SystemInfo").RebootRequired:
                text = "an update asks for a restart"
                found.append(RestartReason("machine", "Windows Update", text, "ISystemInformation"))
            if self._new("Microsoft.Update.Installer").RebootRequiredBeforeInstallation:
                text = "nothing can be installed before a restart"
                found.append(RestartReason("installer", "Windows Update", text, "IUpdateInstaller"))
            return tuple(found)

        return self._ask("ask for a restart", ask)


def _reason(aspect: str, holds: bool) -> Reason:
    text = f"Windows Update says that it is {'' if holds else 'not '}{aspect}."
    return Reason(aspect, str(int(holds)), text, "IUpdate")
