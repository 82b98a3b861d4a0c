"""Which packages of a plan belong to which of its updates."""

from collections.abc import Mapping

from wua.model.plans import Plan, PlanItem

_FOR: tuple[str, ...] = ("needed by ", "recommended by ")


def closures(plan: Plan) -> dict[str, frozenset[str]]:
    """By update id: what else is downloaded for each update that was asked for. Pure.

    The plan gives one reason for each package; one that several updates need counts for the first of them.
    One whose reason leads to no update that was asked for counts for all.
    """
    by_name = {item.name: item for item in plan.items}
    found: dict[str, set[str]] = {item.update.update_id: set() for item in plan.requested}
    for item in plan.items:
        if item.requested or not item.file:
            continue
        cause = _cause(item, by_name)
        for update in found if cause is None else (cause,):
            found[update].add(item.update.update_id)
    return {update: frozenset(others) for update, others in found.items()}


def _cause(item: PlanItem, by_name: Mapping[str, PlanItem]) -> str | None:
    seen = set()
    while item.name not in seen:
        seen.add(item.name)
        word = next((word for word in _FOR if item.reason.startswith(word)), None)
        above = by_name.get(item.reason.removeprefix(word)) if word else None
        if above is None:
            return None
        if above.requested:
            return above.update.update_id
        item = above
    return None
