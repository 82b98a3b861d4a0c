"""Taking up a job that was begun elsewhere: by this program before it was restarted, or by another one.

An extension: in wuapi.h a job is known only to the program that began it.
"""

import itertools
from collections.abc import Iterator
from typing import Any, Final

from wua.model import codes
from wua.model.jobs import Ended, JobEvent, JobKind, JobRecord
from wua.wuapi.callbacks import adapt
from wua.wuapi.context import Context
from wua.wuapi.errors import asking, fail
from wua.wuapi.found import NamedUpdates
from wua.wuapi.jobs import DownloadJob, InstallationJob

LOOKED_AT: Final = 1000  # jobs, the newest, among which those of an application are looked for
_PAGE: Final = 1000  # events
_CLASSES: Final[dict[JobKind, type[DownloadJob | InstallationJob]]] = {
    JobKind.DOWNLOAD: DownloadJob,
    JobKind.INSTALL: InstallationJob,
    JobKind.UNINSTALL: InstallationJob,
}


def jobs_of(shared: Context, application: str) -> tuple[str, ...]:
    """Ids of the downloads, installations and removals of an application, newest first."""
    with asking:
        records = shared.protocol.jobs(limit=LOOKED_AT)
    return tuple(
        each.id for each in records if each.kind in _CLASSES and each.spec.application_id == application
    )


def attach(
    shared: Context, job_id: str, on_progress: Any, on_completed: Any, state: Any
) -> DownloadJob | InstallationJob:
    """See ``UpdateSession.wua_attach``."""
    progress, completed = (adapt(each, strict=shared.strict) for each in (on_progress, on_completed))
    with asking:
        record = shared.protocol.job(job_id)
        kind = _CLASSES.get(record.kind)
        if kind is None:
            fail(codes.E_INVALIDARG, f"job {record.id} ({record.kind.value}) has no job object here")
        past = list(_before_the_end(shared, record))
        handle = shared.agent.job(record.id)
    job = kind(shared, NamedUpdates(shared, record.updates), progress, completed, state)
    job._take_up(shared, handle, past)
    return job


def _before_the_end(shared: Context, record: JobRecord) -> Iterator[JobEvent]:
    """What was told of a job until now. Its end, if it has come, is left to be heard of like any other."""
    after = 0
    while after < record.last_seq and (events := shared.protocol.events(record.id, after, _PAGE)):
        yield from itertools.takewhile(lambda told: not isinstance(told.event, Ended), events)
        after = events[-1].seq
