"""What a search asks for, as a predicate and as SQL: both say the same of every offer."""

from collections.abc import Callable
from typing import Final

from wua.criteria import schema
from wua.criteria.lexer import lower
from wua.criteria.properties import BY_NAME, CONTAINS, EQUAL, Kind, Property
from wua.criteria.tree import Group
from wua.model.struct import Value
from wua.model.updates import Offer

Test = Callable[[Offer], bool]
Parameters = tuple[int | str, ...]
Bound = tuple[Property, str, int | str]


class Criteria(Value, frozen=True):
    """Groups of which one must hold; in a group every criterion must. Implied ones are written out.

    ``str`` gives text that parses to an equal value.
    """

    groups: tuple[Group, ...]

    def __str__(self) -> str:
        texts = [" and ".join(map(str, group)) for group in self.groups]
        return texts[0] if len(texts) == 1 else " or ".join(f"({text})" for text in texts)

    def predicate(self) -> Test:
        """A function that says whether an offer is asked for."""
        groups = [[_test(*part) for part in _bound(group)] for group in self.groups]
        return lambda offer: any(all(test(offer) for test in tests) for tests in groups)

    def sql(self) -> tuple[str, Parameters]:
        """A WHERE expression over the tables of ``schema``, and its parameters."""
        groups = [_bound(group) for group in self.groups]
        texts = [
            _joined([_sql(row, operator) for row, operator, _ in group] or ["1"], "AND") for group in groups
        ]
        return _joined(texts, "OR"), tuple(value for group in groups for _, _, value in group)


def _bound(group: Group) -> list[Bound]:
    """The comparisons of a group that say anything, with the values as tables and offers have them."""
    bound: list[Bound] = []
    for criterion in group:
        if criterion.value is not None:
            row = BY_NAME[lower(criterion.property)]
            # Only a CHOICE has choices, and its value is one of their names.
            bound.append((row, criterion.operator, row.choices.get(str(criterion.value), criterion.value)))
    return bound


def _test(row: Property, operator: str, value: int | str) -> Test:
    get = row.get
    if row.kind is Kind.MEMBERS:
        return lambda offer: value in get(offer)
    if operator == CONTAINS:
        part = str(value)
        return lambda offer: part in lower(get(offer))
    same: Test
    if row.kind is Kind.TEXT:
        same = lambda offer: lower(get(offer)) == value  # noqa: E731 - as short as the others
    else:
        same = lambda offer: bool(get(offer) == value)  # noqa: E731
    return same if operator == EQUAL else lambda offer: not same(offer)


_MEMBER: Final = (
    f"{schema.OFFERS}.{schema.UPDATE_ID} IN"
    f" (SELECT {schema.UPDATE_ID} FROM {schema.OFFER_CATEGORIES} WHERE {schema.CATEGORY_ID} = ?)"
)


def _sql(row: Property, operator: str) -> str:
    if row.kind is Kind.MEMBERS:
        return _MEMBER
    if operator == CONTAINS:
        return f"instr(lower({row.sql}), ?) > 0"
    collation = " COLLATE NOCASE" if row.kind is Kind.TEXT else ""
    return f"{row.sql} {operator} ?{collation}"


def _joined(parts: list[str], word: str) -> str:
    """Balanced, for SQLite allows an expression a depth of 1,000."""
    while len(parts) > 1:
        pairs = [f"({left} {word} {right})" for left, right in zip(parts[::2], parts[1::2], strict=False)]
        parts = pairs + parts[len(pairs) * 2 :]
    return parts[0]
