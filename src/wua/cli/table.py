"""Tables and lists of facts that fit the width of a terminal. In a pipe nothing is cut.

Ours and not rich's: plain ones are needed where rich is not installed, and a search should not wait for it.
"""

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from wua.cli.screen import Screen, broken, cells, cut
from wua.cli.words import clean

GAP: Final = "  "
INDENT: Final = "  "


class Column(NamedTuple):
    """How a column behaves where the width does not suffice.

    The widest columns are cut first, each down to its ``least`` width (0: never cut); when that is not
    enough, columns are left out in the order of ``drop`` (0: never). The last one may ``wrap`` where the
    others are cut.
    """

    heading: str
    right: bool = False
    least: int = 0
    drop: int = 0
    middle: bool = False  # cut in the middle: for versions, where both ends matter
    wrap: bool = False


class Cell(NamedTuple):
    text: str
    style: str = ""


class Heading(NamedTuple):
    """A line of its own between rows."""

    text: str
    style: str = "head"


Row = Sequence[Cell | str]


def table(
    screen: Screen, columns: Sequence[Column], rows: Sequence[Row | Heading], indent: str = INDENT
) -> Iterator[str]:
    """The lines of a table. Columns that are empty in every row are left out."""
    every = [row if isinstance(row, Heading) else [_cell(each) for each in row] for row in rows]
    grid = [row for row in every if not isinstance(row, Heading)]
    used = [n for n in range(len(columns)) if any(row[n].text for row in grid)]
    if not used:
        return
    natural = {n: max(cells(columns[n].heading), *(cells(row[n].text) for row in grid)) for n in used}
    room = None if screen.width is None else screen.width - len(indent)
    widths = fit(columns, natural, room)
    shown = list(widths)
    heading = [Cell(columns[n].heading, "head") for n in range(len(columns))]
    for row in (heading, *every):
        if isinstance(row, Heading):
            yield screen.paint(row.text, row.style)
        else:
            yield from _row(screen, columns, widths, [row[n] for n in shown], indent)


def fit(columns: Sequence[Column], natural: dict[int, int], room: int | None) -> dict[int, int]:
    """The width of each column that is shown, by its number."""
    widths = dict(natural)
    if room is None:
        return widths
    least = {n: min(width, columns[n].least or width) for n, width in natural.items()}
    for leaving in sorted((n for n in natural if columns[n].drop), key=lambda n: columns[n].drop):
        if _total(least) <= room:
            break
        del widths[leaving], least[leaving]
    for _ in range(_total(widths) - room):
        able = [n for n in widths if widths[n] > least[n]]
        if not able:
            break
        widths[max(able, key=lambda n: widths[n])] -= 1
    return widths


def facts(screen: Screen, pairs: Sequence[tuple[str, str]], indent: str = INDENT) -> Iterator[str]:
    """Labels with their texts, aligned; pairs without a text are left out."""
    pairs = [(label, text) for label, text in pairs if text]
    width = max((cells(label) for label, _ in pairs), default=0)
    for label, text in pairs:
        lead = f"{indent}{label}{' ' * (width - cells(label))}{GAP}"
        lines = screen.wrap(clean(text), indent=" " * cells(lead))
        first = next(lines).lstrip()
        yield f"{indent}{screen.paint(lead[len(indent) :], 'aside')}{first}"
        yield from lines


def _cell(each: Cell | str) -> Cell:
    return Cell(clean(each)) if isinstance(each, str) else Cell(clean(each.text), each.style)


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)


def _row(
    screen: Screen, columns: Sequence[Column], widths: dict[int, int], row: Sequence[Cell], indent: str
) -> Iterator[str]:
    parts, more = [], []
    last = len(row) - 1
    for place, (n, cell) in enumerate(zip(widths, row, strict=True)):
        column, width = columns[n], widths[n]
        if place == last and column.wrap and screen.width is not None:
            lines = list(broken(cell.text, width, width))
            text, more = lines[0], lines[1:]
        else:
            text = cut(cell.text, width, middle=column.middle)
        space = " " * (width - cells(text))
        painted = screen.paint(text, cell.style)
        parts.append(f"{space}{painted}" if column.right else f"{painted}{space}")
    yield (indent + GAP.join(parts)).rstrip()
    margin = indent + " " * (_total(widths) - widths[list(widths)[-1]])
    style = row[-1].style
    yield from (margin + screen.paint(line, style) for line in more)
