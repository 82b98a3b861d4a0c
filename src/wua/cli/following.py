"""Watching an acting job from the terminal, and what Ctrl-C means while doing so."""

from __future__ import annotations

import queue
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from wua.cli.story import Story
from wua.cli.views import view
from wua.model.enums import AbortAnswer
from wua.model.jobs import Ended, JobEvent, JobResult
from wua.model.problems import WuaError

if TYPE_CHECKING:
    from wua.api.job import Job
    from wua.cli.face import Face
    from wua.cli.titles import Titles

INTERRUPT: Final = "interrupt"
MEANINGS: Final = {
    AbortAnswer.ENDED: "it has ended already",
    AbortAnswer.AT_ONCE: "nothing was changed yet: it ends now",
    AbortAnswer.AFTER_STEP: "the running package transaction ends first, the rest is left undone",
}


def follow(
    face: Face, job: Job[Any], titles: Titles, *, only_watch: bool = False, here: bool = False
) -> JobResult | None:
    """Show a job until it ends; None when the person left it.

    The first Ctrl-C asks the job to abort and says what that will mean, the second leaves; with
    ``only_watch`` the first leaves. ``here``: the job runs in this process and ends with it.

    Raises:
        WuaError: connection-lost, host-failed.
    """
    news: queue.SimpleQueue[JobEvent | WuaError | str] = queue.SimpleQueue()
    story = Story(job.kind, len(titles), titles.at)
    patience = 1 if only_watch else 2
    with _interrupts(news), view(face, story) as shown:
        threading.Thread(target=_feed, args=(job, news), name="wua-feed", daemon=True).start()
        while True:
            item = news.get()
            if isinstance(item, WuaError):
                raise item
            if isinstance(item, str):
                patience -= 1
                if patience == 0:
                    return None
                story.aborting = ask_to_abort(job, here=here)
                shown.say(story.aborting)
                continue
            new = story.take(item.event)
            shown.show(item, new=new)
            if isinstance(item.event, Ended):
                return job.outcome()


def ask_to_abort(job: Job[Any], *, here: bool = False) -> str:
    """Ask, and say what it will lead to."""
    again = "Ctrl-C again leaves at once" if here else "Ctrl-C again leaves it running"
    try:
        answer = job.abort()
    except WuaError as refused:
        return f"It can't be aborted: {refused.problem.seen}. {again}."
    return f"Asked to abort: {MEANINGS[answer]}. {again}."


def _feed(job: Job[Any], news: queue.SimpleQueue[JobEvent | WuaError | str]) -> None:
    try:
        for event in job:
            news.put(event)
    except WuaError as failure:
        news.put(failure)


@contextmanager
def _interrupts(news: queue.SimpleQueue[JobEvent | WuaError | str]) -> Iterator[None]:
    """Ctrl-C becomes an item among the news (a SimpleQueue may be put to in a signal handler)."""
    before = signal.signal(signal.SIGINT, lambda *_: news.put(INTERRUPT))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
