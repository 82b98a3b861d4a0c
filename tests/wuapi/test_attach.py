"""Jobs that are taken up again by their id (an extension): every rule of such a job."""

import os
import threading
from typing import Any

import pytest
from tests.support.codes import code
from tests.support.wuapi_ways import Way
from tests.support.wuapi_world import LONG, Recorder, World

from wua.model import codes
from wua.testing.machine import SimulatedUpdate
from wua.wuapi import (
    WU_S_MARKED_FOR_DISCONNECT,
    ComError,
    DownloadJob,
    InstallationJob,
    SearchJob,
    UpdateCollection,
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
    assert progress.answers == [way.world.success(WU_S_MARKED_FOR_DISCONNECT)]
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
        session.wua_attach(-1, None, None, None)  # type: ignore[arg-type]
    assert code(caught) == (codes.WU_E_ITEMNOTFOUND if world.late else codes.DISP_E_TYPEMISMATCH)


def test_strict_mode_refuses_what_cannot_be_called(world: World) -> None:
    world.set(SimulatedUpdate("a"))
    begun = world.agent.install("a")
    for callbacks in ((object(), Recorder()), (Recorder(), object())):
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
