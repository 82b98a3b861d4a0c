"""A question with yes or no, and a Ctrl-C that is never lost.

``input()`` can miss a signal that comes just before it begins to read, and then waits on; here the signal
wakes the wait by a descriptor.
"""

import os
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

YES: Final = ("y", "yes")


def confirm(question: str) -> bool:
    """Ask on the terminal; anything but yes is no, the end of the input too. Raises KeyboardInterrupt."""
    with _woken_by_signals() as woken:
        print(f"{question} [y/N]: ", end="", flush=True)
        ready: list[int] = []
        while sys.stdin.fileno() not in ready:
            ready, _, _ = select.select([sys.stdin.fileno(), woken], [], [])
            if woken in ready:
                os.read(woken, 4096)  # Ctrl-C has raised before this line
    return sys.stdin.readline().strip().lower() in YES


@contextmanager
def _woken_by_signals() -> Iterator[int]:
    """A descriptor that becomes readable when any signal with a handler arrives."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    before = signal.set_wakeup_fd(writing)
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(before)
        os.close(reading)
        os.close(writing)
