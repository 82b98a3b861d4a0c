"""Plans against Debian 13's own apt and dpkg, run by chroot. Needs the network."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support import debian13
from support.apt_world import AptWorld, apt_world
from support.plan_wishes import WISHES, Wish, fill, same
from wua.model.plans import Operation, PlanRequest
from wua.system.run import run
from wua.testing.debian import Package

pytestmark = debian13.MARKS


@pytest.fixture(scope="module")
def world(tools13: Path) -> Iterator[AptWorld]:
    with apt_world(architectures=("amd64", "i386"), tools=tools13) as made:
        fill(made)
        yield made


def test_it_is_the_other_apt(world: AptWorld) -> None:
    assert run(world.target.apt("apt-get", "--version")).stdout.startswith("apt 3.")


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.updates)
def test_install(world: AptWorld, wish: Wish) -> None:
    plan = world.plan(*wish.updates.split(), allow_removals=wish.allow_removals)
    same(world, plan, *wish.apt.split())
    assert all(item.reason for item in plan.items)


def test_remove(world: AptWorld) -> None:
    request = PlanRequest(Operation.REMOVE, packages=("lib",))
    same(world, world.handler.plan(request), "remove", "lib")


def test_a_plan_is_applied_and_judged(tools13: Path, tmp_path: Path) -> None:
    with apt_world(tools=tools13) as small:
        repository = small.repository(Package("a", "1"))
        small.target.install("a")
        failing = Package("bad", "1", scripts={"postinst": "#!/bin/sh\nexit 3\n"})
        small.publish(repository, Package("a", "2"), failing)
        plan = small.plan("a=2", "bad=1")
        outcomes = {plan.items[o.item].name: o for o in small.apply(plan, tmp_path)}
        assert outcomes["a"].done
        assert outcomes["bad"].unmapped == 3
