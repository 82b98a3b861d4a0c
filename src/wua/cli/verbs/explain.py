"""explain: what a result code means."""

from __future__ import annotations

from collections.abc import Iterator

import click

from wua.cli import exits
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.table import facts
from wua.model.explanations import Explanation
from wua.model.explanations import explain as look_up


@verb(
    "explain",
    context_settings={"ignore_unknown_options": True},  # a negative number is a code
    help="Explain a result code, in any of the forms that programs print it, its name, "
    "or the id of a problem: what it "
    "means, its usual cause and the next step on Windows, and what wua means by it.",
    examples="""
wua explain 0x80240016
wua explain -2145124330
wua explain WU_E_DM_NOTDOWNLOADED
wua explain lock-held
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE),
)
@click.argument("code")
@click.pass_obj
def explain(face: Face, /, code: str) -> int:
    found = look_up(code)
    face.say(*render(face.screen, found))
    return face.answer(found, exits.DONE if is_known(found) else exits.FAILED)


def is_known(found: Explanation) -> bool:
    return bool(found.name or found.here)


def render(screen: Screen, found: Explanation) -> Iterator[str]:
    """The lines of an explanation."""
    signed = found.value - 2**32 * found.failure
    yield f"{screen.paint(found.name or 'Unknown code', 'head')}  0x{found.value:08X}  {signed}"
    if not is_known(found):
        yield "  wua has no explanation for this code. What the number itself tells:"
    known = is_known(found)
    yield from facts(
        screen,
        [
            ("Means", found.meaning),
            ("Also named", ", ".join(found.other_names)),
            ("Cause", found.cause),
            ("Next", found.next_step),
            ("Kind", "" if known else "a failure" if found.failure else "a success"),
            ("Facility", "" if known else f"{found.facility}{_named(found.facility_name)}"),
            ("Code", "" if known else _code(found)),
        ],
    )
    for here in found.here:
        yield ""
        yield f"In wua: {screen.paint(here.problem, 'head')}"
        yield from facts(screen, [("Cause", here.cause), ("Next", here.next_step)])


def _named(name: str) -> str:
    return f", {name}" if name else ", which wua does not know"


def _code(found: Explanation) -> str:
    win32 = f"; `net helpmsg {found.code}` explains it on Windows" if found.facility_name == "Win32" else ""
    return f"{found.code} (0x{found.code:04X}){win32}"
