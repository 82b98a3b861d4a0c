"""What tests of programs that update machines need.

A simulated machine whose updates take as long, and go as wrong, as a test says (``Stage``,
``SimulatedUpdate``); a clock that the test moves (``VirtualClock``); gates and kills at named steps
(``Gate``, ``Killing``, ``DiskFull``); callbacks that keep their calls (``CallbackRecorder``); small real
Debian repositories behind a server that misbehaves (``wua.testing.debian``, ``DebianStage``).
``wua.testing.pytest_plugin`` makes fixtures of them. Names are loaded when first used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from wua.model.updates import Category, Service
    from wua.testing.clock import VirtualClock
    from wua.testing.debian_stage import DebianStage, debian_staged
    from wua.testing.faults import ERROR_DISK_FULL, DiskFull, Killing, NotKilled
    from wua.testing.gates import Gate
    from wua.testing.machine import SimulatedMachine, SimulatedUpdate
    from wua.testing.recorder import Call, CallbackRecorder
    from wua.testing.stage import Stage, staged

_HOMES = {
    "Call": "recorder",
    "CallbackRecorder": "recorder",
    "DebianStage": "debian_stage",
    "DiskFull": "faults",
    "ERROR_DISK_FULL": "faults",
    "Gate": "gates",
    "Killing": "faults",
    "NotKilled": "faults",
    "SimulatedMachine": "machine",
    "SimulatedUpdate": "machine",
    "Stage": "stage",
    "VirtualClock": "clock",
    "debian_staged": "debian_stage",
    "staged": "stage",
}

__all__ = [
    "ERROR_DISK_FULL",
    "Call",
    "CallbackRecorder",
    "Category",
    "DebianStage",
    "DiskFull",
    "Gate",
    "Killing",
    "NotKilled",
    "Service",
    "SimulatedMachine",
    "SimulatedUpdate",
    "Stage",
    "VirtualClock",
    "debian_staged",
    "staged",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name in ("Category", "Service"):
        return getattr(import_module("wua.model.updates"), name)
    if name not in _HOMES:
        raise AttributeError(f"module 'wua.testing' has no attribute {name!r}")
    return getattr(import_module(f"wua.testing.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
