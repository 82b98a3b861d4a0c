"""Progress only goes up, whatever a handler says, and in a later host, too."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.engine.progress import INTERVAL, ProgressTracker, left_out
from wua.model.enums import DownloadPhase
from wua.model.jobs import JobKind, JobRecord, JobSpec, Progress
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import StepProgress
from wua.model.states import JobState, overall_percent
from wua.model.struct import replace
from wua.model.updates import UpdateId

S = JobState
UPDATES = tuple(UpdateId(str(number)) for number in range(3))
# The second item is a dependency: it stands for no update of the job.
ITEMS = (UPDATES[0], UpdateId("dependency"), UPDATES[1], UPDATES[2])


def plan() -> Plan:
    items = tuple(
        PlanItem(update, update.update_id, "sim", Change.INSTALL, "", "1", update in UPDATES, "requested")
        for update in ITEMS
    )
    return Plan(PlanRequest(Operation.INSTALL, updates=UPDATES), "t", "w", 0.0, items)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def tracker(clock: Clock, last: Progress | None = None) -> ProgressTracker:
    return ProgressTracker(UPDATES, plan(), clock, last)


within = st.floats(-0.5, 1.5)
steps = st.builds(
    StepProgress,
    within=within,
    item=st.integers(-1, len(ITEMS) + 1),
    item_within=within,
    bytes_done=st.integers(0, 10_000),
    bytes_total=st.integers(0, 10_000),
)
phases = st.sampled_from([state for state in JobState if state not in (S.RUNNING, S.ENDED)])


@given(st.lists(st.tuples(phases, steps, st.floats(0, 1)), max_size=30), st.integers(0, 30))
def test_percent_never_falls(moves: list[tuple[JobState, StepProgress, float]], crash: int) -> None:
    """``crash``: after so many steps another host goes on from what was told."""
    clock = Clock()
    track = tracker(clock)
    told = []
    for number, (phase, step, pause) in enumerate(moves):
        if number == crash:
            track = tracker(clock, track.last)
        clock.now += pause
        if (progress := track.advance(phase, step)) is not None:
            told.append(progress)
    told.append(track.final())
    for before, after in itertools.pairwise(told):
        assert after.percent >= before.percent
        if before.phase is after.phase and before.current == after.current:
            assert after.current_percent >= before.current_percent
    assert all(0 <= p.percent <= 100 and 0 <= p.current_percent <= 100 for p in told)
    assert all(-1 <= p.current < len(UPDATES) for p in told)
    assert all(p.rate >= 0 for p in told)
    assert (told[-1].percent, told[-1].phase) == (100, S.ENDED)


def test_steps_that_come_too_fast_are_told_together() -> None:
    clock = Clock()
    track = tracker(clock)
    assert track.advance(S.INSTALLING, StepProgress(0.1, 0)) is not None
    clock.now += INTERVAL / 2
    assert track.advance(S.INSTALLING, StepProgress(0.2, 0)) is None
    clock.now += INTERVAL / 2
    told = track.advance(S.INSTALLING, StepProgress(0.3, 0))
    assert told is not None
    assert told.percent == overall_percent(S.INSTALLING, 0.3)


def test_what_says_nothing_new_is_not_told() -> None:
    clock = Clock()
    track = tracker(clock)
    track.advance(S.INSTALLING, StepProgress(0.1, 0))
    clock.now += 10 * INTERVAL
    assert track.advance(S.INSTALLING, StepProgress(0.1, 0)) is None


def test_a_new_update_or_phase_is_told_at_once() -> None:
    track = tracker(Clock())
    assert track.advance(S.DOWNLOADING, StepProgress(0.0, 0)) is not None
    assert track.advance(S.DOWNLOADING, StepProgress(0.0, 2)) is not None
    assert track.advance(S.LOCKING, StepProgress()) is not None


def test_items_stand_for_the_updates_of_the_job() -> None:
    track = tracker(Clock())

    def current(item: int) -> int:
        track.advance(S.INSTALLING, StepProgress(0.0, item))
        return track.last.current

    assert [current(item) for item in (0, 1, 2, 3, 9, -1)] == [0, 0, 1, 2, 2, 2]


@pytest.mark.parametrize(
    ("phase", "expected"),
    [
        (S.QUEUED, DownloadPhase.INITIALIZING),
        (S.PLANNING, DownloadPhase.INITIALIZING),
        (S.DOWNLOADING, DownloadPhase.DOWNLOADING),
        (S.LOCKING, DownloadPhase.VERIFYING),
        (S.INSTALLING, DownloadPhase.VERIFYING),
        (S.EVALUATING, DownloadPhase.VERIFYING),
    ],
)
def test_the_download_phase(phase: JobState, expected: DownloadPhase) -> None:
    track = tracker(Clock())
    track.advance(phase, StepProgress(0.5, 0))
    assert track.last.download_phase == expected


def test_the_rate_is_bytes_in_a_second() -> None:
    clock = Clock()
    track = tracker(clock)
    track.advance(S.DOWNLOADING, StepProgress(0.0, 0))
    clock.now = 2.0
    track.advance(S.DOWNLOADING, StepProgress(0.5, 0, bytes_done=3000, bytes_total=6000))
    assert track.last.rate == 1500.0
    assert (track.last.bytes_done, track.last.bytes_total) == (3000, 6000)
    clock.now = 3.0
    track.advance(S.DOWNLOADING, StepProgress(0.5, 0, bytes_done=100))
    assert track.last.rate == 0.0


def test_a_job_without_a_plan_has_an_end_too() -> None:
    assert ProgressTracker((), None, Clock()).final().percent == 100


def job(kind: JobKind, *, download: bool = True) -> JobRecord:
    return JobRecord("1", JobSpec(kind, download=download), S.QUEUED, UPDATES, 0.0)


def test_what_a_job_will_not_come_to() -> None:
    to_fetch = replace(plan(), download_bytes=1)
    changing = {S.LOCKING, S.REPAIRING, S.VERIFYING, S.INSTALLING}
    assert left_out(job(JobKind.DOWNLOAD), to_fetch) == changing
    assert left_out(job(JobKind.INSTALL), to_fetch) == frozenset()
    assert left_out(job(JobKind.INSTALL), None) == frozenset()
    assert left_out(job(JobKind.INSTALL), plan()) == {S.DOWNLOADING}
    assert left_out(job(JobKind.INSTALL, download=False), to_fetch) == {S.DOWNLOADING}
    assert left_out(job(JobKind.UNINSTALL), plan()) == {S.DOWNLOADING}


def test_the_others_share_the_percent_of_what_is_left_out() -> None:
    skipping = ProgressTracker(UPDATES, plan(), Clock(), None, frozenset({S.DOWNLOADING}))
    told = skipping.advance(S.INSTALLING, StepProgress(within=0.5, item=0))
    assert told is not None
    assert told.percent == overall_percent(S.INSTALLING, 0.5, frozenset({S.DOWNLOADING})) == 54
