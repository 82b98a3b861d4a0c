"""Plans against Debian 13's own apt and dpkg, run by chroot. Needs the network."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.apt_world import AptWorld, apt_world
from support.plan_wishes import WISHES, Wish, fill, same
from support.target_kinds import is_root
from wua.model.enums import TargetKind
from wua.model.plans import Operation, PlanRequest
from wua.system import namespaces
from wua.system.run import run
from wua.targets import create_root, destroy
from wua.targets.host import HostTarget
from wua.targets.layout import unprivileged_uid
from wua.testing.debian import Package

KEYS = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
SOURCES = """Types: deb
URIs: {}
Suites: trixie
Components: main
Signed-By: {}
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not namespaces.can_confine(*((unprivileged_uid(),) * 2 if is_root() else ())),
        reason="this machine allows no user namespaces",
    ),
    pytest.mark.skipif(not KEYS.exists(), reason="no keys of Debian's archive here"),
]


def mirror() -> str:
    """Where this machine gets Debian from."""
    words = ("indextargets", "--format", "$(REPO_URI)", "Label: Debian", "Created-By: Packages")
    found = run(HostTarget().apt("apt-get", *words)).stdout.split()
    if not found:
        pytest.skip("this machine has no Debian mirror")
    return found[0]


@pytest.fixture(scope="module")
def tools() -> Iterator[Path]:
    """A small Debian 13, in a folder that any user can reach."""
    with tempfile.TemporaryDirectory(prefix="wua-trixie-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        top = Path(folder) / "root"
        root = create_root(
            top, TargetKind.NAMESPACE_ROOT, sources=SOURCES.format(mirror(), KEYS), base_cache=None
        )
        assert root.os().version == "13"
        yield top / "root"
        destroy(top)


@pytest.fixture(scope="module")
def world(tools: Path) -> Iterator[AptWorld]:
    with apt_world(architectures=("amd64", "i386"), tools=tools) as made:
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


def test_a_plan_is_applied_and_judged(tools: Path, tmp_path: Path) -> None:
    with apt_world(tools=tools) as small:
        repository = small.repository(Package("a", "1"))
        small.target.install("a")
        failing = Package("bad", "1", scripts={"postinst": "#!/bin/sh\nexit 3\n"})
        small.publish(repository, Package("a", "2"), failing)
        plan = small.plan("a=2", "bad=1")
        outcomes = {plan.items[o.item].name: o for o in small.apply(plan, tmp_path)}
        assert outcomes["a"].done
        assert outcomes["bad"].unmapped == 3
