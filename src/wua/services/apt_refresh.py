"""Fetching apt's lists anew, and what apt says about it.

``apt-get update`` ends with 0 although sources could not be reached: its warnings are what counts.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from wua.model.plugins import DebianTarget
from wua.model.problems import problem
from wua.model.updates import SearchWarning
from wua.services.apt_config import list_names
from wua.services.apt_world import stamp
from wua.system.run import run

TIMEOUT: Final = 900.0  # seconds; apt has time-outs of its own for every connection

_LINE: Final = re.compile(r"^([WE]): (.*(?:\n(?![WEN]: ).+)*)", re.MULTILINE)
# What apt says, and the kind of problem that it is; the first that fits counts.
_KINDS: Final = (
    ("lock-held", ("Could not get lock", "Unable to lock")),
    ("access-denied", ("Permission denied", "are you root")),
    ("disk-full", ("No space left", "not have enough free space")),
    (
        "source-refused",
        (
            "NO_PUBKEY",
            "not signed",
            "invalid signature",
            "couldn't be verified",
            "signature verification",
            "expired",
            "not valid yet",
            "no longer has a Release",
            "does not have a Release",
            "changed its",
            "Hash Sum mismatch",
            "unexpected size",
            "weak",
            "Clearsigned file isn't valid",
        ),
    ),
    (
        "no-network",
        (
            "Temporary failure resolving",
            "Could not resolve",
            "Could not connect",
            "Cannot initiate the connection",
            "Unable to connect",
            "Network is unreachable",
            "Connection failed",
            "Connection timed out",
            "connection timed out",
            "Connection refused",
            "No route to host",
        ),
    ),
)
_SUMMARY: Final = ("Some index files failed to download", "Some index files failed")


def age(target: DebianTarget, now: float, refreshed: float = 0.0) -> float:
    """Seconds since the lists were fetched last; infinite when there are none.

    apt gives its files the server's time, so that of the folder counts, or ``refreshed``, when wua
    itself fetched them.
    """
    if not list_names(target.lists_dir):
        return float("inf")
    changed = stamp(target.lists_dir)[0] / 1e9
    return max(0.0, now - max(changed, refreshed))


def fetch(target: DebianTarget, tell: Callable[[str], None]) -> tuple[bool, tuple[SearchWarning, ...]]:
    """Run ``apt-get update``. True when every source answered.

    Raises:
        WuaError: timed-out, access-denied.
    """
    tell("fetching the package lists")
    done = run(target.fetch("update"), timeout=TIMEOUT)
    warnings = tuple(_warnings(done.stderr))
    if done.exit != 0 and not warnings:
        warnings = (warning("download-failed", f"apt-get update ended with {done.exit}"),)
    return done.exit == 0 and not any(_is_failure(each) for each in warnings), warnings


def _warnings(text: str) -> Iterator[SearchWarning]:
    for _, message in _LINE.findall(text):
        words = " ".join(message.split())
        if not words.startswith(_SUMMARY):
            yield warning(kind_of(words), words)


def kind_of(message: str) -> str:
    """The kind of problem that one message of apt's means."""
    for kind, signs in _KINDS:
        if any(sign in message for sign in signs):
            return kind
    return "download-failed" if "Failed to fetch" in message else "source-warning"


def warning(kind: str, seen: str) -> SearchWarning:
    """A warning with the code of a problem of the catalogue."""
    return SearchWarning(problem(kind, seen).hresult, f"{seen} [{kind}]")


def _is_failure(each: SearchWarning) -> bool:
    return not each.text.endswith("[source-warning]")
