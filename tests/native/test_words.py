"""Names, titles, codes and results: what is pure in the native agent."""

from datetime import UTC, datetime

import pytest

from wua.model import codes
from wua.model.enums import ResultCode
from wua.model.jobs import JobKind
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.native import mapping, results
from wua.native.jobs import Look, Part
from wua.native.names import CALLBACKS, METHODS
from wua.native.natives import Refusal
from wua.native.progress import Percent
from wua.native.results import Seen
from wua.native.trouble import problem_of
from wua.wuapi.table import INTERFACES

ONE = UpdateId("11111111-2222-3333-4444-555555555555")
WAITING, AT_WORK = Part(ResultCode.NOT_STARTED), Part(ResultCode.IN_PROGRESS)
GOOD, BAD, LEFT = Part(ResultCode.SUCCEEDED), Part(ResultCode.FAILED, 0x80070643), Part(ResultCode.ABORTED)


def test_callback_interfaces_are_those_of_the_declaration() -> None:
    assert {each.name: each.iid for each in INTERFACES.values() if each.by_caller} == CALLBACKS


def test_what_is_called_is_a_method_or_takes_an_index() -> None:
    rows = {}
    for interface in INTERFACES.values():
        for row in interface.rows:
            rows.setdefault(row.name, []).append(row)
    for name in METHODS:
        assert all(row.kind == "method" or row.params for row in rows[name]), name


@pytest.mark.parametrize(
    ("title", "articles", "expected"),
    [
        (
            "2026-10 Cumulative Update for Windows 11 Version 24H2 for x64-based Systems (KB5031234)",
            ["5031234"],
            ("KB5031234", "", "amd64"),
        ),
        ("Intel - Display - 27.20.100.8681", [], ("Intel - Display", "27.20.100.8681", "all")),
        (
            "Security Intelligence Update - KB2267602 (Version 1.401.1.0)",
            ["KB2267602"],
            ("KB2267602", "1.401.1.0", "all"),
        ),
        ("Feature pack", [], ("Feature pack", "", "all")),
        ("editor 2.0", [], ("editor", "2.0", "all")),
    ],
)
def test_what_an_update_is_called(title: str, articles: list[str], expected: tuple[str, str, str]) -> None:
    assert mapping.named(title, articles) == expected


def test_dates() -> None:
    assert mapping.seconds(None) == mapping.seconds(datetime(1899, 12, 30)) == 0.0  # noqa: DTZ001 - as COM has it
    naive, aware = datetime(2026, 1, 2, 3), datetime(2026, 1, 2, 3, tzinfo=UTC)  # noqa: DTZ001
    assert mapping.seconds(naive) == mapping.seconds(aware) == 1767322800.0


@pytest.mark.parametrize("application", ["", "me", "a (strange) name"])
def test_jobs_are_found_again_by_what_they_call_themselves(application: str) -> None:
    found = mapping.mark_of(mapping.application(application, "0a1b2c3d"))
    assert found == (application or "Unknown", "0a1b2c3d")
    assert mapping.mark_of("somebody else") == ("somebody else", "")


@pytest.mark.parametrize(
    ("hresult", "text", "kind"),
    [
        (codes.E_ACCESSDENIED, "", "access-denied"),
        (codes.WU_E_INVALID_CRITERIA, "", "criteria-invalid"),
        (codes.WU_E_OPERATIONINPROGRESS, "", "busy"),
        (codes.WU_E_PT_HTTP_STATUS_DENIED, "", "windows-refused"),
        (0x8007F0F4, "what nobody knows", "windows-refused"),
    ],
)
def test_codes_become_problems(hresult: int, text: str, kind: str) -> None:
    found = problem_of(Refusal(hresult, text), "install")
    assert (found.id, found.hresult) == (kind, hresult)
    assert found.seen.startswith("install: ")
    assert text in found.seen
    assert found.cause
    assert found.next_step


@pytest.mark.parametrize(
    ("kind", "said", "seen", "code", "problem"),
    [
        (JobKind.INSTALL, GOOD, Seen(True), ResultCode.SUCCEEDED, ""),
        (JobKind.INSTALL, GOOD, Seen(False), ResultCode.FAILED, "not-installed-after-all"),
        (JobKind.INSTALL, GOOD, Seen(False, reboot=True), ResultCode.SUCCEEDED, ""),
        (JobKind.INSTALL, GOOD._replace(reboot_required=True), Seen(False), ResultCode.SUCCEEDED, ""),
        (JobKind.INSTALL, GOOD, Seen(None), ResultCode.SUCCEEDED, ""),
        (JobKind.INSTALL, BAD, Seen(False), ResultCode.FAILED, "windows-refused"),
        (JobKind.INSTALL, BAD, Seen(True), ResultCode.SUCCEEDED, ""),
        (JobKind.INSTALL, LEFT, Seen(False), ResultCode.ABORTED, "aborted"),
        (JobKind.INSTALL, None, Seen(True), ResultCode.SUCCEEDED, ""),
        (JobKind.INSTALL, None, Seen(False), ResultCode.FAILED, "interrupted"),
        (JobKind.UNINSTALL, GOOD, Seen(True), ResultCode.SUCCEEDED, ""),
        (JobKind.UNINSTALL, GOOD, Seen(False), ResultCode.FAILED, "not-installed-after-all"),
        (JobKind.DOWNLOAD, BAD, Seen(False), ResultCode.FAILED, "windows-refused"),
    ],
)
def test_the_system_is_believed(
    kind: JobKind, said: Part | None, seen: Seen, code: ResultCode, problem: str
) -> None:
    found = results.conclude(kind, ONE, "one", said, seen)
    assert found.code is code
    assert (found.problem.id if found.problem else "") == problem
    assert found.said
    assert found.seen
    if said is BAD and code is ResultCode.FAILED:
        assert found.hresult == 0x80070643


@pytest.mark.parametrize(
    ("look", "expected"),
    [
        (Look(0, 0, 0, (WAITING, WAITING)), -1),  # before its first update the native agent says 0 as well
        (Look(0, 0, 0, (AT_WORK, WAITING)), 1),
        (Look(1, 0, 3, (WAITING, WAITING)), 1),
        (Look(50, 1, 0, (GOOD, AT_WORK)), 2),
    ],
)
def test_the_current_update(look: Look, expected: int) -> None:
    percent = Percent(JobKind.DOWNLOAD, downloads=True)
    assert percent.look(JobState.DOWNLOADING, look, [1, 2]).current == expected
