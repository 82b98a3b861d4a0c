"""The agent in this process: searches here, and hands acting jobs to the job host of its target."""

import os
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from wua import _version
from wua.engine import content, licences
from wua.engine.administration import Administration
from wua.engine.link import HostLink
from wua.engine.sources import of_service
from wua.engine.superseded import without_superseded
from wua.engine.wiring import Parts, open_parts, open_store
from wua.model.agent import AgentInfo
from wua.model.asking import updates_asked
from wua.model.enums import AbortAnswer, ResultCode
from wua.model.jobs import (
    AnyEvent,
    Delivery,
    HistoryEntry,
    JobEvent,
    JobKind,
    JobRecord,
    JobResult,
    JobSpec,
    Noted,
    Subscription,
)
from wua.model.plugins import Target
from wua.model.problems import Problem, WuaError, error, problem
from wua.model.states import TABLE, JobState, OnCancel
from wua.model.struct import replace
from wua.model.updates import (
    Category,
    RestartReason,
    SearchResult,
    SearchWarning,
    Service,
    Update,
    UpdateId,
    Verdict,
)
from wua.system.locks import lock_holder
from wua.system.process import ProcessRef
from wua.system.run import run
from wua.system.watches import Watch, Watches
from wua.system.workers import Workers


class LocalAgent(Administration):
    """Implements the Agent protocol over a target on this machine."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._store = open_store(target)
        self._parts: Parts | None = None
        self._parts_guard = threading.Lock()
        self._workers = Workers("wua-caller")
        self._watches = Watches()
        self._guard = threading.Lock()
        self._found: dict[str, JobResult] = {}
        self._unrecorded: dict[str, WuaError] = {}  # jobs of ours whose end could not be stored
        self._working: set[str] = set()
        self._closed = False
        paths = target.paths
        self._link = HostLink(
            Path(paths.state),
            Path(paths.run),
            may_start=not target.may_act(),
            heard=self._heard,
            wanted=self._wanted,
        )
        self._end_orphans()

    @property
    def parts(self) -> Parts:
        """Service, handler and catalogue, opened when first needed: listing jobs does without."""
        with self._parts_guard:
            if self._parts is None:
                self._parts = open_parts(self._target, self._store)
            return self._parts

    # --- about the agent

    def info(self) -> AgentInfo:
        facts = self._target.os()
        needed = self._target.may_act()
        holder = lock_holder(Path(self._target.paths.run) / "host.lock")
        return AgentInfo(
            version=_version.__version__,
            target=self._target.spec.kind,
            target_name=self._target.name,
            os=facts.title,
            architectures=(facts.architecture, *facts.foreign),
            state=self._target.paths.state,
            cache=self._target.paths.cache,
            may_act=not needed,
            may_act_reason=needed,
            host_pid=holder.pid if holder else 0,
        )

    def close(self) -> None:
        self._link.close()
        self._workers.close()
        with self._guard:
            if self._closed:
                return
            self._closed = True
            working = list(self._working)
        self._watches.clear()
        for job_id in working:  # a thread may still be busy with it; what it finds comes too late
            self._store.finish(job_id, _failed(problem("caller-died", "the agent was closed")), durable=False)
        if self._parts is not None:
            self._parts.close()
        self._store.close()

    # --- jobs

    def submit(self, spec: JobSpec) -> JobRecord:
        spec = replace(spec, user=os.getuid())
        updates = updates_asked(spec)
        if not spec.kind.acting:
            job, new = self._store.add_job(spec, updates, owner=ProcessRef.current())
            if new:
                with self._guard:
                    self._working.add(job.id)
                self._workers.put(lambda: self._work(job))
            return job
        if needed := self._target.may_act():
            raise error("access-denied", needed)
        if spec.kind.changes_target and not spec.queue and (holder := lock_holder(self._target.paths.lock)):
            raise error("busy", str(holder))
        job, new = self._store.add_job(spec, updates)
        if new:
            try:
                self._link.wake()
            except WuaError:
                self._store.withdraw(job.id)  # the caller is told that it was not begun
                raise
            self._tell(job.id)
        else:
            self._listen_to(job)
        return job

    def _listen_to(self, job: JobRecord) -> None:
        """Hear of a job that another began: its host may have come after this agent."""
        if job.kind.acting and job.state is not JobState.ENDED:
            self._link.listen()

    def job(self, job_id: str) -> JobRecord:
        with self._readable() as stores:
            for store in stores:
                try:
                    found = store.job(job_id)
                except WuaError as failure:
                    missing = failure
                    continue
                self._listen_to(found)
                return found
        raise missing

    def jobs(self, *, limit: int = 50, active: bool = False) -> tuple[JobRecord, ...]:
        with self._readable() as stores:
            found = [job for store in stores for job in store.jobs(limit=limit, active=active)]
        return tuple(sorted(found, key=lambda job: -job.created)[:limit])

    def events(self, job_id: str, after: int = 0, limit: int = 1000) -> tuple[JobEvent, ...]:
        found: tuple[JobEvent, ...] = ()
        with self._readable() as stores:
            for store in stores:
                found = found or store.events(job_id, after, limit)
        trouble = self._unrecorded.get(job_id) or self._link.broken
        if not found and trouble is not None:
            raise trouble
        return found

    def result(self, job_id: str) -> JobResult:
        job = self.job(job_id)
        if job.result is None:
            raise error("invalid-argument", f"job {job.id} has not ended: {job.state.value}")
        with self._guard:
            return self._found.pop(job.id, job.result)

    def output(self, job_id: str, offset: int = 0) -> str:
        job = self.job(job_id)
        with self._readable() as stores:
            runs = [step for store in stores for step in store.runs(job.id)]
        files = [path for step in runs if (path := Path(step.folder) / "output").exists()]
        return b"".join(path.read_bytes() for path in files)[offset:].decode(errors="replace")

    def abort(self, job_id: str) -> AbortAnswer:
        job = self.job(job_id)
        if job.result is not None:
            return AbortAnswer.ENDED
        if job.kind.acting and (needed := self._target.may_act()):
            raise error("access-denied", needed)
        state = self._store.request_abort(job.id)
        if state is JobState.ENDED:
            return AbortAnswer.ENDED
        if job.kind.acting:
            self._link.wake()
        elif job.kind is not JobKind.REHEARSE:  # a rehearsal asks by itself, and tidies up
            result = _failed(problem("aborted", f"the {job.kind.value} was aborted"))
            if not self._store.finish(job.id, result, durable=False):
                return AbortAnswer.ENDED
            self._tell(job.id)
        obeyed = TABLE[state].cancel in (OnCancel.END_NOW, OnCancel.SIGNAL)
        return AbortAnswer.AT_ONCE if obeyed else AbortAnswer.AFTER_STEP

    # --- watching

    def watch(self, listener: Callable[[str], None]) -> Watch:
        watch = self._watches.add(listener)
        self._link.listen()
        return watch

    def _tell(self, job_id: str) -> None:
        self._watches.tell(job_id)

    def _heard(self, job_id: str) -> None:
        self._tell(job_id)

    def _wanted(self) -> bool:
        """A lost host is started again while somebody here watches and work is left."""
        if not self._watches:
            return False
        return bool(self._store.unfinished(acting=True)) or bool(self._store.deliveries(due=True))

    def subscribe(self, job_id: str, subscription: Subscription) -> Delivery:
        job = self.job(job_id)
        if needed := self._target.may_act():
            raise error("access-denied", needed)
        if subscription.uid < 0:
            subscription = replace(subscription, uid=os.getuid(), gid=os.getgid())
        delivery = self._store.subscribe(job.id, subscription)
        self._link.wake()
        return delivery

    def deliveries(self, job_id: str = "") -> tuple[Delivery, ...]:
        with self._readable() as stores:
            return tuple(d for store in stores for d in store.deliveries(job_id))

    # --- work in this process

    def _work(self, job: JobRecord) -> None:
        """Run a search, plan or rehearsal to its end. Never raises."""
        try:
            if not self._is_aborting(job.id):  # it may have waited for its turn
                full = self._perform(job)
            if self._is_aborting(job.id):
                full = _failed(problem("aborted", f"the {job.kind.value} was aborted"))
        except WuaError as failure:
            full = _failed(failure.problem)
        except Exception:  # noqa: BLE001 - a defect must end the job with its name, not leave a caller waiting for ever
            import traceback

            full = _failed(problem("unexpected", traceback.format_exc(limit=-3)))
        stored = full if full.search is None else replace(full, search=None)
        with self._guard:
            if self._closed:
                return
            self._working.discard(job.id)
            if full.search is not None:
                self._found[job.id] = full
        try:
            if not self._store.finish(job.id, stored, durable=False):
                self._found.pop(job.id, None)  # aborted meanwhile
        except WuaError as failure:
            self._unrecorded[job.id] = failure
        self._tell(job.id)

    def _is_aborting(self, job_id: str) -> bool:
        return self._closed or self._store.abort_requested(job_id)

    def _perform(self, job: JobRecord) -> JobResult:
        if job.kind is JobKind.SEARCH:
            found = self._search(job)
            return JobResult(ResultCode(found.code), search=found)
        if job.kind is JobKind.PLAN:
            assert job.spec.request is not None
            self.parts.service.sync()
            return JobResult(ResultCode.SUCCEEDED, plan=self.parts.handler.plan(job.spec.request))
        from wua.engine.rehearsal import rehearse

        return rehearse(
            self._target,
            self.parts,
            job,
            lambda event: self._record(job.id, event),
            lambda: self._is_aborting(job.id),
        )

    def _search(self, job: JobRecord) -> SearchResult:
        from wua.criteria import parse

        options = job.spec.search
        criteria = parse(job.spec.criteria, strict=options.strict)
        parts = self.parts
        wanted = options.service_id or parts.service.service.id
        if wanted not in {service.id for service in parts.service.services}:
            raise error("unknown-service", wanted)
        warnings: tuple[SearchWarning, ...] = ()
        if options.online:
            warnings += parts.service.refresh(
                force=options.refresh,
                max_age=options.max_age,
                tell=lambda text: self._note(job.id, text),
            )
        warnings += parts.service.sync()
        offers = of_service(parts.service, wanted, parts.catalogue.search(*criteria.sql()))
        if not options.include_superseded:
            offers = without_superseded(offers, parts.catalogue.supersedence())
        code = ResultCode.SUCCEEDED_WITH_ERRORS if warnings else ResultCode.SUCCEEDED
        return SearchResult(code, tuple(offers), parts.catalogue.categories(), warnings)

    def _record(self, job_id: str, event: AnyEvent) -> None:
        self._store.tell(job_id, event)
        self._tell(job_id)

    def _note(self, job_id: str, text: str) -> None:
        self._record(job_id, Noted(text))

    def _end_orphans(self) -> None:
        """Searches, plans and rehearsals end with their caller; record it for those whose caller is gone."""
        for job, owner in self._store.unfinished(acting=False):
            if owner is None or not owner.alive():
                self._store.finish(job.id, _failed(problem("caller-died", f"job {job.id}")), durable=False)

    # --- updates

    def is_busy(self) -> bool:
        return lock_holder(self._target.paths.lock) is not None or bool(self._target.holders())

    def resolve(self, names: Sequence[str]) -> tuple[UpdateId, ...]:
        self.parts.service.sync()
        return self.parts.service.resolve(names)

    def details(self, ids: Sequence[UpdateId]) -> tuple[Update, ...]:
        return self.parts.service.details(ids)

    def verdict(self, update: UpdateId) -> Verdict:
        self.parts.service.sync()
        return self.parts.service.verdict(update)

    def hide(self, ids: Sequence[UpdateId], hidden: bool) -> None:
        self._must_act()
        if hidden:
            for update in ids:
                (details,) = self.parts.service.details([update])
                if details.deadline or self.parts.service.verdict(update).offer.mandatory:
                    raise error("mandatory-update", details.title)
        else:
            for command in self.parts.handler.release(ids):
                done = run(command)
                if done.exit:
                    raise error("installer-failed", done.stderr.strip() or done.stdout.strip())
        self._store.set_hidden([update.update_id for update in ids], hidden)
        self.parts.service.sync()

    def copy_from_cache(self, update: UpdateId, folder: str) -> None:
        self._must_act()
        (details,) = self.parts.service.details([update])
        if details.licence and update.update_id not in licences.accepted(self._store):
            raise error("licence-declined", details.title)
        content.copy_out(self.parts.handler.content(update), Path(folder))

    def copy_to_cache(self, update: UpdateId, files: Sequence[str]) -> bool:
        self._must_act()
        content.copy_in(self.parts.handler.content(update), [Path(file) for file in files])
        self.parts.service.sync()
        return bool(self.parts.service.verdict(update).offer.downloaded)

    def history(self, start: int = 0, count: int = 100, update_id: str = "") -> tuple[HistoryEntry, ...]:
        with self._machine() as store:
            return store.history(start, count, update_id)

    def history_count(self) -> int:
        with self._machine() as store:
            return store.history_count()

    def services(self) -> tuple[Service, ...]:
        return self.parts.service.services

    def categories(self) -> tuple[Category, ...]:
        return self.parts.catalogue.categories()

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        return self._target.restart_reasons()


def _failed(cause: Problem) -> JobResult:
    code = ResultCode.ABORTED if cause.id in ("aborted", "caller-died") else ResultCode.FAILED
    return JobResult(code, cause.hresult, problem=cause)
