"""An agent behind a port: who may use it, and who is turned away."""

import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.machines import LONG, Machine, opened

import wua
from wua.engine.agent import LocalAgent
from wua.model.enums import ResultCode
from wua.model.problems import WuaError
from wua.remote import tcp
from wua.remote.tcp import FILE, Listener, Meeting, connect
from wua.testing.machine import SimulatedUpdate


class Served:
    def __init__(self, machine: Machine, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.agent = LocalAgent(machine.target)
        self.listener = Listener(self.agent, folder)

    @property
    def meeting(self) -> Meeting:
        return msgspec.json.decode((self.folder / FILE).read_bytes(), type=Meeting)

    def raw(self) -> socket.socket:
        return socket.create_connection((tcp.HOST, self.meeting.port), LONG)


@pytest.fixture
def served(short_dir: Path) -> Iterator[Served]:
    with opened(short_dir / "m") as machine:
        machine.set(SimulatedUpdate("a"))
        made = Served(machine, short_dir / "host")
        yield made
        made.listener.close()
        made.agent.close()


def connected(served: Served) -> wua.Agent:
    protocol = connect(served.folder)
    assert protocol is not None
    return wua.Agent(protocol)


def test_clients_come_and_go(served: Served) -> None:
    with connected(served) as first, connected(served) as second:
        job = first.install("a")
        assert second.job(job.id).result(LONG).code is ResultCode.SUCCEEDED
        calls: list[object] = []
        second.job(job.id).on_completed(calls.append)
        assert first.history()[0].job == job.id
    with connected(served) as third:
        assert third.search().result(LONG).updates == ()


def test_only_its_owner_may_read_the_secret(served: Served) -> None:
    assert stat.S_IMODE((served.folder / FILE).stat().st_mode) == 0o600
    meeting = served.meeting
    assert len({meeting.client, meeting.server}) == 2
    assert all(len(half) == 64 for half in (meeting.client, meeting.server))


@pytest.mark.parametrize("said", ["x" * 64, "", "x"])
def test_who_does_not_know_the_secret_hears_nothing(served: Served, said: str) -> None:
    with served.raw() as stranger:
        stranger.sendall(said.encode())
        stranger.shutdown(socket.SHUT_WR)
        stranger.settimeout(LONG)
        assert stranger.recv(1) == b""
    with connected(served) as agent:
        assert agent.jobs() == ()


def test_a_stranger_that_says_nothing_holds_up_nobody(served: Served) -> None:
    with served.raw(), connected(served) as agent:
        assert agent.jobs() == ()


def test_a_server_that_does_not_know_the_secret_is_refused(served: Served) -> None:
    meeting = served.meeting
    (served.folder / FILE).write_bytes(msgspec.json.encode(Meeting(meeting.port, meeting.client, "y" * 64)))
    with pytest.raises(WuaError, match="is not wua's host"):
        connect(served.folder)


def test_where_nobody_listens_there_is_no_agent(served: Served) -> None:
    file = (served.folder / FILE).read_bytes()
    served.listener.close()
    assert not (served.folder / FILE).exists()
    assert connect(served.folder) is None
    (served.folder / FILE).write_bytes(file)  # left behind by one that was killed
    assert connect(served.folder) is None
    (served.folder / FILE).write_text("{")
    assert connect(served.folder) is None


def test_closing_ends_connections_and_not_the_agent(served: Served) -> None:
    with connected(served) as agent:
        served.listener.close()
        with pytest.raises(WuaError) as raised:
            agent.jobs()
        assert raised.value.problem.id == "connection-lost"
    assert served.agent.jobs() == ()
