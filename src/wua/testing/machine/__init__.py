"""A scripted machine: real child processes, real files, no packages.

Its updates and what installing each of them does stand in ``machine.json``; installing runs a small shell
script that may last, wait on a gate (a FIFO), fail, or ask for a restart. Everything else — job host,
supervisor, store, callbacks — is the real thing, which is what it is for.

    machine = SimulatedMachine.create(folder, [SimulatedUpdate("editor", "2.0"), ...])
    with wua.open(target=machine) as agent: ...

A FIFO in the machine's folder named ``search-gate``, or of another of ``STEPS``, stops whoever comes to that
step until a line is written to it. ``log`` tells when installers began and ended. A lock (fcntl) on
``package.lock`` makes its holder another package manager at work.
"""

from wua.testing.machine.handler import SimulatedHandler, open_handler
from wua.testing.machine.service import SimulatedCatalogue, SimulatedService, open_service
from wua.testing.machine.target import STEPS, SimulatedMachine, open_target
from wua.testing.machine.updates import CATEGORY, CONTENT, SERVICE, SimulatedUpdate

__all__ = [
    "CATEGORY",
    "CONTENT",
    "SERVICE",
    "STEPS",
    "SimulatedCatalogue",
    "SimulatedHandler",
    "SimulatedMachine",
    "SimulatedService",
    "SimulatedUpdate",
    "open_handler",
    "open_service",
    "open_target",
]
