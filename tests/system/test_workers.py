"""Threads that work is put on."""

import gc
import threading
import weakref

from wua.system.workers import Workers


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


def test_as_many_threads_as_work_that_waits_and_no_more_than_allowed() -> None:
    workers = Workers("test", 3)
    entered, go = threading.Semaphore(0), threading.Event()
    most: list[int] = []

    def wait() -> None:
        entered.release()
        go.wait(30)
        most.append(threading.active_count())

    before = threading.active_count()
    for _ in range(10):
        workers.put(wait)
    for _ in range(3):
        assert entered.acquire(timeout=30)
    assert threading.active_count() == before + 3
    go.set()
    assert workers.wait(30)
    assert max(most) <= before + 3
    workers.close()
    assert not workers.put(wait)
