"""Waiting for a search, plan or rehearsal, with a sign of life on the terminal when it takes longer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any, Final, TypeVar

from wua.cli.screen import is_terminal
from wua.cli.words import clean

if TYPE_CHECKING:
    from wua.api.job import Job
    from wua.cli.face import Face

T = TypeVar("T")

PATIENCE: Final = 0.8  # seconds before anything moves on the terminal


def wait(face: Face, job: Job[T], doing: str) -> T:
    """What the job is for; Ctrl-C aborts it.

    Raises:
        WuaError: what made it fail.
        KeyboardInterrupt: after the job was asked to abort.
    """
    try:
        if not job.wait(PATIENCE) and not face.json and is_terminal(sys.stderr):
            _with_spinner(face, job, doing)
        return job.result()
    except KeyboardInterrupt:
        job.abort()
        raise


def _with_spinner(face: Face, job: Job[Any], doing: str) -> None:
    try:
        from rich.console import Console
    except ImportError:
        face.remark(f"{doing} …")
        return
    from wua.model.jobs import Noted

    console = Console(stderr=True, no_color=not face.error_screen.colour, highlight=False, markup=False)
    with console.status(f"{doing} …") as status:

        def show(event: Any) -> None:
            if isinstance(event.event, Noted):
                status.update(f"{doing}: {clean(event.event.text)}")

        stop = job.on_event(show)
        try:
            job.wait()
        finally:
            stop()
