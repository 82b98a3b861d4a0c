"""rehearse: play it before it happens."""

from __future__ import annotations

from collections.abc import Iterator

import click

from wua.cli import errors, exits, plan_view
from wua.cli.acting import CACHE, changing, planned
from wua.cli.command import verb
from wua.cli.face import Face
from wua.cli.following import follow
from wua.cli.screen import Screen
from wua.cli.selection import NAMES_HELP, Selection, chosen, selecting
from wua.cli.story import update_lines
from wua.cli.table import facts
from wua.cli.titles import Titles
from wua.cli.words import clean, duration, size
from wua.model.enums import ConffilePolicy
from wua.model.jobs import JobKind, Rehearsal
from wua.model.plans import Plan
from wua.model.problems import WuaError, problem


@verb(
    "rehearse",
    help="Really install updates, into a shadow of this machine that is thrown away: unpacks, runs what can "
    "be run, and reports failing scripts, questions about configuration files, disk need, time and restart "
    "reasons. The machine itself is not touched, and no special rights are needed. Without names: "
    f"everything needed.\n{NAMES_HELP}",
    examples="""
wua rehearse --security
wua rehearse libc6 --cache ~/.cache/wua
wua rehearse --all --keep
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.PARTLY, exits.ABORTED),
)
@selecting(default_all=True)
@CACHE
@click.option("--keep", is_flag=True, help="Keep the shadow, to look around in it.")
@changing
@click.pass_obj
def rehearse(
    face: Face, /, selection: Selection, cache: str, keep: bool, conffiles: str, allow_removals: bool
) -> int:
    updates = chosen(face, selection)
    if not updates:
        face.say("Nothing to rehearse: no update matches.")
        return face.answer(None)
    agent = face.agent
    policy = ConffilePolicy(conffiles)
    plan = planned(face, agent.plan_install(updates, allow_removals=allow_removals, conffiles=policy))
    face.say(*plan_view.render(face.screen, plan, plan_view.surroundings(agent, plan)))
    if not plan.items:
        face.say("Nothing to rehearse.")
        return face.answer(None)
    rehearsal = played(face, plan, cache, keep=keep)
    face.say(*outcome(face.screen, rehearsal, plan))
    code = exits.of_result(rehearsal.result)
    return face.answer(rehearsal, exits.PARTLY if code == exits.DONE and rehearsal.not_played else code)


def played(face: Face, plan: Plan, cache: str, *, keep: bool) -> Rehearsal:
    """Play the plan and watch. Raises WuaError when it can't be played at all, or was aborted."""
    face.say("", "Rehearsing; this machine is not touched.")
    job = face.agent.rehearse(plan, cache=cache, keep=keep)
    result = follow(face, job, Titles(face.agent, job.record, plan), here=True)
    if result is None or result.rehearsal is None:
        cause = result.problem if result else None
        raise WuaError(cause or problem("aborted", "the rehearsal was left"))
    return result.rehearsal


def outcome(screen: Screen, rehearsal: Rehearsal, plan: Plan) -> Iterator[str]:
    """The lines of what a rehearsal showed."""
    names = {item.update: f"{item.name} {item.to_version or item.from_version}" for item in plan.items}
    for each in rehearsal.result.updates:
        title = names.get(each.update, each.update.update_id)
        yield from update_lines(screen, JobKind.REHEARSE, each, title)
        if each.problem is not None:
            yield from errors.render(screen, each.problem, lead="  ")
    if rehearsal.result.problem is not None and not rehearsal.result.updates:
        yield from errors.render(screen, rehearsal.result.problem)
    yield ""
    pairs = [
        ("Took", duration(rehearsal.seconds)),
        ("Download", size(rehearsal.download_bytes) if rehearsal.download_bytes else "nothing"),
        ("Disk", f"{size(rehearsal.disk_bytes)} more" if rehearsal.disk_bytes else ""),
        ("Restart", ", ".join(rehearsal.restart)),
        ("Kept in", rehearsal.shadow),
    ]
    yield from facts(screen, pairs, indent="")
    yield from _listed(screen, "Configuration files that were changed here", rehearsal.conffiles)
    yield from _listed(screen, "Other than planned", rehearsal.differences)
    yield from _listed(screen, "Left out", rehearsal.not_played)
    yield from _listed(screen, "Unpacked, but their scripts were not run", rehearsal.scripts_left_out)
    yield from _listed(screen, "What a rehearsal cannot show", rehearsal.not_shown)


def _listed(screen: Screen, heading: str, texts: tuple[str, ...]) -> Iterator[str]:
    if texts:
        yield ""
        yield screen.paint(heading, "head")
    for text in texts:
        yield from screen.wrap(clean(text), "    ", "  - ")
