"""search: find updates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import click

from wua.cli import exits
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.selection import NEEDED, SECURITY, warn
from wua.cli.table import Cell, Column, Row, table
from wua.cli.types import Duration
from wua.cli.waiting import wait
from wua.cli.words import count, size
from wua.model.enums import DeploymentAction
from wua.model.updates import Offer

COLUMNS: Final = (
    Column("PACKAGE", least=18),
    Column("INSTALLED", least=12, drop=2, middle=True),
    Column("VERSION", least=12, middle=True),
    Column("SIZE", right=True, drop=3),
    Column("ORIGIN", least=15, drop=1),
    Column("", least=8, wrap=True),
)
INSTALLED: Final = "IsInstalled=1"
HIDDEN: Final = "IsHidden=1"

HELP: Final = """\
Find updates. Without arguments: what this machine needs and is not hidden.

Words look for packages whose names contain them, installed or not. Criteria are in the search language of the
Windows Update Agent: comparisons of properties, joined by `and`, and these groups by `or`. Numbers stand as
they are, text in single quotes.

\b
  IsInstalled=0                installed? 0 or 1; likewise IsHidden,
                               BrowseOnly, RebootRequired, IsAssigned
  Type='Software'              = or !=; or 'Driver'
  UpdateID='…'                 = or !=; RevisionNumber=1 only beside it
  CategoryIDs contains '…'     the id of a category
  DeploymentAction='…'         Installation (understood when left out),
                               OptionalInstallation (not installed at all),
                               Detection (phased: not yet for this machine),
                               or * for any

Beyond Windows there are Name, Version, Architecture and Origin (=, !=, contains), and the flags IsSecurity,
IsDownloaded, IsUninstallable and IsMandatory; --strict switches these off.
"""
EXAMPLES: Final = """
wua search
wua search --security --exit-code
wua search openssl
wua search "IsInstalled=0 and Origin='Debian-Security'"
wua search "IsInstalled=1 and IsUninstallable=1"
wua search "IsInstalled=0 and Name contains 'lib' or IsHidden=1"
wua search "DeploymentAction=* and Name='bash'"
"""


@verb(
    "search",
    help=HELP,
    examples=EXAMPLES,
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.ABORTED, exits.NEEDED),
)
@click.argument("words", metavar="[CRITERIA | WORD...]", nargs=-1)
@click.option("--security", is_flag=True, help="Needed security updates.")
@click.option("--installed", is_flag=True, help="What is installed.")
@click.option("--hidden", is_flag=True, help="What is hidden or held.")
@click.option("--refresh", is_flag=True, help="Fetch the lists anew, whatever their age.")
@click.option("--offline", is_flag=True, help="Never use the network.")
@click.option(
    "--max-age",
    metavar="TIME",
    type=Duration(),
    default="1h",
    show_default=True,
    help="Fetch lists older than this anew.",
)
@click.option("--superseded", is_flag=True, help="Also what a newer version replaces.")
@click.option("--strict", is_flag=True, help="Only the documented criteria.")
@click.option("--exit-code", is_flag=True, help=f"Exit with {exits.NEEDED} when something was found.")
@click.pass_obj
def search(
    face: Face,
    /,
    words: tuple[str, ...],
    security: bool,
    installed: bool,
    hidden: bool,
    refresh: bool,
    offline: bool,
    max_age: float,
    superseded: bool,
    strict: bool,
    exit_code: bool,
) -> int:
    criteria, about = asked(words, security=security, installed=installed, hidden=hidden)
    face.criteria = criteria
    job = face.agent.search(
        criteria,
        refresh=refresh,
        offline=offline,
        max_age=max_age,
        include_superseded=superseded,
        strict=strict,
    )
    found = wait(face, job, "Searching")
    warn(face, found.warnings)
    native = face.agent.info().architectures[0]
    face.say(*render(face.screen, found.updates, about, native))
    return face.answer(found, exits.NEEDED if exit_code and found.updates else exits.DONE)


def asked(words: Sequence[str], *, security: bool, installed: bool, hidden: bool) -> tuple[str, str]:
    """(criteria, what they mean in words)."""
    shortcuts = [
        pair
        for given, pair in (
            (security, (SECURITY, "needed for security")),
            (installed, (INSTALLED, "installed")),
            (hidden, (HIDDEN, "hidden or held")),
        )
        if given
    ]
    if len(shortcuts) + bool(words) > 1:
        raise click.UsageError("give one of: criteria, words, --security, --installed, --hidden.")
    if shortcuts:
        return shortcuts[0]
    if not words:
        return NEEDED, "needed"
    if is_criteria(words):
        return " ".join(words), "found"
    parts = [f"Name contains '{word.replace(chr(39), '')}'" for word in words]
    return " and ".join(["DeploymentAction=*", *parts]), "found"


def is_criteria(words: Sequence[str]) -> bool:
    """Whether these are criteria and not words to look for: package names have neither ``=`` nor quotes."""
    text = " ".join(words)
    return any(sign in text for sign in "='()") or "contains" in (word.lower() for word in text.split())


def render(screen: Screen, offers: Sequence[Offer], about: str, native: str) -> Iterator[str]:
    """The lines of a search's answer, security first."""
    if not offers:
        yield "Nothing is needed." if about.startswith("needed") else "Nothing was found."
        return
    ordered = sorted(offers, key=lambda offer: (not offer.auto_select, offer.name, offer.architecture))
    yield from table(screen, COLUMNS, [row(offer, native) for offer in ordered], indent="")
    yield ""
    yield screen.paint(f"{tally(offers, about)}.", "head")


def tally(offers: Sequence[Offer], about: str) -> str:
    """``12 updates needed, 3 for security, 45.6 MB``."""
    parts = [f"{count(len(offers), 'update')} {about}"]
    security = sum(1 for offer in offers if offer.auto_select)
    if security and "security" not in about:
        parts.append(f"{security} for security")
    missing = sum(offer.size for offer in offers if not offer.installed and not offer.downloaded)
    if about.startswith("needed") and missing:
        parts.append(f"{size(missing)} to download")
    return ", ".join(parts)


def row(offer: Offer, native: str) -> Row:
    """One offer as a row of the table."""
    foreign = offer.architecture not in (native, "all")
    return (
        Cell(f"{offer.name}:{offer.architecture}" if foreign else offer.name, "name"),
        "" if offer.installed else offer.installed_version,
        offer.version,
        size(offer.size) if offer.size else "",
        offer.origin,
        Cell(marks(offer), "careful" if offer.auto_select else ""),
    )


def marks(offer: Offer) -> str:
    """What is worth knowing beside the version, in a few words."""
    words = [
        (offer.auto_select, "security"),
        (offer.installed, "installed"),
        (
            not offer.installed and offer.deployment_action is DeploymentAction.OPTIONAL_INSTALLATION,
            "optional",
        ),
        (offer.deployment_action is DeploymentAction.DETECTION, "phased"),
        (offer.hidden, "hidden"),
        (offer.reboot_required, "restart"),
        (offer.downloaded and not offer.installed, "downloaded"),
    ]
    return ", ".join(word for holds, word in words if holds)
