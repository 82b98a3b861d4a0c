"""Results and history as plain functions of what was found."""

from itertools import product

import pytest
from tests.support.scripted import item

from wua.engine.results import (
    failed_results,
    history_entries,
    job_result,
    operation_of,
    outcome_result,
    update_results,
)
from wua.model import codes
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import JobKind, JobRecord, JobSpec, UpdateResult
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import ItemOutcome
from wua.model.problems import problem
from wua.model.states import JobState
from wua.model.struct import replace
from wua.model.updates import UpdateId

R = ResultCode
A, B = UpdateId("a"), UpdateId("b")
ABORTED = problem("aborted", "asked")
BROKEN = problem("script-failed", "postinst", unmapped=4)


def job(kind: JobKind = JobKind.INSTALL, **options: str) -> JobRecord:
    return JobRecord("j", JobSpec(kind, **options), JobState.EVALUATING, (A, B), 0.0)  # type: ignore[arg-type]


def plan(*items: PlanItem) -> Plan:
    return Plan(PlanRequest(Operation.INSTALL), "t", "w", 0.0, items)


def test_what_is_done_succeeded() -> None:
    found = outcome_result(A, ItemOutcome(0, True, "said", "seen"))
    assert found == UpdateResult(A, R.SUCCEEDED, codes.S_OK, said="said", seen="seen")


@pytest.mark.parametrize(
    ("outcome", "code", "hresult", "unmapped", "kind"),
    [
        (ItemOutcome(0, False, "x", "y", BROKEN, 7), R.FAILED, BROKEN.hresult, 7, "script-failed"),
        (ItemOutcome(0, False, "x", "y", BROKEN), R.FAILED, BROKEN.hresult, 4, "script-failed"),
        (ItemOutcome(0, False, "x", "y", ABORTED), R.ABORTED, codes.WU_E_CALL_CANCELLED, 0, "aborted"),
        (
            ItemOutcome(0, False, "x", "y"),
            R.FAILED,
            codes.WU_E_UH_POSTREBOOTUNEXPECTEDSTATE,
            0,
            "not-installed-after-all",
        ),
    ],
)
def test_what_is_not_done_has_a_cause(
    outcome: ItemOutcome, code: ResultCode, hresult: int, unmapped: int, kind: str
) -> None:
    found = outcome_result(A, outcome)
    assert (found.update, found.code, found.hresult, found.unmapped) == (A, code, hresult, unmapped)
    assert (found.said, found.seen) == ("x", "y")
    assert found.problem is not None
    assert found.problem.id == kind
    if outcome.problem is None:
        assert found.problem.seen == "y"


def test_each_update_of_the_job_has_its_result_in_order() -> None:
    settled = {0: UpdateResult(A, R.FAILED)}
    items = plan(item("b"), item("a"), item("lib", requested=False))
    outcomes = [ItemOutcome(n, True, "", f"seen {n}") for n in range(3)]
    assert [r.seen for r in update_results(job(), items, outcomes, {})] == ["seen 1", "seen 0"]
    assert update_results(job(), items, outcomes, settled)[0] is settled[0]


def test_an_update_that_is_only_needed_by_another_is_not_what_was_asked_for() -> None:
    items = plan(item("a", requested=False), item("b"))
    outcomes = [ItemOutcome(0, False, "", ""), ItemOutcome(1, True, "", "there")]
    first, second = update_results(job(), items, outcomes, {})
    assert (first.code, first.hresult) == (R.SUCCEEDED, codes.WU_S_ALREADY_INSTALLED)
    assert second.seen == "there"


def test_without_a_plan_there_was_nothing_to_do() -> None:
    found = update_results(job(JobKind.UNDO), None, (), {})
    assert [(r.code, r.hresult, r.seen) for r in found] == [
        (R.SUCCEEDED, codes.S_OK, "nothing to change")
    ] * 2


@pytest.mark.parametrize(("cause", "code"), [(BROKEN, R.FAILED), (ABORTED, R.ABORTED)])
def test_a_job_that_came_to_nothing_fails_what_was_not_settled(cause: object, code: ResultCode) -> None:
    assert cause in (BROKEN, ABORTED)
    given = BROKEN if cause is BROKEN else ABORTED
    settled = UpdateResult(B, R.SUCCEEDED)
    first, second = failed_results(job(), given, {1: settled})
    assert first == UpdateResult(A, code, given.hresult, given.unmapped, problem=given)
    assert second is settled


def test_the_whole_from_its_parts() -> None:
    parts = (UpdateResult(A, R.SUCCEEDED), UpdateResult(B, R.FAILED))
    found = job_result(parts, aborted=False, output="/file")
    assert (found.code, found.hresult, found.updates) == (R.SUCCEEDED_WITH_ERRORS, codes.S_OK, parts)
    assert (found.reboot_required, found.restart_reasons, found.problem, found.output) == (
        *(False, (), None),
        "/file",
    )


@pytest.mark.parametrize(("cause", "code"), [(BROKEN, R.FAILED), (ABORTED, R.ABORTED)])
def test_what_ended_the_job_as_a_whole_is_its_result(cause: object, code: ResultCode) -> None:
    given = BROKEN if cause is BROKEN else ABORTED
    found = job_result((UpdateResult(A, R.SUCCEEDED),), aborted=False, cause=given)
    assert (found.code, found.hresult, found.problem) == (code, given.hresult, given)


def test_an_abort_shows_when_it_left_something_undone() -> None:
    assert job_result((UpdateResult(A, R.ABORTED),), aborted=True).code is R.ABORTED
    assert job_result((UpdateResult(A, R.SUCCEEDED),), aborted=True).code is R.SUCCEEDED


def test_only_what_succeeded_waits_for_the_restart() -> None:
    parts = (UpdateResult(A, R.SUCCEEDED), UpdateResult(B, R.FAILED))
    found = job_result(parts, aborted=False, restart=("kernel",))
    assert found.reboot_required
    assert found.restart_reasons == ("kernel",)
    assert [r.reboot_required for r in found.updates] == [True, False]


def test_the_history_names_who_and_what() -> None:
    asked = replace(item("a"), title="The editor")
    gone = item("b", Change.REMOVE)
    outcomes = [ItemOutcome(0, True, "", ""), ItemOutcome(1, False, "", "", BROKEN)]
    one, other = history_entries(job(), plan(asked, gone), outcomes, lambda _: "service", 9.0)
    assert (one.id, one.title, one.application_id, one.service_id, one.date) == (
        *(0, "The editor", "Unknown"),
        *("service", 9.0),
    )
    assert (other.title, other.from_version, other.to_version) == ("b 1 (sim)", "1", "")
    assert (other.code, other.hresult, other.unmapped) == (R.FAILED, BROKEN.hresult, 4)
    assert (
        history_entries(job(application_id="me"), plan(asked), outcomes[:1], lambda _: "", 0.0)[
            0
        ].application_id
        == "me"
    )


def test_the_history_keeps_dependencies_only_when_they_changed() -> None:
    items = plan(item("x", requested=False), item("y", requested=False), item("a"))
    outcomes = [ItemOutcome(0, True, "", ""), ItemOutcome(1, False, "", ""), ItemOutcome(2, False, "", "")]
    assert [entry.name for entry in history_entries(job(), items, outcomes, lambda _: "", 0.0)] == ["x", "a"]


@pytest.mark.parametrize(("kind", "change"), list(product(JobKind, Change)))
def test_what_counts_as_an_uninstallation(kind: JobKind, change: Change) -> None:
    """Taking away always; going back to an older version where that is what was asked for."""
    going_back = change is Change.DOWNGRADE and kind in (JobKind.UNINSTALL, JobKind.UNDO)
    away = change in (Change.REMOVE, Change.PURGE) or going_back
    expected = UpdateOperation.UNINSTALLATION if away else UpdateOperation.INSTALLATION
    assert operation_of(kind, item("a", change)) is expected
