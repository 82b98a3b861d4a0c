"""IInstallationCompletedCallback::Invoke(installationJob, callbackArgs), which answers S_OK or an error code.

The rule that each test shows is its name; what holds for every callback alike is in ``test_job_callbacks``.
Everything here goes through a real job host and a real installer
process of a scripted machine.
"""

import asyncio
import gc
import logging
import os
import signal
import threading
import weakref
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.wuapi_world import LONG, InThread, Recorder, Trap, World

import wua
from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    S_OK,
    WU_S_MARKED_FOR_DISCONNECT,
    IInstallationCompletedCallback,
    InstallationJob,
    UpdateCollection,
    UpdateInstaller,
    UpdateSession,
    callback_order,
    orcAborted,
    orcFailed,
    orcSucceeded,
)
from wua.wuapi.callbacks import InstallationCompletedCallbackArgs


class WhenInstalled(IInstallationCompletedCallback):
    """The way a program writes it."""

    def __init__(self, installer: UpdateInstaller) -> None:
        self.installer = installer
        self.results: list[Any] = []
        self.called = threading.Event()

    def Invoke(
        self, installationJob: InstallationJob, callbackArgs: InstallationCompletedCallbackArgs
    ) -> int:
        self.results.append(self.installer.EndInstall(installationJob))
        self.called.set()
        return S_OK


@pytest.mark.proves("IInstallationCompletedCallback", "Invoke")
def test_the_usual_way(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    callback = WhenInstalled(installer)
    installer.BeginInstall(None, callback, None)
    assert callback.called.wait(LONG)
    (result,) = callback.results
    assert result.ResultCode == orcSucceeded


def test_it_must_have_invoke() -> None:
    class Forgotten(IInstallationCompletedCallback):
        pass

    with pytest.raises(TypeError):
        Forgotten()  # type: ignore[abstract]


def test_it_gets_the_job_and_arguments_without_members(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    completed = Recorder()
    job = world.installer().BeginInstall(None, completed, None)
    completed.wait()
    ((given, args),) = completed.calls
    assert given is job
    assert args._interfaces_ == ("IInstallationCompletedCallbackArgs",)
    assert args._members_ == {}


@pytest.mark.proves("IInstallationJob", "AsyncState")
@pytest.mark.proves("IUpdateInstaller", "BeginUninstall EndUninstall")
def test_it_is_called_for_a_removal_too(world: World) -> None:
    world.set(SimulatedUpdate("a", installed=True))
    completed = Recorder()
    installer = world.installer()
    job = installer.BeginUninstall(None, completed, "removal")
    completed.wait()
    assert completed.calls[0][0] is job
    assert job.AsyncState == "removal"  # the job itself does not say which operation it was
    assert installer.EndUninstall(job).ResultCode == orcSucceeded


def test_it_is_called_once(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    completed = Recorder()
    installer = world.installer()
    job = installer.BeginInstall(None, completed, None)
    installer.EndInstall(job)
    job.CleanUp()  # nothing comes any more after this
    assert len(completed.calls) == 1


def test_it_is_called_when_every_update_failed(world: World) -> None:
    world.set(SimulatedUpdate("a", exit=3))
    completed = Recorder()
    installer = world.installer()
    job = installer.BeginInstall(None, completed, None)
    completed.wait()
    assert job.IsCompleted is True  # processed completely, not successfully
    assert installer.EndInstall(job).ResultCode == orcFailed


def test_it_is_called_when_the_operation_was_aborted(world: World) -> None:
    world.set(SimulatedUpdate("a", gate="gate"))
    world.gate()
    progress, completed = Recorder(), Recorder()
    installer = world.installer()
    job = installer.BeginInstall(progress, completed, None)
    progress.wait_until(lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == 1)
    job.RequestAbort()
    completed.wait()
    assert installer.EndInstall(job).ResultCode == orcAborted


def test_it_is_called_when_the_job_host_was_killed(fresh_world: World) -> None:
    fresh_world.set(SimulatedUpdate("a", gate="gate"))
    gate = fresh_world.gate()
    progress, completed = Recorder(), Recorder()
    installer = fresh_world.installer()
    job = installer.BeginInstall(progress, completed, None)
    progress.wait_until(lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == 1)
    os.kill(fresh_world.agent.info().host_pid, signal.SIGKILL)
    gate.open()
    completed.wait()
    assert installer.EndInstall(job).ResultCode == orcSucceeded
    job.CleanUp()
    assert len(completed.calls) == 1


def test_it_comes_after_all_progress(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", exit=1))
    order: list[str] = []
    progress = Recorder(lambda job, args: order.append("progress"))
    completed = Recorder(lambda job, args: order.append("completed"))
    job = world.installer().BeginInstall(progress, completed, None)
    job.CleanUp()
    assert order.count("completed") == 1
    assert order[-1] == "completed"
    assert len(order) > 1


def test_callbacks_of_different_jobs_do_not_wait_for_each_other(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    a, b = world.found()
    trap, completed = Trap(), Recorder()
    first = world.installer(UpdateCollection([a]))
    job = first.BeginInstall(None, trap, None)
    assert trap.entered.wait(LONG)
    world.installer(UpdateCollection([b])).BeginInstall(None, completed, None)
    completed.wait()
    assert not trap.left.is_set()
    trap.go.set()
    job.CleanUp()


def test_the_result_can_be_taken_inside_it(world: World) -> None:
    world.set(SimulatedUpdate("a", reboot=True))
    installer = world.installer()
    completed = Recorder(lambda job, args: installer.EndInstall(job))
    installer.BeginInstall(None, completed, None)
    completed.wait()
    assert completed.answers[0].RebootRequired is True


def test_the_next_operation_can_begin_inside_it(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    a, b = world.found()
    installer = world.installer(UpdateCollection([a]))
    second = Recorder()

    def begin_next(job: Any, args: Any) -> None:
        installer.EndInstall(job)
        installer.Updates = UpdateCollection([b])
        installer.BeginInstall(None, second, None)

    first = Recorder(begin_next)
    installer.BeginInstall(None, first, None)
    second.wait()
    assert first.answers == [None]
    assert installer.EndInstall(second.calls[0][0]).ResultCode == orcSucceeded
    assert sorted(path.name for path in (world.root / "installed").iterdir()) == ["a", "b"]


@pytest.mark.parametrize("order", ["completed-first", "begin-first"])
def test_it_may_come_before_begin_has_returned_or_after(world: World, order: Any) -> None:
    world.set(SimulatedUpdate("a"))
    returned = threading.Event()
    was_returned: list[bool] = []
    jobs: list[Any] = []

    def note(job: Any, args: Any) -> None:
        was_returned.append(returned.is_set())
        jobs.append(job)

    completed = Recorder(note)
    with callback_order(order):
        job = world.installer().BeginInstall(Recorder(), completed, None)
        returned.set()
    completed.wait()
    assert was_returned == [order == "begin-first"]
    assert jobs == [job]  # whichever it was, the argument is the job


@pytest.mark.parametrize("answer", [S_OK, None, codes.S_FALSE, True, "text"])
def test_an_answer_that_is_no_failure_is_nothing_to_talk_of(
    world: World, caplog: pytest.LogCaptureFixture, answer: Any
) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    job = installer.BeginInstall(None, Recorder(lambda job, args: answer), None)
    job.CleanUp()
    assert installer.EndInstall(job).ResultCode == orcSucceeded
    assert caplog.records == []


@pytest.mark.parametrize(
    "answer",
    [
        codes.E_FAIL,
        codes.E_FAIL - (1 << 32),
        pytest.param(-1, marks=pytest.mark.not_com("pywin32 makes another error of it")),
    ],
)
def test_an_error_code_is_logged_and_changes_nothing(
    world: World, caplog: pytest.LogCaptureFixture, answer: int
) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    progress = Recorder(lambda job, args: answer)
    completed = Recorder(lambda job, args: answer)
    with caplog.at_level(logging.WARNING, "wua.wuapi"):
        job = installer.BeginInstall(progress, completed, None)
        job.CleanUp()
    assert installer.EndInstall(job).ResultCode == orcSucceeded
    assert len(completed.calls) == 1
    assert len(progress.calls) > 1  # a failing answer does not keep later callbacks away
    assert len(caplog.records) == len(progress.calls) + 1
    assert f"0x{answer & 0xFFFFFFFF:08X}" in caplog.text


def test_one_that_never_returns_holds_up_nobody(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    a, b = world.found()
    trap = Trap()
    installer = world.installer(UpdateCollection([a]))
    job = installer.BeginInstall(None, trap, None)
    assert trap.entered.wait(LONG)
    assert job.IsCompleted is True
    assert job.GetProgress().PercentComplete == 100
    assert installer.EndInstall(job).ResultCode == orcSucceeded
    assert world.installer(UpdateCollection([b])).Install().ResultCode == orcSucceeded
    trap.go.set()
    job.CleanUp()


def test_clean_up_waits_for_one_that_is_running(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    trap = Trap()
    job = world.installer().BeginInstall(None, trap, None)
    assert trap.entered.wait(LONG)
    cleaning = InThread(job.CleanUp)
    assert not cleaning.done
    trap.go.set()
    assert cleaning.result() is None
    assert trap.left.is_set()


@pytest.mark.not_com("what surrounds Begin is the server's own")
def test_it_sees_the_context_of_begin(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    sessions: list[UpdateSession] = []
    with wua.use(world.agent):
        completed = Recorder(lambda job, args: sessions.append(UpdateSession()))
        world.installer().BeginInstall(None, completed, None)
    completed.wait()
    assert sessions[0]._context.agent is world.agent


def test_none_is_taken_and_polling_works(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    for strict in (False,) if world.late else (False, True):  # late-bound, strict mode refuses null
        installer = world.installer(strict=strict)
        job = installer.BeginInstall(None, None, None)
        assert installer.EndInstall(job).ResultCode == orcSucceeded
        assert job.IsCompleted is True


def test_the_callback_is_let_go_when_it_was_called(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    completed = Recorder()
    job = world.installer().BeginInstall(completed, completed, None)
    job.CleanUp()
    kept = weakref.ref(completed)
    del completed
    gc.collect()
    assert kept() is None
    assert job.IsCompleted is True


def forms(record: Callable[..., Any]) -> dict[str, Any]:
    """The kinds of thing that programs pass as a callback, and that are called."""

    class LateBound:
        _dispid_to_func_ = {0: "Default"}

        def Default(self, job: Any, args: Any) -> None:
            record(job, args)

    class WithACallable:
        _dispid_to_func_ = {0: record}

    class WithCall:
        def __call__(self, job: Any, args: Any) -> None:
            record(job, args)

    class Method:
        def completed(self, job: Any) -> None:
            record(job)

    def two(job: Any, args: Any) -> None:
        record(job, args)

    def one(job: Any) -> None:
        record(job)

    def none() -> None:
        record()

    return {
        "function of two": two,
        "function of one": one,
        "function of none": none,
        "function of any": record,
        "function with a default": lambda job, args=None: record(job, args),
        "function with a third default": lambda job, args, more=3: record(job, args),
        "bound method": Method().completed,
        "callable object": WithCall(),
        "default member by name": LateBound(),
        "default member": WithACallable(),
    }


@pytest.mark.not_com("the callables of Python; what COM calls is an object")
@pytest.mark.parametrize("form", forms(lambda *given: None))
def test_what_else_is_called(world: World, form: str) -> None:
    world.set(SimulatedUpdate("a"))
    calls: list[tuple[Any, ...]] = []
    callback = forms(lambda *given: calls.append(given))[form]
    for strict in (False, True):
        calls.clear()
        job = world.installer(strict=strict).BeginInstall(None, callback, None)
        job.CleanUp()
        (given,) = calls
        assert given[:1] in ((), (job,))


@pytest.mark.not_com("the callables of Python; what COM calls is an object")
def test_invoke_comes_before_other_ways(world: World) -> None:
    world.set(SimulatedUpdate("a"))

    class Both(Recorder):
        def __call__(self, job: Any, args: Any) -> None:
            raise AssertionError("Invoke is the typed way and comes first")

    both = Both()
    world.installer().BeginInstall(None, both, None).CleanUp()
    assert len(both.calls) == 1


@pytest.mark.not_com("the callables of Python; what COM calls is an object")
def test_a_builtin_that_does_not_tell_its_parameters(world: World, caplog: pytest.LogCaptureFixture) -> None:
    world.set(SimulatedUpdate("a"))
    world.installer().BeginInstall(None, max, None).CleanUp()
    assert "TypeError" in caplog.text  # it was called with both arguments, and could not compare them


@pytest.mark.not_com("coroutines are Python's own")
async def test_a_coroutine_runs_on_the_loop_of_begin(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    installer = world.installer()
    loop = asyncio.get_running_loop()
    done = asyncio.Event()
    seen: list[Any] = []

    async def completed(job: Any, args: Any) -> None:
        await asyncio.sleep(0)
        seen.append((asyncio.get_running_loop() is loop, installer.EndInstall(job).ResultCode, job.CleanUp()))
        done.set()

    installer.BeginInstall(None, completed, None)
    async with asyncio.timeout(LONG):
        await done.wait()
    assert seen == [(True, orcSucceeded, WU_S_MARKED_FOR_DISCONNECT)]
