"""The agent as Python code holds it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from wua.api.dispatch import Dispatcher
from wua.api.job import Job
from wua.model.agent import Agent as AgentProtocol
from wua.model.agent import AgentInfo
from wua.model.enums import ConffilePolicy
from wua.model.jobs import (
    Delivery,
    HistoryEntry,
    JobKind,
    JobRecord,
    JobResult,
    JobSpec,
    Rehearsal,
    SearchOptions,
)
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.plugins import Target
from wua.model.updates import Offer, RestartReason, SearchResult, Service, Update, UpdateId, Verdict

# What names updates: an offer, an identity, or what a person would type ("bash", "bash=5.2", an update id).
Named = Offer | Update | UpdateId | str


class Agent:
    """Finds, downloads, installs and removes updates on one machine.

    Operations begin at once and answer a Job. Use it as a context manager, plain or async; closing it
    releases whoever waits, and acting jobs go on in the job host. Methods may be called from any thread.
    """

    def __init__(self, agent: AgentProtocol) -> None:
        self.protocol = agent  # the Agent protocol underneath, for other faces
        self._dispatcher = Dispatcher(agent)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._dispatcher.close()
        self.protocol.close()

    @property
    def closed(self) -> bool:
        """Closed by this program, or the interpreter is ending: nobody here is told of jobs any more."""
        return self._dispatcher.closed

    def run(self, work: Callable[[], None]) -> None:
        """Do something on one of the threads that callbacks run on; it must not raise. For other faces."""
        self._dispatcher.run(work)

    # --- operations

    def submit(self, spec: JobSpec) -> Job[Any]:
        """Begin whatever ``spec`` says.

        Raises:
            WuaError: access-denied, busy, no-updates, invalid-argument, host-failed.
        """
        return self._handle(self.protocol.submit(spec))

    def _handle(self, record: JobRecord) -> Job[Any]:
        job: Job[Any] = Job(self.protocol, self._dispatcher, record)
        if record.result is None:
            self._dispatcher.track(job)
            self._dispatcher.pump(job)  # it may have ended before it was tracked
        return job

    def search(
        self,
        criteria: str = "",
        *,
        refresh: bool = False,
        offline: bool = False,
        max_age: float = 3600.0,
        include_superseded: bool = False,
        strict: bool = False,
    ) -> Job[SearchResult]:
        """Find updates; the language is that of IUpdateSearcher.Search, "" means needed and not hidden.

        ``refresh`` fetches the indexes whatever their age, ``offline`` never; else they are fetched when
        older than ``max_age`` seconds.
        """
        options = SearchOptions(
            online=not offline,
            refresh=refresh,
            max_age=max_age,
            include_superseded=include_superseded,
            strict=strict,
        )
        return self.submit(JobSpec(JobKind.SEARCH, criteria=criteria, search=options))

    def plan_install(self, updates: Named | Iterable[Named], **options: Any) -> Job[Plan]:
        """What installing would do. ``options`` are fields of PlanRequest (allow_removals, conffiles …)."""
        return self._plan(Operation.INSTALL, updates=self.identify(updates), **options)

    def plan_uninstall(self, updates: Named | Iterable[Named], **options: Any) -> Job[Plan]:
        """What going back to the state before these updates would do."""
        return self._plan(Operation.UNINSTALL, updates=self.identify(updates), **options)

    def plan_undo(self, job: Job[Any] | str, **options: Any) -> Job[Plan]:
        """What reversing a whole job would do; ``left_out`` names what can't be undone."""
        return self._plan(Operation.UNDO, job=_id(job), **options)

    def plan_remove(self, packages: Sequence[str], **options: Any) -> Job[Plan]:
        """What taking packages away would do, whoever installed them."""
        return self._plan(Operation.REMOVE, packages=tuple(packages), allow_removals=True, **options)

    def _plan(self, operation: Operation, **fields: Any) -> Job[Plan]:
        return self.submit(JobSpec(JobKind.PLAN, request=PlanRequest(operation, **fields)))

    def rehearse(self, plan: Plan, *, cache: str = "", keep: bool = False) -> Job[Rehearsal]:
        """Play a plan on a shadow of the target, without touching the target."""
        return self.submit(JobSpec(JobKind.REHEARSE, plan=plan, cache=cache, keep_shadow=keep))

    def download(self, updates: Plan | Named | Iterable[Named], **options: Any) -> Job[JobResult]:
        """Fetch updates, and what they need, into the cache. ``options`` are fields of JobSpec."""
        return self._act(JobKind.DOWNLOAD, Operation.INSTALL, updates, options)

    def install(self, updates: Plan | Named | Iterable[Named], **options: Any) -> Job[JobResult]:
        """Apply an approved plan, or plan and install updates; fetches what is missing."""
        return self._act(JobKind.INSTALL, Operation.INSTALL, updates, options)

    def uninstall(self, updates: Plan | Named | Iterable[Named], **options: Any) -> Job[JobResult]:
        """Go back to the state before these updates."""
        return self._act(JobKind.UNINSTALL, Operation.UNINSTALL, updates, options)

    def undo(self, job: Plan | Job[Any] | str, **options: Any) -> Job[JobResult]:
        """Reverse a whole job."""
        if isinstance(job, Plan):
            return self.submit(JobSpec(JobKind.UNDO, plan=job, **options))
        request = PlanRequest(Operation.UNDO, job=_id(job), allow_removals=True)
        return self.submit(JobSpec(JobKind.UNDO, request=request, **options))

    def remove(self, packages: Plan | Sequence[str], **options: Any) -> Job[JobResult]:
        """Take packages away, whoever installed them."""
        if isinstance(packages, Plan):
            return self.submit(JobSpec(JobKind.REMOVE, plan=packages, **options))
        request = PlanRequest(Operation.REMOVE, packages=tuple(packages), allow_removals=True)
        return self.submit(JobSpec(JobKind.REMOVE, request=request, **options))

    def _act(
        self,
        kind: JobKind,
        operation: Operation,
        updates: Plan | Named | Iterable[Named],
        options: dict[str, Any],
    ) -> Job[JobResult]:
        if isinstance(updates, Plan):
            return self.submit(JobSpec(kind, plan=updates, **options))
        asked = {name: options.pop(name) for name in _REQUEST_FIELDS & options.keys()}
        request = PlanRequest(operation, updates=self.identify(updates), **asked)
        return self.submit(JobSpec(kind, request=request, **options))

    # --- jobs

    def job(self, job_id: str) -> Job[Any]:
        """Attach to a job, running or ended, by its id or a unique beginning of it."""
        return self._handle(self.protocol.job(job_id))

    def jobs(self, *, limit: int = 50, active: bool = False) -> tuple[JobRecord, ...]:
        """Newest first."""
        return self.protocol.jobs(limit=limit, active=active)

    def deliveries(self, job: Job[Any] | str = "") -> tuple[Delivery, ...]:
        """Durable subscriptions and how they stand."""
        return self.protocol.deliveries(_id(job))

    # --- updates and the machine

    def identify(self, updates: Named | Iterable[Named]) -> tuple[UpdateId, ...]:
        """The identities of whatever names updates. Raises WuaError unknown-update."""
        if isinstance(updates, (Offer, Update, UpdateId, str)):
            updates = (updates,)
        found = list(updates)
        names = [item for item in found if isinstance(item, str)]
        resolved = iter(self.protocol.resolve(names)) if names else iter(())
        return tuple(
            next(resolved) if isinstance(item, str) else item if isinstance(item, UpdateId) else item.id
            for item in found
        )

    def details(self, updates: Named | Iterable[Named]) -> tuple[Update, ...]:
        return self.protocol.details(self.identify(updates))

    def why(self, update: Named) -> Verdict:
        """How an update stands to this machine, with the reasons."""
        return self.protocol.verdict(self.identify(update)[0])

    def hide(self, updates: Named | Iterable[Named]) -> None:
        """Keep updates out of ordinary searches. Raises WuaError access-denied, mandatory-update."""
        self.protocol.hide(self.identify(updates), True)

    def unhide(self, updates: Named | Iterable[Named]) -> None:
        """Undo ``hide``, and remove a dpkg hold."""
        self.protocol.hide(self.identify(updates), False)

    def accept_licence(self, updates: Named | Iterable[Named]) -> None:
        """Accept the licence terms of updates, which ``details`` show. Raises WuaError access-denied."""
        for update in self.identify(updates):
            self.protocol.accept_licence(update)

    def history(self, start: int = 0, count: int = 100) -> tuple[HistoryEntry, ...]:
        """Newest first."""
        return self.protocol.history(start, count)

    def services(self) -> tuple[Service, ...]:
        return self.protocol.services()

    def restart_reasons(self) -> tuple[RestartReason, ...]:
        return self.protocol.restart_reasons()

    def info(self) -> AgentInfo:
        return self.protocol.info()


_REQUEST_FIELDS = {"allow_removals", "purge", "reinstall", "conffiles", "insist"}


def _id(job: Job[Any] | str) -> str:
    return job if isinstance(job, str) else job.id


def open(root: str | Path | None = None, *, target: Target | None = None) -> Agent:  # noqa: A001 - the documented name
    """The agent of this machine, or of the Debian root in folder ``root``, which is made if it is missing.

    On Windows it drives Microsoft's own agent, and there are no roots.

    Raises:
        WuaError: target-unusable, store-newer, store-unwritable; not-supported.
    """
    if sys.platform == "win32":
        from wua.native.opening import open_windows

        return Agent(open_windows(root))
    from wua.engine.agent import LocalAgent

    if target is None:
        from wua.engine.wiring import find_target

        target = find_target(root)
    return Agent(LocalAgent(target))


__all__ = ["Agent", "ConffilePolicy", "Job", "Named", "open"]
