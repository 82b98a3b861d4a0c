"""show and why: one update in full, and how it stands here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import click

from wua.cli import exits
from wua.cli.answers import Shown
from wua.cli.command import verb
from wua.cli.completing import packages
from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.selection import NAMES_HELP
from wua.cli.table import facts
from wua.cli.verbs.search import marks
from wua.cli.words import clean, clock, size
from wua.model.updates import Offer, Update, Verdict

EXITS = (exits.DONE, exits.FAILED, exits.USAGE)
_OF_SOURCE = ("Section", "Priority", "Maintainer", "Depends", "Pre-Depends", "Breaks", "Conflicts", "Source")


@verb(
    "show",
    help=f"Tell all that is known about updates, and how they stand here.\n{NAMES_HELP}",
    examples="""
wua show bash
wua show libc6=2.36-9+deb12u8 --json
""",
    exits=EXITS,
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=packages)
@click.pass_obj
def show(face: Face, /, names: tuple[str, ...]) -> int:
    agent = face.agent
    ids = agent.identify(names)
    details = agent.details(ids)
    shown = tuple(Shown(update, agent.why(update.id).offer) for update in details)
    names_of = {each.id: each.name for each in agent.protocol.categories()}
    for number, each in enumerate(shown):
        face.say(*([""] if number else []), *render(face.screen, each, names_of))
    return face.answer(shown)


@verb(
    "why",
    help="Explain how an update stands to this machine, and which file or program says "
    "so: which version is the "
    "candidate, and whether it is held, pinned, phased, superseded, hidden, excluded, or "
    "waits for a restart.\n"
    f"{NAMES_HELP}",
    examples="""
wua why linux-image-amd64
wua why bash=5.2.15-2+b7
""",
    exits=EXITS,
)
@click.argument("names", metavar="NAME...", nargs=-1, required=True, shell_complete=packages)
@click.pass_obj
def why(face: Face, /, names: tuple[str, ...]) -> int:
    agent = face.agent
    verdicts = tuple(agent.why(update) for update in agent.identify(names))
    for number, verdict in enumerate(verdicts):
        face.say(*([""] if number else []), *reasons(face.screen, verdict))
    return face.answer(verdicts)


def headline(screen: Screen, offer: Offer) -> Iterator[str]:
    """``libssl3 3.0.13 (amd64): security upgrade from 3.0.11``."""
    extra = [word for word in marks(offer).split(", ") if word and word not in offer.reason]
    standing = ", ".join(filter(None, [offer.reason, *extra]))
    name = screen.paint(f"{clean(offer.name)} {clean(offer.version)}", "head")
    lead = f"{name} ({clean(offer.architecture)}): "
    yield from screen.wrap(clean(standing), "  ", lead)


def render(screen: Screen, shown: Shown, categories: Mapping[str, str]) -> Iterator[str]:
    """The lines for one update."""
    update, offer = shown.update, shown.offer
    yield from headline(screen, offer)
    yield from facts(screen, _about(update, offer, categories))
    if update.description:
        yield ""
        for paragraph in update.description.split("\n\n"):
            yield from screen.wrap(clean(paragraph), "  ")


def _about(update: Update, offer: Offer, categories: Mapping[str, str]) -> list[tuple[str, str]]:
    evidence = f" (says {update.severity_source})" if update.severity_source else ""
    own = [(name, update.fields.get(name, "")) for name in _OF_SOURCE]
    return [
        ("Title", update.title),
        ("Installed", offer.installed_version or "no"),
        ("Origin", offer.origin),
        ("Published", clock(update.published)),
        ("Download", size(offer.size) if offer.size else ""),
        ("On disk", size(update.installed_size) if update.installed_size else ""),
        ("Severity", f"{update.severity}{evidence}" if update.severity else ""),
        ("Urgency", update.urgency),
        ("CVEs", ", ".join(update.cve_ids)),
        ("Can be taken back", "yes" if offer.uninstallable else ""),
        ("Mandatory", "yes" if offer.mandatory else ""),
        ("Categories", ", ".join(categories.get(each, each) for each in update.category_ids)),
        ("Languages", ", ".join(update.languages)),
        *own,
        ("More", ", ".join(filter(None, (*update.more_info_urls, update.support_url)))),
        ("Update id", f"{update.id.update_id}, revision {update.id.revision}"),
    ]


def reasons(screen: Screen, verdict: Verdict) -> Iterator[str]:
    """The lines of a verdict: every aspect with its sentence and its source."""
    yield from headline(screen, verdict.offer)
    pairs = [
        (reason.aspect, reason.text + (f" [{reason.source}]" if reason.source else ""))
        for reason in verdict.reasons
    ]
    yield from facts(screen, pairs)
