"""From what the handler found to results and history. Pure: no clock, no disk."""

from collections.abc import Callable, Mapping, Sequence

from wua.model import codes
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import HistoryEntry, JobKind, JobRecord, JobResult, UpdateResult, overall_code
from wua.model.plans import Change, Plan, PlanItem
from wua.model.plugins import ItemOutcome
from wua.model.problems import Problem, problem
from wua.model.struct import replace
from wua.model.updates import UpdateId

NOTHING_TO_DO = {
    JobKind.INSTALL: codes.WU_S_ALREADY_INSTALLED,
    JobKind.DOWNLOAD: codes.WU_S_ALREADY_DOWNLOADED,
    JobKind.UNINSTALL: codes.WU_S_ALREADY_UNINSTALLED,
    JobKind.REMOVE: codes.WU_S_ALREADY_UNINSTALLED,
    JobKind.UNDO: codes.S_OK,
}


def outcome_result(update: UpdateId, outcome: ItemOutcome) -> UpdateResult:
    """The result of the update that a plan item stands for."""
    if outcome.done:
        return UpdateResult(update, ResultCode.SUCCEEDED, said=outcome.said, seen=outcome.seen)
    found = outcome.problem or problem("not-installed-after-all", outcome.seen)
    code = ResultCode.ABORTED if found.id == "aborted" else ResultCode.FAILED
    return UpdateResult(
        update,
        code,
        found.hresult,
        outcome.unmapped or found.unmapped,
        said=outcome.said,
        seen=outcome.seen,
        problem=found,
    )


def update_results(
    job: JobRecord, plan: Plan | None, outcomes: Sequence[ItemOutcome], settled: Mapping[int, UpdateResult]
) -> tuple[UpdateResult, ...]:
    """One result for each of the job's updates, in their order.

    ``settled`` holds those that were decided before anything ran, by index. An update that needs no
    change of the system is a success with the code that says so, one that the plan refused a failure.
    """
    items = plan.items if plan else ()
    by_update = {items[o.item].update: o for o in outcomes if items[o.item].requested}
    refused = {left.update: left.problem for left in plan.left_out if left.problem} if plan else {}
    results = []
    for index, update in enumerate(job.updates):
        if index in settled:
            results.append(settled[index])
        elif cause := refused.get(update):
            results.append(UpdateResult(update, ResultCode.FAILED, cause.hresult, problem=cause))
        elif update in by_update:
            results.append(outcome_result(update, by_update[update]))
        else:
            results.append(
                UpdateResult(update, ResultCode.SUCCEEDED, NOTHING_TO_DO[job.kind], seen="nothing to change")
            )
    return tuple(results)


def failed_results(
    job: JobRecord, cause: Problem, settled: Mapping[int, UpdateResult]
) -> tuple[UpdateResult, ...]:
    """Results when the job as a whole came to nothing."""
    code = ResultCode.ABORTED if cause.id == "aborted" else ResultCode.FAILED
    return tuple(
        settled.get(index) or UpdateResult(update, code, cause.hresult, cause.unmapped, problem=cause)
        for index, update in enumerate(job.updates)
    )


def job_result(
    results: tuple[UpdateResult, ...],
    *,
    aborted: bool,
    cause: Problem | None = None,
    restart: tuple[str, ...] = (),
    output: str = "",
) -> JobResult:
    """The whole from its parts; ``cause`` is what ended the job as a whole."""
    code, hresult = overall_code(results, aborted=aborted)
    if cause is not None:
        code = ResultCode.ABORTED if cause.id == "aborted" else ResultCode.FAILED
        hresult = cause.hresult
    if restart:
        results = tuple(replace(r, reboot_required=r.code is ResultCode.SUCCEEDED) for r in results)
    return JobResult(code, hresult, results, bool(restart), restart, cause, output)


def history_entries(
    job: JobRecord,
    plan: Plan,
    outcomes: Sequence[ItemOutcome],
    service_of: Callable[[UpdateId], str],
    now: float,
) -> list[HistoryEntry]:
    """What the history keeps: every requested update, and every other package that changed."""
    entries = []
    for outcome in outcomes:
        item = plan.items[outcome.item]
        if not item.requested and not outcome.done:
            continue
        result = outcome_result(item.update, outcome)
        entries.append(
            HistoryEntry(
                id=0,
                job=job.id,
                update=item.update,
                title=item.title
                or f"{item.name} {item.to_version or item.from_version} ({item.architecture})",
                operation=operation_of(job.kind, item),
                code=result.code,
                hresult=result.hresult,
                unmapped=result.unmapped,
                date=now,
                application_id=job.spec.application_id or "Unknown",
                name=item.name,
                architecture=item.architecture,
                from_version=item.from_version,
                to_version=item.to_version,
                requested=item.requested,
                service_id=service_of(item.update),
            )
        )
    return entries


def operation_of(kind: JobKind, item: PlanItem) -> UpdateOperation:
    """Whether the history calls a change an installation or an uninstallation."""
    takes_away = item.change in (Change.REMOVE, Change.PURGE)
    backwards = item.change is Change.DOWNGRADE and kind in (JobKind.UNINSTALL, JobKind.UNDO)
    return UpdateOperation.UNINSTALLATION if takes_away or backwards else UpdateOperation.INSTALLATION
