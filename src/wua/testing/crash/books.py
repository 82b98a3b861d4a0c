"""What must hold after any job, whatever was killed meanwhile. Each check answers what does not add up."""

import itertools
from collections.abc import Iterator, Sequence

from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    Ended,
    HistoryEntry,
    JobRecord,
    Progressed,
    StateChanged,
    UpdateEnded,
)
from wua.model.plans import Change, PlanItem
from wua.model.states import TABLE, IllegalTransition, JobState, check_transition


def story(events: Sequence[AnyEvent]) -> Iterator[str]:
    """Legal steps, progress that only goes up, every update told once, one end, and that at the end."""
    steps = [event.state for event in events if isinstance(event, StateChanged)]
    if not steps or steps[0] is not JobState.QUEUED:
        yield f"events: begins with {steps[:1]}"
    for before, after in itertools.pairwise(steps):
        try:
            check_transition(before, after)
        except IllegalTransition as wrong:
            yield f"events: {wrong}"
    if steps and JobState.ENDED not in TABLE[steps[-1]].next:
        yield f"events: ended from {steps[-1].value}"
    percents = [event.progress.percent for event in events if isinstance(event, Progressed)]
    if percents != sorted(percents):
        yield f"events: progress fell: {percents}"
    ends = [n for n, event in enumerate(events) if isinstance(event, Ended)]
    if ends != [len(events) - 1]:
        yield f"events: ends at {ends} of {len(events)}"
    told = [event.index for event in events if isinstance(event, UpdateEnded)]
    if len(told) != len(set(told)):
        yield f"events: updates told twice: {told}"


def result(record: JobRecord, events: Sequence[AnyEvent]) -> Iterator[str]:
    """A result that is complete, and the one that was told."""
    if record.state is not JobState.ENDED or record.result is None:
        yield f"job: {record.state.value}, result {record.result}"
        return
    if record.result.problem is not None and record.result.problem.id in ("unexpected", "host-failed"):
        yield f"result: {record.result.problem}"
    if [r.update for r in record.result.updates] != list(record.updates):
        yield "result: not one for each update, in their order"
    last = events[-1] if events else None
    if not isinstance(last, Ended) or last.result != record.result:
        yield "result: another one was told than is stored"
    codes = {event.index: event.result for event in events if isinstance(event, UpdateEnded)}
    if any(record.result.updates[index] != told for index, told in codes.items()):
        yield "result: an update was told another end than is stored"


def history(
    entries: Sequence[HistoryEntry],
    items: Sequence[PlanItem],
    *,
    acted: bool,
    before: frozenset[str],
    after: frozenset[str],
) -> Iterator[str]:
    """The history says exactly what was tried, and what came of it. The sets name what is installed."""
    names = [entry.name for entry in entries]
    if len(names) != len(set(names)):
        yield f"history: twice: {names}"
    expected = {item.name for item in items} if acted else set()
    if set(names) != expected:
        yield f"history: {sorted(names)} instead of {sorted(expected)}"
    removed = {item.name for item in items if item.change is Change.REMOVE}
    for entry in entries:
        there = entry.name in after
        if (entry.code is ResultCode.SUCCEEDED) != (there != (entry.name in removed)):
            yield f"history: {entry.name} {entry.code.name}, and it is {'there' if there else 'not there'}"
    good = {entry.name for entry in entries if entry.code is ResultCode.SUCCEEDED}
    if silent := (before ^ after) - good:
        yield f"history: silent on {sorted(silent)}"
