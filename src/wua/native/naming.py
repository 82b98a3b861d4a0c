"""Which updates a person means."""

import re
from collections.abc import Sequence
from typing import Final

from wua.model.problems import error
from wua.model.updates import Offer, UpdateId
from wua.native import mapping
from wua.native.natives import each
from wua.native.shop import Shop

_GUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
EVERYTHING: Final = (
    "IsInstalled=0 and DeploymentAction='Installation' or "
    "IsInstalled=1 and DeploymentAction='Installation' or "
    "IsInstalled=0 and DeploymentAction='OptionalInstallation' or "
    "IsInstalled=1 and DeploymentAction='OptionalInstallation'"
)


def resolve(shop: Shop, names: Sequence[str]) -> tuple[UpdateId, ...]:
    """Update ids for an id, a KB number, ``name``, ``name=version``, or a title or a beginning of one.

    On a thread that may use native objects. Raises WuaError unknown-update, naming the first that is none,
    or that more than one update is called by.
    """
    offers = shop.known.read(mapping.offer)
    found = [_find(offers, name) for name in names]
    if not all(found):
        offers = _everything(shop)
        found = [_find(offers, name) for name in names]
    for name, update in zip(names, found, strict=True):
        if update is None:
            raise error("unknown-update", name)
    return tuple(update for update in found if update is not None)


def _everything(shop: Shop) -> list[Offer]:
    """Whatever the machine has stored of its service."""
    searcher = shop.natives.create("Microsoft.Update.Searcher")
    searcher.Online = False
    natives = list(each(searcher.Search(EVERYTHING).Updates))
    shop.known.keep(natives)
    return [mapping.offer(native) for native in natives]


def _find(offers: Sequence[Offer], name: str) -> UpdateId | None:
    wanted = name.strip().lower()
    if _GUID.fullmatch(wanted.strip("{}")):
        revisions = [offer.id for offer in offers if offer.update_id == wanted.strip("{}")]
        return max(revisions, key=lambda update: update.revision, default=None)
    own = [
        o.id for o in offers if wanted in (o.name.lower(), f"{o.name}={o.version}".lower(), o.title.lower())
    ]
    begun = own or [o.id for o in offers if o.title.lower().startswith(wanted)]
    return begun[0] if len(set(begun)) == 1 else None
