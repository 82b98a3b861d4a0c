"""Bringing the agent's news to jobs: no thread for a waiter, one at a time for a job."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from wua.model.agent import Agent as AgentProtocol
from wua.model.problems import WuaError, error
from wua.system.workers import Workers

if TYPE_CHECKING:
    from wua.api.job import Job

LAST_MOMENT = 2.0  # seconds for callbacks when the interpreter ends
CALLBACK_THREADS = 1 << 16  # a callback that blocks must hold up no other job's
QUICK_THREADS = 32  # as many as callbacks get at once; more where they block


class Dispatcher:
    """Watches an agent and pumps the jobs that somebody here holds."""

    def __init__(self, agent: AgentProtocol) -> None:
        self._workers = Workers("wua-callbacks", CALLBACK_THREADS, QUICK_THREADS)
        self._guard = threading.Lock()
        self._jobs: dict[str, list[Job[Any]]] = {}
        self._queued: set[int] = set()  # jobs that are being pumped, or are about to be
        self._again: set[int] = set()
        self.closed = False
        self._watch = agent.watch(self.heard)
        _all.add(self)

    def track(self, job: Job[Any]) -> None:
        with self._guard:
            self._jobs.setdefault(job.id, []).append(job)

    def forget(self, job: Job[Any]) -> None:
        """The job has ended; it is pumped only when somebody new asks."""
        with self._guard:
            handles = self._jobs.get(job.id, [])
            if job in handles:
                handles.remove(job)
            if not handles:
                self._jobs.pop(job.id, None)

    def heard(self, job_id: str) -> None:
        with self._guard:
            if job_id:
                jobs = list(self._jobs.get(job_id, ()))
            else:
                jobs = [job for handles in self._jobs.values() for job in handles]
        for job in jobs:
            self.pump(job)

    def run(self, work: Callable[[], None]) -> None:
        """Do something on a callback thread; it must not raise."""
        if not self._workers.put(work):  # the agent is closed, and the job had ended before
            threading.Thread(target=work, name="wua-callback", daemon=True).start()

    def pump(self, job: Job[Any]) -> None:
        """Have a worker bring the job its news; one at a time for a job."""
        with self._guard:
            if id(job) in self._queued:
                self._again.add(id(job))
                return
            self._queued.add(id(job))
        self._workers.put(lambda: self._pump(job))

    def _pump(self, job: Job[Any]) -> None:
        while True:
            try:
                job.pump()
            except WuaError as trouble:
                job.break_off(trouble)
            except Exception:  # noqa: BLE001 - a defect must not leave somebody waiting for ever
                import traceback

                job.break_off(error("unexpected", traceback.format_exc(limit=-3)))
            with self._guard:
                if id(job) not in self._again:
                    self._queued.discard(id(job))
                    return
                self._again.discard(id(job))

    def close(self) -> None:
        """Release everybody who waits; acting jobs go on in the job host."""
        self._watch.close()
        self.release()
        self._workers.close()

    def wait(self, timeout: float) -> None:
        """Wait for callbacks that are due, ``timeout`` seconds at most."""
        self._workers.wait(timeout)

    def release(self) -> None:
        self.closed = True
        with self._guard:
            jobs = [job for handles in self._jobs.values() for job in handles]
        for job in jobs:
            job.break_off(error("connection-lost", "the agent was closed"))


_all: weakref.WeakSet[Dispatcher] = weakref.WeakSet()


def _release_all() -> None:
    """Let go of everybody who waits; callbacks that are due get a moment, not for ever."""
    deadline = time.monotonic() + LAST_MOMENT
    for dispatcher in list(_all):
        dispatcher.release()
    for dispatcher in list(_all):
        dispatcher.wait(max(0.0, deadline - time.monotonic()))


# Before the interpreter joins its threads: one of them may wait for a job.
threading._register_atexit(_release_all)  # type: ignore[attr-defined]
