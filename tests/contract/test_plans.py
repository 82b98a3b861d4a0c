"""apt decides: every plan equals, package by package and in order, what apt-get -s answers."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.support.apt_world import AptWorld, apt_world
from tests.support.plan_wishes import WISHES, Wish, apt_says, fill, plan_says, same

from wua.model.plans import Operation, PlanRequest
from wua.model.problems import WuaError
from wua.system.run import run
from wua.testing.debian import Package

P = Package
PINNED = "Package: {}\nPin: release l={}\nPin-Priority: {}\n"


@pytest.fixture(scope="module")
def world(tools: Path | None) -> Iterator[AptWorld]:
    """One for all wishes: planning changes nothing."""
    with apt_world(architectures=("amd64", "i386"), tools=tools) as made:
        fill(made)
        yield made


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: wish.updates)
def test_install(world: AptWorld, wish: Wish) -> None:
    plan = world.plan(*wish.updates.split(), allow_removals=wish.allow_removals)
    same(world, plan, *wish.apt.split())
    requested = {(i.name, i.to_version) for i in plan.requested}
    words = (word.split("=") for word in wish.updates.split())
    assert requested == {(name.partition(":")[0], version) for name, version in words}
    assert all(i.reason for i in plan.items)


def test_all_pending_updates_at_once_are_what_upgrade_does(world: AptWorld) -> None:
    """The order may differ: apt sorts by what it was asked for."""
    expected = apt_says(world, "dist-upgrade")
    pending = [row for row in expected if row[0] == "Inst" and row[3]]
    plan = world.plan(*(f"{name}:{arch}={after}" for _, name, arch, _, after in pending), allow_removals=True)
    assert {row[:2] + row[3:] for row in plan_says(plan)} == {row[:2] + row[3:] for row in expected}
    assert len(pending) >= 5


@pytest.mark.parametrize(
    ("packages", "apt", "purge"),
    [
        ("old", "remove old", False),
        ("lib", "remove lib", False),
        ("conf leaf", "remove conf leaf", False),
        ("conf", "purge conf", True),
        ("strict", "purge strict", True),
    ],
)
def test_remove(world: AptWorld, packages: str, apt: str, purge: bool) -> None:
    request = PlanRequest(Operation.REMOVE, packages=tuple(packages.split()), purge=purge)
    same(world, world.handler.plan(request), *apt.split())


@pytest.mark.parametrize("words", ["old=1.0", "lib:amd64=1.0", "moved:amd64=1"])
def test_reinstall(world: AptWorld, words: str) -> None:
    name, _, version = words.partition("=")
    plan = world.plan(words, reinstall=True)
    same(world, plan, "install", "--reinstall", f"{name.partition(':')[0]}={version}")


def test_without_leave_to_remove_it_is_refused(world: AptWorld) -> None:
    with pytest.raises(WuaError, match="removal-refused"):
        world.plan("exim=4.0")


def test_essential_packages_never_go(world: AptWorld) -> None:
    request = PlanRequest(Operation.REMOVE, packages=("essential",), allow_removals=True)
    with pytest.raises(WuaError, match="essential-removal"):
        world.handler.plan(request)


def test_what_apt_refuses_is_refused_with_its_reason(world: AptWorld) -> None:
    done = run(world.target.apt("apt-get", "-s", "install", "impossible"))
    with pytest.raises(WuaError) as refused:
        world.plan("impossible=1")
    assert refused.value.problem.id == "unsolvable"
    assert "impossible : Depends: absent but it is not installable" in refused.value.problem.seen
    assert "E: Unable to correct problems" in done.stderr
    assert "Unable to correct problems" in refused.value.problem.seen


# --- other configurations


@contextmanager
def configured(
    tools: Path | None,
    *,
    config: str = "",
    preferences: str = "",
    prepare: Callable[[AptWorld], None] | None = None,
) -> Iterator[AptWorld]:
    with apt_world(architectures=("amd64", "i386"), config=config, tools=tools) as made:
        fill(made)
        made.target.preferences(preferences)
        if prepare:
            prepare(made)
        made.target.give_away()
        yield made


def hold(*names: str) -> Callable[[AptWorld], None]:
    def mark(world: AptWorld) -> None:
        world.target.do(world.target.act("apt-mark", "hold", *names))

    return mark


def check_all(world: AptWorld, wishes: Sequence[tuple[str, str]]) -> None:
    for updates, words in wishes:
        same(world, world.plan(*updates.split(), allow_removals=True), *words.split())


def test_without_recommends(tools: Path | None) -> None:
    with configured(tools, config='APT::Install-Recommends "false";') as world:
        world.target.do(world.target.act("apt-get", "-y", "remove", "app", "extra", "postfix"))
        check_all(world, [("app=2.0", "install app"), ("extra=1.0", "install extra")])


def test_pins_hold_back_a_suite(tools: Path | None) -> None:
    with configured(tools, preferences=PINNED.format("*", "Debian-Security", -1)) as world:
        check_all(world, [("breaker=1", "install breaker"), ("mailer=1", "install mailer")])
        with pytest.raises(WuaError, match="unsolvable"):
            world.plan("app=2.0")


def test_pins_that_force_a_downgrade(tools: Path | None) -> None:
    with configured(tools, preferences=PINNED.format("strict strict-dev", "Debian", 1001)) as world:
        world.target.install("strict=2.0", "strict-dev=2.0")
        words = "install strict strict-dev --allow-downgrades"
        check_all(world, [("strict:amd64=1.0 strict-dev=1.0", words)])


def test_default_release(tools: Path | None) -> None:
    with configured(tools, config='APT::Default-Release "stable";') as world:
        check_all(
            world,
            [("old=1.5", "install old"), ("app=2.0 lib:amd64=2.0 new=1", "install app=2.0 lib=2.0 new=1")],
        )


def test_backports_as_default(tools: Path | None) -> None:
    with configured(tools, preferences=PINNED.format("*", "Debian Backports", 500)) as world:
        check_all(world, [("app=3.0~bpo1", "install app"), ("fresh=9~bpo1", "install fresh")])


def test_held_packages_stay(tools: Path | None) -> None:
    with configured(tools, prepare=hold("lib", "old")) as world:
        check_all(world, [("tilde=1.0", "install tilde"), ("loop-a=1", "install loop-a")])
        for words in ("old=1.5", "app=2.0"):
            with pytest.raises(WuaError) as refused:
                world.plan(words)
            assert refused.value.problem.id == "unsolvable"
        assert run(world.target.apt("apt-get", "-s", "-y", "install", "app")).exit == 100


def test_phased_update_comes_when_it_is_asked_for(tools: Path | None) -> None:
    settings = 'APT::Machine-ID "0123456789abcdef0123456789abcdef"; Dir::Bin::ischroot "/bin/false";'
    with configured(tools, config=settings) as world:
        world.repository(P("old", "1.7", phased=0), suite="updates", label="Updates")
        check_all(world, [("old=1.7", "install old")])
        assert not [row for row in apt_says(world, "upgrade") if row[1] == "old"]


def test_same_version_from_two_places(tools: Path | None) -> None:
    """Two files for one version: the plan has the digest of the one that apt would take."""
    with apt_world(tools=tools) as world:
        world.repository(P("twin", "1", files={"/usr/share/twin": "first"}))
        world.repository(
            P("twin", "1", files={"/usr/share/twin": "another"}),
            suite="other",
            label="Other",
            components=("contrib",),
        )
        assert len(world.catalogue.by_version([("twin", "all", "1")])["twin", "all", "1"]) == 2
        plan = world.plan("twin=1")
        words = ("--print-uris", "-o", "Acquire::ForceHash=SHA256", "install", "twin")
        printed = world.target.do(world.target.apt("apt-get", *words)).stdout
        assert f"SHA256:{plan.items[0].sha256}" in printed
