"""Threads that work is put on."""

import gc
import threading
import weakref

import pytest

from wua.system.workers import Workers


def alive(name: str) -> int:
    """How many threads of one Workers there are; those of earlier tests may be just about to end."""
    return sum(thread.name.startswith(f"{name}-") for thread in threading.enumerate())


def test_a_thread_that_waits_keeps_nothing_of_its_last_work_alive() -> None:
    class Work:
        def __call__(self) -> None:
            pass

    workers = Workers("test")
    work = Work()
    gone = weakref.ref(work)
    assert workers.put(work)
    assert workers.wait(30)
    del work
    gc.collect()
    assert gone() is None
    workers.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_defect_in_some_work_stops_neither_the_rest_nor_who_waits() -> None:
    workers = Workers("bad", 1)
    done: list[int] = []
    for work in (lambda: 1 // 0, lambda: done.append(1)):
        assert workers.put(work)
    assert workers.wait(30)
    assert done == [1]
    workers.close()


def test_as_many_threads_as_work_that_waits_and_no_more_than_allowed() -> None:
    workers = Workers("few", 3)
    entered, go = threading.Semaphore(0), threading.Event()
    most: list[int] = []

    def wait() -> None:
        entered.release()
        go.wait(30)
        most.append(alive("few"))

    for _ in range(10):
        workers.put(wait)
    for _ in range(3):
        assert entered.acquire(timeout=30)
    assert alive("few") == 3
    go.set()
    assert workers.wait(30)
    assert max(most) <= 3
    workers.close()
    assert not workers.put(wait)


def test_more_threads_come_only_where_work_blocks() -> None:
    workers = Workers("many", 1000, 2)
    counts: list[int] = []
    for _ in range(500):
        workers.put(lambda: counts.append(alive("many")))
    assert workers.wait(30)
    assert len(counts) == 500
    assert max(counts) < 50  # a machine under load may seem to be held up for a moment
    entered, go = threading.Semaphore(0), threading.Event()

    def block() -> None:
        entered.release()
        go.wait(30)

    for _ in range(100):
        workers.put(block)
    for _ in range(100):
        assert entered.acquire(timeout=30)  # every one of them is at work, none waits for another
    go.set()
    assert workers.wait(30)
    workers.close()


def test_closing_while_work_blocks() -> None:
    workers = Workers("test", 10, 1)
    entered, go = threading.Event(), threading.Event()

    def block() -> None:
        entered.set()
        go.wait(30)

    workers.put(block)
    assert entered.wait(30)
    done = threading.Event()
    workers.put(done.set)
    workers.close()
    assert not workers.put(done.set)
    go.set()
    assert done.wait(30)  # what was queued is still done
    assert workers.wait(30)
