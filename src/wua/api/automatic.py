"""Automatic updates at work: search, and go on as far as their level says.

No process of wua's own starts them by the clock: somebody calls ``detect``. What it finds is fetched or
scheduled by jobs of the job host, which outlive the caller; the search itself ends with it.
"""

from datetime import datetime, timedelta

from wua.api.agent import Agent
from wua.api.job import Job
from wua.model.automatic import APPLICATION, AutomaticSettings, Level
from wua.model.enums import DeploymentAction
from wua.model.jobs import JobKind, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.model.problems import error
from wua.model.states import JobState
from wua.model.updates import Offer, SearchResult


def check(agent: Agent) -> AutomaticSettings:
    """The settings of automatic updates that are on.

    Raises:
        WuaError: automatic-off, automatic-paused.
    """
    found = agent.protocol.automatic()
    if not found.settings.enabled or found.settings.level <= Level.DISABLED:
        raise error("automatic-off", f"the level is {found.settings.level.name.lower()}")
    if found.paused:
        until = datetime.fromtimestamp(found.paused_until).astimezone()
        raise error("automatic-paused", f"paused until {until:%Y-%m-%d %H:%M %Z}")
    return found.settings


def detect(agent: Agent, settings: AutomaticSettings) -> Job[SearchResult]:
    """Search now; what is found is then fetched, or fetched and scheduled, as ``settings`` say."""
    spec = JobSpec(JobKind.SEARCH, criteria="IsInstalled=0 and IsHidden=0", application_id=APPLICATION)
    job: Job[SearchResult] = agent.submit(spec)
    if settings.level >= Level.DOWNLOAD and agent.info().may_act:
        job.on_completed(lambda done: _go_on(agent, settings, done.result()))
    return job


def _go_on(agent: Agent, settings: AutomaticSettings, found: SearchResult) -> None:
    updates = tuple(offer.id for offer in found.updates if is_meant(offer, settings))
    withdraw(agent)
    if not updates:
        return
    request = PlanRequest(Operation.INSTALL, updates)
    agent.submit(JobSpec(JobKind.DOWNLOAD, request=request, application_id=APPLICATION))
    if settings.level is Level.INSTALL:
        now = datetime.fromtimestamp(agent.protocol.automatic().now).astimezone()
        when = next_time(now, settings.day, settings.hour).timestamp()
        agent.submit(JobSpec(JobKind.INSTALL, request=request, application_id=APPLICATION, not_before=when))


def is_meant(offer: Offer, settings: AutomaticSettings) -> bool:
    """Important updates always; with ``recommended`` every one that is not optional."""
    if offer.installed or offer.hidden or offer.deployment_action != DeploymentAction.INSTALLATION:
        return False
    return bool(offer.auto_select) or (settings.recommended and not offer.browse_only)


def next_time(now: datetime, day: int, hour: int) -> datetime:
    """The next full hour ``hour`` after ``now``, on a ``day`` as AutomaticSettings counts them."""
    when = now.replace(hour=hour, minute=0, second=0, microsecond=0)
    while when <= now or (day and when.isoweekday() % 7 + 1 != day):
        when += timedelta(days=1)
    return when


def withdraw(agent: Agent) -> None:
    """Call off what automatic updates have scheduled and not begun."""
    for job in agent.jobs(limit=1000, active=True):
        if job.spec.application_id == APPLICATION and job.kind.acting and job.state is JobState.QUEUED:
            agent.protocol.abort(job.id)
