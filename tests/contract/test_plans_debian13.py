"""Debian 13's apt beyond what the plans contract asks of every apt: its new solver; plans applied.

Needs the network.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import debian13
from tests.support.apt_world import AptWorld, apt_world
from tests.support.plan_wishes import WISHES, Wish, fill, same

from wua.model.problems import WuaError
from wua.system.run import run
from wua.testing.debian import Package

pytestmark = debian13.MARKS


@pytest.fixture(scope="module")
def solver3(tools13: Path) -> Iterator[AptWorld]:
    """With the solver that apt 3 has beside the old one; who wants it sets an option."""
    with apt_world(architectures=("amd64", "i386"), config='APT::Solver "3.0";', tools=tools13) as made:
        fill(made)
        yield made


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.updates)
def test_the_new_solver_decides_as_well(solver3: AptWorld, wish: Wish) -> None:
    """It takes no package away that was asked for once: what apt refuses, wua refuses in apt's words."""
    updates, words = wish.updates.split(), wish.apt.split()
    done = run(solver3.target.apt("apt-get", "-s", "-y", *words))
    if done.exit == 0:
        same(solver3, solver3.plan(*updates, allow_removals=wish.allow_removals), *words)
        return
    with pytest.raises(WuaError) as refused:
        solver3.plan(*updates, allow_removals=wish.allow_removals)
    assert refused.value.problem.id == "unsolvable"
    assert "Unable to satisfy dependencies" in done.stderr
    assert "Unable to satisfy dependencies" in refused.value.problem.seen


def test_a_plan_is_applied_and_judged(tools13: Path, tmp_path: Path) -> None:
    with apt_world(tools=tools13) as small:
        assert run(small.target.apt("apt-get", "--version")).stdout.startswith("apt 3.")
        repository = small.repository(Package("a", "1"))
        small.target.install("a")
        failing = Package("bad", "1", scripts={"postinst": "#!/bin/sh\nexit 3\n"})
        small.publish(repository, Package("a", "2"), failing)
        plan = small.plan("a=2", "bad=1")
        outcomes = {plan.items[o.item].name: o for o in small.apply(plan, tmp_path)}
        assert outcomes["a"].done
        assert outcomes["bad"].unmapped == 3
