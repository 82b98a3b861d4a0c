"""An agent behind a socket pair: everything crosses as it would to another machine."""

import socket

from wua.model.agent import Agent
from wua.remote.client import remote_agent
from wua.remote.server import Connection


def loopback(agent: Agent) -> Agent:
    """``agent``, with every call and answer serialised. Closing the answer closes ``agent``."""
    ours, theirs = socket.socketpair()
    connection = Connection(agent, theirs, own=True)

    def over() -> None:
        connection.wait()

    return remote_agent(ours, over)
