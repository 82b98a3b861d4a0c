"""deb822 text: paragraphs of ``Field: value`` lines, for files small enough to be read whole.

The rules are those of deb822(5) as apt reads them: field names in any case, continuation lines
begin with a space or a tab, paragraphs are divided by empty lines, lines that begin with ``#``
are comments.
"""

from collections.abc import Iterator
from typing import NamedTuple


class Paragraph(dict[str, str]):
    """Fields in order, as they are written; ``field`` finds them in any case.

    Values have no surrounding white space; continuation lines keep their own after the newline.
    """

    def field(self, name: str, default: str = "") -> str:
        if name in self:
            return self[name]
        lowered = name.lower()
        return next((value for key, value in self.items() if key.lower() == lowered), default)


class Located(NamedTuple):
    line: int  # of the paragraph's first line, from 1
    fields: Paragraph


def parse(text: str) -> list[Paragraph]:
    """The paragraphs of a text."""
    return [found.fields for found in locate(text)]


def locate(text: str) -> Iterator[Located]:
    """The paragraphs of a text, each with the line where it begins."""
    fields, name, begin = Paragraph(), "", 1
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if fields:
                yield Located(begin, fields)
            fields, name = Paragraph(), ""
        elif line[0] in " \t":
            if name:
                fields[name] += "\n" + line.rstrip()
        else:
            if not fields:
                begin = number
            name, _, value = line.partition(":")
            fields[name] = value.strip()
    if fields:
        yield Located(begin, fields)
