"""What apt and dpkg print, cut into the failures that they name. Pure."""

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

_ERROR: Final = re.compile(r"^dpkg: error processing (?:package|archive) (\S+) \((\S+)\):$")
_FATAL: Final = re.compile(r"^dpkg: (?:unrecoverable fatal )?error[:,] ?(.*)$")
_APT: Final = re.compile(r"^(?:E|Err)(?::\d*)? ?(.*)$")
# Lines with which dpkg begins to speak of the next package: what a script said stands after one.
_BEGIN: Final = re.compile(
    r"^(Setting up|Unpacking|Preparing to unpack|Removing|Purging configuration files for|Selecting"
    r"|Processing triggers for|Processing was halted|Errors were encountered|\(Reading database|dpkg: error )"
)
CONTEXT: Final = 12  # lines of a script's output that are shown


class Failure(NamedTuple):
    """One package that dpkg gave up on.

    ``subject`` is a name, with or without architecture, or the path of a .deb; ``operation`` is
    "--configure", "--unpack", "--remove" …; ``context`` is what was printed just before, a
    script's last lines in most cases.
    """

    subject: str
    operation: str
    message: str
    context: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join((self.message, *(f"  {line}" for line in self.context)))


def failures(text: str) -> tuple[Failure, ...]:
    """The packages that dpkg could not process, in the order it says so."""
    lines = text.splitlines()
    return tuple(_failures(lines))


def general_errors(text: str) -> tuple[str, ...]:
    """Errors that belong to no package: apt's own and dpkg's fatal ones, in order, each once."""
    found: dict[str, None] = {}
    lines = text.splitlines()
    for number, line in enumerate(lines):
        if fatal := _FATAL.match(line):
            follow = (
                lines[number + 1].strip() if number + 1 < len(lines) and lines[number + 1][:1] == " " else ""
            )
            if not fatal[1].startswith("processing "):
                found[f"{fatal[1]} {follow}".strip()] = None
        elif apt := _APT.match(line):
            follow = (
                lines[number + 1].strip() if number + 1 < len(lines) and lines[number + 1][:2] == "  " else ""
            )
            found[f"{apt[1]} {follow}".strip()] = None
    return tuple(found)


def _failures(lines: Sequence[str]) -> Iterator[Failure]:
    for number, line in enumerate(lines):
        found = _ERROR.match(line)
        if found is None:
            continue
        message = []
        for following in lines[number + 1 :]:
            if not following.startswith(" "):
                break
            message.append(following.strip())
        yield Failure(found[1], found[2], " ".join(message), _context(lines, number))


def _context(lines: Sequence[str], end: int) -> tuple[str, ...]:
    """The lines before an error, back to where dpkg began to speak of that package."""
    start = end
    while start > 0 and end - start < CONTEXT and not _BEGIN.match(lines[start - 1]):
        start -= 1
    while start > 0 and lines[start].startswith(" ") and _ERROR.match(lines[start - 1]):
        start += 1  # that was the message of the failure before
    return tuple(line for line in lines[start:end] if line.strip())
