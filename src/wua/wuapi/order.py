"""For tests of programs: the completed callback may come before or after ``Begin…`` returns."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Literal

from wua.wuapi.delivery import Delivery

Order = Literal["completed-first", "begin-first"]


class _Forced:
    def __init__(self, order: Order) -> None:
        self.order = order
        self.held: list[Delivery] = []


_forced: ContextVar[_Forced | None] = ContextVar("callback_order", default=None)


@contextmanager
def callback_order(order: Order) -> Iterator[None]:
    """Force one of the two orders that programs must be ready for, for what begins in the block.

    "completed-first": ``Begin…`` returns when the completed callback has. "begin-first": callbacks wait
    until the block is left. Without this either may happen.
    """
    forced = _Forced(order)
    token = _forced.set(forced)
    try:
        yield
    finally:
        _forced.reset(token)
        for delivery in forced.held:
            delivery.resume()


def before_begin(delivery: Delivery) -> None:
    """Called by ``Begin…`` before the job can make any news."""
    forced = _forced.get()
    if forced is not None and forced.order == "begin-first":
        delivery.hold()
        forced.held.append(delivery)


def before_return(delivery: Delivery) -> None:
    """Called by ``Begin…`` last."""
    forced = _forced.get()
    if forced is not None and forced.order == "completed-first":
        delivery.wait()
