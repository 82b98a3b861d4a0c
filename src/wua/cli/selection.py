"""Which updates a verb is about: names, criteria, everything needed, or the security updates of it."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Final, NamedTuple

import click

from wua.cli.completing import packages
from wua.cli.face import Face
from wua.cli.waiting import wait
from wua.model.updates import SearchWarning, UpdateId

NEEDED: Final = "IsInstalled=0 and IsHidden=0"
SECURITY: Final = f"{NEEDED} and IsSecurity=1"
NAMES_HELP: Final = """
NAME is a package (bash), a package of an architecture (bash:i386), a version (bash=5.2-1), or an update id.
"""


class Selection(NamedTuple):
    """What was asked for; at most one of the four."""

    names: tuple[str, ...] = ()
    criteria: str = ""
    everything: bool = False
    security: bool = False

    @property
    def is_empty(self) -> bool:
        return not (self.names or self.criteria or self.everything or self.security)

    @property
    def search(self) -> str:
        """The criteria to search with; "" when names were given."""
        if self.names:
            return ""
        return self.criteria or (SECURITY if self.security else NEEDED)


def selecting(*, installed: bool = False, default_all: bool = False) -> Callable[[Any], Any]:
    """Decorator: a verb takes names or criteria, and gets them as ``selection``.

    ``installed``: the verb is about what is installed, so that "everything needed" makes no sense.
    ``default_all``: nothing given means everything needed.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        @wraps(function)
        def wrapped(
            *given: Any,
            names: tuple[str, ...],
            criteria: str,
            everything: bool = False,
            security: bool = False,
            **more: Any,
        ) -> Any:
            selection = Selection(names, criteria, everything, security)
            return function(*given, selection=_checked(selection, installed, default_all), **more)

        result: Any = wrapped
        if not installed:
            result = click.option("--security", is_flag=True, help="All needed security updates.")(result)
            result = click.option("--all", "everything", is_flag=True, help="All needed updates.")(result)
        result = click.option(
            "--criteria", metavar="TEXT", default="", help="What a search finds; see `wua search --help`."
        )(result)
        return click.argument("names", metavar="[NAME]...", nargs=-1, shell_complete=packages)(result)

    return decorate


def _checked(selection: Selection, installed: bool, default_all: bool) -> Selection:
    if sum(map(bool, selection)) > 1:
        raise click.UsageError(
            "give either names or --criteria" + ("." if installed else " or --all or --security.")
        )
    if selection.is_empty and default_all:
        return selection._replace(everything=True)
    if selection.is_empty:
        others = "" if installed else ", --all or --security"
        raise click.UsageError(f"nothing to do: name the updates, or give --criteria{others}.")
    return selection


def chosen(face: Face, selection: Selection) -> tuple[UpdateId, ...]:
    """The identities of what was asked for; empty when a search finds nothing.

    Raises:
        WuaError: unknown-update, criteria-invalid.
    """
    if selection.names:
        return face.agent.identify(selection.names)
    face.criteria = selection.criteria
    found = wait(face, face.agent.search(selection.search), "Searching")
    warn(face, found.warnings)
    return tuple(offer.id for offer in found.updates)


def warn(face: Face, warnings: tuple[SearchWarning, ...]) -> None:
    """Tell what made a search less than complete; with --json it stands in the result."""
    if not face.json:
        for warning in warnings:
            face.remark(f"Warning: {warning.text}", "careful")
