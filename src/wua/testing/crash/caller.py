"""A program that begins one job, or asks for one again, says its id, and waits: to be killed."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from wua.api.agent import Agent
from wua.engine.agent import LocalAgent
from wua.engine.wiring import open_target
from wua.model.jobs import JobSpec, Subscription

LONG: Final = 45.0  # seconds; a job that takes longer counts as lost


def main(words: Sequence[str]) -> None:
    """``STATE [JOB]``: reads (spec, subscription) as a line of JSON, unless there is a job already.

    Writes the ids of the job and of the delivery on a line, and once the job has ended its result as JSON.
    """
    with Agent(LocalAgent(open_target(Path(words[0])))) as agent:
        if words[1:]:
            job = agent.job(words[1])
        else:
            line = sys.stdin.buffer.readline()
            spec, subscription = msgspec.json.decode(line, type=tuple[JobSpec, Subscription])
            job = agent.submit(spec)
            delivery = agent.protocol.subscribe(job.id, subscription)
            sys.stdout.write(f"{job.id} {delivery.id}\n")
            sys.stdout.flush()
        result = job.outcome(LONG)
        sys.stdout.write(msgspec.json.encode(result).decode() + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
