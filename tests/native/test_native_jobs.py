"""One native job: whichever of callback and polling comes first, stalls, time-outs, what never completes."""

import threading
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.machines import LONG
from tests.support.scripted_natives import Clock, Owner, Refused, Scripted, ScriptedJob, result

from wua import WuaError
from wua.model import codes
from wua.model.enums import ResultCode
from wua.native import jobs
from wua.native.jobs import Hearing, Limits, Look, NativeJob
from wua.native.lane import Lane
from wua.native.pace import Pace

DONE = SimpleNamespace(GetUpdateResult=lambda index: result(ResultCode.SUCCEEDED))
RUNNING, GOOD = ResultCode.IN_PROGRESS, ResultCode.SUCCEEDED


class Conducted:
    """A native job and what was heard of it."""

    def __init__(self) -> None:
        self.clock, self.natives = Clock(), Scripted()
        self.lane = Lane(self.natives)
        self.looks: list[int] = []
        self.stalls: list[float] = []
        self.aborting = False

    def job(self, *, timeout: float = 0.0, stall_after: float = 0.0, poll: float = 0.0) -> NativeJob:
        return NativeJob(
            self.natives,
            self.lane,
            jobs.INSTALL,
            Limits("installing", timeout, stall_after),
            Pace(poll, settle=30.0, grace=20.0, clock=self.clock),
            Hearing(lambda look: self.looks.append(look.percent), self.stalls.append),
            lambda: self.aborting,
        )


@pytest.fixture
def conducted() -> Iterator[Conducted]:
    made = Conducted()
    yield made
    made.lane.close()


def test_completed_by_polling(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(0, RUNNING), (50, RUNNING), (100, GOOD)], completes=2)
    assert conducted.job().run(Owner(native, lambda: DONE)) is DONE
    assert conducted.looks == [0, 50, 100]
    assert native.aborted == 0


def test_completed_by_callback(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(0, RUNNING)])
    owner = Owner(native, lambda: DONE)
    job = conducted.job(poll=LONG)  # only a callback can be so quick
    done: list[Any] = []
    thread = threading.Thread(target=lambda: done.append(job.run(owner)))
    begun = threading.Event()
    original = owner.BeginInstall

    def begin(*given: Any) -> ScriptedJob:
        begun.set()
        return original(*given)

    owner.BeginInstall = begin  # type: ignore[method-assign]
    thread.start()
    assert begun.wait(LONG)
    progress, completed = owner.callbacks
    assert (progress.interface, completed.interface) == (jobs.INSTALL.progress, jobs.INSTALL.completed)
    completed.call()
    thread.join(LONG)
    assert done == [DONE]


def test_every_update_is_final_and_nobody_says_that_it_is_over(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(0, RUNNING), (100, GOOD)])
    assert conducted.job().run(Owner(native, lambda: DONE)) is DONE
    assert 30 <= conducted.clock.now < 40


def test_a_result_that_is_not_handed_over_is_taken_from_the_last_look(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(100, GOOD)])
    never = threading.Event()
    job = conducted.job()
    job._pace = job._pace._replace(grace=0.01)
    found = job.run(Owner(native, never.wait))
    never.set()
    assert isinstance(found, Look)
    assert jobs.parts_of(found, 1) == (jobs.Part(GOOD),)


def test_a_stall_is_told_once_until_there_is_progress_again(conducted: Conducted) -> None:
    looks = [(10, RUNNING)] * 12 + [(20, RUNNING)] * 12 + [(100, GOOD)]
    native = ScriptedJob(conducted.clock, looks, completes=len(looks))
    conducted.job(stall_after=5.0).run(Owner(native, lambda: DONE))
    assert conducted.stalls == [5.0, 5.0]


def test_a_time_out_asks_for_an_abort_and_names_the_phase_when_it_is_not_obeyed(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(10, RUNNING)])
    with pytest.raises(WuaError, match="installing: longer than 50 s") as raised:
        conducted.job(timeout=50.0).run(Owner(native, lambda: DONE))
    assert raised.value.problem.id == "timed-out"
    assert native.aborted == 1
    assert 70 <= conducted.clock.now < 75


def test_a_time_out_that_is_obeyed(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(10, RUNNING)])
    native.obeys = True
    job = conducted.job(timeout=50.0)
    assert job.run(Owner(native, lambda: DONE)) is DONE
    assert job.timed_out


def test_an_abort_is_asked_for_once(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(10, RUNNING)] * 3, completes=3)
    conducted.aborting = True
    job = conducted.job()
    job.run(Owner(native, lambda: DONE))
    assert native.aborted == 1
    assert not job.timed_out


def test_what_end_refuses_is_raised(conducted: Conducted) -> None:
    def refuse() -> None:
        raise Refused(codes.WU_E_SERVICE_STOP, "stopped")

    native = ScriptedJob(conducted.clock, [(10, RUNNING)], completes=0)
    with pytest.raises(WuaError) as raised:
        conducted.job().run(Owner(native, refuse))
    found = raised.value.problem
    assert (found.id, found.hresult, found.seen) == (
        "windows-refused",
        codes.WU_E_SERVICE_STOP,
        "EndInstall: stopped",
    )


def test_callbacks_are_let_go_of_when_it_is_over(conducted: Conducted) -> None:
    native = ScriptedJob(conducted.clock, [(10, RUNNING)], completes=0)
    gone = threading.Event()
    native.CleanUp = gone.set  # type: ignore[method-assign]
    conducted.job().run(Owner(native, lambda: DONE))
    assert gone.wait(LONG)


def test_a_call_that_never_comes_back_holds_nobody(conducted: Conducted) -> None:
    never = threading.Event()
    with pytest.raises(WuaError, match=r"list services: Windows Update did not answer within 0\.01 s"):
        conducted.lane.call("list services", never.wait, limit=0.01)
    assert conducted.lane.call("count", lambda: 3) == 3
    never.set()


def test_a_call_that_is_refused_says_what_was_asked(conducted: Conducted) -> None:
    with pytest.raises(WuaError, match=r"ask: Microsoft\.Update\.Session can't be created"):
        conducted.lane.call("ask", lambda: conducted.natives.create("Microsoft.Update.Session"))
    with pytest.raises(ZeroDivisionError):
        conducted.lane.call("ask", lambda: 1 // 0)
    assert conducted.natives.entered
