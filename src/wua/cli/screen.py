"""What a stream can show: its width, colours, and text that fits it."""

import os
from collections.abc import Iterator
from typing import Final, TextIO

LEAST_WIDTH: Final = 40
LEAST_ROOM: Final = 16  # for running text, whatever stands before it
MOST_PROSE: Final = 100  # running text wider than this is hard to read

# Select Graphic Rendition; written out, so that a list of jobs need not wait for click.
STYLES: Final = {
    "head": "\x1b[1m",
    "name": "\x1b[1m",
    "good": "\x1b[32m",
    "bad": "\x1b[31m\x1b[1m",
    "careful": "\x1b[33m",
    "aside": "\x1b[2m",
}
PLAIN: Final = "\x1b[0m"


class Screen:
    """A terminal, or a pipe: ``width`` is None where nothing may be cut or wrapped."""

    def __init__(self, width: int | None, *, colour: bool) -> None:
        self.width = width
        self.colour = colour

    @classmethod
    def of(cls, stream: TextIO, colour: str = "auto") -> "Screen":
        """``colour`` is auto, always or never; auto heeds NO_COLOR and dumb terminals."""
        terminal = is_terminal(stream)
        wanted = colour == "always" or (colour == "auto" and terminal and not os.environ.get("NO_COLOR"))
        width = max(_columns(stream), LEAST_WIDTH) if terminal else None
        return cls(width, colour=wanted)

    def paint(self, text: str, style: str) -> str:
        if not (self.colour and style and text):
            return text
        return f"{STYLES[style]}{text}{PLAIN}"

    def wrap(self, text: str, indent: str = "", first: str | None = None) -> Iterator[str]:
        """Lines of running text, ``indent`` before each, ``first`` before the first."""
        lead = indent if first is None else first
        if self.width is None:
            yield lead + text
            return
        room = min(self.width, MOST_PROSE)
        taken = cells(unpainted(lead))
        for line in broken(text, max(room - taken, LEAST_ROOM), max(room - cells(indent), LEAST_ROOM)):
            yield lead + line
            lead = indent


def unpainted(text: str) -> str:
    """Without what ``paint`` adds."""
    for code in (*STYLES.values(), PLAIN):
        text = text.replace(code, "")
    return text


def _columns(stream: TextIO) -> int:
    """$COLUMNS, else what the terminal says, else 80."""
    named = os.environ.get("COLUMNS", "")
    if named.isdecimal() and int(named):
        return int(named)
    try:
        return os.get_terminal_size(stream.fileno()).columns or 80
    except OSError:
        return 80


def is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def cells(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(_cell(character) for character in text)


def cut(text: str, width: int, *, middle: bool = False) -> str:
    """At most ``width`` columns of a text, with a mark where something is missing."""
    if cells(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    if middle:
        tail = (width - 1) * 2 // 5
        return f"{_take(text, width - 1 - tail)}…{_take(text[::-1], tail)[::-1]}"
    return f"{_take(text, width - 1)}…"


def _take(text: str, width: int) -> str:
    used = 0
    for index, character in enumerate(text):
        used += _cell(character)
        if used > width:
            return text[:index]
    return text


def _cell(character: str) -> int:
    import unicodedata  # not needed by most tables

    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def broken(text: str, room: int, later: int) -> Iterator[str]:
    """Break between words, ``room`` columns on the first line; a word that is too long is broken anywhere."""
    line = ""
    for word in text.split():
        rest = word
        while True:
            joined = f"{line} {rest}" if line else rest
            if cells(joined) <= room:
                line = joined
                break
            if line:
                yield line
                line, room = "", later
                continue
            head = _take(rest, room)
            yield head
            rest, room = rest[len(head) :], later
    yield line
