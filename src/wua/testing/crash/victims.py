"""The processes that work on a job of a machine, by name."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from wua.system.locks import lock_holder
from wua.system.process import ProcessRef, session_members

NAMES: Final = ("host", "supervisor", "installer")


def victims(root: Path, *names: str) -> Iterator[tuple[str, ProcessRef]]:
    """(name, process) of the living processes of a machine whose state is in ``root``."""
    if "host" in names and (holder := lock_holder(root / "run" / "host.lock")):
        host = ProcessRef.of(holder.pid)
        if host is not None:
            yield "host", host
    for folder in (root / "state" / "jobs").glob("*/run-*"):
        if (folder / "status").exists():
            continue
        supervisor, installer = recorded(folder / "claim"), recorded(folder / "started")
        if "supervisor" in names and supervisor is not None and supervisor.alive():
            yield "supervisor", supervisor
        if "installer" in names and installer is not None:
            for member in session_members(installer.pid):
                yield "installer", member


def recorded(file: Path) -> ProcessRef | None:
    """The process that a file of a run folder names."""
    try:
        said = json.loads(file.read_text() or "{}")
    except (OSError, ValueError):
        return None
    return ProcessRef(said["pid"], said["start"], said["boot"]) if "pid" in said else None


def kill(root: Path, *names: str) -> tuple[str, ...]:
    """SIGKILL to whatever of these there is now; the names of those that were hit."""
    return tuple(name for name, process in victims(root, *names) if process.send(signal.SIGKILL))


def kill_all(root: Path, *, spare: int = 0) -> None:
    """Everything that works on the machine, but for one process."""
    for _, process in list(victims(root, *NAMES)):
        if process.pid != spare:
            process.send(signal.SIGKILL)


def leftovers(root: Path) -> list[str]:
    """Processes that should have ended: of a machine that is at rest there are none."""
    return [f"{name} {process.pid}" for name, process in victims(root, "supervisor", "installer")]
