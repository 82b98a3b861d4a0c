"""The job host: the one process per store that runs acting jobs.

It takes the host lock, adopts what a dead host left, runs what is queued, tells watchers over its socket
that a job moved on, delivers durable subscriptions, and ends when it has been idle for a while. Clients send
``wake`` lines (there is something new in the store) and get ``ok`` and ``changed JOB`` lines.
"""

import contextlib
import importlib
import os
import selectors
import signal
import socket
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Final

from wua.engine import sockets
from wua.engine.deliveries import Deliverer
from wua.engine.job_runs import Workshop
from wua.engine.runner import Runner
from wua.engine.runs import Spawner, Undecided, Wakeup
from wua.engine.wiring import open_parts, open_store, open_target
from wua.model.jobs import JobRecord
from wua.model.plugins import Target
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.system.folders import folder_lock
from wua.system.locks import FileLock
from wua.system.log import log

IDLE_SECONDS: Final = 15.0
DOWNLOADS: Final = 4  # jobs that only download, at the same time
LONGEST_SLEEP: Final = 60.0  # seconds; the wall clock may be set while the host waits for a time of day
GREETING: Final = 1.0  # seconds; a host is started for somebody, who is about to connect …
SPEAKING: Final = 0.05  # … and then to say something
FIRST_RETRY: Final = 0.5  # seconds before a job that could not be recorded is tried again; doubles
LONGEST_RETRY: Final = 60.0
SWITCH: Final = (
    0.0005  # seconds for which a busy job may keep the thread from running that tells its watchers
)
# Loaded before there is an installer, which may replace them: a caller loads them when it needs them.
NEEDED_LATER: Final = (
    "bz2",
    "email.utils",
    "gzip",
    "lzma",
    "tempfile",
    "wua.metadata.native_codecs",
    "wua.services.apt_sync",
    "wua.services.apt_view",
    "wua.targets.restart",
)


class JobHost:
    """Runs the acting jobs of one store until it is idle or told to stop."""

    def __init__(self, target: Target, lock: FileLock, *, idle: float = IDLE_SECONDS) -> None:
        """``lock`` is the host lock, held; ``idle`` in seconds."""
        self._lock = lock
        self._idle_after = idle
        self._run_dir = Path(target.paths.run)
        self._store = open_store(target)
        self._spawner = Spawner()
        self._spawner.warm()
        self._changed: deque[str] = deque()
        self._wakeup = Wakeup()
        self._parts = open_parts(target, self._store)
        self._clock = target.clock
        self._shop = Workshop(
            self._store,
            target,
            self._parts.handler,
            self._parts.service,
            self._spawner,
            self._on_changed,
            self._clock,
        )
        self._deliverer = Deliverer(self._store, self._clock.time, self._wakeup.set, self._clock.real)
        self._stuck: dict[str, tuple[int, float]] = {}  # job: how often it got stuck, when to try again
        self._running: dict[str, tuple[Runner, JobRecord, threading.Thread]] = {}
        self._guard = threading.Lock()
        self._clients: set[socket.socket] = set()
        self._selector = selectors.DefaultSelector()
        self._listener = sockets.listen(self._run_dir)
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._selector.register(self._wakeup, selectors.EVENT_READ)
        self._stopping = False
        self._stay_until = time.monotonic() + GREETING
        self._look = True  # whether the store may hold something to start
        self._due: float | None = None  # seconds since 1970 UTC
        self._clock.on_move(self._on_clock_moved)

    def stop(self) -> None:
        """End soon; running installers go on under their supervisors, and the next host adopts them."""
        self._stopping = True
        self._wakeup.set()

    def serve(self) -> None:
        """Run until idle or stopped."""
        idle_since: float | None = None
        while not self._stopping:
            if self._look:
                self._look = False
                self._due = self._schedule()
            if self._running or self._due is not None or not self._deliverer.idle:
                idle_since = None
                timeout = self._until_due()
            else:
                idle_since = idle_since or time.monotonic()
                until = max(idle_since + self._idle_after, self._stay_until)
                timeout = max(0.0, until - time.monotonic())
                if timeout == 0 and not self._is_wanted():
                    break
            self._turn(timeout)
            if self._due is not None and self._due <= self._clock.time():
                self._look = True
        self._close()

    def _is_wanted(self) -> bool:
        """Whether somebody is about to say something, or left work behind."""
        return bool(self._selector.select(0)) or bool(self._store.unfinished(acting=True))

    def _until_due(self) -> float | None:
        """Seconds until a waiting job may be begun; None when none waits for a time."""
        if self._due is None:
            return None
        return self._clock.real(max(0.0, min(self._due - self._clock.time(), LONGEST_SLEEP)))

    # --- jobs

    def _schedule(self) -> float | None:
        """Start what may start; the soonest time at which something else may."""
        times: list[float] = []
        now = self._clock.time()
        with self._guard:
            changing = any(job.kind.changes_target for _, job, _ in self._running.values())
            downloads = sum(not job.kind.changes_target for _, job, _ in self._running.values())
            waiting = [job for job, _ in self._store.unfinished(acting=True)]
            waiting.sort(key=lambda job: job.state is JobState.QUEUED)  # what a dead host began goes first
            for job in waiting:
                if job.id in self._running:
                    if job.abort_requested:
                        self._running[job.id][0].wake()
                    continue
                aborting = job.abort_requested and job.state is JobState.QUEUED
                when = self._not_before(job, now, aborting=aborting)
                if when > now:
                    times.append(when)
                    continue
                if not aborting and (changing if job.kind.changes_target else downloads >= DOWNLOADS):
                    continue
                self._start(job)
                changing = changing or (job.kind.changes_target and not aborting)
                downloads += not job.kind.changes_target
        return min(times, default=None)

    def _not_before(self, job: JobRecord, now: float, *, aborting: bool) -> float:
        _, retry_in = self._stuck.get(job.id, (0, 0.0))
        retry = now + retry_in - self._clock.monotonic() if retry_in else 0.0
        asked = job.spec.not_before if job.state is JobState.QUEUED and not aborting else 0.0
        return max(retry, asked)

    def _start(self, job: JobRecord) -> None:
        runner = Runner(self._shop, job.id)
        thread = threading.Thread(
            target=self._work, args=(runner, job.id), name=f"wua-job-{job.id}", daemon=True
        )
        self._running[job.id] = (runner, job, thread)
        thread.start()

    def _work(self, runner: Runner, job_id: str) -> None:
        stuck = False
        try:
            runner.run()
        except (WuaError, Undecided) as failure:
            stuck = not self._stopping
            log(f"job {job_id}: {failure}; it is tried again")
        finally:
            with self._guard:
                self._running.pop(job_id, None)
                times = self._stuck.pop(job_id, (0, 0.0))[0]
                if stuck:
                    pause = min(FIRST_RETRY * 2**times, LONGEST_RETRY)
                    self._stuck[job_id] = (times + 1, self._clock.monotonic() + pause)
            self._deliverer.wake()
            self._look = True
            self._wakeup.set()

    def _on_clock_moved(self) -> None:
        with self._guard:
            runners = [runner for runner, _, _ in self._running.values()]
        for runner in runners:
            runner.wake()
        self._deliverer.wake()
        self._look = True
        self._wakeup.set()

    # --- clients

    def _on_changed(self, job_id: str) -> None:
        self._changed.append(job_id)
        self._wakeup.set()

    def _turn(self, timeout: float | None) -> None:
        for key, _ in self._selector.select(timeout):
            if key.fileobj is self._listener:
                client, _ = self._listener.accept()
                client.setblocking(False)
                self._clients.add(client)
                self._stay_until = time.monotonic() + SPEAKING
                self._selector.register(client, selectors.EVENT_READ)
            elif key.fileobj is self._wakeup:
                self._wakeup.clear()
            else:
                assert isinstance(key.fileobj, socket.socket)
                self._hear(key.fileobj)
        jobs = set()
        while self._changed:
            jobs.add(self._changed.popleft())
        if jobs:
            self._say("".join(f"changed {job}\n" for job in jobs).encode(), *list(self._clients))

    def _hear(self, client: socket.socket) -> None:
        try:
            data = client.recv(4096)
        except OSError:
            data = b""
        if not data:
            self._drop(client)
            return
        self._deliverer.wake()
        self._look = True
        self._say(b"ok\n" * data.count(b"\n"), client)

    def _say(self, data: bytes, *clients: socket.socket) -> None:
        """A client that does not read is dropped; it reads the store when it comes back."""
        for client in clients:
            try:
                sent = client.send(data)
            except OSError:
                sent = 0
            if sent < len(data):
                self._drop(client)

    def _drop(self, client: socket.socket) -> None:
        if client in self._clients:
            self._clients.discard(client)
            self._selector.unregister(client)
            client.close()

    def _close(self) -> None:
        """The socket goes first: a client that finds none starts the next host, which waits for the lock."""
        with contextlib.suppress(FileNotFoundError):
            (self._run_dir / sockets.NAME).unlink()
        self._selector.unregister(self._listener)
        self._listener.close()
        for client in list(self._clients):
            self._drop(client)
        self._deliverer.close()
        self._spawner.close()
        self._parts.close()
        self._store.close()
        self._selector.close()
        self._wakeup.close()
        self._lock.release()


def _only_host(target: Target, idle: float) -> JobHost | None:
    """The job host of a store; None when another one serves it.

    One at a time begins: who comes second finds the first with its lock taken and its socket there, or,
    where only the lock is taken, on its way out.
    """
    run_dir = Path(target.paths.run)
    run_dir.mkdir(parents=True, exist_ok=True)
    lock = FileLock(run_dir / "host.lock")
    while True:
        with folder_lock(run_dir, alone=True):
            if lock.held or lock.acquire():
                return JobHost(target, lock, idle=idle)
            other = sockets.connect(run_dir)
        if other is not None:
            other.close()
            return None
        lock.acquire(wait=True)


def main(state: str, ready: int) -> int:
    """Serve the store in ``state``; says ``ready``, ``exists`` or an error on the descriptor ``ready``."""

    def say(text: str) -> None:
        with contextlib.suppress(BrokenPipeError):
            os.write(ready, text.encode())
        os.close(ready)

    try:
        target = open_target(Path(state))
        idle = float(os.environ.get("WUA_HOST_IDLE", IDLE_SECONDS))
        host = _only_host(target, idle)
        if host is None:
            say("exists")
            return 0
    except WuaError as failure:
        say(str(failure))
        return 1
    signal.signal(signal.SIGTERM, lambda *_: host.stop())
    sys.setswitchinterval(SWITCH)
    say("ready")
    if target.spec.options.get("plug-in", "debian") == "debian":
        for name in NEEDED_LATER:
            importlib.import_module(name)
    host.serve()
    return 0
