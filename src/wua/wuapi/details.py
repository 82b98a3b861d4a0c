"""What the updates of one search share."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from wua.model.problems import WuaError
from wua.model.updates import Offer
from wua.model.updates import Update as Details
from wua.wuapi.errors import asking

if TYPE_CHECKING:
    from wua.wuapi.categories import CategoryTree
    from wua.wuapi.context import Context

BATCH: Final = 128  # updates whose details are fetched with one question


class Found:
    """The agent, the categories, and details that are fetched in batches."""

    def __init__(self, shared: "Context", offers: Sequence[Offer], tree: "CategoryTree") -> None:
        self.context = shared
        self.tree = tree
        self._offers = offers
        self._details: dict[int, Details] = {}

    def is_known(self, place: int) -> bool:
        """Whether ``details`` would answer without asking anybody."""
        return place in self._details

    def details(self, place: int) -> Details:
        """Everything about the update at ``place``; fetches its neighbours with it.

        Raises:
            ComError: WU_E_ITEMNOTFOUND, when the sources have moved on and it is gone.
        """
        known = self._details.get(place)
        if known is not None:
            return known
        begin = place - place % BATCH
        some = range(begin, min(begin + BATCH, len(self._offers)))
        try:
            answers = self.context.protocol.details([self._offers[n].id for n in some])
            self._details.update(zip(some, answers, strict=True))
        except WuaError:  # one of the batch is gone: that must not hide the others
            with asking:
                (self._details[place],) = self.context.protocol.details([self._offers[place].id])
        return self._details[place]
