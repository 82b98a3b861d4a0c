"""Dropping updates that another update in the same result supersedes. Pure."""

from collections.abc import Sequence

from wua.model.updates import Offer


def without_superseded(offers: Sequence[Offer]) -> list[Offer]:
    """The offers without installed versions whose upgrade is among them.

    Supersedence is worked out among the matches (the documented rule): of one package and
    architecture at most an installed version and its candidate can meet here.
    """
    newer = {
        (offer.name, offer.architecture, offer.installed_version)
        for offer in offers
        if not offer.installed and offer.installed_version
    }
    if not newer:
        return list(offers)
    return [
        offer
        for offer in offers
        if not (offer.installed and (offer.name, offer.architecture, offer.version) in newer)
    ]
