"""The handler on each kind of root: there, forward, and back with a package that no source has any more."""

from pathlib import Path

import pytest
from tests.support.apt_world import Catalogue, Driver, made
from tests.support.target_kinds import OWN_KINDS, checked, is_root, make_repository, make_root, state_of

from wua.model.identity import deb_update_id
from wua.model.plans import Operation, PlanRequest
from wua.model.updates import UpdateId
from wua.system import namespaces
from wua.targets.layout import unprivileged_uid
from wua.testing.debian import Package


def confinable() -> bool:
    uid = unprivileged_uid() if is_root() else -1
    return namespaces.can_confine(uid, uid)


@pytest.mark.parametrize("kind", OWN_KINDS)
def test_there_forward_and_back(kind: str, tmp_path: Path) -> None:
    if not confinable() and kind == "namespace":
        pytest.skip("this machine allows no user namespaces")
    repository = make_repository(
        tmp_path / "repository",
        Package("a", "1", depends="b", files={"/usr/share/a": "one"}, conffiles={"/etc/a.conf": "1"}),
        Package("b", "1"),
    )
    target = make_root(kind, tmp_path / "root", repository)
    catalogue = Catalogue()
    for built in repository.packages:
        catalogue.add(built, "Debian")
    driver = Driver(*made(target, catalogue))

    def go(operation: Operation, version: str, job: str) -> None:
        updates = (UpdateId(deb_update_id("a", "all", version)),)
        plan = driver.handler.plan(PlanRequest(operation, updates))
        outcomes, runs = driver.apply_with_runs(plan, tmp_path, job)
        assert all(o.done for o in outcomes), (outcomes, [Path(r.output).read_text() for r in runs])

    go(Operation.INSTALL, "1", "first")
    (target.archives_dir / "a_1_all.deb").unlink()
    repository.remove("a", "1")
    catalogue.forget("a", "1")
    catalogue.add(repository.add(Package("a", "2", files={"/usr/share/a": "two"})), "Debian")
    repository.write()
    checked(target.fetch("update"))
    go(Operation.INSTALL, "2", "second")
    assert driver.notes == ["kept a 1 (repacked from the installed files)"]
    go(Operation.UNINSTALL, "2", "third")
    assert state_of(target, ["a", "b"]) == {"a": "installed 1", "b": "installed 1"}
    marks = checked(target.apt("apt-mark", "showauto")).stdout.split()
    assert marks == ["b"]
    assert target.is_interrupted() == ()
