"""What the acting verbs share: show the plan, ask, submit the job, watch it, tell what came of it."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from functools import wraps
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import click

from wua.cli import exits, plan_view, result_view
from wua.cli.answers import Acted
from wua.cli.asking import confirm
from wua.cli.face import Face
from wua.cli.following import follow
from wua.cli.titles import Titles
from wua.cli.types import Duration, Moment
from wua.cli.waiting import wait
from wua.cli.words import clock, count
from wua.model.enums import ConffilePolicy
from wua.model.plans import Plan
from wua.model.problems import error

if TYPE_CHECKING:
    from wua.api.job import Job

APPLICATION = "wua"  # how the history names who asked


class Manner(NamedTuple):
    """How an acting verb is to go about it."""

    yes: bool
    detach: bool
    at: float
    lock_timeout: float
    time_out: float
    no_queue: bool
    notify: str
    exit_restart: bool
    cache: str = ""

    def spec(self) -> dict[str, Any]:
        """As fields of JobSpec."""
        return {
            "lock_timeout": self.lock_timeout,
            "phase_timeout": self.time_out,
            "queue": not self.no_queue,
            "not_before": self.at,
            "application_id": APPLICATION,
            "cache": self.cache,
        }


_OPTIONS = (
    click.option("-y", "--yes", is_flag=True, help="Go ahead without asking."),
    click.option("--detach", is_flag=True, help="Begin the job, print its id, and leave."),
    click.option(
        "--at",
        metavar="TIME",
        type=Moment(),
        default=0.0,
        help="Not before 22:30, '2031-01-05 22:30' or +2h; implies --detach.",
    ),
    click.option(
        "--lock-timeout",
        metavar="TIME",
        type=Duration(),
        default="5m",
        show_default=True,
        help="How long to wait for another package manager.",
    ),
    click.option(
        "--time-out",
        metavar="TIME",
        type=Duration(),
        default=0.0,
        help="How long any one phase may take; else no limit.",
    ),
    click.option(
        "--no-queue", is_flag=True, help="Refuse, rather than wait, when another wua job is at work."
    ),
    click.option(
        "--notify",
        metavar="PROGRAM",
        default="",
        help="Run this when the job has ended, even if nobody watches; it gets the event "
        "as JSON on standard input.",
    ),
    click.option("--exit-restart", is_flag=True, help=f"Exit with {exits.RESTART} when a restart is needed."),
)


CACHE: Final = click.option(
    "--cache",
    metavar="DIR",
    default="",
    type=click.Path(exists=True, file_okay=False, resolve_path=True),
    help="Also use the packages in DIR, once they are verified.",
)


def acting(function: Callable[..., Any]) -> Any:
    """Decorator: the options of every acting verb, handed over as ``manner``."""

    @wraps(function)
    def wrapped(*given: Any, **options: Any) -> Any:
        manner = Manner(**{name: options.pop(name) for name in Manner._fields if name in options})
        return function(*given, manner=manner, **options)

    for option in reversed(_OPTIONS):
        wrapped = option(wrapped)
    return wrapped


def changing(function: Callable[..., Any]) -> Any:
    """Decorator: what a plan may do."""
    function = click.option(
        "--conffiles",
        type=click.Choice([policy.value for policy in ConffilePolicy]),
        default=ConffilePolicy.KEEP.value,
        show_default=True,
        help="Changed configuration files: keep them, take the package's, or stop.",
    )(function)
    return click.option("--allow-removals", is_flag=True, help="The plan may remove other packages.")(
        function
    )


def require_rights(face: Face) -> None:
    """Say at once what is missing, not after a plan was made and approved. Raises WuaError access-denied."""
    info = face.agent.info()
    if not info.may_act:
        raise error("access-denied", info.may_act_reason)


def act(face: Face, plan: Plan, submit: Callable[..., Job[Any]], manner: Manner, *, ask: bool = True) -> int:
    """Show a plan, have it approved, apply it, and tell what came of it; answers the exit code."""
    face.say(*plan_view.render(face.screen, plan, plan_view.surroundings(face.agent, plan)))
    if not plan.items:
        face.say("Nothing to do.")
        return face.answer(Acted("", plan))
    if ask and not manner.yes and not approved(face):
        face.say("Nothing was changed.")
        return face.answer(Acted("", plan), exits.ABORTED)
    job = submit(plan, **manner.spec())
    if manner.notify:
        job.notify(program=shlex.split(manner.notify))
    if manner.detach or manner.at:
        return _left(face, job, plan, f"not before {clock(manner.at)}" if manner.at else "in the background")
    return watch(face, job, plan, tell_restart=manner.exit_restart)


def approved(face: Face) -> bool:
    """Ask. Raises click.UsageError where nobody can answer."""
    if not face.can_ask:
        why = "with --json nobody is asked" if face.json else "there is no terminal to ask on"
        raise click.UsageError(f"{why}: add --yes to go ahead without asking.", click.get_current_context())
    face.say("")
    try:
        return confirm("Go ahead?")
    except KeyboardInterrupt:
        face.say("")  # the terminal has shown ^C in the line of the question
        return False


def watch(
    face: Face,
    job: Job[Any],
    plan: Plan | None = None,
    *,
    tell_restart: bool = False,
    only_watch: bool = False,
) -> int:
    """Watch a job to its end and tell what came of it; answers the exit code."""
    titles = Titles(face.agent, job.record, plan)
    if not face.json:
        what = titles.at(0) if len(titles) == 1 else count(len(titles), "update")
        face.say(f"Job {job.id}: {job.kind.value} {what}")
    result = follow(face, job, titles, only_watch=only_watch)
    if result is None:
        face.say(f"Left running. To watch it again:  {face.command} attach {job.id}")
        return face.answer(Acted(job.id, plan), exits.DONE if only_watch else exits.ABORTED)
    face.say(*result_view.render(face.screen, job.record, result, titles, command=face.command))
    return face.answer(Acted(job.id, plan, result), exits.of_result(result, tell_restart=tell_restart))


def _left(face: Face, job: Job[Any], plan: Plan, when: str) -> int:
    face.say(f"Job {job.id} runs {when}. To watch it:  {face.command} attach {job.id}")
    return face.answer(Acted(job.id, plan))


def planned(face: Face, job: Job[Plan]) -> Plan:
    return wait(face, job, "Planning")
