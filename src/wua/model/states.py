"""The one table of job states: meaning, next states, what cancelling does, what a crash means.

The runner follows it, recovery reads it, the reference page is drawn from it.
"""

from collections.abc import Mapping
from enum import Enum
from functools import cache
from typing import Final, NamedTuple


class JobState(Enum):
    QUEUED = "queued"
    RUNNING = "running"
    PLANNING = "planning"
    DOWNLOADING = "downloading"
    LOCKING = "waiting for lock"
    REPAIRING = "repairing"
    VERIFYING = "verifying"
    INSTALLING = "installing"
    EVALUATING = "evaluating"
    ENDED = "ended"


class OnCancel(Enum):
    """What a request to abort does in a state."""

    END_NOW = "the job ends at once; nothing was changed"
    SIGNAL = "the running command gets SIGINT and ends; nothing was changed"
    AFTER_STEP = "the running package transaction ends first, then the job"
    TOO_LATE = "the outcome stands already; the job ends by itself"


class OnCrash(Enum):
    """What the next job host does with a job that it finds in a state."""

    START_AGAIN = "the state is entered again; it changes nothing that counts"
    ADOPT = "the supervisor's record is read: a running installer is waited for, its exit status credited"
    END_ABORTED = "the job ran in its caller and ended with it: recorded as aborted"
    NOTHING = "the job is over"


class Row(NamedTuple):
    meaning: str
    next: frozenset[JobState]
    cancel: OnCancel
    crash: OnCrash
    weight: tuple[int, int]  # of overall percent: where the state begins and ends


S = JobState


def _row(
    meaning: str, following: set[JobState], cancel: OnCancel, crash: OnCrash, weight: tuple[int, int]
) -> Row:
    return Row(meaning, frozenset(following), cancel, crash, weight)


TABLE: Final[Mapping[JobState, Row]] = {
    S.QUEUED: _row(
        "recorded, waiting for the job host or its not-before time",
        {S.PLANNING, S.RUNNING, S.ENDED},
        OnCancel.END_NOW,
        OnCrash.START_AGAIN,
        (0, 0),
    ),
    S.RUNNING: _row(
        "a search, plan or rehearsal at work in its caller",
        {S.ENDED},
        OnCancel.END_NOW,
        OnCrash.END_ABORTED,
        (0, 100),
    ),
    S.PLANNING: _row(
        "working out which packages change, or comparing an approved plan with the world",
        {S.DOWNLOADING, S.LOCKING, S.EVALUATING, S.ENDED},
        OnCancel.END_NOW,
        OnCrash.START_AGAIN,
        (0, 2),
    ),
    S.DOWNLOADING: _row(
        "fetching and verifying files into the cache, and keeping the current packages",
        {S.LOCKING, S.EVALUATING, S.ENDED},
        OnCancel.SIGNAL,
        OnCrash.START_AGAIN,
        (2, 45),
    ),
    S.LOCKING: _row(
        "waiting until no other installer runs on the target; the holder is named",
        {S.REPAIRING, S.VERIFYING, S.ENDED},
        OnCancel.END_NOW,
        OnCrash.START_AGAIN,
        (45, 46),
    ),
    S.REPAIRING: _row(
        "mending package states that an interrupted run left behind",
        {S.REPAIRING, S.VERIFYING, S.EVALUATING, S.ENDED},
        OnCancel.AFTER_STEP,
        OnCrash.ADOPT,
        (46, 48),
    ),
    S.VERIFYING: _row(
        "under the lock: the plan still holds and every file is the one that was checked",
        {S.INSTALLING, S.ENDED},
        OnCancel.END_NOW,
        OnCrash.START_AGAIN,
        (48, 50),
    ),
    S.INSTALLING: _row(
        "the package transaction runs under the supervisor",
        {S.REPAIRING, S.EVALUATING, S.ENDED},
        OnCancel.AFTER_STEP,
        OnCrash.ADOPT,
        (50, 98),
    ),
    S.EVALUATING: _row(
        "asking the system what is there now",
        {S.ENDED},
        OnCancel.TOO_LATE,
        OnCrash.START_AGAIN,
        (98, 100),
    ),
    S.ENDED: _row(
        "the result is written, once; subscriptions are told",
        set(),
        OnCancel.TOO_LATE,
        OnCrash.NOTHING,
        (100, 100),
    ),
}

del S


class IllegalTransition(Exception):
    """A defect: the runner tried a step that the table does not have."""


def check_transition(before: JobState, after: JobState) -> None:
    """Raises IllegalTransition unless the table allows the step."""
    if after not in TABLE[before].next:
        raise IllegalTransition(f"{before.value} -> {after.value}")


@cache
def _weights(left_out: frozenset[JobState], begin: int) -> tuple[int, int]:
    """Of all states that a job comes to, and of those that are over where the weight ``begin`` is reached."""
    parts = [row.weight for passed, row in TABLE.items() if passed not in left_out | {JobState.RUNNING}]
    return sum(high - low for low, high in parts), sum(high - low for low, high in parts if high <= begin)


def overall_percent(state: JobState, within: float, left_out: frozenset[JobState] = frozenset()) -> int:
    """Percent of the whole job (0 to 100) for ``within`` (0.0 to 1.0) of a state.

    ``left_out`` are states that the job does not come to: the others share their part.
    """
    begin, end = TABLE[state].weight
    whole, done = _weights(left_out, begin)
    if state is JobState.RUNNING or state not in left_out:
        done += int((end - begin) * min(max(within, 0.0), 1.0))
    return done * 100 // whole
