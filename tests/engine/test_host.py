"""The job host, in this process: what it starts, when, who hears of it, and when it leaves."""

import contextlib
import importlib
import itertools
import os
import select
import signal
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.machines import LONG, Machine
from tests.support.scripted import wait_until

from wua.engine import host as hosting
from wua.engine import sockets
from wua.engine.host import JobHost
from wua.engine.job_runs import Workshop
from wua.engine.runs import Undecided
from wua.engine.wiring import open_store, save_spec
from wua.model.enums import ResultCode
from wua.model.jobs import DeliveryState, JobKind, JobRecord, JobSpec, Subscription, Waiting
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import error
from wua.model.states import JobState
from wua.store.state import StateStore
from wua.system.locks import FileLock, lock_holder
from wua.testing.machine import SimulatedUpdate

S, R = JobState, ResultCode


class Hosted:
    """A machine, its store as a caller has it, and a job host on a thread."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.run_dir = Path(machine.target.paths.run)
        self.store: StateStore = open_store(machine.target)
        self.host: JobHost | None = None
        self.clients: list[socket.socket] = []
        self._thread: threading.Thread | None = None

    def start(self, idle: float = 1000.0) -> JobHost:
        lock = FileLock(self.run_dir / "host.lock")
        assert lock.acquire()
        self.host = host = JobHost(self.machine.target, lock, idle=idle)
        self._thread = threading.Thread(target=host.serve)
        self._thread.start()
        return host

    def ended(self, seconds: float = LONG) -> bool:
        assert self._thread is not None
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def client(self) -> socket.socket:
        found = sockets.connect(self.run_dir)
        assert found is not None
        found.settimeout(LONG)
        self.clients.append(found)
        return found

    def wake(self) -> None:
        """Say that there is something new, and wait for the answer."""
        client = self.client()
        client.sendall(b"wake\n")
        heard = b""
        while b"ok\n" not in heard:  # news of jobs may come before
            more = client.recv(4096)
            assert more
            heard += more

    def add(self, *names: str, kind: JobKind = JobKind.INSTALL, **options: object) -> str:
        updates = tuple(SimulatedUpdate(name).id for name in names)
        request = PlanRequest(Operation.INSTALL, updates=updates)
        return self.store.add_job(JobSpec(kind, request=request, **options), updates)[0].id  # type: ignore[arg-type]

    def job(self, job: str) -> JobRecord:
        return self.store.job(job)

    def wait_for_end(self, *jobs: str) -> list[ResultCode]:
        wait_until(lambda: all(self.job(job).result is not None for job in jobs))
        return [found.code for job in jobs if (found := self.job(job).result) is not None]

    def close(self) -> None:
        for client in self.clients:
            client.close()
        if self.host is not None and self._thread is not None and self._thread.is_alive():
            self.host.stop()
            assert self.ended()
        # In a process of its own the host would end now, and its jobs' threads with it.
        wait_until(lambda: not any(each.name.startswith("wua-job-") for each in threading.enumerate()))
        self.store.close()


@pytest.fixture
def hosted(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hosted]:
    monkeypatch.setattr(hosting, "GREETING", 0.0)
    machine.set(*(SimulatedUpdate(name) for name in "abcdef"))
    made = Hosted(machine)
    yield made
    made.close()


# --- clients


def test_every_line_is_answered(hosted: Hosted) -> None:
    hosted.start()
    client = hosted.client()
    client.sendall(b"wake\nwake\n")
    heard = b""
    while heard.count(b"\n") < 2:
        heard += client.recv(4096)
    assert heard == b"ok\nok\n"


def test_all_who_are_connected_hear_of_a_job_that_moved_on(hosted: Hosted) -> None:
    hosted.start()
    clients = [hosted.client(), hosted.client()]
    for client in clients:
        client.sendall(b"wake\n")
        assert client.recv(4096) == b"ok\n"
    job = hosted.add("a")
    hosted.wake()
    for client in clients:
        assert client.recv(4096).startswith(f"changed {job}\n".encode())
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]


def test_one_that_left_does_not_disturb(hosted: Hosted) -> None:
    hosted.start()
    hosted.client().close()
    left = hosted.client()
    left.sendall(b"wake\n")
    left.close()
    job = hosted.add("a")
    hosted.wake()
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]
    hosted.wake()


def test_one_that_does_not_read_is_dropped(hosted: Hosted) -> None:
    host = hosted.start()
    deaf = hosted.client()
    deaf.sendall(b"\n" * 4000)
    sent = 0
    deaf.settimeout(0.0)
    with contextlib.suppress(BlockingIOError, BrokenPipeError, ConnectionResetError):
        while sent < 100_000_000:
            sent += deaf.send(b"\n" * 4000)
            select.select([], [deaf], [], LONG)
    assert sent < 100_000_000
    assert host is hosted.host
    hosted.wake()


# --- what is started


def test_what_was_there_before_is_begun_without_a_word(hosted: Hosted) -> None:
    jobs = [hosted.add("a"), hosted.add("b")]
    hosted.start()
    assert hosted.wait_for_end(*jobs) == [R.SUCCEEDED] * 2
    assert hosted.machine.log == ["begin", "end"] * 2


def test_only_so_many_downloads_at_the_same_time(hosted: Hosted) -> None:
    hosted.machine.set(*(SimulatedUpdate(name, download_gate="gate") for name in "abcdef"))
    gate = hosted.machine.gate("gate")
    jobs = [hosted.add(name, kind=JobKind.DOWNLOAD) for name in "abcde"]
    hosted.start()
    wait_until(lambda: [hosted.job(job).state for job in jobs] == [S.DOWNLOADING] * 4 + [S.QUEUED])
    hosted.wake()
    assert hosted.job(jobs[4]).state is S.QUEUED
    gate.open()
    assert hosted.wait_for_end(*jobs) == [R.SUCCEEDED] * 5


def test_a_download_runs_beside_an_installation_and_no_other_installation(hosted: Hosted) -> None:
    hosted.machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"), SimulatedUpdate("c"))
    gate = hosted.machine.gate("gate")
    first, second = hosted.add("a"), hosted.add("b")
    hosted.start()
    gate.reached()
    download = hosted.add("c", kind=JobKind.DOWNLOAD)
    hosted.wake()
    assert hosted.wait_for_end(download) == [R.SUCCEEDED]
    assert hosted.job(second).state is S.QUEUED
    gate.open()
    assert hosted.wait_for_end(first, second) == [R.SUCCEEDED] * 2


def test_what_a_dead_host_began_goes_first(hosted: Hosted) -> None:
    hosted.machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", gate="gate"))
    gate = hosted.machine.gate("gate")
    queued, begun = hosted.add("a"), hosted.add("b")
    assert hosted.store.transition(begun, S.PLANNING)
    hosted.start()
    gate.reached()
    assert hosted.job(queued).state is S.QUEUED
    gate.open()
    assert hosted.wait_for_end(queued, begun) == [R.SUCCEEDED] * 2


def test_an_aborted_job_needs_not_wait_for_its_turn(hosted: Hosted) -> None:
    hosted.machine.set(SimulatedUpdate("a", gate="gate"), SimulatedUpdate("b"))
    gate = hosted.machine.gate("gate")
    first, second = hosted.add("a"), hosted.add("b", not_before=time.time() + 1e6)
    hosted.start()
    gate.reached()
    hosted.store.request_abort(second)
    hosted.wake()
    assert hosted.wait_for_end(second) == [R.ABORTED]
    third = hosted.add("b")
    hosted.wake()
    assert hosted.job(third).state is S.QUEUED
    gate.open()
    assert hosted.wait_for_end(first, third) == [R.SUCCEEDED] * 2


def test_a_job_that_runs_hears_of_its_abort(hosted: Hosted) -> None:
    with FileLock(hosted.machine.root / "machine.lock"):
        job = hosted.add("a", lock_timeout=LONG)
        hosted.start()
        wait_until(lambda: hosted.job(job).state is S.LOCKING)
        hosted.store.request_abort(job)
        hosted.wake()
        assert hosted.wait_for_end(job) == [R.ABORTED]


def test_an_installer_hears_of_an_abort(hosted: Hosted) -> None:
    hosted.machine.set(SimulatedUpdate("a", gate="gate"))
    gate = hosted.machine.gate("gate")
    job = hosted.add("a")
    hosted.start()
    gate.reached()
    hosted.store.request_abort(job)
    hosted.wake()
    assert hosted.wait_for_end(job) == [R.ABORTED]


def test_a_time_of_day_is_waited_for(hosted: Hosted) -> None:
    begun = time.time()
    late, soon = hosted.add("a", not_before=begun + 1.0), hosted.add("b")
    never = hosted.add("c", not_before=begun + 1e6)
    hosted.start()
    assert hosted.wait_for_end(late, soon) == [R.SUCCEEDED] * 2
    assert hosted.job(late).started >= begun + 1.0 > hosted.job(soon).started
    assert hosted.job(never).state is S.QUEUED


def test_a_clock_that_is_set_forward_is_noticed(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long wait is made of short ones."""
    monkeypatch.setattr(hosting, "LONGEST_SLEEP", 0.01)
    job = hosted.add("a", not_before=time.time() + 1e6)
    hosted.start()
    hosted.wake()
    assert hosted.job(job).state is S.QUEUED
    real = time.time
    monkeypatch.setattr(time, "time", lambda: real() + 2e6)
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]


@pytest.mark.parametrize("failure", [Undecided("the disk is full"), error("disk-full", "no room")])
def test_a_job_that_could_not_be_recorded_is_tried_again_ever_more_slowly(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch, failure: Exception
) -> None:
    monkeypatch.setattr(hosting, "FIRST_RETRY", 0.02)
    monkeypatch.setattr(hosting, "LONGEST_RETRY", 0.05)
    tries: list[float] = []
    real = hosting.Runner.run

    def run(runner: hosting.Runner) -> None:
        tries.append(time.monotonic())
        if len(tries) < 5:
            raise failure
        real(runner)

    monkeypatch.setattr(hosting.Runner, "run", run)
    job = hosted.add("a")
    hosted.start()
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]
    pauses = [after - before for before, after in itertools.pairwise(tries)]
    assert all(pause >= least for pause, least in zip(pauses, (0.02, 0.04, 0.05, 0.05), strict=True))


def test_a_job_that_is_stuck_holds_up_no_other(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    stuck = hosted.add("a")

    class Runner(hosting.Runner):
        def __init__(self, shop: Workshop, job_id: str) -> None:
            super().__init__(shop, job_id)
            self.stuck = job_id == stuck

        def run(self) -> None:
            if self.stuck:
                raise Undecided("the disk is full")
            super().run()

    monkeypatch.setattr(hosting, "Runner", Runner)
    other = hosted.add("b")
    hosted.start()
    assert hosted.wait_for_end(other) == [R.SUCCEEDED]


# --- deliveries


def test_who_subscribed_is_told_at_the_end(hosted: Hosted) -> None:
    job = hosted.add("a")
    hosted.store.subscribe(job, Subscription(("/bin/true",)))
    hosted.start()
    wait_until(lambda: hosted.store.deliveries()[0].state is DeliveryState.DELIVERED)
    late = hosted.store.subscribe(job, Subscription(("/bin/true",)))
    hosted.wake()
    wait_until(lambda: hosted.store.deliveries()[1].state is DeliveryState.DELIVERED)
    assert late.id == hosted.store.deliveries()[1].id


# --- the end


def test_an_idle_host_leaves_when_everything_is_done_and_delivered(hosted: Hosted) -> None:
    heard, before = hosted.machine.root / "heard", set(threading.enumerate())
    job = hosted.add("a")
    hosted.store.subscribe(job, Subscription(("/bin/sh", "-c", f"cat > {heard}")))
    hosted.start(idle=0.0)
    assert hosted.ended()
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]
    assert job in heard.read_text()
    assert not (hosted.run_dir / sockets.NAME).exists()
    assert sockets.connect(hosted.run_dir) is None
    assert lock_holder(hosted.run_dir / "host.lock") is None
    left = set(threading.enumerate()) - before
    assert not [each for each in left if each.name.startswith("wua-")]


def test_an_idle_host_stays_for_a_while(hosted: Hosted) -> None:
    hosted.start(idle=0.2)
    begun = time.monotonic()
    assert hosted.ended()
    assert time.monotonic() - begun >= 0.15


def test_a_host_that_was_just_started_waits_for_whoever_started_it(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hosting, "GREETING", 0.2)
    begun = time.monotonic()
    hosted.start(idle=0.0)
    assert hosted.ended()
    assert time.monotonic() - begun >= 0.2


def test_whoever_just_connected_may_speak(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hosting, "GREETING", LONG)
    monkeypatch.setattr(hosting, "SPEAKING", 0.1)
    hosted.start(idle=0.0)
    begun = time.monotonic()
    hosted.client()
    assert hosted.ended()
    assert LONG > time.monotonic() - begun >= 0.1


def test_a_host_with_a_job_for_later_stays(hosted: Hosted) -> None:
    hosted.add("a", not_before=time.time() + 1e6)
    hosted.start(idle=0.0)
    hosted.wake()
    assert not hosted.ended(0.1)


def test_a_stopped_host_leaves_its_installer_at_work(hosted: Hosted) -> None:
    hosted.machine.set(SimulatedUpdate("a", gate="gate"))
    gate = hosted.machine.gate("gate")
    job = hosted.add("a")
    host = hosted.start()
    gate.reached()
    host.stop()
    assert hosted.ended()
    assert hosted.machine.installer().alive()
    gate.open()
    supervisor = hosted.machine.supervisor()
    assert supervisor.wait(LONG)
    assert hosted.job(job).state is S.INSTALLING
    assert hosted.machine.log == ["begin", "end"]


# --- as a program


def test_what_is_loaded_early_is_there() -> None:
    """An installer may replace the files of Python and of wua under the host."""
    for name in hosting.NEEDED_LATER:
        importlib.import_module(name)


@pytest.fixture
def term() -> Iterator[None]:
    """main takes over SIGTERM, which must not outlive the test."""
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def said_by_main(state: Path) -> tuple[int, str]:
    ready, theirs = os.pipe()
    code = hosting.main(str(state), theirs)
    with open(ready, "rb") as file:
        return code, file.read().decode()


@pytest.mark.usefixtures("term")
def test_the_program_says_ready_and_works_until_it_is_idle(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WUA_HOST_IDLE", "0")
    job = hosted.add("a")
    assert said_by_main(hosted.machine.root / "state") == (0, "ready")
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]


@pytest.mark.usefixtures("term")
def test_the_program_ends_on_sigterm(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WUA_HOST_IDLE", "1000")

    def end() -> None:
        wait_until(lambda: signal.getsignal(signal.SIGTERM) not in (signal.SIG_DFL, signal.SIG_IGN))
        os.kill(os.getpid(), signal.SIGTERM)

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    killer = threading.Thread(target=end)
    killer.start()
    assert said_by_main(hosted.machine.root / "state") == (0, "ready")
    killer.join()


def test_a_second_host_finds_the_first(hosted: Hosted) -> None:
    hosted.start()
    assert said_by_main(hosted.machine.root / "state") == (0, "exists")
    hosted.wake()


@pytest.mark.usefixtures("term")
def test_a_host_waits_for_one_that_is_just_leaving(hosted: Hosted, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds the lock and answers no more."""
    monkeypatch.setenv("WUA_HOST_IDLE", "0")
    leaving = FileLock(hosted.run_dir / "host.lock")
    assert leaving.acquire()
    ready, theirs = os.pipe()
    threading.Timer(0.05, leaving.release).start()
    assert hosting.main(str(hosted.machine.root / "state"), theirs) == 0
    with open(ready, "rb") as file:
        assert file.read() == b"ready"


def test_a_host_that_cannot_begin_says_why(tmp_path: Path) -> None:
    code, said = said_by_main(tmp_path / "nowhere")
    assert code == 1
    assert "target-unusable" in said
    assert "No such file or directory" in said


@pytest.mark.usefixtures("term")
def test_a_caller_that_went_away_does_not_stop_the_host(
    hosted: Hosted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WUA_HOST_IDLE", "0")
    save_spec(hosted.machine.target)
    job = hosted.add("a")
    ready, theirs = os.pipe()
    os.close(ready)
    assert hosting.main(str(hosted.machine.root / "state"), theirs) == 0
    assert hosted.wait_for_end(job) == [R.SUCCEEDED]
    assert not any(isinstance(told.event, Waiting) for told in hosted.store.events(job))
