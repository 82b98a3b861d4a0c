"""The one error of the criteria language: where it went wrong and what was expected there."""

from typing import Final

from wua.model.problems import WuaError, problem

WIDTH: Final = 100  # characters of the text that ``caret`` shows at the most
_SHOWN: Final = 30  # characters of what was found that a message repeats


class CriteriaError(WuaError):
    """A criteria-invalid problem with its place.

    ``column`` counts characters from 1; one more than the length of the text means its end.
    """

    def __init__(self, text: str, column: int, expected: str, found: str) -> None:
        self.text = text
        self.column = column
        self.expected = expected
        found = _printable(found if len(found) <= _SHOWN else f"{found[:_SHOWN]}…")
        seen = f"column {column}: expected {expected}, found {found or 'the end of the text'}"
        super().__init__(problem("criteria-invalid", seen))

    @property
    def caret(self) -> str:
        """Two lines for a terminal: the text (its surroundings, when long) and a mark under the place."""
        start = max(0, min(self.column - 1 - WIDTH // 2, len(self.text) - WIDTH))
        return f"{_printable(self.text[start : start + WIDTH])}\n{' ' * (self.column - 1 - start)}^"


def _printable(text: str) -> str:
    """The same length, on one line, and storable: lone surrogates are not."""
    return "".join(
        c if c.isprintable() else " " if c.isspace() else "\N{REPLACEMENT CHARACTER}" for c in text
    )
