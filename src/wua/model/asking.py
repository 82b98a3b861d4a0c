"""What a new job asks for, before anything is done."""

from wua.model.jobs import JobKind, JobSpec
from wua.model.problems import error
from wua.model.updates import UpdateId

_OF_UPDATES = (JobKind.DOWNLOAD, JobKind.INSTALL, JobKind.UNINSTALL)


def updates_asked(spec: JobSpec) -> tuple[UpdateId, ...]:
    """The updates that the result will be indexed by; empty when the plan is still to tell.

    Raises:
        WuaError: invalid-argument for a job that says nothing to do; no-updates.
    """
    if spec.kind in (JobKind.SEARCH, JobKind.PLAN):
        if spec.kind is JobKind.PLAN and spec.request is None:
            raise error("invalid-argument", "a plan needs a request")
        return ()
    if spec.plan is not None:
        return spec.plan.request.updates or tuple(item.update for item in spec.plan.requested)
    if spec.request is None:
        raise error("invalid-argument", f"{spec.kind.value} needs a plan or a request")
    if spec.kind in _OF_UPDATES and not spec.request.updates:
        raise error("no-updates", f"{spec.kind.value} of nothing")
    return spec.request.updates
