"""The job host's socket. Its path may be too long for a socket address, so it is named through its folder."""

import os
import socket
from pathlib import Path

NAME = "host.sock"


def _through(folder: int) -> str:
    return f"/proc/self/fd/{folder}/{NAME}"


def listen(folder: Path) -> socket.socket:
    """A listening socket in ``folder``; anybody may connect, to wake and to watch."""
    handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        (folder / NAME).unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        listener.bind(_through(handle))
        os.chmod(folder / NAME, 0o666)  # noqa: S103 - see the docstring
        listener.listen(128)
        return listener
    finally:
        os.close(handle)


def connect(folder: Path) -> socket.socket | None:
    """A connection to the job host; None when none listens."""
    try:
        handle = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        return None
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        client.connect(_through(handle))
    except OSError:
        client.close()
        return None
    finally:
        os.close(handle)
    return client
