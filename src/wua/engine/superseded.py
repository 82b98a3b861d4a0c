"""Dropping updates that another update in the same result supersedes. Pure."""

from collections.abc import Collection, Mapping, Sequence

from wua.model.updates import Offer


def without_superseded(
    offers: Sequence[Offer], supersedence: Mapping[str, Collection[str]] | None = None
) -> list[Offer]:
    """The offers without installed versions whose upgrade is among them.

    Supersedence is worked out among the matches (the documented rule): of one package and
    architecture at most an installed version and its candidate can meet here. ``supersedence`` says what
    updates take the place of besides, by their ids.
    """
    if supersedence:
        beyond = {old for offer in offers for old in supersedence.get(offer.update_id, ())}
        offers = [offer for offer in offers if offer.update_id not in beyond]
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
