"""Putting the parts of an agent together: which target, service and handler belong to a state folder."""

import importlib
import os
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import msgspec

from wua.engine import licences
from wua.model.jobs import HistoryEntry
from wua.model.plugins import Handler, Target, TargetSpec, UpdateService
from wua.model.problems import error
from wua.model.updates import Category, Offer
from wua.store.state import StateStore
from wua.system.files import write_atomic

STATE_FILE: Final = "state.db"
TARGET_FILE: Final = "target.json"
# Looked up without reading the metadata of every installed package.
BUILT_IN: Final = {
    ("wua.targets", "debian"): "wua.targets:open_target",
    ("wua.services", "apt"): "wua.engine.apt:open_service",
    ("wua.handlers", "apt"): "wua.engine.apt:open_handler",
}


class Catalogue(Protocol):
    """What the engine asks of a catalogue."""

    def search(self, where: str, values: tuple[Any, ...], /) -> list[Offer]: ...
    def categories(self) -> tuple[Category, ...]: ...
    def supersedence(self) -> Mapping[str, Collection[str]]:
        """Update id to those of the updates that it supersedes, versions of the same package left out."""

    def close(self) -> None: ...


class Memory:
    """What services and handlers may ask of the state store."""

    def __init__(self, store: StateStore) -> None:
        self._store = store

    def hidden(self) -> frozenset[str]:
        return self._store.hidden()

    def accepted_licences(self) -> frozenset[str]:
        """Ids of updates."""
        return licences.accepted(self._store)

    def history(self) -> tuple[HistoryEntry, ...]:
        """Everything, newest first."""
        return self._store.history()

    def of_job(self, job: str) -> tuple[HistoryEntry, ...]:
        return self._store.history_of(self._store.job(job).id)

    def of_package(self, name: str, architecture: str) -> tuple[HistoryEntry, ...]:
        found = self._store.history()
        return tuple(entry for entry in found if (entry.name, entry.architecture) == (name, architecture))


class Parts:
    """Service, catalogue and handler of a target. The handler is opened when first asked for."""

    def __init__(
        self, service: UpdateService, catalogue: Catalogue, open_handler: Callable[[], Handler]
    ) -> None:
        self.service = service
        self.catalogue = catalogue
        self._open_handler = open_handler

    @cached_property
    def handler(self) -> Handler:
        return self._open_handler()

    def close(self) -> None:
        self.catalogue.close()


def plug_in(group: str, name: str) -> Callable[..., Any]:
    """The factory that an entry point names.

    Raises:
        WuaError: not-supported, when no installed package offers it.
    """
    path = BUILT_IN.get((group, name))
    if path is None:
        from importlib.metadata import entry_points

        for entry in entry_points(group=group, name=name):
            path = entry.value
    if path is None:
        raise error(
            "not-supported", f"no plug-in {name!r} in {group}; the package that brings it is not installed"
        )
    module, _, attribute = path.partition(":")
    factory: Callable[..., Any] = getattr(importlib.import_module(module), attribute)
    return factory


def save_spec(target: Target) -> None:
    """Leave a note in the state folder that says which target it belongs to."""
    path = Path(target.paths.state) / TARGET_FILE
    data = msgspec.json.encode(target.spec)
    if not path.exists() or path.read_bytes() != data:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, data)


def open_target(state: Path) -> Target:
    """The target that a state folder belongs to."""
    try:
        spec = msgspec.json.decode((state / TARGET_FILE).read_bytes(), type=TargetSpec)
    except OSError as failure:
        raise error("target-unusable", f"{failure.filename}: {failure.strerror}") from None
    except msgspec.DecodeError as failure:
        raise error("target-unusable", f"{state / TARGET_FILE}: {failure}") from None
    target: Target = plug_in("wua.targets", spec.options.get("plug-in", "debian"))(spec)
    return target


def find_target(root: str | Path | None) -> Target:
    """This host, or what lies in a folder: a simulated machine, or a Debian root, which is made if missing.

    Raises:
        WuaError: target-unusable, not-supported, no-network.
    """
    if root is not None and (Path(root) / "state" / TARGET_FILE).exists():
        return open_target(Path(root).absolute() / "state")
    from wua.targets import host_or_root

    return host_or_root(root)


def open_store(target: Target) -> StateStore:
    """The caller's own store for a target."""
    save_spec(target)
    return StateStore(Path(target.paths.state) / STATE_FILE, clock=target.clock.time)


def machine_store(target: Target) -> StateStore | None:
    """The machine's store, for reading, where the caller's own is another and there is one."""
    if not target.paths.machine:
        return None
    path = Path(target.paths.machine) / STATE_FILE
    return StateStore(path, read_only=True) if os.access(path, os.R_OK) else None


def open_parts(target: Target, store: StateStore) -> Parts:
    options = target.spec.options
    memory = Memory(store)
    service, catalogue = plug_in("wua.services", options.get("service", "apt"))(target, memory)
    handler = options.get("handler", "apt")
    return Parts(service, catalogue, lambda: plug_in("wua.handlers", handler)(target, memory, catalogue))
