"""The server of an agent: what crosses, what is refused; bad input ends at most its own connection."""

import contextlib
import inspect
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.machines import LONG

from wua.model.agent import Agent, AgentInfo
from wua.model.enums import AbortAnswer, ResultCode, TargetKind
from wua.model.jobs import JobEvent as Event
from wua.model.jobs import JobKind, JobRecord, JobResult, JobSpec, Noted, Subscription
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError, error
from wua.model.states import JobState
from wua.model.updates import UpdateId
from wua.remote import wire
from wua.remote.client import RemoteAgent, remote_agent
from wua.remote.loopback import loopback
from wua.remote.server import Connection

UPDATE = UpdateId("11111111-2222-3333-4444-555555555555")
SPEC = JobSpec(JobKind.INSTALL, request=PlanRequest(Operation.INSTALL, updates=(UPDATE,)))
RECORD = JobRecord("abcd", SPEC, JobState.QUEUED, (UPDATE,), 1.5)


class Recorder:
    """An agent that answers what it was told to, and keeps what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = []
        self.listener: Callable[[str], None] | None = None
        self.closed = threading.Event()
        self.answers: dict[str, Any] = {
            "info": AgentInfo("1", TargetKind.HOST, "t", "os", ("amd64",), "/s", "/c", True, ""),
            "submit": RECORD,
            "job": RECORD,
            "jobs": (RECORD, RECORD),
            "events": (Event("abcd", 1, 2.0, Noted("ü\n")),),
            "result": JobResult(ResultCode.FAILED),
            "abort": AbortAnswer.AFTER_STEP,
            "output": "text",
            "is_busy": True,
            "resolve": (UPDATE,),
            "history_count": 7,
            "hide": None,
        }

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)

        def method(*given: Any, **named: Any) -> Any:
            self.calls.append((name, given, named))
            answer = self.answers[name]
            if isinstance(answer, BaseException):
                raise answer
            return answer() if callable(answer) else answer

        return method

    def watch(self, listener: Callable[[str], None]) -> "Recorder":
        self.listener = listener
        return self

    def close(self) -> None:
        self.closed.set()


class Both:
    """The two ends of a connection."""

    def __init__(self) -> None:
        self.served = Recorder()
        self.socket, theirs = socket.socketpair()
        self.connection = Connection(self.served, theirs)  # type: ignore[arg-type]

    def client(self) -> Agent:
        return remote_agent(self.socket)

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self) -> wire.Answer:
        content = wire.receive(self.socket, wire.LARGEST_REPLY)
        assert content is not None
        return msgspec.json.decode(content, type=wire.Answer)


@pytest.fixture
def both() -> Iterator[Both]:
    made = Both()
    made.socket.settimeout(LONG)
    yield made
    made.socket.close()
    made.connection.close()
    assert made.connection.wait(LONG)


# --- what crosses


def test_the_table_is_the_protocol() -> None:
    protocol = {name for name, value in vars(Agent).items() if inspect.isfunction(value) and name[0] != "_"}
    assert set(wire.METHODS) == protocol - {"watch", "close"}
    for name in protocol:
        assert callable(getattr(RemoteAgent, name))


def test_values_arrive_as_they_were(both: Both) -> None:
    agent = both.client()
    assert agent.info() == both.served.answers["info"]
    assert agent.submit(SPEC) == RECORD
    assert agent.jobs(limit=2, active=True) == (RECORD, RECORD)
    assert agent.jobs() == (RECORD, RECORD)
    assert agent.events("abcd", 3) == both.served.answers["events"]
    assert agent.events(job_id="abcd", limit=1) == both.served.answers["events"]
    assert agent.abort("abcd") is AbortAnswer.AFTER_STEP
    assert agent.resolve(["x"]) == (UPDATE,)
    assert isinstance(agent.resolve(["x"])[0], UpdateId)
    assert agent.hide([UPDATE], True) is None
    assert agent.is_busy() is True
    assert agent.history_count() == 7
    named = {name: kwargs for name, _, kwargs in both.served.calls}
    assert named["submit"] == {"spec": SPEC}
    assert named["events"] == {"job_id": "abcd", "after": 0, "limit": 1}
    assert named["hide"] == {"ids": [UPDATE], "hidden": True}
    assert isinstance(named["hide"]["ids"][0], UpdateId)


def test_problems_arrive_as_they_were(both: Both) -> None:
    agent = both.client()
    failure = error("lock-held", "somebody", unmapped=5)
    both.served.answers["submit"] = failure
    with pytest.raises(WuaError) as raised:
        agent.submit(SPEC)
    assert raised.value.problem == failure.problem
    both.served.answers["submit"] = ZeroDivisionError("a defect")
    with pytest.raises(WuaError) as raised:
        agent.submit(SPEC)
    assert raised.value.problem.id == "unexpected"
    assert "ZeroDivisionError" in raised.value.problem.seen
    assert agent.is_busy()


def test_a_wrong_call_is_refused_before_it_crosses(both: Both) -> None:
    agent = both.client()
    for wrong in (agent.job, lambda: agent.job("a", "b"), lambda: agent.jobs(5)):  # type: ignore[call-arg,misc]
        with pytest.raises(TypeError):
            wrong()
    assert both.served.calls == []


def test_calls_of_many_threads_are_told_apart(both: Both) -> None:
    agent = both.client()
    numbers = threading.Semaphore(0)
    gates = {str(n): threading.Event() for n in range(20)}

    class Slow(Recorder):
        def output(self, job_id: str, offset: int = 0) -> str:
            numbers.release()
            gates[job_id].wait(LONG)
            return job_id

    both.connection._agent = Slow()  # type: ignore[assignment]
    answers: dict[str, str] = {}
    threads = [threading.Thread(target=lambda n=n: answers.__setitem__(n, agent.output(n))) for n in gates]
    for thread in threads:
        thread.start()
    for _ in threads:
        assert numbers.acquire(timeout=LONG)
    for gate in reversed(gates.values()):
        gate.set()
    for thread in threads:
        thread.join(LONG)
    assert answers == {n: n for n in gates}


# --- news


def test_news_reach_every_listener_until_it_is_closed(both: Both) -> None:
    agent = both.client()
    heard: list[tuple[str, str]] = []
    arrived = threading.Semaphore(0)

    def listen(name: str) -> Callable[[str], None]:
        def listener(job: str) -> None:
            assert agent.is_busy()  # a listener may call
            heard.append((name, job))
            arrived.release()

        return listener

    first, second = agent.watch(listen("first")), agent.watch(listen("second"))
    assert both.served.listener is not None
    both.served.listener("abcd")
    for _ in range(2):
        assert arrived.acquire(timeout=LONG)
    first.close()
    both.served.listener("efgh")
    assert arrived.acquire(timeout=LONG)
    assert heard == [("first", "abcd"), ("second", "abcd"), ("second", "efgh")]
    second.close()


def test_a_lost_connection_is_news_and_releases_callers(both: Both) -> None:
    agent = both.client()
    entered, go = threading.Event(), threading.Event()

    def wait() -> str:
        entered.set()
        go.wait(LONG)
        return ""

    both.served.answers["output"] = wait
    told = threading.Event()
    problems = []
    agent.watch(lambda job: told.set() if job == "" else None)

    def call() -> None:
        with pytest.raises(WuaError) as raised:
            agent.output("x")
        problems.append(raised.value.problem.id)

    thread = threading.Thread(target=call)
    thread.start()
    assert entered.wait(LONG)
    both.connection.close()
    thread.join(LONG)
    assert told.wait(LONG)
    assert problems == ["connection-lost"]
    with pytest.raises(WuaError):
        agent.info()
    go.set()


def test_closing_the_client_ends_the_server_and_what_it_owns() -> None:
    served = Recorder()
    agent = loopback(served)  # type: ignore[arg-type]
    assert agent.is_busy()
    agent.close()
    assert served.closed.is_set()
    agent.close()
    with pytest.raises(WuaError) as raised:
        agent.is_busy()
    assert raised.value.problem.id == "connection-lost"


# --- bad input


def frame(content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + content


GOOD = frame(b'{"id":77,"method":"is_busy"}')


@pytest.mark.parametrize(
    ("content", "number", "problem"),
    [
        (b"", 0, "invalid-argument"),
        (b"nonsense", 0, "invalid-argument"),
        (b"[]", 0, "invalid-argument"),
        (b'{"id":1}', 0, "invalid-argument"),
        (b'{"id":"x","method":"info"}', 0, "invalid-argument"),
        (b'{"id":1,"method":"info","extra":1}', 0, "invalid-argument"),
        (b"\xff\xfe" * 20, 0, "invalid-argument"),
        (b"[" * 100_000, 0, "invalid-argument"),
        (
            b'{"id":1,"method":"' + b'info","params":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
            None,
            "invalid-argument",
        ),
        (b'{"id":2,"method":"no_such"}', 2, "not-supported"),
        (b'{"id":2,"method":"close"}', 2, "not-supported"),
        (b'{"id":2,"method":"__class__"}', 2, "not-supported"),
        (b'{"id":3,"method":"job"}', 3, "invalid-argument"),
        (b'{"id":3,"method":"job","params":[]}', 3, "invalid-argument"),
        (b'{"id":3,"method":"job","params":{"job_id":5}}', 3, "invalid-argument"),
        (b'{"id":3,"method":"job","params":{"job_id":"a","more":5}}', 3, "invalid-argument"),
        (b'{"id":3,"method":"submit","params":{"spec":{"kind":"dance"}}}', 3, "invalid-argument"),
        (b'{"id":3,"method":"job","params":{"job_id":"\xff"}}', None, "invalid-argument"),
    ],
)
def test_what_is_wrong_is_answered_and_the_next_call_works(
    both: Both, content: bytes, number: int | None, problem: str
) -> None:
    both.send(frame(content))
    answer = both.answer()
    assert number is None or answer.id == number
    assert answer.problem is not None
    assert answer.problem.id == problem
    both.send(GOOD)
    assert both.answer() == wire.Answer(77, msgspec.Raw(b"true"))


@pytest.mark.parametrize(
    "data",
    [b"\xff\xff\xff\xff", struct.pack(">I", wire.LARGEST_REQUEST + 1) + b"x", b"\0", frame(b"xxxx")[:-1]],
)
def test_what_can_not_be_read_ends_the_connection(both: Both, data: bytes) -> None:
    both.send(data)
    both.socket.shutdown(socket.SHUT_WR)
    answer = both.answer()
    assert (answer.id, answer.problem is not None) == (0, True)
    assert both.connection.wait(LONG)
    with contextlib.suppress(wire.Broken):  # a reset, where the server left something unread
        assert wire.receive(both.socket, 100) is None


def test_a_client_that_leaves_ends_its_connection(both: Both) -> None:
    both.send(GOOD * 50)
    both.socket.close()
    assert both.connection.wait(LONG)
    assert both.served.closed.is_set() is False


def test_a_client_that_never_reads_is_let_go(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    from wua.remote import outbox

    monkeypatch.setattr(outbox, "UNSENT", 1 << 20)
    both.served.answers["output"] = "x" * (1 << 19)
    request = frame(b'{"id":1,"method":"output","params":{"job_id":"a"}}')
    with contextlib.suppress(OSError):
        for _ in range(50):
            both.send(request)
    assert both.connection.wait(LONG)


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_an_answer_that_can_not_be_sent_ends_the_connection(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    def defect(answer: wire.Answer) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr("wua.remote.server.wire.frame", defect)
    both.send(GOOD)
    assert wire.receive(both.socket, wire.LARGEST_REPLY) is None
    assert both.connection.wait(LONG)


def test_where_sending_can_not_be_tried_answers_come_all_the_same(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wua.remote.outbox._DONTWAIT", None)  # as on Windows
    assert both.client().info() == both.served.answers["info"]


raw = st.binary(max_size=200)
json_like = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)
requests = st.fixed_dictionaries(
    {"id": st.integers(0, 1000) | json_like, "method": st.sampled_from([*wire.METHODS, "watch", "x"])},
    optional={"params": st.dictionaries(st.sampled_from(["job_id", "spec", "ids", "count"]), json_like)},
)


@settings(max_examples=150)
@given(st.lists(raw.map(frame) | requests.map(lambda r: frame(json.dumps(r).encode())), max_size=6), raw)
def test_nothing_that_comes_in_hangs_or_breaks_the_server(messages: list[bytes], rest: bytes) -> None:
    both = Both()
    both.socket.settimeout(LONG)
    both.send(b"".join(messages))
    both.send(GOOD)
    numbers = [both.answer().id for _ in range(len(messages) + 1)]
    assert 77 in numbers
    both.send(rest)
    both.socket.shutdown(socket.SHUT_WR)
    assert both.connection.wait(LONG)
    both.socket.close()


def test_a_server_that_talks_nonsense_loses_its_client() -> None:
    ours, theirs = socket.socketpair()
    agent = remote_agent(ours)
    told = threading.Event()
    threading.Thread(target=lambda: (theirs.recv(100), theirs.sendall(frame(b"{nonsense")))).start()
    with pytest.raises(WuaError) as raised:
        agent.watch(lambda _: told.set())
    assert raised.value.problem.id == "connection-lost"
    agent.close()
    theirs.close()


def test_a_subscription_crosses(both: Both) -> None:
    agent = both.client()
    both.served.answers["subscribe"] = error("unknown-job", "x")
    subscription = Subscription(("/bin/true",), env={"A": "b"})
    with pytest.raises(WuaError):
        agent.subscribe("abcd", subscription)
    assert both.served.calls[-1] == ("subscribe", (), {"job_id": "abcd", "subscription": subscription})
