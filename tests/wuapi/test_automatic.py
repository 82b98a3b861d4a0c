"""Automatic updates: their settings, what they do, and when they do nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.codes import fails
from tests.support.wuapi_world import LONG, Gate, World

from wua.api import automatic
from wua.engine import automatic as engine
from wua.model import codes
from wua.model.automatic import APPLICATION, LONGEST_PAUSE, AutomaticSettings, Level
from wua.model.jobs import JobKind, JobRecord, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.model.states import JobState
from wua.model.struct import replace
from wua.store.state import StateStore
from wua.testing.machine import SimulatedMachine, SimulatedUpdate
from wua.wuapi import AutomaticUpdates, enums

OFF = AutomaticSettings()


@pytest.fixture
def au(world: World) -> Iterator[AutomaticUpdates]:
    yield AutomaticUpdates(agent=world.agent)
    automatic.withdraw(world.agent)
    world.direct.protocol.set_automatic(OFF)  # what was configured can't be unconfigured through wuapi
    world.agent.protocol.pause_automatic(False)


def turn_on(au: AutomaticUpdates, level: enums.AutomaticUpdatesNotificationLevel, **others: Any) -> None:
    au.Settings.NotificationLevel = level
    for name, value in others.items():
        setattr(au.Settings, name, value)
    au.Settings.Save()


def theirs(world: World, kind: JobKind) -> list[JobRecord]:
    return [
        job
        for job in world.agent.jobs(limit=1000)
        if job.kind is kind and job.spec.application_id == APPLICATION
    ]


# --- settings


@pytest.mark.proves("IAutomaticUpdates", "Settings")
@pytest.mark.proves("IAutomaticUpdatesSettings", "NotificationLevel put_NotificationLevel")
@pytest.mark.proves("IAutomaticUpdatesSettings", "ScheduledInstallationDay put_ScheduledInstallationDay")
@pytest.mark.proves("IAutomaticUpdatesSettings", "ScheduledInstallationTime put_ScheduledInstallationTime")
@pytest.mark.proves("IAutomaticUpdatesSettings", "ReadOnly Required Refresh Save")
@pytest.mark.proves("IAutomaticUpdatesSettings2", "IncludeRecommendedUpdates put_IncludeRecommendedUpdates")
@pytest.mark.proves("IAutomaticUpdatesSettings3", "NonAdministratorsElevated put_NonAdministratorsElevated")
@pytest.mark.proves("IAutomaticUpdatesSettings3", "FeaturedUpdatesEnabled")
def test_settings_are_kept_once_they_are_saved(world: World, au: AutomaticUpdates) -> None:
    settings = au.Settings
    assert settings is au.Settings
    assert settings.NotificationLevel is enums.aunlNotConfigured
    settings.NotificationLevel = enums.aunlScheduledInstallation
    settings.ScheduledInstallationDay = enums.ausidEveryFriday
    settings.ScheduledInstallationTime = 22
    settings.IncludeRecommendedUpdates = True
    settings.NonAdministratorsElevated = True
    other = AutomaticUpdates(agent=world.agent).Settings
    assert other.NotificationLevel is enums.aunlNotConfigured
    assert settings.Save() is None  # type: ignore[func-returns-value] # what clients take for success
    other.Refresh()
    assert other.NotificationLevel is enums.aunlScheduledInstallation
    assert other.ScheduledInstallationDay is enums.ausidEveryFriday
    assert other.ScheduledInstallationTime == 22
    assert other.IncludeRecommendedUpdates is True
    assert other.NonAdministratorsElevated is True
    assert (other.ReadOnly, other.Required, other.FeaturedUpdatesEnabled) == (False, False, False)


@pytest.mark.proves("IAutomaticUpdatesSettings", "Refresh")
def test_refreshing_drops_what_was_not_saved(au: AutomaticUpdates) -> None:
    au.Settings.ScheduledInstallationTime = 5
    au.Settings.Refresh()
    assert au.Settings.ScheduledInstallationTime == 3


@pytest.mark.proves("IAutomaticUpdatesSettings", "Save put_NotificationLevel put_ScheduledInstallationDay")
@pytest.mark.proves("IAutomaticUpdatesSettings", "put_ScheduledInstallationTime")
@pytest.mark.proves("IAutomaticUpdatesSettings3", "put_FeaturedUpdatesEnabled")
def test_what_cannot_be_set(au: AutomaticUpdates) -> None:
    assert fails(au.Settings.Save) == codes.WU_E_INVALID_OPERATION  # not configured
    assert fails(lambda: setattr(au.Settings, "FeaturedUpdatesEnabled", True)) == codes.WU_E_NOT_SUPPORTED
    for name, value in (
        ("ScheduledInstallationTime", 24),
        ("ScheduledInstallationTime", -1),
        ("ScheduledInstallationDay", 8),
        ("NotificationLevel", 5),
    ):
        assert fails(lambda name=name, value=value: setattr(au.Settings, name, value)) == codes.E_INVALIDARG  # type: ignore[misc]


@pytest.mark.proves("IAutomaticUpdatesSettings2", "CheckPermission")
def test_who_may_change_what(world: World, au: AutomaticUpdates, monkeypatch: Any) -> None:
    current, administrator = enums.auutCurrentUser, enums.auutLocalAdministrator
    for permission in enums.AutomaticUpdatesPermissionType:
        expected = permission is not enums.auptSetFeaturedUpdatesEnabled
        assert au.Settings.CheckPermission(current, permission) is expected
    monkeypatch.setattr(SimulatedMachine, "may_act", lambda self: "run it with sudo")
    for permission in enums.AutomaticUpdatesPermissionType:
        expected = permission is not enums.auptSetFeaturedUpdatesEnabled
        assert au.Settings.CheckPermission(current, permission) is False
        assert au.Settings.CheckPermission(administrator, permission) is expected
    monkeypatch.undo()


@pytest.mark.proves("IAutomaticUpdatesSettings", "ReadOnly")
def test_everyone_may_look_and_only_some_may_change(
    world: World, au: AutomaticUpdates, monkeypatch: Any
) -> None:
    turn_on(au, enums.aunlNotifyBeforeDownload)
    assert au.Settings.ReadOnly is False
    monkeypatch.setattr(SimulatedMachine, "may_act", lambda self: "run it with sudo")
    au.Settings.Refresh()
    assert au.Settings.ReadOnly is True
    assert au.ServiceEnabled is True
    settings = au.Settings
    for change in (
        au.Pause,
        au.Resume,
        au.EnableService,
        settings.Save,
        lambda: setattr(settings, "NotificationLevel", enums.aunlDisabled),
        lambda: setattr(settings, "IncludeRecommendedUpdates", True),
        lambda: setattr(settings, "NonAdministratorsElevated", True),
        lambda: setattr(settings, "ScheduledInstallationTime", 4),
    ):
        assert fails(change) == codes.E_ACCESSDENIED
    monkeypatch.undo()


def test_as_windows_10_documents_it(world: World, au: AutomaticUpdates) -> None:
    modern = AutomaticUpdates(agent=world.agent, compat_level="windows10")
    settings = modern.Settings
    settings.NotificationLevel = enums.aunlDisabled
    settings.ScheduledInstallationDay = enums.ausidEveryFriday
    settings.ScheduledInstallationTime = 99
    settings.Save()
    assert settings.NotificationLevel is enums.aunlNotConfigured
    assert settings.ScheduledInstallationTime == 3
    assert settings.ReadOnly is False
    assert world.agent.protocol.automatic().settings == OFF
    modern.DetectNow()
    assert [job.kind for job in ended(world, JobKind.SEARCH)] == [JobKind.SEARCH]


def test_the_compatibility_level_is_one_that_there_is(world: World, monkeypatch: Any) -> None:
    assert fails(lambda: AutomaticUpdates(agent=world.agent, compat_level="xp")) == codes.E_INVALIDARG
    monkeypatch.setenv("WUA_COMPAT_LEVEL", "windows10")
    AutomaticUpdates(agent=world.agent).Settings.Save()  # it stores nothing, so there is nothing to refuse


# --- at work


def ended(world: World, kind: JobKind) -> list[JobRecord]:
    """The newest job of theirs of a kind, waited for."""
    newest = theirs(world, kind)[:1]
    for job in newest:
        assert world.agent.job(job.id).wait(LONG)
    return newest


@pytest.mark.proves("IAutomaticUpdates", "ServiceEnabled EnableService DetectNow Pause")
def test_they_do_nothing_before_somebody_turns_them_on(au: AutomaticUpdates) -> None:
    assert au.ServiceEnabled is False
    assert fails(au.DetectNow) == codes.WU_E_AU_NOSERVICE
    assert fails(au.Pause) == codes.WU_E_AU_NOSERVICE
    au.EnableService()
    assert au.ServiceEnabled is True
    assert fails(au.DetectNow) == codes.WU_E_AU_NOSERVICE  # not configured
    turn_on(au, enums.aunlDisabled)
    assert fails(au.DetectNow) == codes.WU_E_AU_NOSERVICE


@pytest.mark.proves("IAutomaticUpdates", "ServiceEnabled")
def test_saving_turns_them_on_unless_it_disables(au: AutomaticUpdates) -> None:
    turn_on(au, enums.aunlDisabled)
    assert au.ServiceEnabled is False
    turn_on(au, enums.aunlNotifyBeforeDownload)
    assert au.ServiceEnabled is True


@pytest.mark.proves("IAutomaticUpdates", "DetectNow Pause Resume")
def test_a_pause(world: World, au: AutomaticUpdates) -> None:
    turn_on(au, enums.aunlNotifyBeforeDownload)
    au.Pause()
    assert fails(au.DetectNow) == codes.WU_E_AU_PAUSED
    assert fails(au.Pause) == codes.WU_E_AU_PAUSED
    au.Resume()
    au.Resume()
    au.DetectNow()
    assert len(ended(world, JobKind.SEARCH)) == 1


@pytest.mark.not_native("the date is that of the search underneath")
@pytest.mark.proves("IAutomaticUpdates", "DetectNow")
@pytest.mark.proves("IAutomaticUpdates2", "Results")
@pytest.mark.proves("IAutomaticUpdatesResults", "LastSearchSuccessDate")
def test_searching_only(world: World, au: AutomaticUpdates) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    before = [len(theirs(world, kind)) for kind in (JobKind.SEARCH, JobKind.DOWNLOAD)]
    turn_on(au, enums.aunlNotifyBeforeDownload)
    au.DetectNow()
    (search,) = ended(world, JobKind.SEARCH)
    after = [len(theirs(world, kind)) for kind in (JobKind.SEARCH, JobKind.DOWNLOAD)]
    assert after == [before[0] + 1, before[1]]
    found = au.Results.LastSearchSuccessDate
    assert found is not None
    exact = datetime.fromtimestamp(world.agent.jobs(limit=1)[0].ended, UTC)
    assert abs(found - exact) <= timedelta(milliseconds=1 if world.late else 0)  # pywin32 rounds
    assert world.agent.protocol.job(search.id).ended == pytest.approx(
        found.timestamp(), abs=1e-3 if world.late else 1e-5
    )


def test_who_may_not_act_gets_a_search_only(world: World, au: AutomaticUpdates, monkeypatch: Any) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    turn_on(au, enums.aunlNotifyBeforeInstallation)
    searches, downloads = (len(theirs(world, kind)) for kind in (JobKind.SEARCH, JobKind.DOWNLOAD))
    with monkeypatch.context() as rights:
        rights.setattr(SimulatedMachine, "may_act", lambda self: "run it with sudo")
        au.DetectNow()
        ended(world, JobKind.SEARCH)
    assert len(theirs(world, JobKind.SEARCH)) == searches + 1
    assert len(theirs(world, JobKind.DOWNLOAD)) == downloads


def jobs_after(world: World, au: AutomaticUpdates, *wanted: JobKind) -> dict[JobKind, JobRecord]:
    """Detect, and wait until each of these kinds of job was submitted: the newest of each."""
    known = {job.id for job in world.agent.jobs(limit=1000)}
    gate = Gate(world.root / "watched")  # a FIFO to read from, so that nothing here sleeps
    watch = world.agent.protocol.watch(lambda job: gate.open())
    try:
        au.DetectNow()
        with (world.root / "watched").open() as news:
            while True:
                new = [job for job in world.agent.jobs(limit=1000) if job.id not in known]
                found = {job.kind: job for job in new if job.spec.application_id == APPLICATION}
                if set(wanted) <= set(found):
                    return found
                news.readline()
    finally:
        watch.close()
        gate.close()
        gate.path.unlink()


@pytest.mark.proves("IAutomaticUpdatesSettings2", "put_IncludeRecommendedUpdates")
def test_fetching(world: World, au: AutomaticUpdates) -> None:
    machine = world.set(SimulatedUpdate("a"), SimulatedUpdate("plain", important=False), downloaded=False)
    turn_on(au, enums.aunlNotifyBeforeInstallation)
    found = jobs_after(world, au, JobKind.DOWNLOAD)
    assert world.agent.job(found[JobKind.DOWNLOAD].id).wait(LONG)
    first, plain = machine.updates()
    assert (machine.downloaded(first), machine.downloaded(plain)) == (True, False)
    assert JobKind.INSTALL not in found

    turn_on(au, enums.aunlNotifyBeforeInstallation, IncludeRecommendedUpdates=True)
    found = jobs_after(world, au, JobKind.DOWNLOAD)
    assert world.agent.job(found[JobKind.DOWNLOAD].id).wait(LONG)
    assert machine.downloaded(plain)


def test_installing_at_the_scheduled_hour(world: World, au: AutomaticUpdates) -> None:
    machine = world.set(SimulatedUpdate("a"), downloaded=False)
    turn_on(au, enums.aunlScheduledInstallation)
    found = jobs_after(world, au, JobKind.INSTALL)
    job = world.agent.job(found[JobKind.INSTALL].id)
    when = datetime.fromtimestamp(job.record.spec.not_before).astimezone()
    assert (when.hour, when.minute) == (3, 0)
    assert when > datetime.now().astimezone()
    assert machine.updates()[0].id in job.record.updates

    au.Pause()  # calls off what is scheduled
    assert job.wait(LONG)
    assert world.agent.protocol.job(job.id).abort_requested
    au.Resume()
    assert not machine.installed(machine.updates()[0])


def test_what_is_scheduled_keeps_nobody_from_installing(world: World, au: AutomaticUpdates) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    turn_on(au, enums.aunlScheduledInstallation)
    found = jobs_after(world, au, JobKind.DOWNLOAD, JobKind.INSTALL)
    assert world.agent.job(found[JobKind.DOWNLOAD].id).wait(LONG)
    assert world.installer().Install().ResultCode is enums.orcSucceeded
    assert world.agent.protocol.job(found[JobKind.INSTALL].id).state is JobState.QUEUED


def test_a_new_schedule_replaces_the_old_one(world: World, au: AutomaticUpdates) -> None:
    world.set(SimulatedUpdate("a"), downloaded=False)
    turn_on(au, enums.aunlScheduledInstallation)
    first = jobs_after(world, au, JobKind.INSTALL)[JobKind.INSTALL]
    second = jobs_after(world, au, JobKind.INSTALL)[JobKind.INSTALL]
    assert world.agent.job(first.id).wait(LONG)
    turn_on(au, enums.aunlScheduledInstallation, ScheduledInstallationTime=4)
    assert world.agent.job(second.id).wait(LONG)
    assert all(job.state is JobState.ENDED for job in theirs(world, JobKind.INSTALL))


@pytest.mark.proves("IAutomaticUpdates", "ShowSettingsDialog")
def test_there_is_no_dialog(au: AutomaticUpdates) -> None:
    assert fails(au.ShowSettingsDialog) == codes.WU_E_NO_UI_SUPPORT


@pytest.mark.proves("IAutomaticUpdatesResults", "LastSearchSuccessDate LastInstallationSuccessDate")
def test_dates_are_their_own_only(fresh_world: World) -> None:
    fresh_world.set(SimulatedUpdate("a"))
    results = AutomaticUpdates(agent=fresh_world.agent).Results
    fresh_world.installer().Install()
    assert (results.LastSearchSuccessDate, results.LastInstallationSuccessDate) == (None, None)


@pytest.mark.proves("IAutomaticUpdatesResults", "LastInstallationSuccessDate")
def test_the_date_of_their_last_installation(fresh_world: World) -> None:
    good, bad = SimulatedUpdate("good"), SimulatedUpdate("bad", exit=3)
    fresh_world.set(good, bad)
    results = AutomaticUpdates(agent=fresh_world.agent).Results

    def install(update: SimulatedUpdate) -> float:
        request = PlanRequest(Operation.INSTALL, (update.id,))
        job = fresh_world.agent.submit(JobSpec(JobKind.INSTALL, request=request, application_id=APPLICATION))
        assert job.wait(LONG)
        return job.record.ended

    install(bad)
    assert results.LastInstallationSuccessDate is None
    ended = install(good)
    assert results.LastInstallationSuccessDate == datetime.fromtimestamp(ended, UTC)
    install(bad)
    assert results.LastInstallationSuccessDate == datetime.fromtimestamp(ended, UTC)


# --- the rules


@pytest.mark.parametrize(
    ("now", "day", "hour", "expected"),
    [
        ("2026-11-25 02:59:59", 0, 3, "2026-11-25 03:00"),
        ("2026-11-25 03:00:00", 0, 3, "2026-11-26 03:00"),
        ("2026-11-25 12:00:00", 1, 3, "2026-11-29 03:00"),  # Wednesday to Sunday
        ("2026-11-25 12:00:00", 4, 13, "2026-11-25 13:00"),
        ("2026-11-25 12:00:00", 4, 11, "2026-12-02 11:00"),
        ("2026-11-25 12:00:00", 7, 0, "2026-11-28 00:00"),
    ],
)
def test_the_next_time(now: str, day: int, hour: int, expected: str) -> None:
    found = automatic.next_time(datetime.fromisoformat(now), day, hour)
    assert found == datetime.fromisoformat(expected)


def test_a_pause_ends_by_itself(tmp_path: Path) -> None:
    store = StateStore(tmp_path / "state.db")
    engine.pause(store, True, 1000.0)
    assert engine.read(store, [store], 1000.0 + LONGEST_PAUSE - 1).paused
    assert not engine.read(store, [store], 1000.0 + LONGEST_PAUSE).paused
    store.close()


def test_a_day_or_hour_that_there_is_not(world: World) -> None:
    for wrong in (replace(OFF, day=8), replace(OFF, hour=24)):
        with pytest.raises(Exception, match="invalid-argument"):
            world.agent.protocol.set_automatic(wrong)
    assert world.agent.protocol.automatic().settings.level is Level.NOT_CONFIGURED
