"""The native update objects that were met, by identity: what an operation is given are these."""

import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

from wua.model.problems import error
from wua.model.updates import UpdateId
from wua.native import mapping
from wua.native.natives import Natives, each

T = TypeVar("T")
MOST: Final = 8192  # objects kept; older ones are searched for again
OTHERS: Final = 3  # ServerSelection
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
        self._services: dict[UpdateId, str] = {}  # of those that are not the default one's

    def keep(self, found: Iterable[Any], service: str = "") -> None:
        """``service`` is the one that was searched, "" for the default one."""
        with self._guard:
            for native in found:
                update = mapping.identity(native)
                self._kept.pop(update, None)
                self._kept[update] = native
                if service:
                    self._services[update] = service
            for old in list(self._kept)[: max(0, len(self._kept) - MOST)]:
                del self._kept[old]

    def read(self, function: Callable[[Any], T]) -> list[T]:
        """What ``function`` answers for each of them; one that is no longer there is forgotten."""
        with self._guard:
            kept = list(self._kept.items())
        found = []
        for update, native in kept:
            try:
                found.append(function(native))
            except Exception as failure:
                if self._natives.refusal(failure) is None:
                    raise
                with self._guard:
                    self._kept.pop(update, None)
        return found

    def service_of(self, update: UpdateId) -> str:
        """The service that an update was found with, "" for the default one."""
        return self._services.get(update, "")

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
        found: dict[UpdateId, Any] = {}
        for service in dict.fromkeys(map(self.service_of, ids)):
            own = [update for update in ids if self.service_of(update) == service]
            found |= self._search(own, service, online=False)
            missing = [update for update in own if update not in found]
            found |= self._search(missing, service, online=True)
        return found

    def _search(self, ids: Sequence[UpdateId], service: str, *, online: bool) -> dict[UpdateId, Any]:
        wanted = set(ids)
        unique = list(dict.fromkeys(update.update_id for update in ids))
        natives: list[Any] = []
        for begin in range(0, len(unique), AT_ONCE):
            made = searcher(self._natives, service, online=online, superseded=True)
            natives += each(made.Search(criteria_of(unique[begin : begin + AT_ONCE])).Updates)
        self.keep(natives, service)
        return {update: native for native in natives if (update := mapping.identity(native)) in wanted}


def searcher(natives: Natives, service: str, *, online: bool, superseded: bool) -> Any:
    """A new searcher for a service, "" for the default one."""
    made = natives.create("Microsoft.Update.Searcher")
    made.Online = online
    made.IncludePotentiallySupersededUpdates = superseded
    if service:
        made.ServerSelection = OTHERS
        made.ServiceID = service
    return made
