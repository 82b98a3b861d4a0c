"""Tokens to a tree, without recursion: nesting and length are bounded, the time is linear.

The grammar is the documented one: OR at the top level only, AND between single criteria,
parentheses around a criterion or around a whole AND group. Parentheses more than needed do no harm.
"""

from typing import Final, NamedTuple

from wua.criteria.compile import Criteria
from wua.criteria.errors import CriteriaError
from wua.criteria.lexer import Lexeme, Lexer, Token, lower, unquoted
from wua.criteria.properties import (
    BY_NAME,
    DEPLOYMENT_ACTION,
    EQUAL,
    PROPERTIES,
    REVISION,
    UPDATE_ID,
    Kind,
    Property,
)
from wua.criteria.tree import Criterion, Group

MAX_DEPTH: Final = 50  # parentheses open at the same time
MAX_CRITERIA: Final = 5000  # in one text
DEFAULT: Final = "IsInstalled=0 and IsHidden=0"  # what null and empty text mean

_NUMBERS: Final = {Kind.FLAG: (0, 1), Kind.INTEGER: (-(2**31), 2**31 - 1)}
_DIGITS: Final = 32  # of a number, leading zeros included: int() takes quadratic time
_LONGEST: Final = 40  # letters of an unknown word that are compared with the known ones
_IMPLIED: Final = Criterion(DEPLOYMENT_ACTION, EQUAL, "Installation")
_AND: Final = "and"
_OR: Final = "or"


def parse(text: str | None, *, strict: bool = False) -> Criteria:
    """Read a search text; None and text without anything but white space stand for ``DEFAULT``.

    ``strict`` knows the documented language only: no properties of our own, no ``DeploymentAction=*``,
    and only blanks and tabs as white space.

    Raises:
        WuaError: criteria-invalid, as a CriteriaError with column and expectation.
    """
    return _Parser(text if text and text.strip(" \t\r\n") else DEFAULT, strict=strict).criteria()


class _Level(NamedTuple):
    """An open parenthesis: where it stands, and how many criteria of its group come before it."""

    open: Lexeme
    before: int


class _Place(NamedTuple):
    criterion: Criterion
    at: Lexeme


class _Parser:
    def __init__(self, text: str, *, strict: bool) -> None:
        self._text = text
        self._strict = strict
        self._lexer = Lexer(text, strict=strict)
        self._now = self._lexer.next()
        self._levels: list[_Level] = []
        self._group: list[_Place] = []
        self._count = 0

    def criteria(self) -> Criteria:
        groups = [self._and_group()]
        while self._now.kind is not Token.END:
            self._keyword()  # an OR: the AND group took everything else
            groups.append(self._and_group())
        return Criteria(tuple(groups))

    def _and_group(self) -> Group:
        self._group = []
        self._operand()
        while lower(self._now.text) == _AND:
            self._keyword()
            self._operand()
        if self._levels:
            raise self._or_inside() if lower(self._now.text) == _OR else self._error("'and' or ')'")
        if self._now.kind is not Token.END and lower(self._now.text) != _OR:
            raise self._error("'and', 'or' or the end of the text")
        return self._checked()

    def _keyword(self) -> None:
        """Step over ``and`` or ``or``, which must have white space on both sides."""
        word = self._step()
        if not word.spaced:
            raise self._error(f"white space before '{lower(word.text)}'", word)
        if not self._now.spaced and self._now.kind is not Token.END:
            raise self._error(f"white space after '{lower(word.text)}'")

    def _operand(self) -> None:
        """A criterion with the parentheses that open before it and close after it."""
        while self._now.kind is Token.OPEN:
            if len(self._levels) == MAX_DEPTH:
                raise self._error(f"at most {MAX_DEPTH} open parentheses")
            self._levels.append(_Level(self._step(), len(self._group)))
        self._group.append(_Place(*self._criterion()))
        closed = None
        while self._now.kind is Token.CLOSE and self._levels:
            self._step()
            closed = self._levels.pop()
            outside = self._levels[-1].before if self._levels else 0
            if closed.before > outside:
                self._check_single(closed)
        if closed and lower(self._now.text) == _AND:
            self._check_single(closed)

    def _check_single(self, level: _Level) -> None:
        if len(self._group) - level.before > 1:
            raise self._error("parentheses around one criterion or around a whole AND group", level.open)

    def _criterion(self) -> tuple[Criterion, Lexeme]:
        if self._count == MAX_CRITERIA:
            raise self._error(f"at most {MAX_CRITERIA} criteria")
        self._count += 1
        at = self._now
        row = self._property()
        operator = self._operator(row)
        return Criterion(row.name, operator, self._value(row)), at

    def _property(self) -> Property:
        row = BY_NAME.get(lower(self._now.text))
        if row is None:
            raise self._error(f"a property{self._guess()}")
        if row.ours and self._strict:
            raise self._error("a property of the documented language, as strict mode is on")
        self._step()
        return row

    def _guess(self) -> str:
        if self._now.kind is not Token.WORD:
            return ""
        known = [row.name for row in PROPERTIES if not (row.ours and self._strict)]
        word = self._now.text[:_LONGEST]
        import difflib

        near = difflib.get_close_matches(lower(word), [lower(name) for name in known], n=1)
        return f" (perhaps {BY_NAME[near[0]].name})" if near else f" ({', '.join(known)})"

    def _operator(self, row: Property) -> str:
        operator = lower(self._now.text)
        if operator not in row.operators:
            raise self._error(f"{' or '.join(row.operators)} after {row.name}")
        self._step()
        return operator

    def _value(self, row: Property) -> int | str | None:
        lexeme = self._now
        if lexeme.kind is Token.STAR and row.name == DEPLOYMENT_ACTION and not self._strict:
            self._step()
            return None
        value = _read(row, lexeme)
        if value is None:
            raise self._error(f"{_wanted(row)} for {row.name}")
        self._step()
        return value

    def _checked(self) -> Group:
        """The AND group that was read, by the rules about properties that depend on each other."""
        group = [place.criterion for place in self._group]
        updates = {criterion.operator for criterion in group if criterion.property == UPDATE_ID}
        for criterion, at in self._group:
            if criterion.property == REVISION and updates != {EQUAL}:
                raise self._error(f"{REVISION} only beside {UPDATE_ID}= and without {UPDATE_ID}!=", at)
        if all(criterion.property != DEPLOYMENT_ACTION for criterion in group):
            group.append(_IMPLIED)
        return tuple(group)

    def _or_inside(self) -> CriteriaError:
        return self._error("'or' outside of parentheses only: (a and b) or (a and c)")

    def _error(self, expected: str, lexeme: Lexeme | None = None) -> CriteriaError:
        lexeme = lexeme or self._now
        return CriteriaError(self._text, lexeme.start + 1, expected, lexeme.text)

    def _step(self) -> Lexeme:
        """Answer the token at hand and go to the next."""
        lexeme, self._now = self._now, self._lexer.next()
        return lexeme


def _read(row: Property, lexeme: Lexeme) -> int | str | None:
    """The value of a token for a property; None when it is not one."""
    if row.kind in _NUMBERS:
        low, high = _NUMBERS[row.kind]
        if lexeme.kind is Token.NUMBER and len(lexeme.text) <= _DIGITS and low <= int(lexeme.text) <= high:
            return int(lexeme.text)
        return None
    if lexeme.kind is not Token.STRING:
        return None
    text = lower(unquoted(lexeme))
    if row.kind is Kind.CHOICE:
        return next((name for name in row.choices if lower(name) == text), None)
    return text


def _wanted(row: Property) -> str:
    match row.kind:
        case Kind.FLAG:
            return "0 or 1, without quotes,"
        case Kind.INTEGER:
            return "a whole number of 32 bits"
        case Kind.CHOICE:
            return " or ".join(f"'{name}'" for name in row.choices)
        case _:
            return "a string in single quotes"
