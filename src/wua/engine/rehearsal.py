"""Playing a plan on a shadow of the target, as an acting job of the shadow's own store."""

from collections.abc import Callable

from wua.engine.wiring import Parts
from wua.model.jobs import JobRecord, JobResult
from wua.model.plugins import Target
from wua.model.problems import error


def rehearse(
    target: Target,
    parts: Parts,
    job: JobRecord,
    note: Callable[[str, str], None],
    aborting: Callable[[], bool],
) -> JobResult:
    raise error("not-supported", "rehearsal")
