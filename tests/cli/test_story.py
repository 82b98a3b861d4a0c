"""What is told of a job's events, line by line. No machine is needed for that."""

import pytest

from wua.cli.screen import Screen
from wua.cli.story import Story, lines
from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    Ended,
    JobKind,
    JobResult,
    Noted,
    Progress,
    Progressed,
    Rehearsing,
    Stalled,
    StateChanged,
    UpdateEnded,
    UpdateResult,
    Waiting,
)
from wua.model.problems import problem
from wua.model.states import JobState
from wua.model.updates import UpdateId

SCREEN = Screen(None, colour=False)
ONE = UpdateId("one")


def told(kind: JobKind, *events: AnyEvent) -> list[str]:
    story = Story(kind, 2, lambda index: ("first 1.0", "second 2.0")[index])
    return [line for event in events if story.take(event) for line in lines(SCREEN, story, event)]


def progress(phase: JobState, percent: int) -> Progressed:
    return Progressed(Progress(phase, percent, current=0))


def test_each_phase_once_and_no_line_for_progress() -> None:
    assert told(
        JobKind.INSTALL,
        StateChanged(JobState.QUEUED),
        StateChanged(JobState.DOWNLOADING),
        progress(JobState.DOWNLOADING, 10),
        progress(JobState.DOWNLOADING, 20),
        StateChanged(JobState.INSTALLING, "adopted by job host 7"),
        Ended(JobResult(ResultCode.SUCCEEDED)),
    ) == ["downloading", "installing (adopted by job host 7)"]


def test_a_holder_is_named_once_until_another_one_holds_it_up() -> None:
    assert told(
        JobKind.INSTALL,
        StateChanged(JobState.LOCKING),
        Waiting("apt (pid 1) holds x"),
        Waiting("apt (pid 1) holds x"),
        Waiting("dpkg (pid 2) holds x"),
    ) == ["waiting for lock", "waiting: apt (pid 1) holds x", "waiting: dpkg (pid 2) holds x"]


def test_a_stall_is_told_by_name() -> None:
    assert told(JobKind.INSTALL, Stalled(JobState.INSTALLING, 60.0, "no sign of life for 60 s")) == [
        "stalled in phase installing: no sign of life for 60 s"
    ]


def test_a_story_forgets_trouble_that_is_over() -> None:
    story = Story(JobKind.INSTALL, 1, lambda _: "")
    story.take(Waiting("apt"))
    assert story.trouble == "waiting: apt"
    story.take(StateChanged(JobState.VERIFYING))
    assert story.trouble == ""


@pytest.mark.parametrize(
    ("result", "line"),
    [
        (UpdateResult(ONE, ResultCode.SUCCEEDED), "installed    second 2.0"),
        (UpdateResult(ONE, ResultCode.SUCCEEDED, 0x00240006), "unchanged    second 2.0"),
        (UpdateResult(ONE, ResultCode.ABORTED, problem=problem("aborted", "x")), "left undone  second 2.0"),
        (
            UpdateResult(ONE, ResultCode.FAILED, problem=problem("script-failed", "x")),
            "failed       second 2.0 (script-failed)",
        ),
    ],
)
def test_the_end_of_an_update(result: UpdateResult, line: str) -> None:
    assert told(JobKind.INSTALL, UpdateEnded(1, result)) == [line]


def test_notes_are_told() -> None:
    assert told(JobKind.INSTALL, Noted("kept bash 5.2")) == ["kept bash 5.2"]


def test_of_many_notes_alike_a_few_are_told_and_the_rest_counted() -> None:
    kept = [Noted(f"kept package{n}") for n in range(100)]
    assert told(JobKind.INSTALL, *kept, StateChanged(JobState.LOCKING), Noted("kept another")) == [
        "kept package0",
        "kept package1",
        "kept package2",
        "… and 97 more of these",
        "waiting for lock",
        "kept another",
    ]


def test_a_rehearsal_tells_the_phases_of_the_jobs_it_runs() -> None:
    assert told(
        JobKind.REHEARSE,
        StateChanged(JobState.RUNNING),
        Rehearsing("/shadow", "1", JobKind.INSTALL),
        progress(JobState.DOWNLOADING, 3),
        progress(JobState.DOWNLOADING, 5),
        progress(JobState.INSTALLING, 60),
        progress(JobState.ENDED, 100),
    ) == ["downloading", "installing"]


def test_what_is_at_work_is_named_in_the_phases_that_have_one() -> None:
    story = Story(JobKind.INSTALL, 2, lambda index: ("first", "second")[index])
    story.take(StateChanged(JobState.INSTALLING))
    story.take(Progressed(Progress(JobState.INSTALLING, 60, current=1)))
    assert story.current == "2/2 second"
    story.take(StateChanged(JobState.EVALUATING))
    assert story.current == ""
    assert Story(JobKind.REHEARSE, 1, str).doing == "preparing the shadow"
