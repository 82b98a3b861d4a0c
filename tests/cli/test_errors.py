"""Law 10: whatever goes wrong is told with what was seen, why, what next, id, name and number."""

import pytest
from tests.support.cli_world import Desk

from wua.cli import errors, exits
from wua.cli.screen import Screen, cells
from wua.model.enums import ResultCode
from wua.model.explanations import name_of
from wua.model.jobs import JobResult
from wua.model.problems import CATALOGUE, WuaError, problem


def flat(lines: list[str]) -> str:
    """Without the breaks that the width makes, even inside long names."""
    return "".join("".join(lines).split())


@pytest.mark.parametrize("width", [None, 40, 60, 80, 200])
@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_problem_is_shown_whole(kind: str, width: int | None) -> None:
    cause = problem(kind, "what was seen of it in this case", unmapped=77)
    lines = list(errors.render(Screen(width, colour=False), cause))
    assert lines[0].startswith("Error: what was seen")
    text = flat(lines)
    for part in (cause.seen, cause.cause, cause.next_step, kind, name_of(cause.hresult), "code 77"):
        assert flat([part]) in text
    assert f"0x{cause.hresult:08X}" in text
    assert width is None or max(map(cells, lines)) <= width


@pytest.mark.parametrize("kind", CATALOGUE)
def test_every_problem_is_an_object_in_json(kind: str) -> None:
    found = errors.error_object(problem(kind, "seen"))
    assert (found.id, found.hresult, found.seen) == (kind, CATALOGUE[kind].hresult, "seen")
    assert found.name
    assert found.cause
    assert found.next_step


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("invalid-argument", 2),
        ("criteria-invalid", 2),
        ("aborted", 4),
        ("access-denied", 5),
        ("busy", 6),
        ("lock-held", 6),
        ("unknown-update", 1),
        ("unexpected", 1),
    ],
)
def test_exit_codes_of_problems(kind: str, code: int) -> None:
    assert exits.of_problem(kind) == code


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (JobResult(ResultCode.SUCCEEDED), 0),
        (JobResult(ResultCode.NOT_STARTED), 0),
        (JobResult(ResultCode.FAILED), 1),
        (JobResult(ResultCode.SUCCEEDED_WITH_ERRORS, reboot_required=True), 3),
        (JobResult(ResultCode.ABORTED), 4),
        (JobResult(ResultCode.FAILED, problem=problem("access-denied", "")), 5),
        (JobResult(ResultCode.FAILED, problem=problem("lock-held", "")), 6),
        (JobResult(ResultCode.SUCCEEDED, reboot_required=True), 30),
    ],
)
def test_exit_codes_of_results(result: JobResult, code: int) -> None:
    assert exits.of_result(result, tell_restart=True) == code


def test_a_restart_is_the_exit_code_only_when_asked_for() -> None:
    assert exits.of_result(JobResult(ResultCode.SUCCEEDED, reboot_required=True)) == 0


def test_every_code_that_is_used_is_explained() -> None:
    assert set(exits.MEANINGS) == {0, 1, 2, 3, 4, 5, 6, 10, 30}


def broken(*_: object, **__: object) -> None:
    raise KeyError("lost")


def test_a_defect_asks_for_a_report_and_shows_no_traceback(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wua.cli.verbs.search.render", broken)
    ran = desk.here("search")
    assert ran.code == 1
    assert ran.err.startswith("Error: KeyError: 'lost' (in test_errors.py:")
    assert "Please report" in ran.err
    assert "Traceback" not in ran.err
    monkeypatch.setenv("WUA_DEBUG", "1")
    assert "Traceback (most recent call last)" in desk.here("search").err


def test_a_defect_inside_a_job_shows_its_last_line_only() -> None:
    cause = problem("unexpected", "Traceback (most recent call last):\n  File x, line 1\nKeyError: 'lost'")
    lines = list(errors.render(Screen(80, colour=False), cause))
    assert lines[0] == "Error: KeyError: 'lost'"
    assert "Traceback" not in flat(lines)


def test_control_characters_in_an_error_do_nothing() -> None:
    cause = problem("script-failed", "line one\nred \x1b[31m and \x07 bell")
    assert not {"\x1b", "\x07"} & set("".join(errors.render(Screen(80, colour=False), cause)))


def test_an_unwritable_answer_is_named(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("wua.cli.face.Face.say", full)
    ran = desk.here("search")
    assert ran.code == 1
    assert "disk-full" in ran.err


def test_an_interrupted_search_is_aborted(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def pressed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("wua.api.job.Job.wait", pressed)
    ran = desk.here("search")
    assert ran.code == 4
    assert "aborted, WU_E_CALL_CANCELLED 0x8024000B" in ran.err


def test_a_lost_connection_while_watching_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def lost(_: object) -> None:
        raise WuaError(problem("connection-lost", "the agent is gone"))

    monkeypatch.setattr("wua.api.job.Job.__iter__", lost)
    ran = desk.here("install", "editor", "-y")
    assert ran.code == 1
    assert "connection-lost" in ran.err
