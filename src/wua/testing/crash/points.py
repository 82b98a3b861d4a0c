"""Killing a process at its n-th step: from outside, through Python's audit events and SQLite's trace.

A step is whatever lasts beyond the process: a file made, renamed, linked or removed, a process started, a
transaction begun or committed; where writes are recorded, also each write and sync of the state store.
``environment`` gives what must be in the environment of the processes: a folder with a ``sitecustomize``
that calls ``arm``. Job host and caller get the hook from there; the supervisor, which runs isolated, is
started through a small script that sets it.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

VARIABLE: Final = "WUA_CRASH"  # a JSON file: see ``plan``
PLAN: Final = "crash.json"
WRITES: Final = "WUA_CRASH_WRITES"  # a file: what is done to the state store is recorded in it
BOOT: Final = "WUA_CRASH_BOOT"  # a file: what it says is the boot id
ROLES: Final = ("host", "supervisor", "caller")
STEPS: Final = frozenset(
    {
        "os.exec",
        "os.fork",
        "os.link",
        "os.mkdir",
        "os.posix_spawn",
        "os.remove",
        "os.rename",
        "os.rmdir",
        "os.truncate",
        "subprocess.Popen",
    }
)
WRITING: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT

_PROC: Final = "/proc/sys/kernel/random/boot_id"

_SITE: Final = """\
import os
if "WUA_CRASH" in os.environ:
    from wua.testing.crash.points import arm
    arm()
"""
_SUPERVISOR: Final = """\
import os
import sys
own = sys.path[:]
sys.path[:0] = {paths!r}
from wua.testing.crash.points import hook
hook("supervisor")
sys.path[:] = own
source = {source!r}
with open(source) as file:
    text = file.read()
if {boot!r} in os.environ:
    assert {proc!r} in text
    text = text.replace({proc!r}, os.environ[{boot!r}])
exec(compile(text, source, "exec"))
"""


def plan(folder: Path, role: str, number: int, *, root: Path | None = None) -> Path:
    """Write what is to happen: a process of ``role`` dies at its step ``number``; 0 only notes the steps.

    It happens once. ``root``: everything else of the machine in that folder is killed first, and callers too.
    """
    path = folder / PLAN
    other = str(root) if root is not None else ""
    path.write_text(json.dumps({"role": role, "number": number, "root": other}))
    for old in [*folder.glob("steps-*"), *folder.glob("count-*")]:
        old.unlink()
    return path


def has_happened(path: Path) -> bool:
    return not path.exists()


def environment(folder: Path, path: Path) -> dict[str, str]:
    """What to add to the environment of job host and caller."""
    site = folder / "site"
    site.mkdir(exist_ok=True)
    (site / "sitecustomize.py").write_text(_SITE)
    home = Path(__file__).parents[3]
    from wua.engine import supervisor

    text = _SUPERVISOR.format(
        paths=[str(home), *filter(None, sys.path)],
        source=os.path.abspath(supervisor.__file__),
        boot=BOOT,
        proc=_PROC,
    )
    (site / "supervisor.py").write_text(text)
    old = os.environ.get("PYTHONPATH", "")
    return {
        VARIABLE: str(path),
        "PYTHONPATH": os.pathsep.join([str(site), str(home), *filter(None, [old])]),
    }


@contextlib.contextmanager
def in_environment(added: Mapping[str, str]) -> Iterator[None]:
    """Start processes with these variables."""
    old = dict(os.environ)
    os.environ.update(added)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(old)


def steps(folder: Path) -> Mapping[str, list[str]]:
    """The steps that were noted, by role."""
    return {
        path.name.removeprefix("steps-"): path.read_text().splitlines() for path in folder.glob("steps-*")
    }


# --- in the process that may die


def arm() -> None:
    """Called as the interpreter starts: hook the processes that are meant, once they are what they are."""
    if BOOT in os.environ:
        _pretend_boot(Path(os.environ[BOOT]).read_text().strip())
    words = sys.orig_argv
    if "wua.engine" in words:
        os.register_at_fork(after_in_child=_become_host)
    elif any("caller" in word for word in words):
        hook("caller")
        _record()


def _pretend_boot(name: str) -> None:
    from wua.system import process

    vars(process)["boot_id"] = lambda: name  # before anybody else has imported it


def _record() -> None:
    """Record what this process writes to the state store, until it ends."""
    if WRITES in os.environ:
        from wua.engine.wiring import STATE_FILE
        from wua.testing.crash.disk import Recorder

        step = _HOOKED[0].step if _HOOKED else lambda _: None
        Recorder(Path(os.environ[WRITES]), STATE_FILE, step)


def _become_host() -> None:
    if _HOOKED:
        return
    from wua.engine import supervisor

    supervisor.__file__ = str(Path(os.environ[VARIABLE]).parent / "site" / "supervisor.py")
    hook("host")
    _record()


_HOOKED: list["_Hook"] = []


def hook(role: str) -> None:
    """Count this process's steps, and die at the one that was planned."""
    try:
        with open(os.environ[VARIABLE]) as file:
            planned = json.load(file)
    except (OSError, ValueError, KeyError):
        return  # it has happened already
    if planned["number"] and planned["role"] != role:
        return
    found = _Hook(role, planned, os.environ[VARIABLE])
    _HOOKED.append(found)
    sys.addaudithook(found)
    if role != "supervisor":
        found.trace_databases()


class _Hook:
    def __init__(self, role: str, planned: dict[str, Any], path: str) -> None:
        self._role, self._number, self._root = role, planned["number"], planned["root"]
        self._path = path
        self._busy = False
        if self._root:
            from wua.testing.crash import victims  # while there is everything that it imports

            self._kill_all = victims.kill_all
        # Both are shared: supervisors, of which a job has several, count on from each other.
        self._count = self._open(f"count-{role}")
        self._notes = -1 if self._number else self._open(f"steps-{role}")

    def _open(self, name: str) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        return os.open(os.path.join(os.path.dirname(self._path), name), flags, 0o644)

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._busy:
            return
        if event in STEPS or (event == "open" and arguments[2] & WRITING):
            self.step(f"{event} {arguments[0] if arguments else ''!s:.80}")

    def trace_databases(self) -> None:
        import sqlite3

        connect = sqlite3.connect

        def traced(*given: Any, **named: Any) -> sqlite3.Connection:
            connection: sqlite3.Connection = connect(*given, **named)
            connection.set_trace_callback(self._statement)
            return connection

        vars(sqlite3)["connect"] = traced

    def _statement(self, sql: str) -> None:
        if sql.startswith(("BEGIN", "COMMIT")):
            self.step(sql)

    def step(self, what: str) -> None:
        self._busy = True
        try:
            if self._counted(what) and self._number:
                self._die()
        finally:
            self._busy = False

    def _counted(self, what: str) -> bool:
        """Note a step; whether it is the one that was planned, or a later one."""
        try:
            os.write(self._count, b".")
            if self._notes >= 0:
                os.write(self._notes, what.encode(errors="replace").replace(b"\n", b" ") + b"\n")
            reached: int = os.lseek(self._count, 0, os.SEEK_CUR)
        except OSError:  # an installer to be closes what it should not inherit
            return False
        return reached >= int(self._number)

    def _die(self) -> None:
        try:
            os.unlink(self._path)
        except FileNotFoundError:
            return  # another of the same role was first
        if self._root:
            self._kill_all(Path(self._root), marked=f"{VARIABLE}={self._path}", spare=os.getpid())
        os.kill(os.getpid(), signal.SIGKILL)
        signal.pause()
