"""The job table: every state can be reached and left, and what it says fits together."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.model.states import (
    TABLE,
    IllegalTransition,
    JobState,
    OnCancel,
    OnCrash,
    check_transition,
    overall_percent,
)

S = JobState
ANY = st.sampled_from(list(JobState))


def reachable(start: JobState) -> set[JobState]:
    found = {start}
    waiting = [start]
    while waiting:
        new = TABLE[waiting.pop()].next - found
        found |= new
        waiting += new
    return found


def test_every_state_has_a_row_and_no_other() -> None:
    assert set(TABLE) == set(JobState)
    assert all(row.meaning for row in TABLE.values())


def test_every_state_is_reached_from_the_queue() -> None:
    """A search, plan or rehearsal begins running; everything else begins queued."""
    assert reachable(S.QUEUED) == set(JobState)
    assert reachable(S.RUNNING) == {S.RUNNING, S.ENDED}


@pytest.mark.parametrize("state", [state for state in JobState if state is not S.ENDED])
def test_every_state_can_end(state: JobState) -> None:
    assert S.ENDED in TABLE[state].next
    assert S.QUEUED not in TABLE[state].next


def test_the_end_is_final() -> None:
    row = TABLE[S.ENDED]
    assert (row.next, row.cancel, row.crash) == (frozenset(), OnCancel.TOO_LATE, OnCrash.NOTHING)
    assert {state for state, row in TABLE.items() if not row.next} == {S.ENDED}


@given(ANY, ANY)
def test_steps_that_the_table_has_not_are_refused_by_name(before: JobState, after: JobState) -> None:
    if after in TABLE[before].next:
        check_transition(before, after)
    else:
        with pytest.raises(IllegalTransition, match=f"^{before.value} -> {after.value}$"):
            check_transition(before, after)


def test_an_installer_runs_only_after_verification() -> None:
    """Law 7: the only way into the installation leads through the check of its files."""
    assert {state for state, row in TABLE.items() if S.INSTALLING in row.next} == {S.VERIFYING}


def test_after_an_installation_the_system_is_asked() -> None:
    """Law 5: no way leads from the installation to anything but mending, asking the system, or a defect."""
    assert TABLE[S.INSTALLING].next == {S.REPAIRING, S.EVALUATING, S.ENDED}


def test_states_in_which_a_command_acts_are_adopted_and_finish_their_step() -> None:
    acting = {S.INSTALLING, S.REPAIRING}
    assert {state for state, row in TABLE.items() if row.crash is OnCrash.ADOPT} == acting
    assert {state for state, row in TABLE.items() if row.cancel is OnCancel.AFTER_STEP} == acting


def test_only_what_runs_in_its_caller_ends_with_it() -> None:
    assert {state for state, row in TABLE.items() if row.crash is OnCrash.END_ABORTED} == {S.RUNNING}


@given(ANY, st.floats(-1, 2), st.floats(-1, 2))
def test_percent_of_a_state_lies_in_its_share_and_grows(state: JobState, one: float, other: float) -> None:
    low, high = TABLE[state].weight
    first, second = sorted((one, other))
    assert low <= overall_percent(state, first) <= overall_percent(state, second) <= high


@pytest.mark.parametrize("state", list(JobState))
def test_percent_of_the_beginning_and_the_end(state: JobState) -> None:
    assert (overall_percent(state, 0.0), overall_percent(state, 1.0)) == TABLE[state].weight


ORDER = [
    S.QUEUED, S.PLANNING, S.DOWNLOADING, S.LOCKING, S.REPAIRING, S.VERIFYING, S.INSTALLING, S.EVALUATING,
]  # fmt: skip


@given(st.sets(st.sampled_from([S.DOWNLOADING, S.LOCKING, S.REPAIRING, S.VERIFYING, S.INSTALLING])))
def test_states_that_are_left_out_leave_no_gap(left_out: set[JobState]) -> None:
    skipped = frozenset(left_out)
    passed = [state for state in ORDER if state not in skipped]
    assert overall_percent(passed[0], 0.0, skipped) == 0
    for before, after in itertools.pairwise(passed):
        assert overall_percent(before, 1.0, skipped) == overall_percent(after, 0.0, skipped)
    assert overall_percent(passed[-1], 1.0, skipped) == 100
    for state in skipped:  # come to all the same, it stands where it would have begun
        assert overall_percent(state, 0.0, skipped) == overall_percent(state, 1.0, skipped)


def test_a_job_that_only_downloads_spends_its_percent_on_that() -> None:
    others = frozenset({S.LOCKING, S.REPAIRING, S.VERIFYING, S.INSTALLING})
    assert overall_percent(S.DOWNLOADING, 0.0, others) == 4
    assert overall_percent(S.DOWNLOADING, 1.0, others) == 95


def test_shares_follow_each_other() -> None:
    ends = [TABLE[state].weight for state in ORDER]
    assert ends[0] == (0, 0)
    for (_, end), (begin, _) in itertools.pairwise(ends):
        assert begin == end
    assert ends[-1][1] == 100
    assert TABLE[S.RUNNING].weight == (0, 100)
    assert TABLE[S.ENDED].weight == (100, 100)


@pytest.mark.parametrize("state", list(JobState))
def test_a_value_is_the_states_own(state: JobState) -> None:
    assert JobState(state.value) is state


def test_the_words_of_the_store_stay_as_they_are() -> None:
    words = "queued, running, planning, downloading, waiting for lock, repairing, verifying, installing"
    assert ", ".join(state.value for state in JobState) == f"{words}, evaluating, ended"
