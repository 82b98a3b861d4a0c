"""What came of a job: a line of summary, every failure with its cause, restart, and how to go back."""

from collections.abc import Iterator

from wua.cli import errors
from wua.cli.screen import Screen
from wua.cli.story import update_lines, update_word
from wua.cli.titles import Titles
from wua.cli.words import RESULTS, clean, count, duration, some
from wua.model.enums import ResultCode
from wua.model.jobs import Delivery, DeliveryState, JobRecord, JobResult
from wua.model.problems import Problem

STYLE = {
    ResultCode.SUCCEEDED: "good",
    ResultCode.SUCCEEDED_WITH_ERRORS: "careful",
    ResultCode.FAILED: "bad",
    ResultCode.ABORTED: "careful",
}


def render(
    screen: Screen,
    job: JobRecord,
    result: JobResult,
    titles: Titles,
    *,
    command: str = "wua",
    with_updates: bool = False,
) -> Iterator[str]:
    """The end of a job; ``with_updates`` also a line for each update, where nothing has shown them yet.

    ``command`` is what a further command on the same machine begins with.
    """
    if with_updates:
        for each in result.updates:
            yield from update_lines(screen, job.kind, each, titles.of(each.update))
    yield from _failures(screen, result, titles)
    yield headline(screen, job, result)
    if result.reboot_required:
        why = ", ".join(result.restart_reasons)
        yield from screen.wrap(clean(f"{why}."), "  ", screen.paint("A restart is needed: ", "careful"))
    if result.output and result.code in (ResultCode.FAILED, ResultCode.SUCCEEDED_WITH_ERRORS):
        yield f"What the installer printed:  {command} attach {job.id} --output"
    succeeded = any(each.code is ResultCode.SUCCEEDED for each in result.updates)
    if job.kind.changes_target and succeeded:
        yield f"To go back:  {command} undo {job.id}"


def headline(screen: Screen, job: JobRecord, result: JobResult) -> str:
    """``Partly done in 12 s: 2 installed, 1 failed.``"""
    numbers: dict[str, int] = {}
    for each in result.updates:
        word, _ = update_word(job.kind, each)
        numbers[word] = numbers.get(word, 0) + 1
    took = f" in {duration(job.ended - job.started)}" if job.ended and job.started else ""
    counted = f": {', '.join(f'{n} {word}' for word, n in numbers.items())}" if numbers else ""
    word = screen.paint(RESULTS[result.code].capitalize(), STYLE.get(result.code, ""))
    return f"{word}{took}{counted}."


def delivery(screen: Screen, told: Delivery) -> Iterator[str]:
    """How it stands with a program that is to hear of the end."""
    text = f"{told.subscription.program[0]}: {told.state.value}"
    if told.state is not DeliveryState.DELIVERED:
        text += f" after {count(told.tried, 'attempt')}{f', {told.last_error}' if told.last_error else ''}"
    style = "bad" if told.state is DeliveryState.GIVEN_UP else ""
    yield from screen.wrap(clean(text), "  ", screen.paint("Notified: ", style))


def _failures(screen: Screen, result: JobResult, titles: Titles) -> Iterator[str]:
    """Each problem once, with the updates that met it."""
    met: dict[Problem, list[str]] = {}
    if result.problem is not None:
        met[result.problem] = []
    for each in result.updates:
        if each.problem is not None and each.code is not ResultCode.SUCCEEDED:
            met.setdefault(each.problem, []).append(titles.of(each.update))
    for cause, names in met.items():
        if cause.id == "aborted":
            continue
        yield ""
        yield from errors.render(screen, cause, about=some(names))
    if met:
        yield ""
