"""The updates of a search as a sequence of objects that are made when they are looked at."""

from collections.abc import Sequence

from wua.model.enums import UpdateType
from wua.model.updates import Offer
from wua.wuapi.details import Found
from wua.wuapi.drivers import WindowsDriverUpdate
from wua.wuapi.updates import Update


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
