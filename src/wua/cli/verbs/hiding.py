"""hide and unhide."""

from __future__ import annotations

import click

from wua.cli import exits
from wua.cli.acting import require_rights
from wua.cli.answers import Marked
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.selection import NAMES_HELP, Selection, chosen, selecting
from wua.cli.words import count
from wua.model.updates import UpdateId

EXITS = (exits.DONE, exits.FAILED, exits.USAGE, exits.DENIED)


@verb(
    "hide",
    help="Keep updates out of ordinary searches and out of --all. A newer version is "
    f"offered again.\n{NAMES_HELP}",
    examples="""
wua hide linux-image-amd64
wua hide --criteria "IsInstalled=0 and Origin='Some-Vendor'"
""",
    exits=EXITS,
)
@selecting(installed=True)
@click.pass_obj
def hide(face: Face, /, selection: Selection) -> int:
    require_rights(face)
    updates = chosen(face, selection)
    face.agent.hide(updates)
    return told(face, updates, hidden=True)


@verb(
    "unhide",
    help=f"Show hidden updates again. A dpkg hold on their packages is removed, too.\n{NAMES_HELP}",
    examples="""
wua search --hidden
wua unhide linux-image-amd64
""",
    exits=EXITS,
)
@selecting(installed=True)
@click.pass_obj
def unhide(face: Face, /, selection: Selection) -> int:
    require_rights(face)
    updates = chosen(face, selection)
    face.agent.unhide(updates)
    return told(face, updates, hidden=False)


def told(face: Face, updates: tuple[UpdateId, ...], *, hidden: bool) -> int:
    """Say which updates it was."""
    if not updates:
        face.say("Nothing to do: no update matches.")
    names = [f"{each.name} {each.version}" for each in face.agent.details(updates)] if updates else []
    face.say(*(f"{'Hidden' if hidden else 'Shown again'}: {name}" for name in names[:20]))
    if len(names) > 20:
        face.say(f"… {count(len(names), 'update')} in all.")
    return face.answer(Marked(updates, hidden))
