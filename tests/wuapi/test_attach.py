"""An extension: a program that was restarted finds its job and receives its Invoke."""

import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.quality.project import ROOT
from tests.support import machines
from tests.support.machines import IMPLEMENTATIONS, Machine
from tests.support.wuapi_ways import Way
from tests.support.wuapi_world import LONG, InThread, Recorder, World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    WU_S_MARKED_FOR_DISCONNECT,
    ComError,
    DownloadJob,
    InstallationJob,
    SearchJob,
    UpdateCollection,
    UpdateSession,
    callback_order,
    found,
    orcAborted,
    orcFailed,
    orcInProgress,
    orcNotStarted,
    orcSucceeded,
    orcSucceededWithErrors,
)
from wua.wuapi.dispatch import Dispatch


def code(caught: pytest.ExceptionInfo[ComError]) -> int:
    return caught.value.hresult & 0xFFFFFFFF


# --- a program that is killed and started again


class Program:
    """One run of a program, see ``tests.support.wuapi_caller``."""

    def __init__(self, machine: Machine, implementation: str, *words: str) -> None:
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "tests.support.wuapi_caller"),
                *(str(machine.root), implementation, *words),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )

    def says(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def ends(self) -> str:
        said, _ = self.process.communicate(timeout=LONG)
        assert self.process.returncode == 0
        return said

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def machine(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("WUA_HOST_IDLE", "20")
    with machines.opened(short_dir / "m") as made:
        made.set(SimulatedUpdate("a", gate="gate", reboot=True), SimulatedUpdate("b", exit=1))
        for name in ("a", "b"):
            (made.root / "cache" / name).write_text("content\n")
        yield made


RESULT = {
    "completed": True,
    "state": "mine",
    "code": orcSucceededWithErrors,
    "restart": True,
    "updates": {"a 1.0": orcSucceeded, "b 1.0": orcFailed},
}


@pytest.mark.parametrize(
    ("meanwhile", "knows"),
    [
        ("goes on", "id"),
        ("ends", "application"),
        ("loses its host", "application"),
        ("ends without a host", "id"),
    ],
)
@pytest.mark.parametrize("implementation", sorted(IMPLEMENTATIONS))
def test_a_killed_program_gets_its_invoke_when_it_is_started_again(
    machine: Machine, implementation: str, meanwhile: str, knows: str
) -> None:
    """Killed in the middle of the installation; meanwhile the job goes on, ends, or loses its host."""
    gate = machine.gate("gate")
    first = Program(machine, implementation, "begin")
    job_id = first.says()
    gate.reached()
    first.kill()
    if "host" in meanwhile:
        machine.kill_host()
    if "ends" in meanwhile:
        gate.open()
        assert machine.agent().job(job_id).wait(LONG)
    second = Program(machine, implementation, "resume", *([job_id] if knows == "id" else []))
    assert second.says() == "attached"
    if "ends" not in meanwhile:
        gate.open()
    said = json.loads(second.ends())
    assert said["calls"] == [RESULT]
    assert said["percents"] == sorted(said["percents"])
    assert said["percents"][-1] == 100
    assert machine.log == ["begin", "end"]  # nothing was installed twice


def test_every_run_that_takes_the_job_up_gets_its_own_invoke(machine: Machine) -> None:
    """Whoever dies before it has noted the end is told again, by taking the job up again."""
    gate = machine.gate("gate")
    first = Program(machine, "local", "begin")
    job_id = first.says()
    gate.open()
    first.ends()
    for _ in range(2):
        again = Program(machine, "local", "resume", job_id)
        assert again.says() == "attached"
        assert json.loads(again.ends())["calls"] == [RESULT]


PLAYED = """
import sys
import wua
from wua.model.enums import TargetKind
from wua.model.plugins import TargetSpec
from wua.testing.machine import SimulatedMachine
names = {"plug-in": "simulated", "service": "simulated", "handler": "simulated"}
machine = SimulatedMachine(TargetSpec(TargetKind.SIMULATED, sys.argv[1], names))
with wua.open(target=machine) as agent, wua.use(agent):
    exec(compile(sys.argv[2], "the page", "exec"), {})
"""


def test_the_program_of_the_page(machine: Machine) -> None:
    """docs/how-to/use-wuapi.md, as it stands there: killed in the middle, and started again."""
    page = (ROOT / "docs" / "how-to" / "use-wuapi.md").read_text()
    (text,) = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    gate = machine.gate("gate")

    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", PLAYED, str(machine.root), text]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    first = start()
    assert first.stdout is not None
    job_id = first.stdout.readline()
    gate.reached()
    first.kill()
    first.communicate()
    second = start()
    assert second.stdout is not None
    assert second.stdout.readline() == job_id
    gate.open()
    assert second.communicate(timeout=LONG)[0] == "a 1.0 orcSucceeded\nb 1.0 orcFailed\n"
    assert second.returncode == 0


# --- the rules of a job that was taken up


def test_a_running_job_is_taken_up(telling_way: Way) -> None:
    way = telling_way
    progress = Recorder()
    job = way.begin(None, "first", progress)
    progress.wait_until(lambda job, args: args.Progress.GetUpdateResult(0).ResultCode == orcInProgress)
    more, completed = Recorder(), Recorder()
    again = way.world.session().wua_attach(job.wua_job_id, more, completed, "second")
    assert type(again) is way.kind
    assert again.wua_job_id == job.wua_job_id
    assert (again.IsCompleted, again.AsyncState, job.AsyncState) == (False, "second", "first")
    assert again.GetProgress().GetUpdateResult(0).ResultCode == orcInProgress  # known at once
    more.wait()
    assert more.calls[0][1].Progress.GetUpdateResult(0).ResultCode == orcInProgress
    way.gate.open()
    completed.wait()
    again.CleanUp()
    assert len(completed.calls) == 1
    assert completed.calls[0][0] is again
    assert threading.get_ident() not in {*completed.threads, *more.threads}
    percents = [args.Progress.PercentComplete for _, args in more.calls]
    assert percents == sorted(percents)
    assert percents[-1] == 100
    assert way.end(again).ResultCode == orcSucceeded
    assert way.end(job).ResultCode == orcSucceeded  # each of the two is ended by itself
    with pytest.raises(ComError) as caught:
        way.end(again)
    assert code(caught) == codes.WU_E_INVALID_OPERATION


def test_a_job_that_has_ended_is_taken_up(telling_way: Way) -> None:
    way = telling_way
    way.gate.open()
    job = way.begin(None, None)
    way.end(job)
    for _ in range(2):
        progress, completed = Recorder(), Recorder()
        again = way.world.session().wua_attach(job.wua_job_id, progress, completed, None)
        again.CleanUp()
        assert len(completed.calls) == 1
        assert progress.calls[-1][1].Progress.PercentComplete == 100
        assert again.IsCompleted is True
        assert again.GetProgress().GetUpdateResult(0).ResultCode == orcSucceeded
        assert way.end(again).GetUpdateResult(0).ResultCode == orcSucceeded


def test_a_job_that_waits_for_its_turn_is_taken_up(world: World) -> None:
    world.set(SimulatedUpdate("a", gate="gate"))
    gate = world.gate()
    first = world.agent.install("a")
    waiting = world.agent.install("a")
    job = world.session().wua_attach(waiting.id, None, None, None)
    assert job.GetProgress().GetUpdateResult(0).ResultCode == orcNotStarted
    assert job.GetProgress().PercentComplete == 0
    gate.open()
    assert world.installer().EndInstall(job).ResultCode == orcSucceeded
    first.result(LONG)


def test_an_abort_through_a_job_that_was_taken_up(telling_way: Way) -> None:
    way = telling_way
    job = way.begin(None, None)
    again = way.world.session().wua_attach(job.wua_job_id, None, None, None)
    again.RequestAbort()
    assert way.end(again).ResultCode == orcAborted
    assert way.end(job).ResultCode == orcAborted
    ended = way.world.session().wua_attach(job.wua_job_id, None, None, None)
    assert way.end(ended).GetUpdateResult(0).ResultCode == orcAborted


def test_cleaning_up_inside_its_callback(telling_way: Way) -> None:
    way = telling_way
    way.gate.open()
    job = way.begin(None, None)
    way.end(job)
    progress, completed = Recorder(lambda job, args: job.CleanUp()), Recorder()
    again = way.world.session().wua_attach(job.wua_job_id, progress, completed, None)
    assert way.end(again).ResultCode == orcSucceeded
    progress.wait()
    again.CleanUp()
    assert progress.answers == [WU_S_MARKED_FOR_DISCONNECT]
    assert completed.calls == []


@pytest.mark.parametrize("order", ["completed-first", "begin-first"])
def test_both_orders(telling_way: Way, order: Any) -> None:
    way = telling_way
    way.gate.open()
    job = way.begin(None, None)
    way.end(job)
    returned = threading.Event()
    completed = Recorder(lambda job, args: (returned.is_set(), job.wua_job_id))
    with callback_order(order):
        way.world.session().wua_attach(job.wua_job_id, Recorder(), completed, None)
        returned.set()
    completed.wait()
    assert completed.answers == [(order == "begin-first", job.wua_job_id)]


def test_the_updates_stand_as_they_do_now(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(found, "AT_ONCE", 2)
    names = ["c", "a", "d", "b", "e"]
    world.set(*map(SimulatedUpdate, names))
    installer = world.installer()
    job = installer.BeginInstall(None, None, None)
    installer.EndInstall(job)
    updates = world.session().wua_attach(job.wua_job_id, None, None, None).Updates
    assert (updates.Count, updates.ReadOnly) == (5, True)
    assert [update.Title for update in updates] == [f"{name} 1.0" for name in names]
    assert {update.IsInstalled for update in updates} == {True}
    assert updates[0] is updates.Item(0)
    assert updates[0].Description == "Simulated update c."
    assert [category.Name for category in updates[0].Categories] == ["Security Updates"]
    with pytest.raises(ComError) as caught:
        updates.Clear()
    assert code(caught) == codes.WU_E_NOT_SUPPORTED
    world.installer(updates).Uninstall()  # they are as good as those of a search
    assert list((world.root / "installed").iterdir()) == []


def test_an_update_that_the_sources_have_forgotten(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b"))
    installer = world.installer()
    job = installer.BeginInstall(None, None, None)
    installer.EndInstall(job)
    (forgotten, _) = (update.Identity.UpdateID for update in job.Updates)
    world.set(SimulatedUpdate("b"))
    again = world.session().wua_attach(job.wua_job_id, None, None, None)
    assert [update.Title for update in again.Updates] == [forgotten, "b 1.0"]
    assert again.Updates[0].Identity.UpdateID == forgotten
    assert installer.EndInstall(again).GetUpdateResult(0).ResultCode == orcSucceeded


def test_a_download_is_noted_in_the_updates_that_were_looked_at(world: World) -> None:
    world.set(SimulatedUpdate("a", download_gate="gate"), downloaded=False)
    gate = world.gate()
    downloader = world.downloader()
    job = downloader.BeginDownload(None, None, None)
    again = world.session().wua_attach(job.wua_job_id, None, None, None)
    update = again.Updates[0]
    assert update.IsDownloaded is False
    gate.open()
    downloader.EndDownload(again)
    assert update.IsDownloaded is True


def test_results_of_updates_one_by_one(world: World) -> None:
    world.set(SimulatedUpdate("a"), SimulatedUpdate("b", exit=3))
    a, b = world.found()
    installer = world.installer(UpdateCollection([b, a, b]))
    job = installer.BeginInstall(None, None, None)
    assert installer.EndInstall(job).ResultCode == orcSucceededWithErrors
    again = world.session().wua_attach(job.wua_job_id, None, None, None)
    assert [update.Title for update in again.Updates] == ["b 1.0", "a 1.0"]  # each of them once
    result = installer.EndInstall(again)
    assert [result.GetUpdateResult(n).ResultCode for n in range(2)] == [orcFailed, orcSucceeded]
    with pytest.raises(ComError) as caught:
        result.GetUpdateResult(2)
    assert code(caught) == codes.WU_E_INVALIDINDEX


def test_a_job_that_another_face_began(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    begun = world.agent.install("a")
    completed = Recorder()
    job = world.session().wua_attach(begun.id[:6], None, completed, None)
    completed.wait()
    assert isinstance(job, InstallationJob)
    assert job.wua_job_id == begun.id
    assert world.installer().EndInstall(job).ResultCode == orcSucceeded


def test_the_jobs_of_an_application(world: World) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    name = f"of {os.urandom(4).hex()}"
    session = world.session()
    assert isinstance(session.wua_jobs(), tuple)
    session.ClientApplicationID = name
    assert session.wua_jobs() == ()
    updates = session.CreateUpdateSearcher().Search("").Updates
    downloader, installer = session.CreateUpdateDownloader(), session.CreateUpdateInstaller()
    downloader.Updates = installer.Updates = updates
    first = downloader.BeginDownload(None, None, None)
    downloader.EndDownload(first)
    second = installer.BeginInstall(None, None, None)
    assert session.wua_jobs() == (second.wua_job_id, first.wua_job_id)  # no search, and the newest first
    installer.EndInstall(second)
    assert session.wua_jobs() == (second.wua_job_id, first.wua_job_id)
    kinds = [type(session.wua_attach(each, None, None, None)) for each in session.wua_jobs()]
    assert kinds == [InstallationJob, DownloadJob]


def test_what_cannot_be_taken_up(world: World) -> None:
    session, searcher = world.session(), world.searcher()
    for nothing in ("no-such-job", "", None):
        with pytest.raises(ComError) as caught:
            session.wua_attach(nothing, None, None, None)
        assert code(caught) == codes.WU_E_ITEMNOTFOUND
    search = searcher.BeginSearch("", None, None)
    assert isinstance(search, SearchJob)
    with pytest.raises(ComError) as caught:
        session.wua_attach(search.wua_job_id, None, None, None)
    assert code(caught) == codes.E_INVALIDARG
    searcher.EndSearch(search)
    with pytest.raises(ComError) as caught:
        session.wua_attach(5, None, None, None)  # type: ignore[arg-type]
    assert code(caught) == codes.DISP_E_TYPEMISMATCH


def test_strict_mode_refuses_what_cannot_be_called(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    begun = world.agent.install("a")
    for callbacks in ((object(), None), (None, object())):
        world.session().wua_attach(begun.id, *callbacks, None)  # taken and never called
        with pytest.raises(ComError) as caught:
            world.session(strict=True).wua_attach(begun.id, *callbacks, None)
        assert code(caught) == codes.E_NOINTERFACE
    begun.result(LONG)


def test_late_bound(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    session = Dispatch(world.session())
    session.ClientApplicationID = "late"
    installer = session.CreateUpdateInstaller()
    installer.Updates = Dispatch(world.found())
    job = installer.BeginInstall(None, None, None)
    completed = Recorder(lambda job, args: installer.EndInstall(job).ResultCode)
    again = session.wua_attach(session.WUA_Jobs()[0], None, completed, {"any": "thing"})
    assert again.wua_job_id == job.wua_job_id
    completed.wait()
    assert completed.answers == [orcSucceeded]
    assert completed.calls[0][0] == again
    assert again.AsyncState == {"any": "thing"}
    with pytest.raises(AttributeError):
        again.wua_job_id = "other"


def test_closing_the_agent_releases_whoever_waits(machine: Machine) -> None:
    gate = machine.gate("gate")
    agent = machine.agent()
    begun = agent.install("a")
    gate.reached()
    session, completed = UpdateSession(agent=agent), Recorder()
    installer = session.CreateUpdateInstaller()
    job = session.wua_attach(begun.id, None, completed, None)
    ending = InThread(lambda: installer.EndInstall(job))
    agent.close()
    with pytest.raises(ComError) as caught:
        ending.result()
    assert caught.value.problem is not None
    assert caught.value.problem.id == "connection-lost"
    job.CleanUp()
    assert completed.calls == []
    gate.open()
    assert machine.agent().job(begun.id).wait(LONG)
