"""Text to tokens, and the quoting of strings."""

import re
from enum import Enum
from string import ascii_lowercase, ascii_uppercase
from typing import Final, NamedTuple

from wua.criteria.errors import CriteriaError


class Token(Enum):
    """The kinds of tokens; the values are the names of the groups of ``_TOKEN``."""

    OPEN = "open"
    CLOSE = "close"
    OPERATOR = "operator"
    STAR = "star"
    WORD = "word"
    STRING = "string"
    NUMBER = "number"
    END = "end"


class Lexeme(NamedTuple):
    """A token where it stands. ``spaced`` says that white space is before it."""

    kind: Token
    text: str
    start: int
    spaced: bool


_SPACE: Final = re.compile(r"[ \t\r\n]*")
_STRICT_SPACE: Final = re.compile(r"[ \t]*")  # WSP of the documented grammar
# In a string, [x] stands for x where x is a quote or a bracket, and a bracket on its own for itself.
# The repetition is possessive: [' never ends a string, and a missing quote costs no second look.
_TOKEN: Final = re.compile(
    r"""(?P<open>\() | (?P<close>\)) | (?P<operator>!=|=) | (?P<star>\*)
      | (?P<word>[A-Za-z_][A-Za-z0-9_]*) | (?P<number>-?[0-9]+)
      | (?P<string>'(?:\[['\[\]]\]|[^'])*+')""",
    re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\[(['\[\]])\]")
_SPECIAL: Final = re.compile(r"['\[\]]")
_UNSTORABLE: Final = re.compile("[\0\ud800-\udfff]")  # characters that no stored text has
_LOWER: Final = str.maketrans(ascii_uppercase, ascii_lowercase)


def lower(text: str) -> str:
    """Small letters for A to Z only, as SQLite does it."""
    return text.translate(_LOWER)


def escape_string(text: str) -> str:
    """``IUpdateSearcher.EscapeString``: ``'``, ``[`` and ``]`` in brackets. The caller adds the quotes."""
    return _SPECIAL.sub(r"[\g<0>]", text)


def unquoted(lexeme: Lexeme) -> str:
    """The text that a STRING token stands for."""
    return _ESCAPED.sub(r"\1", lexeme.text[1:-1])


class Lexer:
    """Hands out one token after the other; the time is linear in the text."""

    def __init__(self, text: str, *, strict: bool) -> None:
        self.text = text
        self._space = _STRICT_SPACE if strict else _SPACE
        self._place = 0

    def next(self) -> Lexeme:
        """The next token; END again and again at the end.

        Raises:
            CriteriaError: no token begins here.
        """
        before = self._place
        start = self._place = self._space.match(self.text, before).end()  # type: ignore[union-attr]
        spaced = start > before
        if start == len(self.text):
            return Lexeme(Token.END, "", start, spaced)
        match = _TOKEN.match(self.text, start)
        if match is None:
            raise self._unknown(start)
        self._place = match.end()
        lexeme = Lexeme(Token(match.lastgroup), match.group(), start, spaced)
        if lexeme.kind is Token.STRING:
            self._check(lexeme)
        return lexeme

    def _unknown(self, start: int) -> CriteriaError:
        rest = self.text[start:]
        expected = {
            "'": "a quote that ends the string beginning here",
            '"': "single quotes around a string",
            "!": "!=",
            "-": "digits after the minus sign",
        }.get(rest[0], "a property, an operator, a value or a parenthesis")
        return CriteriaError(self.text, start + 1, expected, rest)

    def _check(self, lexeme: Lexeme) -> None:
        bad = _UNSTORABLE.search(lexeme.text)
        if bad:
            place = lexeme.start + bad.start()
            raise CriteriaError(self.text, place + 1, "a Unicode character", f"U+{ord(bad.group()):04X}")
