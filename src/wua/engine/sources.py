"""Which of several services that answer on a machine an update comes from."""

from collections.abc import Sequence

from wua.model.plugins import UpdateService
from wua.model.updates import Offer, UpdateId


def of_service(source: UpdateService, service_id: str, offers: Sequence[Offer]) -> list[Offer]:
    """The offers of one service."""
    if len(source.services) == 1:
        return list(offers)
    found = zip(offers, source.details([offer.id for offer in offers]), strict=True)
    return [offer for offer, details in found if details.service_id == service_id]


def services_of(source: UpdateService, updates: Sequence[UpdateId]) -> dict[UpdateId, str]:
    """The service of each update, by its id; empty where all are of the machine's own."""
    if len(source.services) == 1:
        return {}
    return {update: source.details([update])[0].service_id for update in updates}
