"""The processes that work on a job of a machine, by name."""

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wua.system.locks import lock_holder
from wua.system.process import ProcessRef, pids, program, session_members

NAMES: Final = ("host", "supervisor", "installer")


def victims(base: Path, *names: str, ended: str = "") -> Iterator[tuple[str, ProcessRef]]:
    """(name, process) of the living processes of a machine with ``state`` and ``run`` in ``base``.

    ``installer`` are all processes of one, ``apt`` is its first alone, ``dpkg`` what that has started.
    ``ended``: a job whose installers are meant even when their exit status is known.
    """
    if "host" in names and (holder := lock_holder(base / "run" / "host.lock")):
        host = ProcessRef.of(holder.pid)
        if host is not None:
            yield "host", host
    for folder in (base / "state" / "jobs").glob("*/run-*"):
        if (folder / "status").exists() and folder.parent.name != ended:
            continue
        supervisor, installer = recorded(folder / "claim"), recorded(folder / "started")
        if "supervisor" in names and supervisor is not None and supervisor.alive():
            yield "supervisor", supervisor
        if installer is not None and {"installer", "apt", "dpkg"} & set(names):
            yield from _installers(installer, names)


def _installers(first: ProcessRef, names: tuple[str, ...]) -> Iterator[tuple[str, ProcessRef]]:
    for member in session_members(first.pid):
        if "installer" in names:
            yield "installer", member
        elif member == first:
            if "apt" in names:
                yield "apt", member
        elif "dpkg" in names and "/dpkg" in program(member.pid):
            yield "dpkg", member


def recorded(file: Path) -> ProcessRef | None:
    """The process that a file of a run folder names."""
    try:
        said = json.loads(file.read_text() or "{}")
    except (OSError, ValueError):
        return None
    return ProcessRef(said["pid"], said["start"], said["boot"]) if "pid" in said else None


def kill(base: Path, *names: str) -> tuple[str, ...]:
    """SIGKILL to whatever of these there is now; the names of those that were hit."""
    return tuple(name for name, process in victims(base, *names) if process.send(signal.SIGKILL))


def kill_all(base: Path, *, marked: str = "", spare: int = 0) -> bool:
    """Everything that works on the machine, but for one process; whether there was anything.

    ``marked``: also whatever was started with this in its environment, and first: callers, spawners.
    """
    found = list(bearers(marked)) if marked else []
    found += [process for _, process in victims(base, *NAMES)]
    hit = [process.send(signal.SIGKILL) for process in found if process.pid != spare]
    return any(hit)


def bearers(marked: str) -> Iterator[ProcessRef]:
    """The processes with ``NAME=value`` in their environment."""
    for pid in pids():
        with contextlib.suppress(OSError):
            if marked.encode() in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
                process = ProcessRef.of(pid)
                if process is not None:
                    yield process


def seen(base: Path, job: str) -> list[str]:
    """What works on a job now, and what each of it is and waits for: for a report."""
    found = []
    for name, process in victims(base, *NAMES, ended=job):
        with contextlib.suppress(OSError):
            told = Path(f"/proc/{process.pid}")
            words = told.joinpath("cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            state = told.joinpath("stat").read_text().rpartition(")")[2].split()[0]
            waits = told.joinpath("wchan").read_text()
            found.append(f"{name} {process.pid} {state} {waits} {words:.120}")
    return found


def leftovers(base: Path, job: str) -> list[str]:
    """Processes that should have ended: of a job that has ended there are none."""
    return [f"{name} {one.pid}" for name, one in victims(base, "supervisor", "installer", ended=job)]
