"""Everything known about single updates: from the stanzas of the indexes, or from dpkg's record."""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from wua.applicability.debian_version import compare
from wua.metadata.translations import read_descriptions
from wua.model.enums import UpdateType
from wua.model.problems import WuaError
from wua.model.struct import replace
from wua.model.updates import File, Update
from wua.services.apt_config import stored_file
from wua.services.apt_packages import Stanza, source_of
from wua.services.apt_view import Found, Version, View
from wua.store.catalogue import KnownOffer

_DOT: Final = re.compile(r"^ \.$", re.MULTILINE)


def details(view: View, wanted: Sequence[KnownOffer], service_id: str) -> tuple[Update, ...]:
    """An ``Update`` for each known version, in order.

    Raises:
        WuaError: index-unreadable.
    """
    places = view.stanzas(_version(known) for known in wanted)
    chosen = {_version(known): _choose(view, known, places[_version(known)]) for known in wanted}
    found = view.fields([stanza for stanza in chosen.values() if stanza is not None])
    older = _older(view, wanted)
    records = view.records() if any(stanza is None for stanza in chosen.values()) else {}
    descriptions = _long_descriptions(view, found.values())
    updates = []
    for known in wanted:
        stanza = chosen[_version(known)]
        if stanza is None:
            fields = records.get((known.offer.name, known.offer.architecture), {})
            updates.append(_update(known, fields, service_id, older))
            continue
        place = found[stanza]
        update = _update(known, place.fields, service_id, older, place)
        text = descriptions.get(place.fields.get("Description-md5", ""))
        updates.append(_with_description(update, text))
    return tuple(updates)


def _version(known: KnownOffer) -> Version:
    return known.offer.name, known.offer.architecture, known.offer.version


def _choose(view: View, known: KnownOffer, stanzas: Sequence[Stanza]) -> Stanza | None:
    """The stanza that the offer was made from: that with its digest."""
    same = (each for each in stanzas if view.index(each).data.digest(each.row).hex() == known.sha256)
    return next(same, stanzas[0] if stanzas else None)


def _update(
    known: KnownOffer,
    fields: Mapping[str, str],
    service_id: str,
    older: Mapping[tuple[str, str], list[tuple[str, str]]],
    found: Found | None = None,
) -> Update:
    offer = known.offer
    source, _ = source_of(fields.get("Source", ""), offer.name, offer.version)
    homepage = fields.get("Homepage", "")
    debian = found is not None and found.stored.release.origin == "Debian"
    installed_size = fields.get("Installed-Size", "")
    versions = older.get((offer.name, offer.architecture), [])
    return Update(
        id=offer.id,
        title=offer.title,
        description=_description(fields.get("Description", "")),
        type=UpdateType.SOFTWARE,
        service_id=service_id,
        handler="apt",
        name=offer.name,
        version=offer.version,
        architecture=offer.architecture,
        category_ids=offer.category_ids,
        files=_files(fields, found),
        installed_size=int(installed_size) * 1024 if installed_size.isdigit() else 0,
        more_info_urls=tuple(
            url for url in (homepage, f"https://tracker.debian.org/pkg/{source}" if debian else "") if url
        ),
        support_url=f"https://bugs.debian.org/{offer.name}" if debian else "",
        superseded_ids=tuple(each for version, each in versions if compare(version, offer.version) < 0),
        published=found.stored.release.date if found is not None else 0.0,
        fields=dict(fields),
    )


def _files(fields: Mapping[str, str], found: Found | None) -> tuple[File, ...]:
    filename, size = fields.get("Filename", ""), fields.get("Size", "")
    if found is None or not filename:
        return ()
    url = found.stored.target.repo_uri.rstrip("/") + "/" + filename.removeprefix("./")
    name = filename.rpartition("/")[2]
    return (File(name, int(size) if size.isdigit() else 0, fields.get("SHA256", "").lower(), (url,)),)


def _older(view: View, wanted: Iterable[KnownOffer]) -> dict[tuple[str, str], list[tuple[str, str]]]:
    """(version, update id) of everything known of the packages."""
    versions: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for known in view.catalogue.known_by("name", {known.offer.name for known in wanted}):
        offer = known.offer
        versions.setdefault((offer.name, offer.architecture), []).append((offer.version, offer.update_id))
    return versions


def _description(text: str) -> str:
    """Paragraphs as they are meant: a line with a dot alone is an empty one."""
    return "\n".join(line.removeprefix(" ") for line in _DOT.sub("", text).split("\n"))


def _with_description(update: Update, text: str | None) -> Update:
    return update if text is None else replace(update, description=_description(text))


def _long_descriptions(view: View, found: Iterable[Found]) -> dict[str, str]:
    """By the MD5 that the stanzas name; from apt's stored translations, its first language first."""
    wanted = {md5 for each in found if (md5 := each.fields.get("Description-md5", ""))}
    texts: dict[str, str] = {}
    for target in view.world.config.targets:
        if target.kind != "Translations" or not wanted:
            continue
        path = stored_file(target, view.world.config, Path(view.target.lists_dir))
        try:
            texts = {**read_descriptions(path, wanted), **texts} if path is not None else texts
        except (WuaError, OSError):
            continue  # the short description stays
        wanted -= texts.keys()
    return texts
