"""The server's process: what ``wua com serve`` is until it is told to end."""

import signal
import sys
import threading
from collections.abc import Callable
from typing import Final

from wua.api.agent import open as open_agent
from wua.com.prefix import Prefix
from wua.com.registration import LOCK, settings_of
from wua.com.server import ComServer
from wua.model.problems import error
from wua.system.locks import FileLock

PATIENCE: Final = 0.0005  # seconds that a callback waits for a thread that computes; usual is 0.005


def serve(prefix: Prefix, ready: Callable[[], None]) -> None:
    """Serve the programs of a registered prefix until SIGTERM or SIGINT; ``ready`` is called once.

    The machine is the one that the prefix was registered for. To be called on the main thread.

    Raises:
        WuaError: target-unusable, when the prefix is not registered or served already; the agent can't
            be opened.
    """
    sys.setswitchinterval(PATIENCE)
    settings = settings_of(prefix)
    lock = FileLock(prefix.folder / LOCK)
    if not lock.acquire():
        raise error("target-unusable", f"{prefix.path} has a server already")
    with lock, open_agent(settings.root) as agent:
        ended = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: ended.set())
        server = ComServer(agent, prefix.folder)
        try:
            ready()
            ended.wait()
        finally:
            server.close()
