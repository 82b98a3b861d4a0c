"""One comparison, and the groups that comparisons stand in."""

from wua.criteria.lexer import escape_string
from wua.model.struct import Value


class Criterion(Value, frozen=True):
    """One comparison. ``property`` is spelled as documented.

    ``value``: a number, a string in the letter case that is compared, or None for any value.
    """

    property: str
    operator: str
    value: int | str | None

    def __str__(self) -> str:
        between = self.operator if self.operator.startswith(("=", "!")) else f" {self.operator} "
        match self.value:
            case None:
                value = "*"
            case int(number):
                value = str(number)
            case text:
                value = f"'{escape_string(text)}'"
        return f"{self.property}{between}{value}"


Group = tuple[Criterion, ...]
