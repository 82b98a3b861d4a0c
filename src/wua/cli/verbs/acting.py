"""download, install, uninstall, undo, remove: the verbs that start acting jobs."""

from __future__ import annotations

from typing import Any

import click

from wua.cli import exits
from wua.cli.acting import CACHE, Manner, act, acting, changing, planned, require_rights
from wua.cli.answers import Acted
from wua.cli.command import verb
from wua.cli.completing import jobs as complete_jobs
from wua.cli.completing import packages as complete_packages
from wua.cli.face import Face
from wua.cli.selection import NAMES_HELP, Selection, chosen, selecting
from wua.model.enums import ConffilePolicy

EXITS = (
    exits.DONE,
    exits.FAILED,
    exits.USAGE,
    exits.PARTLY,
    exits.ABORTED,
    exits.DENIED,
    exits.BUSY,
    exits.RESTART,
)
ASKS = "Shows the plan and asks; --yes goes ahead without asking."
CTRL_C = """
While the job runs, Ctrl-C asks it to abort and says what that will mean; a second Ctrl-C leaves it running in
the background.
"""


@verb(
    "download",
    help="Fetch updates, and the packages they need, into the cache. Nothing is "
    f"installed, so nobody is asked.\n{NAMES_HELP}",
    examples="""
wua download --all
wua download firefox-esr
""",
    exits=EXITS,
)
@selecting()
@CACHE
@changing
@acting
@click.pass_obj
def download(face: Face, /, selection: Selection, manner: Manner, **allowed: Any) -> int:
    require_rights(face)
    updates = chosen(face, selection)
    if not updates:
        return nothing_found(face)
    agent = face.agent
    plan = planned(face, agent.plan_install(updates, **_request(allowed)))
    return act(face, plan, agent.download, manner, ask=False)


@verb(
    "install",
    help=f"Download and install updates. {ASKS}\n{NAMES_HELP}{CTRL_C}",
    examples="""
wua install --security
wua install bash libc6=2.36-9+deb12u8
wua install --all --yes --exit-restart
wua install --all --at 03:00 --notify /usr/local/bin/tell-me
wua install --criteria "IsInstalled=0 and Origin='Debian-Security'"
""",
    exits=EXITS,
)
@selecting()
@click.option("--reinstall", is_flag=True, help="Install although it is installed.")
@click.option("--no-download", is_flag=True, help="Use only what is in the cache.")
@click.option("--insist", is_flag=True, help="In a root: run scripts that ignore DPKG_ROOT all the same.")
@CACHE
@changing
@acting
@click.pass_obj
def install(
    face: Face,
    /,
    selection: Selection,
    manner: Manner,
    reinstall: bool,
    no_download: bool,
    insist: bool,
    **allowed: Any,
) -> int:
    require_rights(face)
    updates = chosen(face, selection)
    if not updates:
        return nothing_found(face)
    agent = face.agent
    asked = _request(allowed)
    plan = planned(face, agent.plan_install(updates, reinstall=reinstall, insist=insist, **asked))
    return act(face, plan, lambda *a, **spec: agent.install(*a, download=not no_download, **spec), manner)


@verb(
    "uninstall",
    help=f"Go back to the state before an update: the previous version, or without the package where wua "
    f"installed it. {ASKS}\n{NAMES_HELP}{CTRL_C}",
    examples="""
wua uninstall bash
wua uninstall --criteria "IsInstalled=1 and IsUninstallable=1 and Name='bash'"
""",
    exits=EXITS,
)
@selecting(installed=True)
@changing
@acting
@click.pass_obj
def uninstall(face: Face, /, selection: Selection, manner: Manner, **allowed: Any) -> int:
    require_rights(face)
    updates = chosen(face, selection)
    if not updates:
        return nothing_found(face)
    agent = face.agent
    plan = planned(face, agent.plan_uninstall(updates, **_request(allowed)))
    return act(face, plan, agent.uninstall, manner)


@verb(
    "undo",
    help=f"Reverse a whole job. The plan names what can't be undone. {ASKS}\n{CTRL_C}",
    examples="""
wua history
wua undo 4f2a91c0
""",
    exits=EXITS,
)
@click.argument("job", shell_complete=complete_jobs)
@changing
@acting
@click.pass_obj
def undo(face: Face, /, job: str, manner: Manner, **allowed: Any) -> int:
    require_rights(face)
    agent = face.agent
    job = agent.protocol.job(job).id
    plan = planned(face, agent.plan_undo(job, **_request(allowed)))
    return act(face, plan, agent.undo, manner)


@verb(
    "remove",
    help=f"Take packages away, whoever installed them, and whatever depends on them. {ASKS}\n{CTRL_C}",
    examples="""
wua remove telnet
wua remove --purge telnet
""",
    exits=EXITS,
)
@click.argument("packages", metavar="NAME...", nargs=-1, required=True, shell_complete=complete_packages)
@click.option("--purge", is_flag=True, help="Take the configuration away, too.")
@acting
@click.pass_obj
def remove(face: Face, /, packages: tuple[str, ...], manner: Manner, purge: bool) -> int:
    require_rights(face)
    agent = face.agent
    plan = planned(face, agent.plan_remove(packages, purge=purge))
    return act(face, plan, agent.remove, manner)


def nothing_found(face: Face) -> int:
    """A search found nothing to act on, which is well."""
    face.say("Nothing to do: no update matches.")
    return face.answer(Acted(""))


def _request(allowed: dict[str, Any]) -> dict[str, Any]:
    return {
        "allow_removals": allowed["allow_removals"],
        "conffiles": ConffilePolicy(allowed["conffiles"]),
    }
