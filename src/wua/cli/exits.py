"""Exit codes of the command line, and what they mean. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

from wua.model.enums import ResultCode

if TYPE_CHECKING:
    from wua.model.jobs import JobResult

DONE: Final = 0
FAILED: Final = 1
USAGE: Final = 2
PARTLY: Final = 3
ABORTED: Final = 4
DENIED: Final = 5
BUSY: Final = 6
NEEDED: Final = 10
RESTART: Final = 30

MEANINGS: Final[Mapping[int, str]] = {
    DONE: "done",
    FAILED: "failed",
    USAGE: "the command was not understood, or may not ask here",
    PARTLY: "partly done: some updates failed or were left undone",
    ABORTED: "aborted, or you said no",
    DENIED: "denied: it needs another user's rights",
    BUSY: "busy: another installation runs, or holds its lock",
    NEEDED: "with --exit-code (search, plan): something is needed",
    RESTART: "with --exit-restart: done, and a restart is needed",
}

_OF_PROBLEM: Final[Mapping[str, int]] = {
    "invalid-argument": USAGE,
    "criteria-invalid": USAGE,
    "access-denied": DENIED,
    "busy": BUSY,
    "lock-held": BUSY,
    "aborted": ABORTED,
    "caller-died": ABORTED,
}


def of_problem(kind: str) -> int:
    """The exit code of a problem of the catalogue that ended the whole command."""
    return _OF_PROBLEM.get(kind, FAILED)


def of_result(result: JobResult, *, tell_restart: bool = False) -> int:
    """The exit code of an ended job; ``tell_restart`` as --exit-restart."""
    if result.code is ResultCode.FAILED:
        return of_problem(result.problem.id) if result.problem else FAILED
    if result.code is ResultCode.ABORTED:
        return ABORTED
    if result.code is ResultCode.SUCCEEDED_WITH_ERRORS:
        return PARTLY
    return RESTART if tell_restart and result.reboot_required else DONE
