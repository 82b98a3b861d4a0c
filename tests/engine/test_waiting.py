"""Waiting for a lock: whoever holds it up is named, once, and giving up leaves nothing behind."""

import fcntl
import json
import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted import NOBODY, Bench, holder, wait_until

from wua.engine import locking
from wua.engine.runs import Wakeup
from wua.model.plugins import Holder
from wua.model.problems import WuaError
from wua.system.locks import FileLock, lock_holder

LONG = 30.0


class Waiter:
    """A wait on a thread of its own: what it told, and how it ended."""

    def __init__(self, bench: Bench, timeout: float = LONG) -> None:
        self.target = bench.target
        self.wakeup = Wakeup()
        self.told: list[Holder] = []
        self.aborting = False
        self.timeout = timeout
        self.lock: FileLock | None = None
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self.lock = self.acquire()
        except BaseException as failure:  # noqa: BLE001 - the test looks at it
            self.failure = failure

    def acquire(self) -> FileLock:
        return locking.acquire(
            self.target,
            self.wakeup,
            timeout=self.timeout,
            aborting=lambda: self.aborting,
            tell=self.told.append,
        )

    def start(self) -> None:
        self._thread.start()

    def abort(self) -> None:
        self.aborting = True
        self.wakeup.set()

    def end(self) -> None:
        self._thread.join(LONG)
        assert not self._thread.is_alive()


@pytest.fixture
def waiter(bench: Bench) -> Iterator[Callable[..., Waiter]]:
    made: list[Waiter] = []

    def make(**options: Any) -> Waiter:
        made.append(Waiter(bench, **options))
        return made[-1]

    yield make
    for each in made:
        if each.lock is not None:
            each.lock.release()
    wait_until(lambda: not [t for t in threading.enumerate() if t.name == "wua-lock"])  # given up, and late
    for each in made:
        each.wakeup.close()


@contextmanager
def held(path: str, pid: int = NOBODY) -> Iterator[int]:
    """The lock as another process would hold it."""
    Path(path).touch()
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    os.pwrite(descriptor, json.dumps({"pid": pid, "program": "other", "since": 0}).encode(), 0)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def test_a_free_lock_is_taken_without_a_word(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter(timeout=0.0)
    lock = one.acquire()
    found = lock_holder(bench.target.paths.lock)
    assert found is not None
    assert found.pid == os.getpid()
    assert one.told == []
    lock.release()


def test_the_holder_is_told_once_and_waited_for(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter()
    path = bench.target.paths.lock
    with held(path):
        one.start()
        wait_until(lambda: one.told)
        one.wakeup.set()
        one.wakeup.set()
        assert one.lock is None
    one.end()
    assert one.lock is not None
    assert one.lock.held
    assert [str(each) for each in one.told] == [f"other (pid {NOBODY}) holds {path}"]


def test_every_new_holder_is_told(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter()
    with held(bench.target.paths.lock) as descriptor:
        one.start()
        wait_until(lambda: one.told)
        os.pwrite(descriptor, json.dumps({"pid": NOBODY, "program": "OTHER", "since": 0}).encode(), 0)
        one.wakeup.set()
        wait_until(lambda: len(one.told) == 2)
    one.end()
    assert [each.program for each in one.told] == ["other", "OTHER"]


def test_a_lock_of_our_own_process_is_not_told_of(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter(timeout=0.0)
    path = bench.target.paths.lock
    with held(path, os.getpid()), pytest.raises(WuaError) as raised:
        one.acquire()
    assert one.told == []
    assert raised.value.problem.id == "lock-held"
    assert raised.value.problem.seen == f"{path} is held"


def test_after_the_time_out_the_holder_is_named(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter(timeout=0.05)
    path = bench.target.paths.lock
    with held(path), pytest.raises(WuaError) as raised:
        one.acquire()
    assert raised.value.problem.id == "lock-held"
    assert raised.value.problem.seen == f"other (pid {NOBODY}) holds {path}"


def test_an_abort_ends_the_wait(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter()
    with held(bench.target.paths.lock):
        one.start()
        wait_until(lambda: one.told)
        one.abort()
        one.end()
    assert isinstance(one.failure, locking.Interrupted)


def test_a_lock_that_comes_too_late_is_let_go(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter(timeout=0.0)
    path = bench.target.paths.lock
    with held(path), pytest.raises(WuaError):
        one.acquire()
    later = FileLock(path)
    wait_until(later.acquire)
    later.release()
    wait_until(lambda: not [t for t in threading.enumerate() if t.name == "wua-lock"])
    assert lock_holder(path) is None


# --- other package managers


def test_other_package_managers_are_waited_for_with_the_lock_in_hand(
    bench: Bench, waiter: Callable[..., Waiter]
) -> None:
    one = waiter()
    apt, dpkg = holder("apt"), holder("dpkg")
    bench.target.others = [(apt,), (apt, dpkg), (dpkg,)]
    one.start()
    wait_until(lambda: one.told)

    def over() -> bool:
        one.wakeup.set()
        return one.failure is not None or one.lock is not None

    wait_until(over)
    one.end()
    assert one.told == [apt, dpkg]
    assert one.lock is not None


def test_another_package_manager_that_stays_is_named(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter(timeout=0.0)
    bench.target.others = [(holder("apt"),)]
    with pytest.raises(WuaError) as raised:
        one.acquire()
    assert raised.value.problem.id == "lock-held"
    assert raised.value.problem.seen == str(holder("apt"))
    assert lock_holder(bench.target.paths.lock) is None


def test_an_abort_ends_the_wait_for_another(bench: Bench, waiter: Callable[..., Waiter]) -> None:
    one = waiter()
    bench.target.holders = lambda: (holder("apt"),)
    one.start()
    wait_until(lambda: one.told)
    one.abort()
    one.end()
    assert isinstance(one.failure, locking.Interrupted)
    assert lock_holder(bench.target.paths.lock) is None


def test_the_end_of_another_package_manager_is_waited_for(
    bench: Bench, waiter: Callable[..., Waiter]
) -> None:
    """By its process; nobody looks at the locks again and again."""
    one = waiter()
    looks = []
    other = subprocess.Popen(["/bin/cat"], stdin=subprocess.PIPE)

    def holders() -> tuple[Holder, ...]:
        looks.append(1)
        return (holder("apt", other.pid),) if len(looks) == 1 else ()

    bench.target.holders = holders
    one.start()
    wait_until(lambda: one.told)
    assert other.stdin is not None
    other.stdin.close()
    one.end()
    assert len(looks) == 2
    other.wait()
