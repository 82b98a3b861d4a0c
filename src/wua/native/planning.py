"""Plans for a Windows machine. Its updates bring what they need, so a plan holds what was asked for."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, Final

from wua.model import codes
from wua.model.jobs import JobKind, JobRecord
from wua.model.plans import Change, LeftOut, Operation, Plan, PlanItem, PlanRequest
from wua.model.problems import error
from wua.model.struct import replace
from wua.model.updates import Offer, UpdateId
from wua.native import mapping

_ALWAYS_RESTARTS: Final = 1  # InstallationRebootBehavior
_UNCHANGED: Final = (codes.WU_S_ALREADY_INSTALLED, codes.WU_S_ALREADY_UNINSTALLED)


def resolved(request: PlanRequest, job: Callable[[str], JobRecord]) -> PlanRequest:
    """A request that names updates: for undo, the other way round what a job did.

    Raises:
        WuaError: unknown-job, not-supported.
    """
    if request.operation is Operation.REMOVE:
        raise error("not-supported", "taking away what is no update is nothing that Windows Update does")
    if request.operation is not Operation.UNDO:
        return request
    done = job(request.job)
    if done.kind not in (JobKind.INSTALL, JobKind.UNINSTALL) or done.result is None:
        raise error("not-supported", f"job {done.id} is no installation or removal that has ended")
    operation = Operation.UNINSTALL if done.kind is JobKind.INSTALL else Operation.INSTALL
    changed = tuple(
        part.update for part in done.result.updates if part.problem is None and part.hresult not in _UNCHANGED
    )
    return replace(request, operation=operation, updates=changed)


def make(asked: PlanRequest, request: PlanRequest, natives: Sequence[Any], target: str, now: float) -> Plan:
    """What carrying out ``request`` would do; ``asked`` is how the caller put it. One native per update."""
    offers = [mapping.offer(native) for native in natives]
    installs = request.operation is Operation.INSTALL
    items, left_out, restart = [], [], ""
    for offer, native in zip(offers, natives, strict=True):
        reason = _why_not(offer, installs=installs, again=request.reinstall)
        if reason:
            left_out.append(LeftOut(offer.name, reason, offer.id))
            continue
        behavior = native.InstallationBehavior if installs else native.UninstallationBehavior
        if behavior is not None and behavior.RebootBehavior == _ALWAYS_RESTARTS:
            restart = restart or f"{offer.title} always needs a restart"
        items.append(_item(offer, Change.INSTALL if installs else Change.REMOVE))
    return Plan(
        asked,
        target,
        world(offers),
        now,
        tuple(items),
        download_bytes=sum(item.size for item in items),
        left_out=tuple(left_out),
        restart=restart,
    )


def _why_not(offer: Offer, *, installs: bool, again: bool) -> str:
    if installs:
        return "already installed" if offer.installed and not again else ""
    if not offer.installed:
        return "not installed"
    return "" if offer.uninstallable else "Windows Update can't remove it"


def _item(offer: Offer, change: Change) -> PlanItem:
    fetch = change is Change.INSTALL and not offer.downloaded
    return PlanItem(
        offer.id,
        offer.name,
        offer.architecture,
        change,
        offer.installed_version,
        offer.version if change is Change.INSTALL else "",
        True,
        "requested",
        title=offer.title,
        origin=offer.origin,
        size=offer.size if fetch else 0,
    )


def world(offers: Sequence[Offer]) -> str:
    """The fingerprint of what a plan depends on: which of its updates are installed, and which could go."""
    state = sorted(
        (offer.update_id, offer.revision, offer.installed, offer.uninstallable) for offer in offers
    )
    return hashlib.sha256(repr(state).encode()).hexdigest()[:16]


def updates_of(plan: Plan) -> tuple[UpdateId, ...]:
    """Every update that the plan says something of, in the order asked."""
    named = (*(item.update for item in plan.items), *(left.update for left in plan.left_out if left.update))
    return plan.request.updates or tuple(dict.fromkeys(named))


def check(plan: Plan, natives: Sequence[Any]) -> None:
    """Raises WuaError plan-stale when the updates stand otherwise than the plan says."""
    if world([mapping.offer(native) for native in natives]) != plan.world:
        raise error("plan-stale", "what is installed is not what it was when the plan was made")
