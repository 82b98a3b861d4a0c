"""What must hold after any job, whatever was killed meanwhile. Each check answers what does not add up."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence

from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    Delivery,
    DeliveryState,
    Ended,
    HistoryEntry,
    JobRecord,
    Progressed,
    StateChanged,
    UpdateEnded,
)
from wua.model.plans import PlanItem
from wua.model.states import IllegalTransition, JobState, check_transition


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
    stored = dict(enumerate(record.result.updates))
    if any(stored.get(index) != told for index, told in codes.items()):
        yield "result: an update was told another end than is stored"


def history(
    entries: Sequence[HistoryEntry],
    items: Sequence[PlanItem],
    *,
    acted: bool,
    before: Mapping[str, str],
    after: Mapping[str, str],
) -> Iterator[str]:
    """The history says exactly what was tried, and what came of it. The mappings: versions by name."""
    names = [entry.name for entry in entries]
    if len(names) != len(set(names)):
        yield f"history: twice: {names}"
    planned = {item.name for item in items} if acted else set()
    asked = {item.name for item in items if item.requested} if acted else set()
    if not asked <= set(names) <= planned:
        yield f"history: {sorted(names)}, asked {sorted(asked)} of {sorted(planned)}"
    for entry in entries:
        was, now = before.get(entry.name, ""), after.get(entry.name, "")
        if (entry.code is ResultCode.SUCCEEDED) != (now == entry.to_version):
            yield f"history: {entry.name} to {entry.to_version!r} {entry.code.name}, and it is {now!r}"
        if entry.from_version != was:
            yield f"history: {entry.name} from {entry.from_version!r}, but it was {was!r}"
    for name in sorted((before.keys() | after.keys()) - set(names)):
        if before.get(name) != after.get(name):
            yield f"history: silent on {name}, {before.get(name)} to {after.get(name)}"


def deliveries(found: Sequence[Delivery], promised: Iterable[str], heard: Mapping[str, int]) -> Iterator[str]:
    """Every durable subscription was heard of and acknowledged, once the job host has ended."""
    for delivery in found:
        if delivery.state is not DeliveryState.DELIVERED:
            state = delivery.state.value
            yield f"delivery {delivery.id}: {state}, tried {delivery.tried}: {delivery.last_error}"
        if not heard.get(delivery.id):
            yield f"delivery {delivery.id}: never heard"
    for name in sorted(set(promised) - {delivery.id for delivery in found}):
        yield f"delivery {name}: lost"
