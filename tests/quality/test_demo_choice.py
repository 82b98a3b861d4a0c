"""What ``make run`` chooses of the pending updates."""

import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.offers import offer as any_offer

from wua.model.identity import deb_update_id
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.updates import Offer, Update, UpdateId

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "tools"))

from demo_choice import Cost, Group, choose, fit, groups

LIMIT = Cost(100, 1000, 10)


def offer(name: str, *, size: int = 1, security: bool = True) -> Offer:
    return any_offer(
        update_id=deb_update_id(name, "amd64", "2"),
        title=name,
        name=name,
        version="2",
        installed_version="1",
        auto_select=int(security),
        size=size,
    )


def details(sources: dict[str, str], offers: Sequence[Offer]) -> dict[UpdateId, Update]:
    return {
        one.id: Update(
            id=one.id,
            title=one.name,
            description="",
            type=one.type,
            service_id="",
            handler="apt",
            name=one.name,
            version="2",
            architecture="amd64",
            fields={"Source": sources[one.name]} if one.name in sources else {},
        )
        for one in offers
    }


def grouped(*offers: Offer, **sources: str) -> list[Group]:
    known = details(sources, offers)
    return groups(offers, lambda ids: [known[one] for one in ids])


def names(chosen: Sequence[Group]) -> list[list[str]]:
    return [[one.name for one in group.offers] for group in chosen]


def test_packages_of_one_source_go_together_security_first_small_before_large() -> None:
    found = grouped(
        offer("plain", security=False),
        offer("big", size=50),
        offer("small-doc", security=False),
        offer("small"),
        **{"small-doc": "small (1.0)"},
    )
    assert names(found) == [["small-doc", "small"], ["big"], ["plain"]]


def test_what_is_too_large_is_passed_over() -> None:
    found = grouped(offer("a", size=60), offer("b", size=70), offer("c", size=40, security=False))
    assert names(fit(found, LIMIT)) == [["a"], ["c"]]


def planner(extra: int, files: dict[UpdateId, int]) -> tuple[list[int], dict[str, object]]:
    """Plans in which each update brings ``extra`` more packages of the same size."""
    asked: list[int] = []

    def plan(updates: list[UpdateId]) -> Plan:
        asked.append(len(updates))
        items = tuple(
            PlanItem(one, "p", "amd64", Change.UPGRADE, "1", "2", requested=not n, reason="", size=files[one])
            for one in updates
            for n in range(extra + 1)
        )
        return Plan(PlanRequest(Operation.INSTALL), "here", "", 0.0, items)

    return asked, {"plan": plan, "cost": lambda plan: Cost.of([(item.size, 0) for item in plan.items])}


@given(st.lists(st.integers(1, 40), min_size=1, max_size=20), st.integers(0, 3))
def test_the_plan_is_within_the_limit_or_has_one_group_only(sizes: list[int], extra: int) -> None:
    offers = [offer(f"p{n}", size=size) for n, size in enumerate(sizes)]
    _, calls = planner(extra, {one.id: one.size for one in offers})
    made = choose(grouped(*offers), LIMIT, **calls)  # type: ignore[arg-type]
    whole = Cost.of([(item.size, 0) for item in made.items])
    assert whole.within(LIMIT) or len(made.requested) == 1


@pytest.mark.parametrize(("extra", "most"), [(0, 10), (1, 5), (4, 2)])
def test_the_room_is_used(extra: int, most: int) -> None:
    offers = [offer(f"p{n:02}") for n in range(30)]
    asked, calls = planner(extra, {one.id: one.size for one in offers})
    made = choose(grouped(*offers), LIMIT, **calls)  # type: ignore[arg-type]
    assert len(made.requested) in {most, most - 1}
    assert asked[0] == 10


def test_limits_of_a_cost_are_all_kept() -> None:
    assert LIMIT.within(LIMIT)
    assert not any(replace_cost(LIMIT, field).within(LIMIT) for field in ("download", "disk", "packages"))


def replace_cost(cost: Cost, field: str) -> Cost:
    return Cost(**{**vars(cost), field: getattr(cost, field) + 1})
