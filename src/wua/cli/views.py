"""Three ways to show a job while it goes: moving bars, plain lines, JSON lines."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Protocol, Self

from wua.cli.story import Story, lines

if TYPE_CHECKING:
    from wua.cli.face import Face
    from wua.model.jobs import JobEvent


class View(Protocol):
    """Shows events, after the story has taken them in; ``new`` is the story's answer."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None: ...
    def show(self, event: JobEvent, *, new: bool) -> None: ...
    def say(self, text: str) -> None: ...


class Lines:
    """A line for everything that a reader of a log wants to know, and no other."""

    def __init__(self, face: Face, story: Story) -> None:
        self._face, self._story, self._screen = face, story, face.screen

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        pass

    def show(self, event: JobEvent, *, new: bool) -> None:
        if new:
            for line in lines(self._screen, self._story, event.event):
                self._face.say(line)

    def say(self, text: str) -> None:
        self._face.say(text)


class JsonLines(Lines):
    """Every event as one line of JSON; what is said to people goes to standard error."""

    def show(self, event: JobEvent, *, new: bool) -> None:
        self._face.event(event)

    def say(self, text: str) -> None:
        self._face.remark(text)


def view(face: Face, story: Story) -> View:
    """The view for where the answer goes. Without rich a terminal gets plain lines."""
    if face.json:
        return JsonLines(face, story)
    if face.is_live:
        try:
            from wua.cli.live import Live
        except ImportError:
            return Lines(face, story)
        return Live(face, story)
    return Lines(face, story)
