"""A second copy of every acting job, as a small file in its folder.

It is written beside the store, when the job is submitted and when it has ended, without waiting for the
disk. It is read only when the store was found broken: from these files, and from the folders of the runs,
jobs and history are built again.
"""

import contextlib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

import msgspec

from wua.model.jobs import Delivery, HistoryEntry
from wua.model.states import JobState
from wua.system.files import write_atomic

RECORD: Final = "record.json"
RUN: Final = "run.json"
HIDDEN: Final = "hidden.json"
KEPT: Final = "kept.json"


class Record(msgspec.Struct, frozen=True):
    """A row of the jobs table and what belongs to it. The raw fields are the table's JSON, or ``null``."""

    id: str
    kind: str
    state: str
    key: str | None
    created: float
    started: float
    ended: float
    abort: int
    last_seq: int
    spec: msgspec.Raw
    updates: msgspec.Raw
    plan: msgspec.Raw
    result: msgspec.Raw
    deliveries: tuple[Delivery, ...]
    history: tuple[HistoryEntry, ...]


NULL: Final = msgspec.Raw(b"null")


class RunNote(msgspec.Struct, frozen=True):
    """What a run folder says of itself, and of its job: the record is older than what was planned."""

    phase: JobState
    boot: str
    updates: msgspec.Raw = NULL
    plan: msgspec.Raw = NULL


class RunFound(msgspec.Struct, frozen=True):
    """A run as its folder shows it. ``exit`` None: it has not ended, or its exit status is lost."""

    n: int
    note: RunNote
    folder: str
    began: bool
    ended: bool
    exit: int | None


def folder(store: Path, job: str) -> Path:
    """The folder of a job of the store file ``store``."""
    return store.parent / "jobs" / job


def write(store: Path, record: Record) -> None:
    """Leave a record. A full or read-only disk loses the copy and nothing else, so it is no error."""
    with contextlib.suppress(OSError):
        path = folder(store, record.id)
        path.mkdir(parents=True, exist_ok=True)
        write_atomic(path / RECORD, msgspec.json.encode(record), sync=False)


def write_run(path: Path, note: RunNote) -> None:
    with contextlib.suppress(OSError):
        path.mkdir(parents=True, exist_ok=True)
        (path / RUN).write_bytes(msgspec.json.encode(note))


def write_hidden(store: Path, update_ids: Iterable[str]) -> None:
    with contextlib.suppress(OSError):
        write_atomic(store.with_name(HIDDEN), msgspec.json.encode(sorted(update_ids)), sync=False)


def read_hidden(store: Path) -> list[str]:
    """The hidden marks; none when there is no readable copy."""
    try:
        return msgspec.json.decode(store.with_name(HIDDEN).read_bytes(), type=list[str])
    except (OSError, msgspec.DecodeError):
        return []


def write_kept(store: Path, values: Iterable[tuple[str, str, bytes]]) -> None:
    """A second copy of what is kept for (area, name)."""
    with contextlib.suppress(OSError):
        rows = [(area, name, msgspec.Raw(value)) for area, name, value in values]
        write_atomic(store.with_name(KEPT), msgspec.json.encode(rows), sync=False)


def read_kept(store: Path) -> list[tuple[str, str, bytes]]:
    """What was kept; nothing when there is no readable copy."""
    try:
        data = store.with_name(KEPT).read_bytes()
        rows = msgspec.json.decode(data, type=list[tuple[str, str, msgspec.Raw]])
    except (OSError, msgspec.DecodeError):
        return []
    return [(area, name, bytes(value)) for area, name, value in rows]


def read(store: Path) -> tuple[list[Record], list[str]]:
    """(the records in order of submission, the names of those that can't be read)."""
    found, unreadable = [], []
    for path in sorted(store.parent.glob(f"jobs/*/{RECORD}")):
        try:
            found.append(msgspec.json.decode(path.read_bytes(), type=Record))
        except (OSError, msgspec.DecodeError):
            unreadable.append(path.parent.name)
    return sorted(found, key=lambda record: record.created), unreadable


def runs(record: Record, store: Path) -> Iterator[RunFound]:
    """The runs of a job, by their folders."""
    for path in folder(store, record.id).glob("run-*"):
        number = path.name.removeprefix("run-")
        if not number.isdigit():
            continue
        try:
            note = msgspec.json.decode((path / RUN).read_bytes(), type=RunNote)
        except (OSError, msgspec.DecodeError):
            note = RunNote(JobState(record.state), "")  # lost with the power: it was a run of this state
        status = _content(path / "status")
        began = _content(path / "claim") != {}  # an empty claim fences a run off for ever
        code = None if status is None else status.get("exit")
        yield RunFound(int(number), note, str(path), began, status is not None, code)


def _content(path: Path) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.DecodeError):
        return None
