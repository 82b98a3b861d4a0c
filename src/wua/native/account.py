"""The account of one acting job: its states, what its updates came to, and its end, as the store has them."""

from collections.abc import Sequence

from wua.model.jobs import AnyEvent, JobKind, JobRecord, Progressed, UpdateEnded, UpdateResult
from wua.model.problems import Problem
from wua.model.states import TABLE, JobState
from wua.model.updates import UpdateId
from wua.native import results
from wua.native.progress import Percent
from wua.native.shop import Shop
from wua.system.process import ProcessRef


class Aborted(Exception):
    """The job was asked to abort, and nothing was changed yet."""


class Account:
    """Written by the thread that runs the job."""

    def __init__(self, shop: Shop, job: JobRecord) -> None:
        self._shop, self._job = shop, job
        self._updates = job.updates
        self._settled: dict[int, UpdateResult] = {}
        self._told: set[int] = set()
        self._percent = Percent(job.kind, downloads=self._downloads, last=job.progress)

    @property
    def _downloads(self) -> bool:
        return self._job.kind is JobKind.DOWNLOAD or (
            self._job.kind is not JobKind.UNINSTALL and self._job.spec.download
        )

    def _enter(self, state: JobState, *, durable: bool = False) -> None:
        events: list[AnyEvent] = [*self._untold(self._settled), Progressed(self._percent.enter(state))]
        owner = ProcessRef.current() if state is JobState.PLANNING else None
        store = self._shop.store
        if not store.transition(self._job.id, state, owner=owner, events=events, durable=durable):
            raise Aborted
        self._told |= self._settled.keys()
        self._shop.changed(self._job.id)

    def _settle(self, update: UpdateId, cause: Problem) -> None:
        self._settle_as(update, results.failed(update, cause))

    def _settle_as(self, update: UpdateId, result: UpdateResult) -> None:
        for index, asked in enumerate(self._updates):
            if asked == update:
                self._settled[index] = result

    def _untold(self, found: dict[int, UpdateResult]) -> list[AnyEvent]:
        return [UpdateEnded(n, found[n]) for n in sorted(found) if n not in self._told]

    def _tell(self, *events: AnyEvent) -> None:
        self._shop.store.tell(self._job.id, *events)
        self._shop.changed(self._job.id)

    def _aborting(self) -> bool:
        return self._shop.store.abort_requested(self._job.id)

    def _enter_evaluating(self) -> None:
        """From wherever the job is, unless it is there already or can only end."""
        state = self._shop.store.job(self._job.id).state
        if state is not JobState.EVALUATING and JobState.EVALUATING in TABLE[state].next:
            self._enter(JobState.EVALUATING)

    def _finish(self, parts: Sequence[UpdateResult], cause: Problem | None) -> None:
        restart = ("an update asks for a restart",) if any(p.reboot_required for p in parts) else ()
        whole = results.whole(parts, aborted=self._aborting(), cause=cause, restart=restart)
        events = [*self._untold(dict(enumerate(parts)))]
        if cause is None or cause.id != "aborted":
            events.append(Progressed(self._percent.final(len(parts))))
        self._shop.store.finish(self._job.id, whole, events=events)
        self._shop.store.save_record(self._job.id)
        self._shop.changed(self._job.id)

    def _come_to_nothing(self, cause: Problem) -> None:
        parts = [
            self._settled.get(index) or results.failed(update, cause)
            for index, update in enumerate(self._updates)
        ]
        self._finish(parts, cause)
