"""Every moment in the life of a state store tried as the moment at which the power is lost.

``life(folder)`` lets two holders of one store, as caller and job host are, take a job from its submission to
its history while everything written is recorded. It notes what each call that waits for the disk has
promised when it returned. ``faults`` then cuts the recording after each of its writes and syncs in turn,
makes what the disk may hold (``disk.after_loss``), opens it as a store, and says which promise is broken.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final, NamedTuple

from wua.model.enums import ResultCode
from wua.model.jobs import (
    DeliveryState,
    Ended,
    HistoryEntry,
    JobKind,
    JobResult,
    JobSpec,
    Noted,
    StateChanged,
    Subscription,
)
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.store.state import Run, StateStore
from wua.testing.crash import disk

S: Final = JobState
NAME: Final = "state.db"
UPDATE: Final = UpdateId("11111111-2222-3333-4444-555555555555")
REQUEST: Final = PlanRequest(Operation.INSTALL, updates=(UPDATE,))
DONE: Final = JobResult(ResultCode.SUCCEEDED)
SURVIVES: Final = (0.0, 0.5, 0.9, 1.0)  # of what was not synced


class Promise(NamedTuple):
    """``holds`` must be true of the store whenever ``after`` entries of the recording were written."""

    after: int
    text: str
    holds: Callable[[StateStore], bool]


class Life(NamedTuple):
    """A recording, and what was promised in it."""

    ops: Sequence[disk.Op]
    promises: Sequence[Promise]


class _Notes:
    def __init__(self, log: Path) -> None:
        self._log = log
        self.promises: list[Promise] = []

    def promise(self, text: str, holds: Callable[[StateStore], bool]) -> None:
        self.promises.append(Promise(len(disk.read(self._log)), text, holds))


def life(folder: Path) -> Life:
    """Record it, in an empty folder."""
    log = folder / "writes"
    notes = _Notes(log)
    with disk.recorded(log, NAME):
        caller, host = StateStore(folder / NAME), StateStore(folder / NAME)
        first = _job(caller, host, notes)
        caller.close()
        host.close()  # the last one out writes everything into the one file
        again = StateStore(folder / NAME)
        again.set_hidden([UPDATE.update_id], True)
        notes.promise("hidden", lambda store: UPDATE.update_id in store.hidden())
        _job(again, again, notes)
        again.close()
    notes.promise("the first job is known for ever", lambda store: store.job(first).result == DONE)
    return Life(disk.read(log), notes.promises)


def _job(caller: StateStore, host: StateStore, notes: _Notes) -> str:
    job = caller.add_job(JobSpec(JobKind.INSTALL, request=REQUEST), (UPDATE,))[0].id
    notes.promise("submitted", lambda store: store.job(job).updates == (UPDATE,))
    delivery = caller.subscribe(job, Subscription(("/bin/true",))).id
    notes.promise("subscribed", lambda store: delivery in {found.id for found in store.deliveries(job)})
    host.transition(job, S.PLANNING, durable=False)
    host.transition(job, S.DOWNLOADING, plan=Plan(REQUEST, "t", "w", 0.0), durable=False)
    fetching = host.begin_run(job, S.DOWNLOADING, Path(host.path).parent / "jobs" / job)
    notes.promise("the download is recorded", lambda store: fetching in _begun(store, job))
    notes.promise("with its plan", lambda store: store.plan(job) is not None)
    for number in range(20):
        host.tell(job, Noted(f"line {number}"))
    host.end_run(job, fetching.n, 0)
    for state in (S.LOCKING, S.VERIFYING, S.INSTALLING):
        host.transition(job, state, durable=False)
    acting = host.begin_run(job, S.INSTALLING, Path(host.path).parent / "jobs" / job)
    notes.promise("the installer is recorded", lambda store: acting in _begun(store, job))
    notes.promise(
        "with its state", lambda store: store.job(job).state in (S.INSTALLING, S.EVALUATING, S.ENDED)
    )
    caller.request_abort(job)
    notes.promise("the abort is recorded", lambda store: store.abort_requested(job))
    host.end_run(job, acting.n, 0)
    host.transition(job, S.EVALUATING, durable=False)
    entry = HistoryEntry(
        0, job, UPDATE, "a 1", 1, ResultCode.SUCCEEDED, 0, 0, 1.0, "x", "a", "sim", "", "1", True
    )
    host.finish(job, DONE, [entry])
    notes.promise("the result", lambda store: store.job(job).result == DONE)
    notes.promise("with the history", lambda store: len(store.history_of(job)) == 1)
    host.attempted(delivery, DeliveryState.DELIVERED, tried=1)
    notes.promise("acknowledged", lambda store: store.deliveries(job)[0].state is DeliveryState.DELIVERED)
    return job


def _begun(store: StateStore, job: str) -> list[Run]:
    """The runs of a job as they were when they were begun."""
    return [replace(run, cancelled=False, ended=False, exit=None) for run in store.runs(job)]


def faults(
    found: Life, folder: Path, seed: int, *, cuts: Sequence[int] | None = None, trust: bool = True
) -> Iterator[str]:
    """What does not hold after a loss at each of ``cuts``, all when None; ``trust`` is for ``after_loss``."""
    seen = set()
    for cut in range(len(found.ops) + 1) if cuts is None else cuts:
        dice = random.Random(f"{seed}:{cut}")  # noqa: S311 - the same again is what is wanted
        due = sum(promise.after <= cut for promise in found.promises)
        for survives in SURVIVES:
            files = disk.after_loss({}, found.ops[:cut], dice, survives, trust=trust)
            image = (due, *sorted(files.items()))
            if image in seen:
                continue
            seen.add(image)
            for text in _store_faults(found, cut, files, folder):
                yield f"loss at {cut} of {len(found.ops)}, {survives:.0%} survives: {text}"


def _store_faults(found: Life, cut: int, files: dict[str, bytes], folder: Path) -> Iterator[str]:
    for old in folder.glob(f"{NAME}*"):
        old.unlink()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    store = StateStore(folder / NAME)
    try:
        if store.set_aside is not None or not store.is_sound():
            yield "the store is damaged"
        for promise in found.promises:
            if promise.after <= cut and not _holds(promise, store):
                yield f"lost: {promise.text}"
        yield from _halves(store)
    except (WuaError, LookupError, ValueError) as failure:
        yield f"unreadable: {failure}"
    finally:
        store.close()


def _holds(promise: Promise, store: StateStore) -> bool:
    try:
        return promise.holds(store)
    except (WuaError, LookupError, ValueError):
        return False


def _halves(store: StateStore) -> Iterator[str]:
    """Transactions of which only a part is there."""
    for job in store.jobs():
        events = store.events(job.id)
        if [told.seq for told in events] != list(range(1, job.last_seq + 1)):
            yield f"half: {job.last_seq} events, {len(events)} there"
        last = [told.event for told in events if isinstance(told.event, StateChanged | Ended)][-1]
        state = last.state if isinstance(last, StateChanged) else S.ENDED
        if state is not job.state or (state is S.ENDED) != (job.result is not None):
            yield f"half: {job.state.value}, the events say {state.value}"
