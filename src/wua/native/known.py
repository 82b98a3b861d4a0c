"""The native update objects that were met, by identity: what an operation is given are these."""

import threading
from collections.abc import Iterable, Sequence
from typing import Any, Final

from wua.model.problems import error
from wua.model.updates import UpdateId
from wua.native import mapping
from wua.native.natives import Natives, each

MOST: Final = 8192  # objects kept; older ones are searched for again
AT_ONCE: Final = 20  # updates that one search asks for
# Each group of criteria that names no deployment action means installations only.
ACTIONS: Final = ("Installation", "OptionalInstallation", "Uninstallation")


def criteria_of(update_ids: Iterable[str]) -> str:
    """The criteria that find these updates, whatever they are deployed for."""
    return " or ".join(
        f"UpdateID='{update_id}' and DeploymentAction='{action}'"
        for update_id in update_ids
        for action in ACTIONS
    )


class Known:
    """Keeps native updates. ``find`` and ``look`` are called on threads that may use native objects."""

    def __init__(self, natives: Natives) -> None:
        self._natives = natives
        self._guard = threading.Lock()
        self._kept: dict[UpdateId, Any] = {}

    def keep(self, found: Iterable[Any]) -> None:
        with self._guard:
            for native in found:
                update = mapping.identity(native)
                self._kept.pop(update, None)
                self._kept[update] = native
            for old in list(self._kept)[: max(0, len(self._kept) - MOST)]:
                del self._kept[old]

    def all(self) -> tuple[Any, ...]:
        with self._guard:
            return tuple(self._kept.values())

    def find(self, ids: Sequence[UpdateId]) -> dict[UpdateId, Any]:
        """The objects of those that there are: as they were met, or searched for."""
        with self._guard:
            found = {update: self._kept[update] for update in ids if update in self._kept}
        missing = [update for update in ids if update not in found]
        return found | self.look(missing)

    def need(self, ids: Sequence[UpdateId]) -> list[Any]:
        """In the order asked. Raises WuaError unknown-update."""
        found = self.find(ids)
        for update in ids:
            if update not in found:
                raise error("unknown-update", update.update_id)
        return [found[update] for update in ids]

    def look(self, ids: Sequence[UpdateId]) -> dict[UpdateId, Any]:
        """The objects as a new search finds them: in what the machine has stored, else online."""
        found = self._search(ids, online=False)
        missing = [update for update in ids if update not in found]
        if missing:
            found |= self._search(missing, online=True)
        return found

    def _search(self, ids: Sequence[UpdateId], *, online: bool) -> dict[UpdateId, Any]:
        wanted = set(ids)
        unique = list(dict.fromkeys(update.update_id for update in ids))
        natives: list[Any] = []
        for begin in range(0, len(unique), AT_ONCE):
            searcher = self._natives.create("Microsoft.Update.Searcher")
            searcher.Online = online
            searcher.IncludePotentiallySupersededUpdates = True
            natives += each(searcher.Search(criteria_of(unique[begin : begin + AT_ONCE])).Updates)
        self.keep(natives)
        return {update: native for native in natives if (update := mapping.identity(native)) in wanted}
