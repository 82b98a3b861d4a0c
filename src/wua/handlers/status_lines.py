"""The lines that apt writes to ``APT::Status-Fd``, as values. Pure.

Format: ``kind:package or number:percent:text`` (apt's README.progress-reporting). The second field may
itself hold colons (``name:arch``, a path), so the percent is looked for from the left.
"""

import re
from typing import Final, NamedTuple

_LINE: Final = re.compile(
    r"(dlstatus|pmstatus|pmerror|pmconffile|pmrecover):(.*?):(\d+(?:\.\d+)?):(.*)", re.DOTALL
)
_TEXT: Final = re.compile(
    r"(Preparing to configure|Preparing for removal of|Preparing|Unpacking|Installing|Configuring|Installed"
    r"|Completely removing|Completely removed|Removing|Removed) (\S+)(?: \((\S+)\))?$"
)


class StatusLine(NamedTuple):
    """``percent`` is apt's, 0 to 100. ``step``, ``name``, ``architecture`` are "" where the text has none."""

    kind: str
    subject: str
    percent: float
    text: str
    step: str = ""
    name: str = ""
    architecture: str = ""


def parse(line: str) -> StatusLine | None:
    """None for what is not a status line."""
    found = _LINE.match(line.rstrip("\n"))
    if found is None:
        return None
    kind, subject, percent, text = found.groups()
    name, _, architecture = subject.partition(":")
    words = _TEXT.match(text) if kind == "pmstatus" else None
    if words is None or subject == "dpkg-exec":
        return StatusLine(kind, subject, float(percent), text)
    return StatusLine(kind, subject, float(percent), text, words[1], name, architecture or words[3] or "")
