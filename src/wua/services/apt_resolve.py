"""From what a person types to updates: a name, ``name:architecture``, ``name=version``, or an update id."""

import re
from collections.abc import Sequence
from typing import Final

from wua.model.problems import error
from wua.model.updates import UpdateId
from wua.store.catalogue import Catalogue, KnownOffer

_GUID: Final = re.compile(r"\{?([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\}?(?:[/.](\d+))?", re.IGNORECASE)


def resolve(catalogue: Catalogue, names: Sequence[str], native: str) -> tuple[UpdateId, ...]:
    """Update ids in the order asked.

    A name means the offer that is not installed (the candidate) if there is one, else the installed version.

    Raises:
        WuaError: unknown-update, naming the first that is not known.
    """
    guids = [match[1].lower() for name in names if (match := _GUID.fullmatch(name.strip()))]
    by_id = (
        {known.offer.update_id: known for known in catalogue.known_by("update_id", guids)} if guids else {}
    )
    plain = [_name(name) for name in names if not _GUID.fullmatch(name.strip())]
    by_name: dict[str, list[KnownOffer]] = {}
    for known in catalogue.known_by("name", plain) if plain else ():
        by_name.setdefault(known.offer.name, []).append(known)
    return tuple(_one(name.strip(), by_id, by_name, native) for name in names)


def _name(text: str) -> str:
    return text.strip().partition("=")[0].partition(":")[0]


def _one(
    text: str, by_id: dict[str, KnownOffer], by_name: dict[str, list[KnownOffer]], native: str
) -> UpdateId:
    if guid := _GUID.fullmatch(text):
        known = by_id.get(guid[1].lower())
        if known is None or (guid[2] and int(guid[2]) != known.offer.revision):
            raise error("unknown-update", text)
        return known.offer.id
    qualified, _, version = text.partition("=")
    _, _, architecture = qualified.partition(":")
    found = by_name.get(_name(text), [])
    if architecture:
        wanted = {architecture, "all"} if architecture == native else {architecture}
        found = [known for known in found if known.offer.architecture in wanted]
    elif any(known.offer.architecture in (native, "all") for known in found):
        found = [known for known in found if known.offer.architecture in (native, "all")]
    found = [known for known in found if (known.offer.version == version if version else known.offered)]
    if not found:
        raise error("unknown-update", text)
    return min(found, key=_rank).offer.id


def _rank(known: KnownOffer) -> tuple[int, int]:
    """Offered before merely known, what can be installed before what is installed already."""
    return (not known.offered, known.offer.installed or known.offer.version == known.offer.installed_version)
