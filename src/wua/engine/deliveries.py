"""Durable subscriptions: run a program for every completed job until it acknowledges.

At least once with the same delivery id: the acknowledgement (exit 0) is stored after the program ended,
so a crash in between makes it run again. What the program does changes nothing of the job.
"""

import os
import signal
import subprocess
import tempfile
import threading
from collections.abc import Callable
from typing import Any, Final

import msgspec

from wua.model.jobs import Delivery, DeliveryState, JobRecord, Subscription
from wua.model.problems import WuaError
from wua.store.state import StateStore
from wua.system.log import log
from wua.system.workers import Workers

FIRST_PAUSE: Final = 1.0  # seconds before the second attempt; doubles every time
LONGEST_PAUSE: Final = 300.0
CLOSING: Final = 5.0
AT_ONCE: Final = 8  # programs at the same time: one that hangs holds up no other


def message(job: JobRecord, delivery: Delivery) -> bytes:
    """What the program reads: one JSON object."""
    return msgspec.json.encode(
        {
            "event": "completed",
            "delivery": delivery.id,
            "attempt": delivery.tried + 1,
            "job": job.id,
            "kind": job.kind,
            "created": job.created,
            "ended": job.ended,
            "result": job.result,
        }
    )


def _identity(subscription: Subscription) -> dict[str, Any]:
    """Popen arguments that run the program as the user who subscribed."""
    if os.geteuid() != 0 or subscription.uid in (-1, 0):
        return {}
    return {"user": subscription.uid, "group": subscription.gid, "extra_groups": []}


def attempt(job: JobRecord, delivery: Delivery) -> str:
    """Run the program once; "" when it acknowledged, else what went wrong."""
    try:
        return _attempt(job, delivery)
    except (OSError, subprocess.SubprocessError) as failure:
        return f"could not be started: {failure}"


def _attempt(job: JobRecord, delivery: Delivery) -> str:
    subscription = delivery.subscription
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "WUA_DELIVERY": delivery.id, "WUA_JOB": job.id}
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as said,
    ):  # files: a pipe could block or be held open
        given.write(message(job, delivery))
        given.seek(0)
        child = subprocess.Popen(
            subscription.program,
            cwd=subscription.cwd,
            env=env | subscription.env,
            stdin=given,
            stdout=subprocess.DEVNULL,
            stderr=said,
            start_new_session=True,
            **_identity(subscription),
        )
        try:
            code = child.wait(subscription.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            return f"no exit within {subscription.timeout:g} s; it was killed"
        if code == 0:
            return ""
        said.seek(0)
        last = said.read(4096).decode(errors="replace").strip().splitlines()
        return f"exit {code}" + (f": {last[-1][:200]}" if last else "")


def pause(tried: int) -> float:
    """Seconds to wait after the given number of attempts."""
    return float(min(FIRST_PAUSE * 2 ** (tried - 1), LONGEST_PAUSE))


class Deliverer:
    """Delivers what is due, on threads of its own. ``wake`` after a job ended or one subscribed.

    ``on_idle`` is called, on one of these threads, when nothing waits to be delivered any more.
    """

    def __init__(
        self,
        store: StateStore,
        clock: Callable[[], float],
        on_idle: Callable[[], None] = lambda: None,
        real: Callable[[float], float | None] = lambda seconds: seconds,
    ) -> None:
        """``clock`` and ``real`` as ``Clock.time`` and ``Clock.real``; who moves the clock calls ``wake``."""
        self._store = store
        self._clock = clock
        self._on_idle = on_idle
        self._real = real
        self._wanted = threading.Condition()
        self._dirty = True
        self._closing = False
        self._idle = False
        self._busy: set[str] = set()  # deliveries that are being attempted
        self._resting: dict[str, float] = {}  # not before this time; also what the store could not take
        self._workers = Workers("wua-delivery", AT_ONCE)
        self._thread = threading.Thread(target=self._loop, name="wua-deliveries", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        with self._wanted:
            self._dirty = True
            self._idle = False
            self._wanted.notify_all()

    @property
    def idle(self) -> bool:
        """Whether nothing waits to be delivered."""
        with self._wanted:
            return self._idle and not self._dirty

    def close(self) -> None:
        """Stop, giving attempts at work a moment; what is left is delivered by the next host."""
        with self._wanted:
            self._closing = True
            self._wanted.notify_all()
            self._wanted.wait_for(lambda: not self._busy, CLOSING)
        self._thread.join()
        self._workers.close()

    def _loop(self) -> None:
        while True:
            with self._wanted:
                if self._closing:
                    return
                self._dirty = False
            soonest = self._begin_due()
            idle = False
            with self._wanted:
                self._idle = idle = soonest is None and not self._busy
            if idle:
                self._on_idle()
            with self._wanted:
                if not self._dirty and not self._closing:
                    self._wanted.wait(
                        None if soonest is None else self._real(max(0.0, soonest - self._clock()))
                    )

    def _begin_due(self) -> float | None:
        """Start the attempts that are due; when the next is. None: nothing waits for a time."""
        try:
            pending = self._store.deliveries(due=True)
        except WuaError:
            return self._clock() + LONGEST_PAUSE  # the store can't be read now
        now = self._clock()
        times = []
        for delivery in pending:
            with self._wanted:
                if self._closing or delivery.id in self._busy:
                    continue
                jumped = delivery.next_try > now + LONGEST_PAUSE  # the clock was set back
                due = max(delivery.next_try, self._resting.pop(delivery.id, 0.0))
                if due > now and not jumped:
                    self._resting[delivery.id] = due
                    times.append(due)
                    continue
                self._busy.add(delivery.id)
            self._workers.put(lambda delivery=delivery: self._attempt(delivery))  # type: ignore[misc]
        return min(times, default=None)

    def _attempt(self, delivery: Delivery) -> None:
        try:
            self._deliver(delivery)
        except WuaError as failure:  # what came of it can't be stored: it is made again, with the same id
            log(f"delivery {delivery.id}: {failure}")
            self._resting[delivery.id] = self._clock() + FIRST_PAUSE
        with self._wanted:
            self._busy.discard(delivery.id)
            self._dirty = True
            self._wanted.notify_all()

    def _deliver(self, delivery: Delivery) -> None:
        wrong = attempt(self._store.job(delivery.job), delivery)
        tried = delivery.tried + 1
        if not wrong:
            self._store.attempted(delivery.id, DeliveryState.DELIVERED, tried=tried)
        elif tried >= delivery.subscription.attempts:
            self._store.attempted(delivery.id, DeliveryState.GIVEN_UP, tried=tried, last_error=wrong)
        else:
            self._store.attempted(
                delivery.id,
                DeliveryState.PENDING,
                tried=tried,
                next_try=self._clock() + pause(tried),
                last_error=wrong,
            )
