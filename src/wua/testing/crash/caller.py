"""A program that begins one job on a simulated machine, says its id, and waits: to be killed."""

import sys
from pathlib import Path

import msgspec

from wua.api.agent import Agent
from wua.engine.agent import LocalAgent
from wua.engine.wiring import open_target
from wua.model.jobs import JobSpec, Subscription
from wua.testing.crash.simulated import LONG


def main(root: str) -> None:
    """Reads (spec, subscription) as a line of JSON; writes the ids of the job and of the delivery."""
    spec, subscription = msgspec.json.decode(sys.stdin.buffer.readline(), type=tuple[JobSpec, Subscription])
    with Agent(LocalAgent(open_target(Path(root) / "state"))) as agent:
        job = agent.submit(spec)
        delivery = agent.protocol.subscribe(job.id, subscription)
        sys.stdout.write(f"{job.id} {delivery.id}\n")
        sys.stdout.flush()
        job.wait(LONG)


if __name__ == "__main__":
    main(sys.argv[1])
