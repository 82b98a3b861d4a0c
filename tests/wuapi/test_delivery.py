"""The queue that callbacks of a job stand in, on threads that the test decides about."""

from collections.abc import Callable
from typing import Any

import pytest

from wua.wuapi.delivery import Delivery


class Threads:
    """Where work is put that would run on callback threads; ``run`` does it here and now."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], Any]] = []

    def __call__(self, work: Callable[[], Any]) -> None:
        self.waiting.append(work)

    def run(self) -> None:
        while self.waiting:
            self.waiting.pop(0)()


@pytest.fixture
def threads() -> Threads:
    return Threads()


@pytest.fixture
def delivery(threads: Threads) -> Delivery:
    return Delivery(threads)


def test_nothing_is_called_on_the_stack_of_put(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    delivery.put(lambda: calls.append("a"))
    assert calls == []
    threads.run()
    assert calls == ["a"]


def test_one_thread_is_enough_however_much_waits(delivery: Delivery, threads: Threads) -> None:
    calls: list[int] = []
    for number in range(5):
        delivery.put(lambda number=number: calls.append(number))
    assert len(threads.waiting) == 1
    threads.run()
    assert calls == [0, 1, 2, 3, 4]


def test_news_of_the_same_kind_that_wait_become_the_newest(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    for key, text in [
        ("x", "x1"),
        ("x", "x2"),
        ("y", "y1"),
        ("x", "x3"),
        ("x", "x4"),
        (None, "a"),
        (None, "b"),
    ]:
        delivery.put(lambda text=text: calls.append(text), key=key)
    threads.run()
    assert calls == ["x2", "y1", "x4", "a", "b"]


def test_the_last_call_needs_no_further_thread(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    delivery.finish(lambda: calls.append("last"))
    assert (calls, threads.waiting) == (["last"], [])
    delivery.wait()


def test_the_last_call_waits_its_turn(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    delivery.put(lambda: calls.append("first"))
    delivery.finish(lambda: calls.append("last"))
    assert calls == []
    threads.run()
    assert calls == ["first", "last"]


def test_nothing_comes_after_the_last_call(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    delivery.finish(lambda: calls.append("last"))
    delivery.put(lambda: calls.append("late"))
    delivery.finish(lambda: calls.append("again"))
    threads.run()
    assert calls == ["last"]


def test_a_disconnect_drops_what_waits_and_what_comes(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    delivery.put(lambda: calls.append("waiting"))
    delivery.disconnect()
    delivery.put(lambda: calls.append("later"))
    delivery.finish(lambda: calls.append("last"))
    threads.run()
    assert calls == []
    delivery.wait()


def test_a_disconnect_inside_a_call(delivery: Delivery, threads: Threads) -> None:
    calls: list[Any] = []

    def leave() -> None:
        calls.append(delivery.is_inside())
        delivery.disconnect()

    delivery.put(leave)
    delivery.put(lambda: calls.append("waiting"))
    threads.run()
    delivery.finish(lambda: calls.append("last"))
    assert calls == [True]
    assert delivery.is_inside() is False
    delivery.wait()


def test_what_is_held_waits_until_it_is_resumed(delivery: Delivery, threads: Threads) -> None:
    calls: list[str] = []
    delivery.hold()
    delivery.put(lambda: calls.append("first"))
    delivery.finish(lambda: calls.append("last"))
    threads.run()
    assert calls == []
    delivery.resume()
    delivery.resume()
    threads.run()
    assert calls == ["first", "last"]


def test_a_callback_of_one_job_is_not_inside_those_of_another(threads: Threads) -> None:
    one, other = Delivery(threads), Delivery(threads)
    seen: list[Any] = []
    one.put(lambda: seen.append((one.is_inside(), other.is_inside())))
    threads.run()
    assert seen == [(True, False)]


def test_what_begins_inside_a_callback_outlives_it(delivery: Delivery, threads: Threads) -> None:
    """A job begun in a callback takes over its context, but is not inside it for ever."""
    begun: list[Delivery] = []
    delivery.put(lambda: begun.append(Delivery(threads)))
    threads.run()
    seen: list[bool] = []
    begun[0].put(lambda: seen.append(delivery.is_inside()))
    threads.run()
    assert seen == [False]
