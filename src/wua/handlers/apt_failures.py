"""The one table of apt's and dpkg's failures: pattern, problem kind, installer's own code, next step.

Each row is tested; tests/handlers/test_failures.py says for each whether a real run provoked it or
a recorded text stands for it. The first row that matches counts, so the narrow ones come first.
The HRESULT of a row is that of its kind in ``wua.model.problems``. A group ``code`` is the exit code
of a script, a group ``signal`` what killed it; both end in ``unmapped``, a signal as 128 (no number is told).
"""

import re
from re import Pattern
from typing import Final, NamedTuple

from wua.model.problems import Problem, problem


class Row(NamedTuple):
    pattern: Pattern[str]
    kind: str
    next_step: str = ""  # "" for the kind's own


def _row(pattern: str, kind: str, next_step: str = "") -> Row:
    return Row(re.compile(pattern, re.IGNORECASE), kind, next_step)


TABLE: Final[tuple[Row, ...]] = (
    # --- room and file system, whoever meets it first
    _row(r"No space left on device", "disk-full"),
    _row(r"You don't have enough free space in (?P<where>\S+)", "disk-full"),
    _row(
        r"Disk quota exceeded", "disk-full", "Free space or raise the quota of the user named in the message."
    ),
    _row(
        r"Read-only file system", "target-unusable", "Mount the file system named in the message for writing."
    ),
    # --- one package
    _row(r"end of file on stdin at conffile prompt", "conffile-stop"),
    _row(
        r"script subprocess (?:returned error exit status|returned error exit code) (?P<code>\d+)",
        "script-failed",
    ),
    _row(
        r"script subprocess was killed by signal \((?P<signal>[^)]+)\)",
        "script-failed",
        "The script was killed: look for a lack of memory in the system's log, then install again.",
    ),
    _row(
        r"there is no script in the new version of the package - giving up",
        "script-failed",
        "The removal script of the installed version fails; mend or empty it in dpkg's info folder.",
    ),
    _row(
        r"trying to overwrite '(?P<path>[^']+)', which is also in package (?P<other>\S+)",
        "package-failed",
        "Two packages hold one file: remove the other one named, or report it to their maintainers.",
    ),
    _row(
        r"dependency problems - (?:leaving unconfigured|not removing|leaving triggers unprocessed)",
        "dependency-failed",
    ),
    _row(r"pre-dependency problem - not installing", "dependency-failed"),
    _row(r"package architecture \((?P<arch>\S+)\) does not match system", "package-failed"),
    _row(r"conflicting packages - not installing", "package-failed"),
    _row(
        r"unexpected end of (?:file|archive)|is not a Debian format archive|archive has no newlines"
        r"|corrupted filesystem tarfile|corrupted package archive|lzma error|decompress|"
        r"dpkg-deb --\S+ subprocess returned error",
        "content-mismatch",
        "The file is damaged although its digest was right: report the package to its maintainers.",
    ),
    _row(
        r"very bad inconsistent state",
        "system-interrupted",
        "Install the package named again: `apt-get install --reinstall` or its .deb with `dpkg -i`.",
    ),
    _row(
        r"error setting (?:ownership|permissions|timestamps) of .*: Operation not permitted", "access-denied"
    ),
    _row(
        r"unable to (?:open|create|remove|install|make|move|rename|stat).*: Permission denied",
        "access-denied",
    ),
    _row(r"Sub-process \S+ (?:received|exited unexpectedly)", "installer-killed"),
    # --- locks and leftovers
    _row(r"(?:dpkg frontend|archives) lock.*(?:held by|another process)|Could not get lock", "lock-held"),
    _row(r"dpkg (?:frontend|database) lock (?:was|is) locked by another process", "lock-held"),
    _row(r"Unable to (?:acquire|lock) .*(?:are you root|Permission denied)", "access-denied"),
    _row(r"Could not open lock file .*(?:13|Permission denied)", "access-denied"),
    _row(r"requested operation requires superuser privilege", "access-denied"),
    _row(r"dpkg was interrupted, you must manually run", "system-interrupted"),
    _row(r"Unmet dependencies\. Try", "system-interrupted"),
    _row(
        r"parsing file '[^']*/status'",
        "target-unusable",
        "dpkg's status file is damaged: put status-old or a copy of /var/backups in its place.",
    ),
    # --- content
    _row(
        r"Hash Sum mismatch|Hashes of expected file|unexpected size|Size mismatch|more data than expected",
        "content-mismatch",
    ),
    _row(
        r"Temporary failure resolving|Could not resolve|Network is unreachable|No route to host"
        r"|Name or service not known",
        "no-network",
    ),
    _row(
        r"407\s+Proxy|proxy authentication",
        "download-failed",
        "Correct apt's proxy settings (Acquire::http::Proxy).",
    ),
    _row(
        r"certificate verif|SSL connection|handshake",
        "source-refused",
        "Check the clock and ca-certificates.",
    ),
    _row(r"Could not connect to|Connection refused|connection timed out|Connection failed", "no-network"),
    _row(
        r"Failed to fetch|404\s+Not Found|Unable to fetch some archives|Redirection loop", "download-failed"
    ),
    _row(r"unauthenticated packages|could not be authenticated", "source-refused"),
    _row(r"Unable to (?:correct problems|locate package)|was not found", "plan-stale"),
    _row(
        r"Held packages were changed|Packages were downgraded|Essential packages were removed", "plan-stale"
    ),
    _row(
        r"Cannot allocate memory|out of memory",
        "installer-failed",
        "The machine has no memory left: end other programs, then install again.",
    ),
)


def classify(text: str, *, default: str, exit_code: int = 0) -> Problem:
    """The problem that a message stands for, with the message as its evidence.

    Args:
        text: what apt or dpkg said.
        default: the kind when no row matches.
        exit_code: the installer's, for the unmapped code where the message has none.
    """
    for row in TABLE:
        found = row.pattern.search(text)
        if found:
            return problem(row.kind, text, next_step=row.next_step, unmapped=_code(found) or exit_code)
    return problem(default, text, unmapped=exit_code)


def is_known(text: str) -> bool:
    """Whether a row of the table matches."""
    return any(row.pattern.search(text) for row in TABLE)


def _code(found: re.Match[str]) -> int:
    groups = found.groupdict()
    if groups.get("code"):
        return int(groups["code"])
    return 128 if groups.get("signal") else 0
