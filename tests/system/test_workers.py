"""Threads for callables."""

import functools
import weakref

from wua.system.workers import Workers


class Thing:
    pass


def test_what_was_worked_on_is_let_go_of_at_once() -> None:
    workers = Workers("test")
    thing = Thing()
    there = weakref.ref(thing)
    workers.put(functools.partial(repr, thing))
    del thing
    assert workers.wait(30)
    assert there() is None
    workers.close()
