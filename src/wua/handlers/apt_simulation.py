"""What ``apt-get -s`` prints, as values. Nothing is run here.

The steps come from the ``Inst``, ``Conf``, ``Remv`` and ``Purg`` lines, the lists of names from the
headings above them, the reasons from the resolver's own debug lines on standard error
(``Debug::pkgDepCache::AutoInstall``, ``Debug::pkgProblemResolver``).
"""

import re
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Final, NamedTuple

_INST: Final = re.compile(r"^Inst (\S+) (?:\[([^\]]*)\] )?\((\S+)(?: (.*?))? \[([^\]]+)\]\)")
_REMOVE: Final = re.compile(r"^(Remv|Purg) (\S+)(?: \[([^\]]*)\])?")
_CONF: Final = re.compile(r"^Conf (\S+) \(")
_LIST: Final = re.compile(r"^(?:WARNING: )?The following .*?:\n((?:  .*\n)+)", re.MULTILINE)
_ERROR: Final = re.compile(r"^E: (.*(?:\n {3}.*)*)", re.MULTILINE)
_WARNING: Final = re.compile(r"^W: (.*)$", re.MULTILINE)
_UNMET: Final = re.compile(r"^The following packages have unmet dependencies:\n((?: .*\n)+)", re.MULTILINE)
_URI: Final = re.compile(r"^'([^']+)' (\S+) (\d+)(?: SHA256:([0-9a-f]{64}))?", re.MULTILINE)

_AS: Final = re.compile(r"^ *Installing (\S+) as (\S+) of (\S+)")
_FIXING: Final = re.compile(r"^ *Fixing (\S+) via (?:remove|keep) of (\S+)")
_NO_OPTION: Final = re.compile(r"^ *Removing: (\S+) as upgrade is not an option for (\S+)")
_DUE_TO: Final = re.compile(r"^ *Upgrading: (\S+) .*? due to \1 \S+ on (\S+)")
_REMOVING: Final = re.compile(r"^ *Removing (\S+) rather than change (\S+)")


class Verb(Enum):
    INSTALL = "Inst"
    REMOVE = "Remv"
    PURGE = "Purg"


class Step(NamedTuple):
    """One package that would change. ``architecture`` is "" for a removal without a foreign one."""

    verb: Verb
    name: str
    architecture: str
    before: str
    after: str
    origin: str


class Simulation(NamedTuple):
    """apt's answer: what it would do, in its order."""

    steps: tuple[Step, ...]
    configured_only: tuple[str, ...]  # left unconfigured by an earlier run
    downgraded: frozenset[str]
    no_longer_needed: tuple[str, ...]  # automatic packages that nothing would need any more
    why: Mapping[str, str]  # name or name:architecture -> reason
    warnings: tuple[str, ...]


class Uri(NamedTuple):
    """A line of ``--print-uris``: what apt would fetch. ``sha256`` "" when apt knows none."""

    uri: str
    file: str
    size: int
    sha256: str


def parse(stdout: str, stderr: str) -> Simulation:
    """Read a simulation that ended with exit 0."""
    lists = _lists(stdout)
    steps = tuple(_steps(stdout))
    changed = {_qualified(step) for step in steps} | {step.name for step in steps}
    configured = (m[1] for line in stdout.splitlines() if (m := _CONF.match(line)))
    return Simulation(
        steps=steps,
        configured_only=tuple(name for name in configured if name not in changed),
        downgraded=frozenset(lists.get("downgraded", ())),
        no_longer_needed=lists.get("no longer required", ()),
        why=reasons(stderr),
        warnings=tuple(_WARNING.findall(stderr)),
    )


def unmet(stdout: str) -> frozenset[str]:
    """The packages whose dependencies apt could not meet."""
    found = _UNMET.search(stdout)
    lines = found[1].splitlines() if found else []
    return frozenset(line.partition(" : ")[0].strip().partition(":")[0] for line in lines if " : " in line)


def errors(stdout: str, stderr: str) -> str:
    """apt's own reason for refusing a request, in one text of a few lines."""
    unmet = _UNMET.search(stdout)
    lines = [" ".join(line.split()) for line in unmet[1].splitlines()] if unmet else []
    lines += _ERROR.findall(stderr)
    return "\n".join(lines) or stderr.strip() or "apt gave no reason"


def uris(stdout: str) -> tuple[Uri, ...]:
    """Read the output of ``--print-uris`` with ``Acquire::ForceHash=SHA256``."""
    return tuple(Uri(m[1], m[2], int(m[3]), m[4] or "") for m in _URI.finditer(stdout))


def reasons(debug: str) -> dict[str, str]:
    """Why apt changes a package that nobody asked for; the first reason it gave counts."""
    why: dict[str, str] = {}
    for line in debug.splitlines():
        if found := _AS.match(line):
            word = "recommended by" if found[2] == "Recommends" else "needed by"
            why.setdefault(found[1], f"{word} {_plain(found[3])}")
        elif found := _FIXING.match(line):
            why.setdefault(found[2], f"conflicts with {_plain(found[1])}")
        elif found := _NO_OPTION.match(line):
            why.setdefault(found[1], f"conflicts with {_plain(found[2])}")
        elif found := _DUE_TO.match(line) or _REMOVING.match(line):
            why.setdefault(found[1], f"depends on {_plain(found[2])}")
    return why


def file_name(name: str, version: str, architecture: str) -> str:
    """The name apt gives a .deb in its archives: colons of the version are escaped."""
    return f"{name}_{version.replace(':', '%3a')}_{architecture}.deb"


def _steps(stdout: str) -> Iterator[Step]:
    for line in stdout.splitlines():
        if found := _INST.match(line):
            name = found[1].partition(":")[0]
            yield Step(Verb.INSTALL, name, found[5], found[2] or "", found[3], found[4] or "")
        elif found := _REMOVE.match(line):
            name, _, architecture = found[2].partition(":")
            yield Step(Verb(found[1]), name, architecture, found[3] or "", "", "")


def _lists(stdout: str) -> dict[str, tuple[str, ...]]:
    """The names under the headings that matter, by a part of the heading."""
    found = {}
    for match in _LIST.finditer(stdout):
        heading = match[0].partition("\n")[0].lower()
        for part in ("downgraded", "no longer required"):
            if part in heading:
                found[part] = tuple(name.rstrip("*") for name in match[1].split())
    return found


def _qualified(step: Step) -> str:
    return f"{step.name}:{step.architecture}"


def _plain(name: str) -> str:
    """``name:arch`` of the resolver as people write it."""
    return name.partition(":")[0]
