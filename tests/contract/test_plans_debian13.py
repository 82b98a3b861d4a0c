"""A plan is applied by Debian 13's own apt and dpkg, run by chroot. Needs the network."""

from pathlib import Path

from support import debian13
from support.apt_world import apt_world
from wua.system.run import run
from wua.testing.debian import Package

pytestmark = debian13.MARKS


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
