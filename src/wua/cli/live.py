"""A job on a terminal: bars that move, and above them what stays. Needs rich."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self

from rich.console import Console, Group, RenderableType
from rich.live import Live as RichLive
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from wua.cli.story import Story, lines
from wua.cli.words import clean, duration, size
from wua.model.jobs import JobEvent, Noted, UpdateEnded
from wua.model.states import JobState

if TYPE_CHECKING:
    from wua.cli.face import Face

PER_SECOND: Final = 8  # pictures
SOON: Final = 1.0  # a rate over less time than this says nothing, in seconds


class Live:
    """Implements View. Updates and notes stay above the bars; the bars go when the job has ended."""

    def __init__(self, face: Face, story: Story) -> None:
        self._story, self._screen = story, face.screen
        self._console = Console(
            file=sys.stdout,
            width=self._screen.width,
            no_color=not self._screen.colour,
            highlight=False,
            markup=False,
            emoji=False,
        )
        self._began = time.monotonic()
        self._live = RichLive(
            get_renderable=self._picture,
            console=self._console,
            refresh_per_second=PER_SECOND,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._unechoed = _without_echo()
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self._live.stop()
        self._unechoed()

    def show(self, event: JobEvent, *, new: bool) -> None:
        if new and isinstance(event.event, UpdateEnded | Noted):
            self._print(lines(self._screen, self._story, event.event))
        elif new and (unsaid := self._story.unsaid()):
            self._print([unsaid])

    def say(self, text: str) -> None:
        self._print(self._screen.wrap(text))

    def _print(self, said: Iterable[str]) -> None:
        for line in said:
            self._console.print(Text.from_ansi(line))

    def _picture(self) -> RenderableType:
        story = self._story
        took = time.monotonic() - self._began
        rows: list[RenderableType] = [
            _ends(Text(story.doing, style="bold"), Text(duration_clock(took), style="dim")),
            _bar(story.progress.percent),
            _ends(
                Text(clean(story.current or story.progress.text) or " ", no_wrap=True, overflow="ellipsis"),
                Text(clean(detail(story)), style="dim", no_wrap=True),
            ),
        ]
        if story.trouble:
            rows.append(Text(clean(story.trouble), style="yellow"))
        if story.aborting:
            rows.append(Text(story.aborting, style="yellow"))
        return Group(*rows)


def _without_echo() -> Callable[[], None]:
    """Keep what is typed, ``^C`` above all, from landing between the bars; the answer puts it back."""
    if not sys.stdin.isatty():
        return lambda: None
    descriptor = sys.stdin.fileno()
    if sys.platform == "win32":
        return lambda: None
    import termios

    before = termios.tcgetattr(descriptor)
    quiet = [*before[:3], before[3] & ~termios.ECHO, *before[4:]]
    termios.tcsetattr(descriptor, termios.TCSADRAIN, quiet)
    return lambda: termios.tcsetattr(descriptor, termios.TCSADRAIN, before)


def _ends(left: Text, right: Text) -> Table:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    grid.add_column(justify="right", no_wrap=True)
    grid.add_row(left, right)
    return grid


def _bar(percent: int) -> Table:
    grid = Table.grid(expand=True, padding=(0, 1))
    grid.add_column(ratio=1)
    grid.add_column(justify="right", width=5)
    bar = ProgressBar(
        total=100, completed=percent, style="dim", complete_style="green", finished_style="green"
    )
    grid.add_row(bar, Text(f"{percent} %"))
    return grid


def detail(story: Story) -> str:
    """``12.3 MB of 45.6 MB  3.2 MB/s  10 s left`` while bytes move; else what the installer is doing."""
    now = story.progress
    if story.phase is JobState.DOWNLOADING and now.bytes_total:
        parts = [f"{size(now.bytes_done)} of {size(now.bytes_total)}"]
        if now.rate > 0:
            parts.append(f"{size(now.rate)}/s")
            left = (now.bytes_total - now.bytes_done) / now.rate
            if left >= SOON:
                parts.append(f"{duration(left)} left")
        return "  ".join(parts)
    return now.text or f"{now.current_percent} %" if story.current else ""


def duration_clock(seconds: float) -> str:
    """``0:07``, ``12:30``, ``1:02:03``."""
    whole = int(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
