"""attach and abort: jobs that are at work."""

from __future__ import annotations

import time
from typing import Final

import click

from wua.cli import exits, result_view
from wua.cli.acting import watch
from wua.cli.answers import Acted, Asked
from wua.cli.command import verb
from wua.cli.completing import jobs as complete_jobs
from wua.cli.face import Face
from wua.cli.following import MEANINGS
from wua.cli.titles import Titles
from wua.cli.words import clock
from wua.model.enums import AbortAnswer
from wua.model.jobs import JobRecord

POLL: Final = 0.5  # seconds between two looks at an installer's output


@verb(
    "attach",
    help="Watch a job to its end, or see how it ended. Without JOB: the newest that "
    "runs. Ctrl-C asks the job to "
    "abort, a second one leaves it running; with --watch the first one just leaves.",
    examples="""
wua attach
wua attach 4f2a
wua attach 4f2a --output
""",
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.PARTLY, exits.ABORTED, exits.BUSY, exits.RESTART),
)
@click.argument("job", required=False, default="", shell_complete=complete_jobs)
@click.option("--output", is_flag=True, help="Print what the installer printed, and go on while it runs.")
@click.option("--watch", "only_watch", is_flag=True, help="Never abort: Ctrl-C just leaves.")
@click.option("--exit-restart", is_flag=True, help=f"Exit with {exits.RESTART} when a restart is needed.")
@click.pass_obj
def attach(face: Face, /, job: str, output: bool, only_watch: bool, exit_restart: bool) -> int:
    record = face.agent.protocol.job(job) if job else newest(face)
    if record is None:
        face.say("No job is running.")
        return face.answer(Acted(""))
    if output:
        return _output(face, record)
    if record.result is None:
        held = face.agent.job(record.id)
        return watch(face, held, record.spec.plan, tell_restart=exit_restart, only_watch=only_watch)
    titles = Titles(face.agent, record)
    face.say(f"Job {record.id}: {record.kind.value}, begun {clock(record.started or record.created)}")
    shown = result_view.render(
        face.screen, record, record.result, titles, command=face.command, with_updates=True
    )
    face.say(*shown)
    told = face.agent.deliveries(record.id)
    face.say(*(line for each in told for line in result_view.delivery(face.screen, each)))
    return face.answer(
        Acted(record.id, record.spec.plan, record.result, told),
        exits.of_result(record.result, tell_restart=exit_restart),
    )


@verb(
    "abort",
    help="Ask a job to stop, and say what that will mean. A running package transaction "
    "is never cut in the middle.",
    examples="wua abort 4f2a",
    exits=(exits.DONE, exits.FAILED, exits.USAGE, exits.DENIED),
)
@click.argument("job", shell_complete=complete_jobs)
@click.pass_obj
def abort(face: Face, /, job: str) -> int:
    record = face.agent.protocol.job(job)
    answer = face.agent.protocol.abort(record.id)
    meaning = MEANINGS[answer]
    said = "has ended already" if answer is AbortAnswer.ENDED else f"is asked to abort: {meaning}"
    face.say(f"Job {record.id} {said}.")
    return face.answer(Asked(record.id, answer, meaning))


def newest(face: Face) -> JobRecord | None:
    """The newest acting job at work."""
    return next((job for job in face.agent.jobs(active=True) if job.kind.acting), None)


def _output(face: Face, record: JobRecord) -> int:
    protocol = face.agent.protocol
    shown = ""
    while True:
        ended = protocol.job(record.id).result is not None
        text = protocol.output(record.id)
        if not face.json:
            more = text.removeprefix(shown)  # a job's next command begins anew
            click.echo(_harmless(face, more), nl=False)
        shown = text
        if ended or face.json:
            break
        time.sleep(POLL)
    return face.answer(Acted(record.id, output=shown))


def _harmless(face: Face, text: str) -> str:
    """On a terminal, without what would steer it."""
    if not face.is_live:
        return text
    return "".join(c if c.isprintable() or c in "\n\t" else "" for c in text.replace("\r\n", "\n"))
