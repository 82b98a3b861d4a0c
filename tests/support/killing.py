"""Stop an installer in the middle of a maintainer script, without a clock: by named pipes."""

import os
import signal
import subprocess
from pathlib import Path

from tests.support.plain_target import NOBODY, PlainTarget

from wua.model.plugins import Command, RunRecord
from wua.model.states import JobState


def blocking(pipe: Path, when: str) -> str:
    """A maintainer script that waits to be killed, the first time that it is called with ``when``."""
    return "\n".join(
        (
            "#!/bin/sh",
            f'[ "$1" = {when} ] && [ ! -e {pipe}.done ] || exit 0',
            f"touch {pipe}.done",
            f"echo here > {pipe}",
            f"read never < {pipe}.never",
            "",
        )
    )


def make_pipes(target: PlainTarget) -> Path:
    pipe = target.base / "pipe"
    for path in (pipe, Path(f"{pipe}.never")):
        os.mkfifo(path)
        if os.geteuid() == 0:
            os.chown(path, NOBODY, NOBODY)
    return pipe


def kill_inside(command: Command, pipe: Path, folder: Path) -> RunRecord:
    """Run a command until a blocking script is reached, then kill everything of it."""
    output, status = folder / "killed.output", folder / "killed.status"
    with output.open("wb") as out, status.open("wb") as lines:
        argv = [word.replace("{status}", str(lines.fileno())) for word in command.argv]
        process = subprocess.Popen(
            argv,
            env=command.env,
            cwd=command.cwd,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            pass_fds=(lines.fileno(),),
            start_new_session=True,
        )
        with pipe.open("rb") as reached:
            reached.read()  # ends when the script's echo has closed its end
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    return RunRecord(JobState.INSTALLING, -9, str(output), str(status), argv=command.argv)
