"""A clock that a test moves, in this process, in the job host and in scripted installers."""

import threading
import time
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from tests.support.machines import wait_for
from tests.support.scripted import wait_until

from wua.model.enums import ResultCode
from wua.model.jobs import JobKind, JobSpec, Noted, Progressed, Waiting
from wua.model.plans import Operation, PlanRequest
from wua.model.states import JobState
from wua.testing import CallbackRecorder, SimulatedMachine, SimulatedUpdate, Stage, VirtualClock, staged
from wua.testing.crash import victims
from wua.wuapi import AutomaticUpdates, ComError, enums

LONG = 30.0  # seconds; only a test that fails waits so long
HOUR = 3600.0


@pytest.fixture
def stage() -> Iterator[Stage]:
    with staged() as made:
        made.clock.hold()
        yield made


@pytest.fixture
def clock(tmp_path: Path) -> VirtualClock:
    return VirtualClock(tmp_path / "clock")


# --- the clock by itself


def test_a_new_clock_runs_with_the_system(clock: VirtualClock) -> None:
    before = time.time()
    assert before - 0.002 <= clock.time() <= time.time() + 0.002
    assert clock.real(7.0) == 7.0
    assert not clock.is_held


def test_a_clock_that_is_held_moves_only_when_it_is_moved(clock: VirtualClock) -> None:
    clock.hold()
    then = clock.time()
    assert clock.is_held
    assert clock.real(7.0) is None
    assert clock.real(0.0) == 0.0
    clock.advance(90.5)
    assert clock.time() == pytest.approx(then + 90.5)
    assert clock.monotonic() == clock.time()
    with pytest.raises(ValueError, match="goes back"):
        clock.advance(-1)


def test_a_clock_goes_on_from_where_it_was(clock: VirtualClock) -> None:
    clock.advance(HOUR)
    assert clock.time() == pytest.approx(time.time() + HOUR, abs=5)
    clock.hold()
    clock.advance(HOUR)
    clock.run()
    assert clock.time() == pytest.approx(time.time() + 2 * HOUR, abs=5)


def test_two_looks_at_one_clock_agree(clock: VirtualClock, tmp_path: Path) -> None:
    other = VirtualClock(tmp_path / "clock")
    clock.hold()
    other.advance(5)
    assert clock.time() == other.time()


def test_who_listens_hears_of_every_move(clock: VirtualClock) -> None:
    heard = threading.Semaphore(0)
    clock.on_move(heard.release)
    for move in (clock.hold, lambda: clock.advance(1), clock.run):
        move()
        assert heard.acquire(timeout=LONG)


def test_nobody_waits_for_the_clock(clock: VirtualClock) -> None:
    with pytest.raises(TimeoutError, match="0 of 1"):
        clock.awaited(timeout=0.01)


# --- what lasts


def test_an_update_takes_its_time(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("slow", duration=600))
    job = stage.agent.install("slow")
    stage.clock.awaited()
    assert not stage.is_installed("slow")
    stage.clock.advance(599)
    stage.clock.awaited()
    assert not stage.is_installed("slow")
    stage.clock.advance(1)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert stage.is_installed("slow")


def test_one_step_takes_several_updates_to_their_ends(stage: Stage) -> None:
    stage.offer(*(SimulatedUpdate(name, duration=100, download_duration=100) for name in "abc"))
    job = stage.agent.download(["a", "b", "c"])
    stage.clock.awaited()
    stage.clock.advance(300)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    job = stage.agent.install(["a", "b", "c"])
    stage.clock.awaited()
    stage.clock.advance(250)
    stage.clock.awaited()
    assert stage.installed == {"a": "1.0", "b": "1.0"}
    stage.clock.advance(50)
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_progress_is_told_on_the_way(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a", duration=100), downloaded=True)
    installer = stage.session().CreateUpdateInstaller()
    installer.Updates = stage.session().CreateUpdateSearcher().Search("").Updates
    progress, completed = CallbackRecorder(), CallbackRecorder()
    job = installer.BeginInstall(progress, completed, None)
    for tenth in range(1, 11):
        stage.clock.awaited()
        stage.clock.advance(10)
        wanted = 10 * tenth
        progress.wait_until(lambda call: call.args.Progress.CurrentUpdatePercentComplete >= wanted)  # noqa: B023
    completed.wait()
    seen = [call.args.Progress.CurrentUpdatePercentComplete for call in progress.calls]
    assert set(range(10, 101, 10)) <= set(seen)
    assert progress.percents == sorted(progress.percents)
    assert installer.EndInstall(job).ResultCode == 2


def test_a_download_tells_its_bytes_and_its_rate(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("big", size=100_000, download_duration=100))
    job = stage.agent.download("big")
    stage.clock.awaited()
    stage.clock.advance(50)
    half = wait_for(job, lambda event: isinstance(event, Progressed) and event.progress.bytes_done == 50_000)
    assert isinstance(half, Progressed)
    assert half.progress.bytes_total == 100_000
    assert half.progress.rate == pytest.approx(1000)
    stage.clock.advance(50)
    job.result(LONG)


def test_a_free_clock_skips_what_lasts() -> None:
    with staged() as stage:
        stage.offer(SimulatedUpdate("slow", duration=7 * HOUR, download_duration=HOUR))
        before = stage.clock.time()
        assert stage.agent.install("slow").result(LONG).code is ResultCode.SUCCEEDED
        assert stage.clock.time() - before >= 8 * HOUR
        (entry,) = stage.agent.history()
        assert entry.date - before >= 7 * HOUR


def test_letting_the_clock_run_lets_go_what_waits(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("slow", duration=HOUR))
    job = stage.agent.install("slow")
    stage.clock.awaited()
    stage.clock.run()
    assert job.result(LONG).code is ResultCode.SUCCEEDED


def test_without_a_clock_of_its_own_what_lasts_lasts(short_dir: Path) -> None:
    with Stage(short_dir / "machine", virtual_time=False) as stage:
        stage.offer(SimulatedUpdate("a", duration=0.02))
        begun = time.monotonic()
        assert stage.agent.install("a").result(LONG).code is ResultCode.SUCCEEDED
        assert time.monotonic() - begun >= 0.02
        assert isinstance(stage.machine, SimulatedMachine)


def test_an_abort_is_heard_while_an_installer_waits(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("slow", duration=HOUR))
    job = stage.agent.install("slow")
    stage.clock.awaited()
    job.abort()
    assert job.result(LONG).code is ResultCode.ABORTED
    assert stage.installed == {}


# --- what the agent itself waits for


def test_a_job_begins_at_its_time(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a"))
    update = SimulatedUpdate("a").id
    request = PlanRequest(Operation.INSTALL, (update,))
    when = stage.clock.time() + 8 * HOUR
    job = stage.agent.submit(JobSpec(JobKind.INSTALL, request=request, not_before=when))
    stage.clock.advance(8 * HOUR - 1)
    assert job.record.state is JobState.QUEUED
    stage.clock.advance(1)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert job.record.started >= when


def test_waiting_for_a_lock_ends_at_its_time(stage: Stage) -> None:
    import fcntl

    stage.offer(SimulatedUpdate("a"))
    with open(stage.root / "package.lock", "w") as other:
        fcntl.lockf(other, fcntl.LOCK_EX)
        job = stage.agent.install("a", lock_timeout=300)
        wait_for(job, lambda event: isinstance(event, Waiting))
        stage.clock.advance(299)
        assert not job.wait(0)
        stage.clock.advance(2)
        problem = job.result(LONG).problem
    assert problem is not None
    assert problem.id == "lock-held"


def test_automatic_updates_keep_their_hour_and_their_pause(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("a"))
    au = AutomaticUpdates(agent=stage.agent)
    settings = au.Settings
    settings.NotificationLevel = enums.aunlScheduledInstallation
    settings.ScheduledInstallationTime = 3
    settings.Save()
    au.Pause()
    with pytest.raises(ComError):
        au.DetectNow()
    stage.clock.advance(8 * HOUR)
    au.DetectNow()
    wait_until(lambda: any(job.spec.not_before for job in stage.agent.jobs()))
    (job,) = [stage.agent.job(each.id) for each in stage.agent.jobs() if each.spec.not_before]
    assert datetime.fromtimestamp(job.record.spec.not_before).astimezone().hour == 3
    assert stage.installed == {}
    stage.clock.advance(24 * HOUR)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert stage.installed == {"a": "1.0"}


def test_records_bear_the_time_of_the_clock(stage: Stage) -> None:
    stage.clock.advance(400 * 24 * HOUR)
    stage.offer(SimulatedUpdate("a"))
    job = stage.agent.install("a")
    job.result(LONG)
    now = stage.clock.time()
    assert stage.agent.history()[0].date == pytest.approx(now)
    assert job.record.created == pytest.approx(now)
    assert [told.time for told in job] == [pytest.approx(now)] * len(list(job))


def test_a_killed_host_finds_the_installer_at_the_same_time(stage: Stage) -> None:
    stage.offer(SimulatedUpdate("slow", duration=HOUR))
    job = stage.agent.install("slow")
    stage.clock.awaited()
    assert stage.kill("host") == ("host",)
    stage.clock.advance(HOUR)
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert any(isinstance(told.event, Noted) and "adopted" in told.event.text for told in job)
    assert not list(victims.victims(stage.root, "installer"))


def test_a_rehearsal_takes_no_time(stage: Stage) -> None:
    parts = SimulatedUpdate("one", duration=HOUR), SimulatedUpdate("two", gate="gate")
    stage.offer(SimulatedUpdate("suite", bundle=parts), SimulatedUpdate("there", installed=True))
    plan = stage.agent.plan_install("suite").result(LONG)
    rehearsal = stage.agent.rehearse(plan).result(LONG)
    assert rehearsal.result.code is ResultCode.SUCCEEDED
    assert rehearsal.differences == ()
    assert stage.installed == {"there": "1.0"}
