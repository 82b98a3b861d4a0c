"""The one way in which errors are shown: what happened, why, what next, and the codes to look it up by."""

import os
import re
from collections.abc import Iterator

from wua.cli.answers import ErrorObject
from wua.cli.screen import Screen
from wua.cli.words import clean
from wua.model.problems import Problem

_POSITION = re.compile(r"\bcolumn (\d+)\b")


def error_object(cause: Problem) -> ErrorObject:
    """The error as ``--json`` prints it."""
    from wua.model.explanations import name_of

    return ErrorObject(
        cause.id,
        cause.hresult,
        name_of(cause.hresult),
        cause.seen,
        cause.cause,
        cause.next_step,
        cause.unmapped,
    )


def render(
    screen: Screen, cause: Problem, *, about: str = "", criteria: str = "", lead: str = "Error: "
) -> Iterator[str]:
    """The lines of an error. ``about``: what met it; ``criteria``: the search text that it may point into."""
    seen, *more = told(cause)
    text = f"{about}: {seen}" if about else seen
    yield from screen.wrap(clean(text), "  ", screen.paint(lead, "bad"))
    yield from (f"  {clean(line)}" for line in more)
    yield from pointer(screen, cause, criteria)
    for label, text in (("Why", cause.cause), ("Next", cause.next_step), ("Code", codes(cause))):
        yield from screen.wrap(clean(text), "        ", f"  {screen.paint(f'{label:4}', 'aside')}  ")


def told(cause: Problem) -> list[str]:
    """The lines of what was seen; of a defect's traceback only the end, unless WUA_DEBUG is set."""
    lines = cause.seen.strip().splitlines() or [cause.cause]
    if cause.id == "unexpected" and lines[0].startswith("Traceback") and not os.environ.get("WUA_DEBUG"):
        return lines[-1:]
    return lines


def codes(cause: Problem) -> str:
    """``lock-held, WU_E_INSTALL_NOT_ALLOWED 0x80240016``, and the installer's own code where it gave one."""
    from wua.model.explanations import name_of

    own = f", installer's code {cause.unmapped}" if cause.unmapped else ""
    return f"{cause.id}, {name_of(cause.hresult)} 0x{cause.hresult:08X}{own}"


def pointer(screen: Screen, cause: Problem, criteria: str) -> Iterator[str]:
    """The search text, and a mark under the place where it went wrong."""
    place = _POSITION.search(cause.seen)
    if not (criteria and place and cause.id == "criteria-invalid"):
        return
    column = int(place[1]) - 1
    room = (screen.width or 100) - 8
    start = max(0, min(column - room // 2, len(criteria) - room))
    yield f"      {clean(criteria)[start : start + room]}"
    yield f"      {' ' * (column - start)}{screen.paint('^', 'bad')}"
