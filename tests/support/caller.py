"""A program that begins a job on a simulated machine, says its id, and waits: to be killed.

``python caller.py FOLDER install NAME…`` or ``search``; with NOTIFY set, that program is subscribed.
"""

import os
import sys
from pathlib import Path

import wua
from wua.model.enums import TargetKind
from wua.model.jobs import Subscription
from wua.model.plugins import TargetSpec
from wua.testing.machine import SimulatedMachine


def main(folder: str, verb: str, *names: str) -> None:
    plug_ins = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
    machine = SimulatedMachine(TargetSpec(TargetKind.SIMULATED, str(Path(folder)), plug_ins))
    agent = wua.open(target=machine)
    job = agent.search() if verb == "search" else agent.install(list(names))
    if program := os.environ.get("NOTIFY"):
        agent.protocol.subscribe(job.id, Subscription(("/bin/sh", "-c", program)))
    print(job.id, flush=True)
    job.wait()


if __name__ == "__main__":
    main(*sys.argv[1:])
