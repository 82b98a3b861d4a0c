"""Waiting until no other installer runs on the target, and saying who holds it up."""

import math
import os
import select
import threading
from collections.abc import Callable

from wua.engine.runs import Wakeup
from wua.model.plugins import Clock, Holder, Target
from wua.model.problems import error
from wua.system.clock import SYSTEM_CLOCK
from wua.system.locks import FileLock, lock_holder
from wua.system.process import ProcessRef


class Interrupted(Exception):
    """The wait was given up because the job is to abort."""


def acquire(
    target: Target,
    wakeup: Wakeup,
    *,
    timeout: float,
    aborting: Callable[[], bool],
    tell: Callable[[Holder], None],
    clock: Clock = SYSTEM_CLOCK,
) -> FileLock:
    """Take the machine lock, then wait for other package managers; ``tell`` names each new holder.

    Raises:
        WuaError: lock-held, after ``timeout`` seconds.
        Interrupted: ``aborting`` became true; it is looked at whenever ``wakeup`` is set.
    """
    until = Deadline(clock, timeout)
    lock = FileLock(target.paths.lock)
    if not lock.acquire():
        _wait_for_lock(lock, wakeup, until, aborting, tell)
    try:
        wait_for_others(target, wakeup, timeout=timeout, aborting=aborting, tell=tell, clock=clock)
    except BaseException:
        lock.release()
        raise
    return lock


class Deadline:
    """A time on a clock, so many seconds from now."""

    def __init__(self, clock: Clock, timeout: float) -> None:
        self._clock = clock
        self._until = clock.monotonic() + timeout

    def is_over(self) -> bool:
        return self._clock.monotonic() >= self._until

    def real(self) -> float | None:
        """How long a wait for it may last; see ``Clock.real``."""
        return self._clock.real(max(0.0, self._until - self._clock.monotonic()))


def _poll(
    fds: list[int], wakeup: Wakeup, until: Deadline, aborting: Callable[[], bool], at_most: float = math.inf
) -> None:
    left = until.real()
    seconds = at_most if left is None else min(at_most, left)
    poll = select.poll()
    for fd in [*fds, wakeup.fileno()]:
        poll.register(fd, select.POLLIN)
    poll.poll(None if seconds == math.inf else seconds * 1000)
    wakeup.clear()
    if aborting():
        raise Interrupted


def _wait_for_lock(
    lock: FileLock,
    wakeup: Wakeup,
    until: Deadline,
    aborting: Callable[[], bool],
    tell: Callable[[Holder], None],
) -> None:
    """A thread blocks in the kernel; when we give up first, it lets go of the lock once it gets it."""
    granted = Wakeup()
    guard = threading.Lock()
    state = {"granted": False, "abandoned": False}

    def block() -> None:
        lock.acquire(wait=True)
        with guard:
            if state["abandoned"]:
                lock.release()
                granted.close()
            else:
                state["granted"] = True
                granted.set()

    threading.Thread(target=block, name="wua-lock", daemon=True).start()
    told = None
    try:
        while not state["granted"]:
            holder = lock_holder(lock.path)
            if holder and holder != told and holder.pid != os.getpid():  # it may be ours by now
                tell(holder)
                told = holder
            if until.is_over():
                raise error("lock-held", str(told) if told else f"{lock.path} is held")
            _poll([granted.fileno()], wakeup, until, aborting)
    except BaseException:
        with guard:
            state["abandoned"] = True
            if state["granted"]:
                lock.release()
        raise
    granted.close()


def wait_for_others(
    target: Target,
    wakeup: Wakeup,
    *,
    timeout: float,
    aborting: Callable[[], bool],
    tell: Callable[[Holder], None],
    clock: Clock = SYSTEM_CLOCK,
) -> None:
    """Wait until no package manager but ours holds a lock on the target. Raises as ``acquire`` does."""
    until = Deadline(clock, timeout)
    told = None
    while holders := target.holders():
        holder = holders[0]
        if holder != told:
            tell(holder)
            told = holder
        if until.is_over():
            raise error("lock-held", str(holder))
        process = ProcessRef.of(holder.pid)
        fd = process.open() if process else None
        try:  # a holder may let go without ending, hence the look every second
            _poll([fd] if fd is not None else [], wakeup, until, aborting, 1.0)
        finally:
            if fd is not None:
                os.close(fd)
