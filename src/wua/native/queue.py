"""Acting jobs of one process in their order: one that changes the machine at a time, others beside it."""

import threading
import time
from collections.abc import Callable
from typing import Final

from wua.model.jobs import JobRecord

_LONGEST_WAIT: Final = 60.0  # seconds; the clock may be set meanwhile


class Queue:
    """Has ``begin(job)`` called for each job when its time has come; that must not block, and must not raise.

    A job that was begun is over when ``ended`` was called for it.
    """

    def __init__(self, begin: Callable[[JobRecord], None]) -> None:
        self._begin = begin
        self._changed = threading.Condition()
        self._waiting: list[JobRecord] = []
        self._changing = ""  # the job that changes the machine now
        self._closed = False
        self._thread: threading.Thread | None = None

    def put(self, job: JobRecord) -> None:
        with self._changed:
            self._waiting.append(job)
            if self._thread is None:
                self._thread = threading.Thread(target=self._serve, name="wua-native-queue", daemon=True)
                self._thread.start()
            self._changed.notify()

    def take_back(self, job_id: str) -> bool:
        """Whether the job had not begun; then it never does."""
        with self._changed:
            before = len(self._waiting)
            self._waiting = [job for job in self._waiting if job.id != job_id]
            return len(self._waiting) < before

    def ended(self, job_id: str) -> None:
        with self._changed:
            if self._changing == job_id:
                self._changing = ""
            self._changed.notify()

    def close(self) -> None:
        """Begin nothing more."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    def _serve(self) -> None:
        while True:
            with self._changed:
                job = self._next()
                while job is None and not self._closed:
                    self._changed.wait(self._pause())
                    job = self._next()
                if self._closed or job is None:
                    return
                self._waiting.remove(job)
                if job.kind.changes_target:
                    self._changing = job.id
            self._begin(job)

    def _next(self) -> JobRecord | None:
        now = time.time()
        for job in self._waiting:
            if job.spec.not_before <= now and not (self._changing and job.kind.changes_target):
                return job
        return None

    def _pause(self) -> float | None:
        times = [job.spec.not_before for job in self._waiting]
        return (
            min(max(min(times) - time.time(), 0.01), _LONGEST_WAIT) if times and not self._changing else None
        )
