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
from wua.store.state import StateStore

FIRST_PAUSE: Final = 1.0  # seconds before the second attempt; doubles every time
LONGEST_PAUSE: Final = 300.0


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
    subscription = delivery.subscription
    env = {"PATH": "/usr/local/bin:/usr/bin:/bin", "WUA_DELIVERY": delivery.id, "WUA_JOB": job.id}
    with (
        tempfile.TemporaryFile() as given,
        tempfile.TemporaryFile() as said,
    ):  # files: a pipe could block or be held open
        given.write(message(job, delivery))
        given.seek(0)
        try:
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
        except (OSError, subprocess.SubprocessError) as failure:
            return f"could not be started: {failure}"
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
    """Delivers what is due, on one thread of its own. ``wake`` after a job ended or one subscribed."""

    def __init__(self, store: StateStore, clock: Callable[[], float]) -> None:
        self._store = store
        self._clock = clock
        self._wanted = threading.Condition()
        self._dirty = True
        self._closing = False
        self._idle = False
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
        """Stop after the attempt that is running; what is left is delivered by the next host."""
        with self._wanted:
            self._closing = True
            self._wanted.notify_all()
        self._thread.join()

    def _loop(self) -> None:
        while True:
            with self._wanted:
                if self._closing:
                    return
                self._dirty = False
            pending = self._store.deliveries(due=True)
            now = self._clock()
            for delivery in pending:
                jumped = delivery.next_try > now + LONGEST_PAUSE  # the clock was set back
                if (delivery.next_try <= now or jumped) and not self._closing:
                    self._deliver(delivery)
            pending = self._store.deliveries(due=True)
            with self._wanted:
                self._idle = not pending
                if not self._dirty and not self._closing:
                    soonest = min((d.next_try for d in pending), default=None)
                    self._wanted.wait(None if soonest is None else max(0.0, soonest - self._clock()))

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
