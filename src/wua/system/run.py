"""Run a reading command to its end and take its output. Acting commands go through the supervisor."""

import errno
from typing import NamedTuple

from wua.model.plugins import Command
from wua.model.problems import error


class Completed(NamedTuple):
    exit: int
    stdout: str
    stderr: str


def run(command: Command, *, timeout: float = 120.0, stdin: str = "") -> Completed:
    """Run ``command`` and wait for it, ``timeout`` seconds at most.

    A command that does not exist gives exit 127, as a shell would say.

    Raises:
        WuaError: timed-out, with the command named; the process has been killed then. too-many-updates, when
            its words are more than the system takes.
    """
    import subprocess

    try:
        done = subprocess.run(
            command.argv,
            env=command.env,
            cwd=command.cwd,
            input=stdin,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            timeout=timeout,
            check=False,
            start_new_session=True,
        )
    except FileNotFoundError as missing:
        return Completed(127, "", f"{missing.filename}: not found")
    except OSError as failure:
        if failure.errno != errno.E2BIG:
            raise
        raise error("too-many-updates", f"{len(command.argv)} words for {command.argv[0]}") from None
    except subprocess.TimeoutExpired:
        raise error("timed-out", f"{command.argv[0]} took longer than {timeout:g} s") from None
    return Completed(done.returncode, done.stdout, done.stderr)
