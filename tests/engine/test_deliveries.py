"""Durable subscriptions: the same delivery id at every attempt, until an exit 0 is stored."""

import json
import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.support.machines import LONG, Machine
from tests.support.scripted import wait_until

from wua.engine import deliveries
from wua.engine.deliveries import Deliverer, attempt, message, pause
from wua.model.enums import ResultCode
from wua.model.jobs import Delivery, DeliveryState, JobKind, JobResult, JobSpec, Subscription
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import error
from wua.model.struct import replace
from wua.store.state import StateStore
from wua.system.process import ProcessRef
from wua.testing.machine import SimulatedUpdate


def shell(script: str, **options: object) -> Subscription:
    return Subscription(("/bin/sh", "-c", script), **options)  # type: ignore[arg-type]


class Bench:
    """A store with one ended job, and a deliverer whose clock stands still unless it is moved."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.now = 1000.0
        self.store = StateStore(folder / "state.db")
        request = PlanRequest(Operation.INSTALL, updates=(SimulatedUpdate("a").id,))
        self.job = self.store.add_job(JobSpec(JobKind.INSTALL, request=request), request.updates)[0].id
        self.idle = threading.Event()
        self.deliverer: Deliverer | None = None

    def end_job(self) -> None:
        self.store.finish(self.job, JobResult(ResultCode.SUCCEEDED))

    def start(self) -> None:
        self.deliverer = Deliverer(self.store, lambda: self.now, self.idle.set)

    def attempt_until(self, state: DeliveryState) -> Delivery:
        """Move the clock to each next attempt until the only delivery is in a state."""
        assert self.deliverer is not None
        while (delivery := self.store.deliveries()[0]).state is not state:
            self.now = max(self.now, delivery.next_try)
            self.deliverer.wake()
        return delivery

    def deliver_another(self) -> None:
        """Everything that is due has been looked at when this returns."""
        assert self.deliverer is not None
        other = self.store.subscribe(self.job, shell("exit 0")).id
        self.deliverer.wake()
        wait_until(lambda: {d.id: d.state for d in self.store.deliveries()}[other] is DeliveryState.DELIVERED)

    def close(self) -> None:
        if self.deliverer is not None:
            self.deliverer.close()
        self.store.close()


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    made = Bench(tmp_path)
    yield made
    made.close()


def test_delivered_once_when_the_program_answers(bench: Bench) -> None:
    delivery = bench.store.subscribe(bench.job, shell(f"cat > {bench.folder}/heard"))
    bench.end_job()
    bench.start()
    assert bench.idle.wait(LONG)
    heard = json.loads((bench.folder / "heard").read_text())
    assert heard["event"] == "completed"
    assert (heard["delivery"], heard["job"], heard["attempt"]) == (delivery.id, bench.job, 1)
    assert heard["kind"] == "install"
    assert heard["result"]["code"] == 2
    assert bench.store.deliveries()[0].state is DeliveryState.DELIVERED


def test_nothing_is_delivered_before_the_end(bench: Bench) -> None:
    bench.store.subscribe(bench.job, shell(f"touch {bench.folder}/heard"))
    bench.start()
    assert bench.idle.wait(LONG)
    assert not (bench.folder / "heard").exists()
    bench.end_job()
    assert bench.deliverer is not None
    bench.idle.clear()
    bench.deliverer.wake()
    assert bench.idle.wait(LONG)
    assert (bench.folder / "heard").exists()


def test_repeated_with_the_same_id_until_it_is_acknowledged(bench: Bench) -> None:
    heard = bench.folder / "heard"
    script = f'echo "$WUA_DELIVERY $WUA_JOB" >> {heard}; [ $(wc -l < {heard}) -ge 3 ]'
    delivery = bench.store.subscribe(bench.job, shell(script))
    bench.end_job()
    bench.start()
    done = bench.attempt_until(DeliveryState.DELIVERED)
    assert done.tried == 3
    assert heard.read_text().split("\n") == [f"{delivery.id} {bench.job}"] * 3 + [""]


def test_given_up_after_its_attempts_and_still_listed(bench: Bench) -> None:
    script = f"echo x >> {bench.folder}/heard; echo no luck >&2; exit 4"
    bench.store.subscribe(bench.job, shell(script, attempts=3))
    bench.end_job()
    bench.start()
    done = bench.attempt_until(DeliveryState.GIVEN_UP)
    assert (done.tried, done.last_error) == (3, "exit 4: no luck")
    assert (bench.folder / "heard").read_text() == "x\n" * 3
    assert bench.idle.wait(LONG)


def test_a_program_that_hangs_is_killed_and_holds_up_no_other(bench: Bench) -> None:
    gate = bench.folder / "gate"
    os.mkfifo(gate)
    bench.store.subscribe(bench.job, shell(f"read x < {gate}", attempts=1, timeout=0.3))
    bench.store.subscribe(bench.job, shell("exit 0", attempts=1))
    bench.end_job()
    bench.start()
    assert bench.idle.wait(LONG)
    slow, quick = bench.store.deliveries()
    assert slow.state is DeliveryState.GIVEN_UP
    assert "no exit within 0.3 s" in slow.last_error
    assert quick.state is DeliveryState.DELIVERED


@pytest.mark.parametrize(
    "subscription",
    [
        Subscription(("/nowhere/at-all",), attempts=1),
        Subscription(("/bin/true",), cwd="/nowhere", attempts=1),
    ],
)
def test_a_program_that_cannot_be_started(bench: Bench, subscription: Subscription) -> None:
    bench.store.subscribe(bench.job, subscription)
    bench.end_job()
    bench.start()
    done = bench.attempt_until(DeliveryState.GIVEN_UP)
    assert "could not be started" in done.last_error


def test_an_acknowledgement_that_cannot_be_stored_is_asked_for_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deliveries, "FIRST_PAUSE", 0.0)
    real = bench.store.attempted
    failures = iter([True])

    def attempted(*given: object, **named: object) -> None:
        if next(failures, False):
            raise error("disk-full", "no room")
        real(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(bench.store, "attempted", attempted)
    delivery = bench.store.subscribe(bench.job, shell(f"echo $WUA_DELIVERY >> {bench.folder}/heard"))
    bench.end_job()
    bench.start()
    assert bench.idle.wait(LONG)
    assert (bench.folder / "heard").read_text().split() == [delivery.id] * 2
    assert bench.store.deliveries()[0].state is DeliveryState.DELIVERED


def test_a_clock_that_was_set_back_delays_nothing(bench: Bench) -> None:
    delivery = bench.store.subscribe(bench.job, shell("exit 0"))
    bench.end_job()
    far = bench.now + 1e6
    bench.store.attempted(delivery.id, DeliveryState.PENDING, tried=1, next_try=far, last_error="x")
    bench.start()
    assert bench.idle.wait(LONG)
    assert bench.store.deliveries()[0].state is DeliveryState.DELIVERED


def test_what_the_program_reads(bench: Bench) -> None:
    delivery = bench.store.subscribe(bench.job, shell("exit 0"))
    bench.end_job()
    job = bench.store.job(bench.job)
    said = json.loads(message(job, delivery))
    assert said.pop("result")["code"] == ResultCode.SUCCEEDED
    assert said == {
        "event": "completed",
        "delivery": delivery.id,
        "attempt": 1,
        "job": bench.job,
        "kind": "install",
        "created": job.created,
        "ended": job.ended,
    }
    assert json.loads(message(job, replace(delivery, tried=3)))["attempt"] == 4


def test_where_the_program_runs_and_what_it_is_given(bench: Bench) -> None:
    script = f"env | sort | grep -v -e ^_= -e ^PWD= -e ^SHLVL= > {bench.folder}/env; pwd > {bench.folder}/pwd"
    where = bench.folder / "where"
    where.mkdir()
    delivery = bench.store.subscribe(bench.job, shell(script, cwd=str(where), env={"LANG": "de"}))
    bench.end_job()
    assert attempt(bench.store.job(bench.job), delivery) == ""
    assert (bench.folder / "pwd").read_text() == f"{where}\n"
    assert (bench.folder / "env").read_text().splitlines() == [
        "LANG=de",
        "PATH=/usr/local/bin:/usr/bin:/bin",
        f"WUA_DELIVERY={delivery.id}",
        f"WUA_JOB={bench.job}",
    ]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 4", "exit 4"),
        ("echo one >&2; echo two >&2; exit 1", "exit 1: two"),
        ("echo not this; exit 1", "exit 1"),
        ("printf '%0300d' 0 >&2; exit 1", "exit 1: " + "0" * 200),
        ("kill -9 $$", "exit -9"),
        ("printf '\\377' >&2; exit 1", "exit 1: \N{REPLACEMENT CHARACTER}"),
    ],
)
def test_what_went_wrong_is_the_last_thing_that_the_program_said(
    bench: Bench, script: str, said: str
) -> None:
    delivery = bench.store.subscribe(bench.job, shell(script))
    bench.end_job()
    assert attempt(bench.store.job(bench.job), delivery) == said


def test_all_of_a_program_that_hangs_is_killed(bench: Bench) -> None:
    os.mkfifo(bench.folder / "gate")
    script = f"read x < {bench.folder}/gate & echo $! > {bench.folder}/child; wait"
    delivery = bench.store.subscribe(bench.job, shell(script, timeout=0.2))
    bench.end_job()
    said = attempt(bench.store.job(bench.job), delivery)
    assert said == "no exit within 0.2 s; it was killed"
    child = ProcessRef.of(int((bench.folder / "child").read_text()))
    assert child is None or child.wait(LONG)


def test_the_next_attempt_waits_for_its_time(bench: Bench) -> None:
    bench.store.subscribe(bench.job, shell("exit 4"))
    bench.end_job()
    bench.start()
    assert bench.deliverer is not None
    times = []
    for tried in (1, 2, 3):
        wait_until(lambda tried=tried: bench.store.deliveries()[0].tried == tried)
        bench.deliver_another()  # which is due, and comes after the one that waits
        first = bench.store.deliveries()[0]
        assert first.tried == tried
        assert not bench.deliverer.idle
        times.append(first.next_try)
        bench.now = first.next_try
        bench.deliverer.wake()
    assert times == [1001.0, 1003.0, 1007.0]


def test_what_could_not_be_stored_rests_before_it_is_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = bench.folder / "heard"
    delivery = bench.store.subscribe(bench.job, shell(f"echo x >> {heard}"))
    bench.end_job()
    real = bench.store.attempted
    failures = []

    def attempted(given: str, *more: Any, **named: Any) -> None:
        if given == delivery.id and not failures:
            failures.append(given)
            raise error("disk-full", "no room")
        real(given, *more, **named)

    monkeypatch.setattr(bench.store, "attempted", attempted)
    bench.start()
    wait_until(lambda: failures)
    bench.deliver_another()
    bench.deliver_another()
    assert heard.read_text() == "x\n"
    bench.now += deliveries.FIRST_PAUSE
    assert bench.deliverer is not None
    bench.deliverer.wake()
    wait_until(lambda: bench.store.deliveries()[0].state is DeliveryState.DELIVERED)
    assert heard.read_text() == "x\nx\n"


def test_a_store_that_cannot_be_read_is_asked_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    real = bench.store.deliveries
    asked = []

    def broken(*given: object, **named: object) -> tuple[Delivery, ...]:
        asked.append(1)
        if len(asked) == 1:
            raise error("store-unwritable", "no")
        return real(*given, **named)  # type: ignore[arg-type]

    bench.store.subscribe(bench.job, shell("exit 0"))
    bench.end_job()
    monkeypatch.setattr(bench.store, "deliveries", broken)
    bench.start()
    assert bench.deliverer is not None
    wait_until(lambda: asked)
    assert not bench.idle.is_set()
    bench.deliverer.wake()
    assert bench.idle.wait(LONG)
    assert real()[0].state is DeliveryState.DELIVERED


def test_what_is_at_work_may_end_before_the_deliverer_does(bench: Bench) -> None:
    gate = bench.folder / "gate"
    os.mkfifo(gate)
    bench.store.subscribe(bench.job, shell(f"read x < {gate}"))
    bench.end_job()
    bench.start()
    with gate.open("w") as line:
        closing = threading.Thread(target=bench.close)
        closing.start()
        line.write("go\n")
    closing.join()
    after = StateStore(bench.folder / "state.db")
    assert after.deliveries()[0].state is DeliveryState.DELIVERED
    after.close()
    bench.deliverer = None


def test_a_closed_deliverer_begins_nothing(bench: Bench) -> None:
    bench.start()
    assert bench.deliverer is not None
    bench.deliverer.close()
    bench.store.subscribe(bench.job, shell(f"touch {bench.folder}/heard"))
    bench.end_job()
    bench.deliverer.wake()
    assert not (bench.folder / "heard").exists()


def test_pauses_double_up_to_a_limit() -> None:
    assert [pause(tried) for tried in (1, 2, 3, 9, 10, 1000)] == [1.0, 2.0, 4.0, 256.0, 300.0, 300.0]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may become another user")
def test_a_program_runs_as_the_user_who_subscribed(bench: Bench) -> None:
    heard = bench.folder / "heard"
    heard.touch()
    heard.chmod(0o666)
    for folder in (bench.folder, *bench.folder.parents):
        if folder.stat().st_uid == 0 and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o011)
    bench.store.subscribe(bench.job, shell(f"id -u >> {heard}; id -G >> {heard}", uid=65534, gid=65534))
    bench.end_job()
    bench.start()
    assert bench.idle.wait(LONG)
    assert heard.read_text().split() == ["65534", "65534"]


# --- through a job host


@pytest.mark.idle(0)
def test_killed_between_the_programs_exit_and_the_acknowledgement(machine: Machine, tmp_path: Path) -> None:
    """Nobody can tell whether the program was done: it runs again, with the same id."""
    machine.set(SimulatedUpdate("a"))
    first, second = machine.gate("first"), machine.gate("second")
    heard = tmp_path / "heard"
    agent = machine.agent()
    job = agent.install("a")
    choice = f"gate={second.path}; [ $(wc -l < {heard}) = 1 ] && gate={first.path}"
    script = f"echo $WUA_DELIVERY >> {heard}; {choice}"
    agent.protocol.subscribe(job.id, shell(f"{script}; read x < $gate"))
    first.reached()
    machine.kill_host()
    second.reached()
    first.open()
    second.open()
    machine.settle()
    (delivery,) = agent.deliveries(job)
    assert delivery.state is DeliveryState.DELIVERED
    assert (tmp_path / "heard").read_text().split() == [delivery.id] * 2


@pytest.mark.idle(0)
def test_a_function_of_a_module_is_notified_in_a_fresh_interpreter(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "hearer.py").write_text(
        "import json, os, sys\n"
        "def heard(event):\n"
        f"    with open({str(tmp_path / 'heard')!r}, 'a') as file:\n"
        "        print(os.getpid(), event['job'], event['result']['code'], file=file)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    machine.set(SimulatedUpdate("a"))
    agent = machine.agent()
    job = agent.install("a")
    job.notify("hearer:heard")
    job.result(LONG)
    machine.settle()
    pid, job_id, code = (tmp_path / "heard").read_text().split()
    assert int(pid) != os.getpid()
    assert (job_id, code) == (job.id, "2")
    assert [d.state for d in agent.deliveries()] == [DeliveryState.DELIVERED]
