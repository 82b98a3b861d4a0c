"""plan: see it before it happens."""

from __future__ import annotations

from typing import Any

import click

from wua.cli import exits, plan_view
from wua.cli.acting import changing, planned
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.selection import NAMES_HELP, Selection, chosen, selecting
from wua.model.enums import ConffilePolicy
from wua.model.plans import Plan

OPERATIONS = ("install", "uninstall", "remove", "undo")


@verb(
    "plan",
    help="Show what an operation would do: every package that would be added, upgraded, "
    "downgraded or removed, and "
    f"why. Changes nothing. Without names: installing everything needed.\n{NAMES_HELP}",
    examples="""
wua plan
wua plan bash --exit-code
wua plan --for uninstall bash
wua plan --for remove telnet
wua plan --for undo 4f2a91c0
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.ABORTED, exits.NEEDED),
)
@selecting(default_all=True)
@click.option(
    "--for",
    "operation",
    type=click.Choice(OPERATIONS),
    default="install",
    show_default=True,
    help="For undo, NAME is a job.",
)
@click.option("--reinstall", is_flag=True, help="As with `wua install`.")
@click.option("--purge", is_flag=True, help="As with `wua remove`.")
@click.option("--insist", is_flag=True, help="As with `wua install`.")
@changing
@click.option("--exit-code", is_flag=True, help=f"Exit with {exits.NEEDED} when something would change.")
@click.pass_obj
def plan(face: Face, /, selection: Selection, operation: str, exit_code: bool, **options: Any) -> int:
    found = make(face, selection, operation, options)
    if found is None:
        face.say("Nothing to do: no update matches.")
        return face.answer(None)
    face.say(*plan_view.render(face.screen, found, plan_view.surroundings(face.agent, found)))
    if not found.items:
        face.say("Nothing to do.")
    return face.answer(found, exits.NEEDED if exit_code and found.items else exits.DONE)


def make(face: Face, selection: Selection, operation: str, options: dict[str, Any]) -> Plan | None:
    """The plan for an operation; None when nothing matches what was asked for."""
    agent = face.agent
    request = {
        "allow_removals": options["allow_removals"],
        "conffiles": ConffilePolicy(options["conffiles"]),
    }
    if operation in ("remove", "undo"):
        if not selection.names or (operation == "undo" and len(selection.names) > 1):
            raise click.UsageError(
                f"--for {operation} needs {'one job' if operation == 'undo' else 'names'}."
            )
        if operation == "undo":
            return planned(face, agent.plan_undo(agent.protocol.job(selection.names[0]).id, **request))
        return planned(face, agent.plan_remove(selection.names, purge=options["purge"]))
    if operation == "uninstall" and not (selection.names or selection.criteria):
        raise click.UsageError("--for uninstall needs names or --criteria.")
    updates = chosen(face, selection)
    if not updates:
        return None
    if operation == "uninstall":
        return planned(face, agent.plan_uninstall(updates, **request))
    return planned(
        face,
        agent.plan_install(updates, reinstall=options["reinstall"], insist=options["insist"], **request),
    )
