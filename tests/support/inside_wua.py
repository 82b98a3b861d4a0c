"""What runs inside the root of ``updating_root``, by its own /usr/bin/python3: a caller, and a watch.

``python3 inside_wua.py install`` submits everything the machine needs; ``… attach JOB`` comes to a job that
another process has submitted. Both print one JSON object a line. As a module it is the function of a
durable subscription, and what every start of Python in the root loads first (``watch``).
"""

import json
import os
import sys
import threading
import time
from typing import Any

IMPORTS = "/var/log/imports"  # what job hosts and callers import, and when
HEARD = "/var/log/heard"  # what the durable subscription was told
LONG = 300.0  # seconds


def watch() -> None:
    """Write down every module and library that this process loads from now on.

    A process that is killed or replaced has written what it did by then: there is no buffer.
    """
    log = os.open(IMPORTS, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)

    def hook(event: str, words: tuple[Any, ...]) -> None:
        if event == "import" or (event == "ctypes.dlopen" and words[0]):  # None is the process itself
            line = {"time": time.time(), "pid": os.getpid(), "what": f"{event} {words[0]}"}
            os.write(log, (json.dumps(line) + "\n").encode())

    sys.addaudithook(hook)


def heard(event: dict[str, Any]) -> None:
    """The durable subscription: runs in an interpreter of its own, started by the job host."""
    with open(HEARD, "a") as file:
        file.write(json.dumps({"told": event, "python": sys.version}) + "\n")


def say(**words: object) -> None:
    print(json.dumps(words), flush=True)


def follow(job: Any) -> None:
    """Print what the job tells, its result, and how often it called back by then."""
    called = threading.Event()
    calls = []

    def on_event(event: Any) -> None:
        text = getattr(event.event, "text", "")
        say(event=type(event.event).__name__, text=text)

    def on_completed(_: object) -> None:
        calls.append(job.id)
        called.set()

    job.on_event(on_event)
    job.on_completed(on_completed)
    assert called.wait(LONG)
    result = job.result(0)
    problem = str(result.problem or "")
    updates = [update.code.name for update in result.updates]
    say(result=result.code.name, problem=problem, updates=updates, completed=calls)


def main(verb: str, *words: str) -> None:
    import wua

    with wua.open() as agent:
        if verb == "install":
            found = agent.search(refresh=True).result(LONG)
            job = agent.install(found.updates)
            job.notify("inside_wua:heard")
            say(job=job.id, needed=sorted(offer.name for offer in found.updates))
        else:
            job = agent.job(*words)
            say(job=job.id)
        follow(job)


if __name__ == "__main__":
    main(*sys.argv[1:])
