"""Asking apt itself: for candidates, ``apt-cache policy`` for many packages at once; for its version."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from wua.applicability.debian_version import compare
from wua.model.plugins import DebianTarget
from wua.model.problems import error
from wua.system.run import run

_ROOM: Final = 1_000_000  # bytes of one command line; the system takes twice as much
_ANSWER: Final = re.compile(r"^(\S+):\n  Installed: (.*)\n  Candidate: (.*)$", re.MULTILINE)
_VERSION: Final = re.compile(r"^apt (\S+)")
_COMPARES_DIGESTS: Final = (
    "2.7.3"  # by apt's changelog: "Compare SHA256 to check if versions are really the same"
)


def compares_digests(target: DebianTarget) -> bool:
    """Whether this target's apt takes packages of one version but with different SHA256 for two versions."""
    found = _VERSION.search(run(target.apt("apt-get", "--version")).stdout)
    return found is not None and compare(found[1], _COMPARES_DIGESTS) >= 0


def ask_candidates(target: DebianTarget, keys: Collection[str]) -> dict[str, str]:
    """apt's candidate version of each package ("name" or "name:architecture"); "" when it has none.

    Raises:
        WuaError: target-unusable, apt refuses to answer.
    """
    return dict(_ask(target, sorted(keys)))


def _ask(target: DebianTarget, keys: list[str]) -> Iterator[tuple[str, str]]:
    for some in _portions(keys):
        done = run(target.apt("apt-cache", "policy", *some), timeout=300)
        if done.exit != 0:
            raise error("target-unusable", f"apt-cache policy: {done.stderr.strip() or done.exit}")
        for key, _, candidate in _ANSWER.findall(done.stdout):
            yield key, "" if candidate == "(none)" else candidate


def _portions(keys: list[str]) -> Iterator[list[str]]:
    """As many keys at once as a command line holds."""
    portion: list[str] = []
    room = _ROOM
    for key in keys:
        if (room := room - len(key) - 9) < 0:  # a terminator and a pointer for each
            yield portion
            portion, room = [], _ROOM - len(key) - 9
        portion.append(key)
    if portion:
        yield portion
