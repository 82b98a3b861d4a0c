"""The faulty server, seen by a plain HTTP client."""

import http.client
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from wua.testing.debian import (
    Corrupt,
    Faults,
    RedirectLoop,
    Server,
    Slow,
    Stall,
    Status,
    Truncate,
    WrongLength,
)

BODY = bytes(range(256)) * 200


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "www").mkdir()
    (tmp_path / "www/a+b.deb").write_bytes(BODY)
    (tmp_path / "secret").write_bytes(b"no")
    return tmp_path / "www"


@pytest.fixture
def faults() -> Faults:
    return Faults()


@pytest.fixture
def server(folder: Path, faults: Faults) -> Iterator[Server]:
    with Server(folder, faults) as server:
        yield server


class Client:
    def __init__(self, server: Server) -> None:
        self.connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=20)

    def get(self, path: str = "/a%2bb.deb", **headers: str) -> http.client.HTTPResponse:
        self.connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return self.connection.getresponse()


@pytest.fixture
def client(server: Server) -> Iterator[Client]:
    client = Client(server)
    yield client
    client.connection.close()


def test_plain_request_and_counts(server: Server, client: Client) -> None:
    answer = client.get()
    assert (answer.status, answer.read()) == (200, BODY)
    assert client.get().read() == BODY  # on the same connection
    assert server.count("a+b.deb") == 2
    assert server.bytes_sent == 2 * len(BODY)


@pytest.mark.parametrize(
    ("asked", "status", "body"),
    [
        ("bytes=10-19", 206, BODY[10:20]),
        ("bytes=51190-", 206, BODY[51190:]),
        ("bytes=-7", 206, BODY[-7:]),
        ("bytes=51190-99999", 206, BODY[51190:]),
        ("bytes=51200-", 416, b""),
        ("bytes=0-1,5-6", 200, BODY),
        ("lines=1-2", 200, BODY),
    ],
)
def test_ranges(client: Client, asked: str, status: int, body: bytes) -> None:
    answer = client.get(Range=asked)
    assert (answer.status, answer.read()) == (status, body)


def test_if_range_with_another_date_sends_all(client: Client) -> None:
    modified = client.get()
    modified.read()
    date = modified.headers["Last-Modified"]
    same = client.get(Range="bytes=5-", If_Range=date)
    assert (same.status, same.read()) == (206, BODY[5:])
    other = client.get(Range="bytes=5-", If_Range="Thu, 01 Jan 1970 00:00:00 GMT")
    assert (other.status, other.read()) == (200, BODY)
    assert client.get(If_Modified_Since=date).status == 304


def test_head_has_no_body(server: Server, client: Client) -> None:
    client.connection.request("HEAD", "/a+b.deb")
    answer = client.connection.getresponse()
    assert (answer.headers["Content-Length"], answer.read()) == (str(len(BODY)), b"")
    assert server.bytes_sent == 0


@pytest.mark.parametrize("path", ["/none", "/", "/../secret", "/%2e%2e/secret"])
def test_only_files_of_the_folder(client: Client, path: str) -> None:
    assert client.get(path).status == 404


@pytest.mark.parametrize("code", [404, 503])
def test_status_fault_a_number_of_times(client: Client, faults: Faults, code: int) -> None:
    faults.on("*.deb", Status(code), times=2)
    seen = []
    for _ in range(3):
        answer = client.get()
        answer.read()
        seen.append(answer.status)
    assert seen == [code, code, 200]


def test_truncate(client: Client, faults: Faults) -> None:
    faults.on("/a*", Truncate(100))
    with pytest.raises(http.client.IncompleteRead) as caught:
        client.get().read()
    assert caught.value.partial == BODY[:100]


def test_corrupt_at_a_place_of_the_file(client: Client, faults: Faults) -> None:
    faults.on("*", Corrupt(300))
    body = client.get().read()
    assert [place for place, byte in enumerate(body) if byte != BODY[place]] == [300]
    assert client.get(Range="bytes=300-300").read() == bytes([BODY[300] ^ 0xFF])


def test_wrong_length(client: Client, faults: Faults) -> None:
    faults.on("*", WrongLength(5))
    answer = client.get()
    assert answer.headers["Content-Length"] == str(len(BODY) + 5)
    with pytest.raises(http.client.IncompleteRead):
        answer.read()


def test_redirect_loop_never_repeats_an_address(client: Client, faults: Faults, server: Server) -> None:
    faults.on("*", RedirectLoop())
    places = ["/a+b.deb"]
    for _ in range(3):
        answer = client.get(places[-1])
        answer.read()
        assert answer.status == 302
        places.append(answer.headers["Location"].removeprefix(server.url))
    assert len(set(places)) == 4


def test_stall_until_released(client: Client, faults: Faults) -> None:
    faults.on("*", Stall(1000))
    answer = client.get()
    assert answer.read(1000) == BODY[:1000]
    faults.release()
    assert answer.read() == BODY[1000:]


def test_slow_sends_what_was_allowed(client: Client, faults: Faults, server: Server) -> None:
    slow = Slow()
    faults.on("*", slow)
    slow.allow(10)
    answer = client.get()
    assert answer.read(10) == BODY[:10]
    assert server.bytes_sent == 10
    slow.open()
    assert answer.read() == BODY[10:]


@pytest.mark.parametrize("fault", [Stall(10), Slow()])
def test_leaving_ends_waiting_requests_and_threads(folder: Path, fault: Stall | Slow) -> None:
    before = set(threading.enumerate())
    faults = Faults({"*": fault})
    with Server(folder, faults) as server:
        client = Client(server)
        client.get()
        faults.clear()
    assert set(threading.enumerate()) == before
    client.connection.close()
