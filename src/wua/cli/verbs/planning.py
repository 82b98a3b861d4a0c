"""plan and rehearse: see it before it happens."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from wua.cli import exits, plan_view
from wua.cli.acting import changing, planned
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.screen import Screen
from wua.cli.selection import NAMES_HELP, Selection, chosen, selecting
from wua.cli.story import update_lines
from wua.cli.table import facts
from wua.cli.waiting import wait
from wua.cli.words import clean, duration, size
from wua.model.enums import ConffilePolicy
from wua.model.jobs import JobKind, Rehearsal
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


@verb(
    "rehearse",
    help="Really install updates, into a shadow of this machine that is thrown away: "
    "unpacks, runs what can be run, "
    "and reports failing scripts, questions about configuration files, disk need, time "
    "and restart reasons. The "
    f"machine itself is not touched. Without names: everything needed.\n{NAMES_HELP}",
    examples="""
wua rehearse --security
wua rehearse libc6 --cache /home/me/.cache/wua
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.PARTLY, exits.ABORTED),
)
@selecting(default_all=True)
@click.option(
    "--cache",
    metavar="DIR",
    default="",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Use the verified packages in DIR, too.",
)
@changing
@click.pass_obj
def rehearse(face: Face, /, selection: Selection, cache: str, conffiles: str, allow_removals: bool) -> int:
    updates = chosen(face, selection)
    if not updates:
        face.say("Nothing to rehearse: no update matches.")
        return face.answer(None)
    agent = face.agent
    job = agent.plan_install(updates, allow_removals=allow_removals, conffiles=ConffilePolicy(conffiles))
    found = planned(face, job)
    face.say(*plan_view.render(face.screen, found, plan_view.surroundings(agent, found)))
    if not found.items:
        face.say("Nothing to rehearse.")
        return face.answer(None)
    rehearsal = wait(face, agent.rehearse(found, cache=cache), "Rehearsing")
    face.say("", *outcome(face.screen, rehearsal, found))
    return face.answer(rehearsal, exits.of_result(rehearsal.result))


def outcome(screen: Screen, rehearsal: Rehearsal, plan: Plan) -> Iterator[str]:
    """The lines of what a rehearsal showed."""
    from wua.cli import errors

    names = {item.update: f"{item.name} {item.to_version or item.from_version}" for item in plan.items}
    for each in rehearsal.result.updates:
        title = names.get(each.update, each.update.update_id)
        yield from update_lines(screen, JobKind.REHEARSE, each, title)
        if each.problem is not None:
            yield from errors.render(screen, each.problem, lead="", indent="  ")
    yield ""
    yield from facts(
        screen,
        [
            ("Took", duration(rehearsal.seconds)),
            ("Download", size(rehearsal.download_bytes) if rehearsal.download_bytes else "nothing"),
            ("Disk", size(rehearsal.disk_bytes)),
            ("Changed configuration files", ", ".join(rehearsal.conffiles)),
            ("Restart", ", ".join(rehearsal.restart)),
            ("Kept in", rehearsal.shadow),
        ],
    )
    if rehearsal.not_shown:
        yield ""
        yield screen.paint("What a rehearsal cannot show", "head")
        for text in rehearsal.not_shown:
            yield from screen.wrap(clean(text), "    ", "  - ")
