"""The host of the native agent, for Windows: ``python -m wua.native install``, ``remove`` or ``serve``."""

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from wua.model.problems import WuaError

USAGE = "usage: python -m wua.native install | remove | serve"


def main(words: Sequence[str]) -> int:
    """Exit code 0, 1 with what went wrong on standard error, or 2."""
    if list(words) not in (["install"], ["remove"], ["serve"]):
        print(USAGE, file=sys.stderr)
        return 2
    try:
        {"install": _install, "remove": _remove, "serve": _serve}[words[0]]()
    except WuaError as failure:
        print(f"{failure}\n{failure.problem.next_step}", file=sys.stderr)
        return 1
    return 0


def _install() -> None:
    """Protect the store, and have the system start the host now and at every start of the machine."""
    from wua.native import hosting
    from wua.native.opening import state_folder

    hosting.check_program(sys.executable, hosting.users_folder())
    state = state_folder()
    hosting.host_folder(state).mkdir(parents=True, exist_ok=True)
    hosting.carry_out(hosting.protect(state))
    with tempfile.TemporaryDirectory(dir=hosting.host_folder(state)) as folder:
        description = Path(folder) / "task.xml"
        description.write_bytes(hosting.task(sys.executable))
        hosting.carry_out(hosting.install(description))
    print(f"The task {hosting.TASK} runs as SYSTEM; administrators' wua uses it.")


def _remove() -> None:
    from wua.native import hosting

    hosting.carry_out(hosting.remove())
    print("The task is gone; the store stays.")


def _serve() -> None:
    """Serve this machine's agent until the process is ended."""
    from wua.native import hosting
    from wua.native.agent import NativeAgent
    from wua.native.com import ComNatives
    from wua.native.opening import state_folder

    state = state_folder()
    agent = NativeAgent(ComNatives(), state, hosted=True)
    listener = hosting.serve(agent, state)
    print("ready", flush=True)
    try:
        listener.wait()
    finally:
        listener.close()
        agent.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
