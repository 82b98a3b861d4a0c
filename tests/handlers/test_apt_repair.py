"""An installer killed inside each maintainer script: the repair brings back a clean package state."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_world import AptWorld, apt_world
from tests.support.killing import blocking, kill_inside, make_pipes

from wua.model.plans import Operation, Plan
from wua.model.plugins import RunRecord
from wua.model.states import JobState
from wua.testing.debian import Package

FILES = {"/usr/share/a/file": "content"}


@pytest.fixture
def world() -> Iterator[AptWorld]:
    with apt_world() as made:
        yield made


def repair(world: AptWorld, plan: Plan, runs: list[RunRecord], folder: Path) -> None:
    while command := world.handler.next_repair(plan, runs):
        runs.append(world.run(command, JobState.REPAIRING, folder))


def package(version: str, pipe: Path, script: str = "", when: str = "") -> Package:
    scripts = {script: blocking(pipe, when)} if script else {}
    return Package("a", version, files=FILES, scripts=scripts)


@pytest.mark.parametrize(
    ("old", "new", "state"),
    [
        (None, ("preinst", "install"), "half-installed"),
        (None, ("postinst", "configure"), "half-configured"),
        (("prerm", "upgrade"), ("", ""), "half-configured"),
        (("", ""), ("preinst", "upgrade"), "half-installed"),
        (("postrm", "upgrade"), ("", ""), "half-installed"),
        (("", ""), ("postinst", "configure"), "half-configured"),
    ],
)
def test_killed_in_a_script(
    world: AptWorld,
    tmp_path: Path,
    old: tuple[str, str] | None,
    new: tuple[str, str],
    state: str,
) -> None:
    pipe = make_pipes(world.target)
    repository = world.repository(*([package("1", pipe, *old)] if old else []))
    if old:
        world.target.install("a")
    world.publish(repository, package("2", pipe, *new), Package("z", "1"))
    plan = world.plan("a=2", "z=1")
    world.handler.verify(plan)
    runs = [kill_inside(world.handler.install(plan)[0], pipe, tmp_path)]
    assert state in world.target.status_of("a")
    assert world.target.is_interrupted()
    repair(world, plan, runs, tmp_path)
    assert world.target.is_interrupted() == ()
    outcomes = {plan.items[o.item].name: o for o in world.handler.judge(plan, runs)}
    assert outcomes["a"].done
    assert outcomes["a"].seen == "install ok installed 2"
    z = outcomes["z"]
    assert z.done == (world.target.status_of("z") == "install ok installed 1")
    assert z.done or (z.problem is not None and z.problem.id == "installer-killed")


def test_marks_come_back_after_a_kill(world: AptWorld, tmp_path: Path) -> None:
    pipe = make_pipes(world.target)
    repository = world.repository(Package("a", "1"), Package("needs", "1", depends="a"))
    world.target.install("needs")
    world.publish(repository, package("2", pipe, "postinst", "configure"))
    plan = world.plan("a=2")
    world.handler.verify(plan)
    transaction, marks = world.handler.install(plan)
    runs = [kill_inside(transaction, pipe, tmp_path)]
    repair(world, plan, runs, tmp_path)
    for _ in range(2):  # as when recovery itself is killed and does it again
        runs.append(world.run(marks, JobState.INSTALLING, tmp_path))
        assert world.target.do(world.target.apt("apt-mark", "showauto")).stdout.split() == ["a"]
    assert all(o.done for o in world.handler.judge(plan, runs))


def test_killed_on_the_way_back_to_a_version_that_no_source_has(world: AptWorld, tmp_path: Path) -> None:
    pipe = make_pipes(world.target)
    repository = world.repository(package("1", pipe))
    world.apply(world.plan("a=1"), tmp_path, "first")
    world.publish(repository, package("2", pipe, "postrm", "upgrade"))
    world.apply(world.plan("a=2"), tmp_path, "second")
    world.catalogue.forget("a", "1")
    repository.remove("a")
    world.publish(repository)
    plan = world.plan("a=2", operation=Operation.UNINSTALL)
    world.handler.verify(plan)
    runs = [kill_inside(world.handler.install(plan)[0], pipe, tmp_path)]
    repair(world, plan, runs, tmp_path)
    assert world.target.is_interrupted() == ()
    assert world.handler.judge(plan, runs)[0].seen == "install ok installed 1"


def test_what_cannot_be_mended_is_given_up(world: AptWorld, tmp_path: Path) -> None:
    """The package is in no source and its file is gone: every step is tried once, then it ends."""
    pipe = make_pipes(world.target)
    repository = world.repository(package("1", pipe, "preinst", "install"))
    plan = world.plan("a=1")
    world.handler.verify(plan)
    runs = [kill_inside(world.handler.install(plan)[0], pipe, tmp_path)]
    repository.remove("a")
    world.publish(repository)
    for file in world.target.archives_dir.glob("*.deb"):
        file.unlink()
    repair(world, plan, runs, tmp_path)
    assert len(runs) < 8
    outcome = world.handler.judge(plan, runs)[0]
    assert outcome.problem is not None
    assert not outcome.done


def test_nothing_to_repair_in_a_healthy_root(world: AptWorld) -> None:
    world.repository(Package("a", "1"))
    assert world.handler.next_repair(world.plan("a=1"), []) is None
