"""Updates as sequences of objects that are made when they are looked at."""

import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wua.model.enums import DeploymentAction, UpdateType
from wua.model.updates import Offer, SearchResult, UpdateId
from wua.wuapi.categories import CategoryTree
from wua.wuapi.details import Found
from wua.wuapi.drivers import WindowsDriverUpdate
from wua.wuapi.errors import asking
from wua.wuapi.updates import Update

if TYPE_CHECKING:
    from wua.wuapi.context import Context

AT_ONCE: Final = 100  # updates that one search asks for by their ids


class FoundUpdates(Sequence[Update]):
    """Each update is made when it is first looked at, and the same object afterwards."""

    def __init__(self, found: Found, offers: Sequence[Offer]) -> None:
        self._found, self._offers = found, offers
        self._made: list[Update | None] = [None] * len(offers)

    def __len__(self) -> int:
        return len(self._offers)

    def __getitem__(self, place: int) -> Update:  # type: ignore[override]
        update = self._made[place]
        if update is None:
            offer = self._offers[place]
            kind = WindowsDriverUpdate if offer.type == UpdateType.DRIVER else Update
            update = self._made[place] = kind(self._found, place, offer)
        return update


class NamedUpdates(Sequence[Update]):
    """The updates of a job that was begun elsewhere: its ids, looked up when the first is looked at.

    They stand as they do by then. One that the sources do not know any more has its id for a title, and
    nothing else is known of it. Looking one up raises ComError when the agent can't search.
    """

    def __init__(self, shared: "Context", ids: Sequence[UpdateId]) -> None:
        self.ids = tuple(ids)
        self._shared = shared
        self._guard = threading.Lock()
        self._made: FoundUpdates | None = None

    @property
    def made(self) -> Sequence[Update]:
        """All of them, once one was looked at; nothing before."""
        with self._guard:
            return self._made or ()

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, place: int) -> Update:  # type: ignore[override]
        with self._guard:
            if self._made is None:
                self._made = self._look_up()
        return self._made[place]

    def _look_up(self) -> FoundUpdates:
        answers = [self._search(self.ids[at : at + AT_ONCE]) for at in range(0, len(self), AT_ONCE)]
        known = {offer.id: offer for answer in answers for offer in answer.updates}
        categories = {each.id: each for answer in answers for each in answer.categories}
        offers = [known.get(each) or _gone(each) for each in self.ids]
        return FoundUpdates(Found(self._shared, offers, CategoryTree(categories.values())), offers)

    def _search(self, ids: Sequence[UpdateId]) -> SearchResult:
        criteria = " or ".join(f"UpdateID='{each.update_id}'" for each in ids)
        with asking:
            return self._shared.agent.search(criteria, offline=True, include_superseded=True).result()


def _gone(update: UpdateId) -> Offer:
    return Offer(
        update_id=update.update_id,
        revision=update.revision,
        title=update.update_id,
        name="",
        version="",
        architecture="",
        installed_version="",
        type=UpdateType.SOFTWARE,
        deployment_action=DeploymentAction.NONE,
        installed=0,
        hidden=0,
        mandatory=0,
        browse_only=0,
        auto_select=0,
        downloaded=0,
        uninstallable=0,
        reboot_required=0,
        size=0,
        origin="",
        reason="the sources do not know it any more",
        category_ids=(),
    )
