"""Real transactions of apt and dpkg in a small root: installed, upgraded, taken back, as the plan said."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_world import AptWorld, apt_world

from wua.model.enums import ConffilePolicy
from wua.model.plans import Change, Operation, PlanRequest
from wua.model.problems import WuaError
from wua.testing.debian import Package


@pytest.fixture
def world() -> Iterator[AptWorld]:
    with apt_world() as made:
        yield made


def test_install_brings_what_is_needed_and_says_why(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("a", "1", depends="b", recommends="c"), Package("b", "2:1-1"), Package("c", "1"))
    plan = world.plan("a=1")
    assert [(i.name, i.change, i.reason, i.automatic) for i in plan.items] == [
        ("b", Change.INSTALL, "needed by a", True),
        ("a", Change.INSTALL, "requested", False),
        ("c", Change.INSTALL, "recommended by a", True),
    ]
    assert plan.items[0].file == "b_2%3a1-1_all.deb"
    assert plan.items[0].origin == "Debian"
    outcomes = world.apply(plan, tmp_path)
    assert [o.done for o in outcomes] == [True] * 3
    assert world.target.status_of("b") == "install ok installed 2:1-1"
    assert marks(world) == {"b", "c"}


def test_plan_is_dry(world: AptWorld) -> None:
    world.repository(Package("a", "1"))
    before = world.target.fingerprint()
    world.plan("a=1")
    assert world.target.fingerprint() == before
    assert list(world.target.archives_dir.glob("*.deb")) == []


def test_automatic_mark_survives_an_upgrade(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1", depends="b"), Package("b", "1"))
    world.apply(world.plan("a=1"), tmp_path)
    world.publish(repository, Package("b", "2"))
    plan = world.plan("b=2")
    assert [(i.change, i.from_version, i.to_version, i.automatic) for i in plan.items] == [
        (Change.UPGRADE, "1", "2", True)
    ]
    assert all(o.done for o in world.apply(plan, tmp_path))
    assert marks(world) == {"b"}


def test_uninstall_of_an_upgrade_goes_back_to_the_version_before(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1", files={"/usr/share/a": "one"}))
    world.apply(world.plan("a=1"), tmp_path, "first")
    world.publish(repository, Package("a", "2", files={"/usr/share/a": "two"}))
    world.apply(world.plan("a=2"), tmp_path, "second")
    plan = world.plan("a=2", operation=Operation.UNINSTALL)
    assert [(i.change, i.to_version, i.requested) for i in plan.items] == [(Change.DOWNGRADE, "1", True)]
    assert all(o.done for o in world.apply(plan, tmp_path, "third"))
    assert (world.target.root / "usr/share/a").read_text() == "one"


@pytest.mark.parametrize("how", ["from the cache", "repacked from the installed files"])
def test_uninstall_takes_the_kept_package_when_no_source_has_it(
    world: AptWorld, tmp_path: Path, how: str
) -> None:
    repository = world.repository(
        Package("a", "1", files={"/usr/share/a/one": "one"}, conffiles={"/etc/a.conf": "shipped"})
    )
    world.apply(world.plan("a=1"), tmp_path, "first")
    (world.target.root / "etc/a.conf").write_text("mine")
    world.publish(repository, Package("a", "2", conffiles={"/etc/a.conf": "shipped"}))
    if how.startswith("repacked"):
        (world.target.archives_dir / "a_1_all.deb").unlink()
    world.apply(world.plan("a=2"), tmp_path, "second")
    assert world.notes == [f"kept a 1 ({how})"]
    world.catalogue.forget("a", "1")
    repository.remove("a", "1")
    world.publish(repository)
    plan = world.plan("a=2", operation=Operation.UNINSTALL)
    assert plan.items[0].local
    assert all(o.done for o in world.apply(plan, tmp_path, "third"))
    assert (world.target.root / "usr/share/a/one").read_text() == "one"
    assert (world.target.root / "etc/a.conf").read_text() == "mine"


def test_uninstall_refuses_when_the_version_before_is_gone(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1"))
    world.apply(world.plan("a=1"), tmp_path, "first")
    world.publish(repository, Package("a", "2"))
    world.handler.kept.quota = 0
    world.apply(world.plan("a=2"), tmp_path, "second")
    world.catalogue.forget("a", "1")
    with pytest.raises(WuaError, match="uninstall-not-allowed"):
        world.plan("a=2", operation=Operation.UNINSTALL)


def test_uninstall_goes_back_step_by_step(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1"))
    world.apply(world.plan("a=1"), tmp_path, "one")
    for version in ("2", "3"):
        world.publish(repository, Package("a", version))
        world.apply(world.plan(f"a={version}"), tmp_path, version)
    for version, after in (("3", "2"), ("2", "1"), ("1", "")):
        plan = world.plan(f"a={version}", operation=Operation.UNINSTALL)
        assert [item.to_version for item in plan.items] == [after]
        assert all(o.done for o in world.apply(plan, tmp_path, f"back from {version}"))
    assert world.plan("a=1", operation=Operation.UNINSTALL).left_out[0].reason == "not installed"


def test_uninstall_after_a_change_by_others_is_refused(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1"))
    world.apply(world.plan("a=1"), tmp_path)
    world.publish(repository, Package("a", "2"))
    world.target.install("a=2")
    with pytest.raises(WuaError, match="was not installed by wua"):
        world.plan("a=2", operation=Operation.UNINSTALL)


def test_uninstall_of_what_wua_did_not_install_is_refused(world: AptWorld) -> None:
    world.repository(Package("a", "1"))
    world.target.install("a=1")
    with pytest.raises(WuaError, match="uninstall-not-allowed"):
        world.plan("a=1", operation=Operation.UNINSTALL)


def test_uninstall_takes_along_what_only_its_own_job_brought_in(world: AptWorld, tmp_path: Path) -> None:
    world.repository(
        Package("a", "1", depends="b, shared"), Package("b", "1"), Package("shared", "1"),
        Package("other", "1", depends="shared"),
    )  # fmt: skip
    world.apply(world.plan("a=1"), tmp_path, "first")
    world.apply(world.plan("other=1"), tmp_path, "second")
    plan = world.plan("a=1", operation=Operation.UNINSTALL)
    assert {(i.name, i.change, i.reason) for i in plan.items} == {
        ("a", Change.REMOVE, "requested"),
        ("b", Change.REMOVE, "was brought in only by the same job"),
    }
    assert all(o.done for o in world.apply(plan, tmp_path, "third"))
    assert world.target.status_of("shared") == "install ok installed 1"


def test_uninstall_takes_back_partners_of_the_same_version(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("dev", "1", depends="lib (= 1)"), Package("lib", "1"))
    world.apply(world.plan("dev=1"), tmp_path, "first")
    world.publish(repository, Package("dev", "2", depends="lib (= 2)"), Package("lib", "2"))
    world.apply(world.plan("dev=2"), tmp_path, "second")
    plan = world.plan("dev=2", operation=Operation.UNINSTALL)
    assert {(i.name, i.change, i.requested) for i in plan.items} == {
        ("dev", Change.DOWNGRADE, True),
        ("lib", Change.DOWNGRADE, False),
    }
    assert all(o.done for o in world.apply(plan, tmp_path, "third"))
    assert marks(world) == {"lib"}


def test_undo_reverses_a_job_and_names_what_it_cannot(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1"), Package("b", "1"), Package("new", "1"))
    world.apply(world.plan("a=1", "b=1"), tmp_path, "first")
    world.publish(repository, Package("a", "2"), Package("b", "2"), Package("b", "3"))
    world.apply(world.plan("a=2", "b=2", "new=1"), tmp_path, "second")
    world.apply(world.plan("b=3"), tmp_path, "third")
    plan = world.handler.plan(PlanRequest(Operation.UNDO, job="second"))
    assert {(i.name, i.change, i.to_version) for i in plan.items} == {
        ("a", Change.DOWNGRADE, "1"),
        ("new", Change.REMOVE, ""),
    }
    assert [(left.name, left.reason) for left in plan.left_out] == [
        ("b 2 (all)", "it changed since: 3 is installed, not 2")
    ]
    assert all(o.done for o in world.apply(plan, tmp_path, "fourth"))


def test_undo_brings_back_what_was_removed(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("a", "1"), Package("c", "1", conflicts="a"))
    world.apply(world.plan("a=1"), tmp_path, "first")
    plan = world.plan("c=1", allow_removals=True)
    assert [(i.name, i.change, i.reason) for i in plan.items] == [
        ("a", Change.REMOVE, "conflicts with c"),
        ("c", Change.INSTALL, "requested"),
    ]
    world.apply(plan, tmp_path, "second")
    undo = world.handler.plan(PlanRequest(Operation.UNDO, job="second"))
    assert all(o.done for o in world.apply(undo, tmp_path, "third"))
    assert world.target.status_of("a") == "install ok installed 1"
    assert world.target.status_of("c") in ("", "deinstall ok config-files 1", "unknown ok not-installed ")


def test_remove_and_purge(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("a", "1", conffiles={"/etc/a": "1"}), Package("needs", "1", depends="a"))
    world.target.install("needs")
    remove = world.handler.plan(PlanRequest(Operation.REMOVE, packages=("a",)))
    assert [(i.name, i.change, i.requested, i.reason) for i in remove.items] == [
        ("needs", Change.REMOVE, False, "depends on a"),
        ("a", Change.REMOVE, True, "requested"),
    ]
    assert all(o.done for o in world.apply(remove, tmp_path))
    purge = world.handler.plan(PlanRequest(Operation.REMOVE, packages=("a",), purge=True))
    assert [i.change for i in purge.items] == [Change.PURGE]
    assert all(o.done for o in world.apply(purge, tmp_path))
    assert not (world.target.root / "etc/a").exists()


def test_reinstall(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("a", "1", files={"/usr/share/a": "one"}))
    world.target.install("a")
    assert world.plan("a=1").items == ()
    assert [left.reason for left in world.plan("a=1").left_out] == ["already installed"]
    (world.target.root / "usr/share/a").unlink()
    plan = world.plan("a=1", reinstall=True)
    assert [i.change for i in plan.items] == [Change.REINSTALL]
    assert all(o.done for o in world.apply(plan, tmp_path))
    assert (world.target.root / "usr/share/a").read_text() == "one"


@pytest.mark.parametrize(("policy", "content"), [(ConffilePolicy.KEEP, "mine"), (ConffilePolicy.TAKE, "new")])
def test_conffile_policies_never_ask(
    world: AptWorld, tmp_path: Path, policy: ConffilePolicy, content: str
) -> None:
    repository = world.repository(Package("a", "1", conffiles={"/etc/a.conf": "old"}))
    world.target.install("a")
    (world.target.root / "etc/a.conf").write_text("mine")
    world.publish(repository, Package("a", "2", conffiles={"/etc/a.conf": "new"}))
    assert all(o.done for o in world.apply(world.plan("a=2", conffiles=policy), tmp_path))
    assert (world.target.root / "etc/a.conf").read_text() == content


def test_conffile_stop_names_the_file_before_anything_runs(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(
        Package("a", "1", conffiles={"/etc/a.conf": "old", "/etc/same": "same", "/etc/own": "own"})
    )
    world.target.install("a")
    for name in ("a.conf", "same"):
        (world.target.root / "etc" / name).write_text("mine")
    world.publish(
        repository,
        Package("a", "2", conffiles={"/etc/a.conf": "new", "/etc/same": "same", "/etc/own": "new"}),
    )
    with pytest.raises(WuaError, match=r"/etc/a\.conf of a \[conffile-stop") as stopped:
        world.apply(world.plan("a=2", conffiles=ConffilePolicy.STOP), tmp_path)
    assert "/etc/same" not in str(stopped.value)
    assert world.target.status_of("a") == "install ok installed 1"


def test_conffile_stop_lets_harmless_upgrades_through(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("a", "1", conffiles={"/etc/a.conf": "old"}))
    world.target.install("a")
    world.publish(repository, Package("a", "2", conffiles={"/etc/a.conf": "new"}))
    assert all(o.done for o in world.apply(world.plan("a=2", conffiles=ConffilePolicy.STOP), tmp_path))
    assert (world.target.root / "etc/a.conf").read_text() == "new"


def marks(world: AptWorld) -> set[str]:
    done = world.target.do(world.target.apt("apt-mark", "showauto"))
    return set(done.stdout.split())
