"""What may go wrong on the way, per path pattern.

Time plays no part: a waiting fault ends when the test says so.
"""

import threading
from dataclasses import dataclass, field
from fnmatch import fnmatchcase


class Fault:
    """One misbehaviour of the server."""


@dataclass(frozen=True)
class Stall(Fault):
    """Send ``after`` bytes of the body, then nothing until ``Faults.release`` or the server's end."""

    after: int = 0


@dataclass(frozen=True)
class Truncate(Fault):
    """Promise the whole body, send ``after`` bytes and hang up."""

    after: int = 0


@dataclass(frozen=True)
class Corrupt(Fault):
    """Turn over every bit of the byte at ``at`` of the file."""

    at: int = 0


@dataclass(frozen=True)
class WrongLength(Fault):
    """Say a Content-Length that is off by ``by``; the body is whole, and the connection closes after it."""

    by: int = 1


@dataclass(frozen=True)
class RedirectLoop(Fault):
    """Send the client to another address of the same file, for ever."""


@dataclass(frozen=True)
class Status(Fault):
    """Answer this HTTP status and no file."""

    code: int = 404


@dataclass
class Slow(Fault):
    """Send only as many bytes of the bodies, taken together, as ``allow`` has let through so far."""

    _ready: threading.Condition = field(default_factory=threading.Condition, repr=False)
    _budget: int = 0
    _unlimited: bool = False

    def allow(self, count: int) -> None:
        """Let ``count`` more bytes through."""
        with self._ready:
            self._budget += count
            self._ready.notify_all()

    def open(self) -> None:
        """Let everything through from now on."""
        with self._ready:
            self._unlimited = True
            self._ready.notify_all()

    def take(self, wanted: int) -> int:
        """Wait until something may be sent and answer how much of ``wanted``."""
        with self._ready:
            self._ready.wait_for(lambda: self._unlimited or self._budget > 0)
            if self._unlimited:
                return wanted
            taken = min(wanted, self._budget)
            self._budget -= taken
            return taken


@dataclass
class _Rule:
    pattern: str
    fault: Fault
    left: int | None


class Faults:
    """The faults of one server. The first rule that matches a path and is not used up applies.

    ``Faults({"*.deb": Truncate(100)})`` is short for ``on`` with each pair.
    """

    def __init__(self, rules: dict[str, Fault] | None = None) -> None:
        self._lock = threading.Lock()
        self._rules: list[_Rule] = []
        self._slow: list[Slow] = []  # also those of rules that were cleared: a request may still wait there
        self.released = threading.Event()
        for pattern, fault in (rules or {}).items():
            self.on(pattern, fault)

    def on(self, pattern: str, fault: Fault, *, times: int | None = None) -> "Faults":
        """Add a rule for paths like ``/pool/*/hello_*.deb`` (fnmatch); ``times`` None means always."""
        with self._lock:
            self._rules.append(_Rule(pattern, fault, times))
            if isinstance(fault, Slow):
                self._slow.append(fault)
        return self

    def clear(self) -> None:
        """From now on nothing goes wrong; requests under way keep their fault."""
        with self._lock:
            self._rules.clear()

    def release(self) -> None:
        """End every stall, now and later, and open every slow line."""
        self.released.set()
        with self._lock:
            waiting = list(self._slow)
        for fault in waiting:
            fault.open()

    def take(self, path: str) -> Fault | None:
        """The fault for a request, counted as used."""
        with self._lock:
            for rule in self._rules:
                if rule.left != 0 and fnmatchcase(path, rule.pattern):
                    rule.left = None if rule.left is None else rule.left - 1
                    return rule.fault
        return None
