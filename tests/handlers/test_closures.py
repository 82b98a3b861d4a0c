"""What of a plan belongs to which update, and what IsDownloaded makes of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.real_root import RealRoot, real_root

from wua.handlers.closures import closures
from wua.model.enums import ResultCode
from wua.model.identity import deb_update_id
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.problems import WuaError
from wua.model.updates import UpdateId
from wua.store.closures import note, read
from wua.testing.debian import Package


def item(name: str, reason: str = "", *, file: bool = True) -> PlanItem:
    return PlanItem(
        UpdateId(name),
        name,
        "all",
        Change.INSTALL,
        "",
        "1",
        requested=not reason,
        reason=reason or "requested",
        file=f"{name}.deb" if file else "",
    )


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ([item("a")], {"a": set()}),
        ([item("a"), item("b", "needed by a"), item("c", "recommended by b")], {"a": {"b", "c"}}),
        (
            [item("a"), item("b"), item("x", "needed by b"), item("y", "needed by a")],
            {"a": {"y"}, "b": {"x"}},
        ),
        ([item("a"), item("b"), item("x", "needed by somebody")], {"a": {"x"}, "b": {"x"}}),
        ([item("a"), item("x", "needed by y"), item("y", "needed by x")], {"a": {"x", "y"}}),
        ([item("a"), item("gone", "conflicts with a", file=False)], {"a": set()}),
    ],
)
def test_what_belongs_to_which_update(items: list[PlanItem], expected: dict[str, set[str]]) -> None:
    plan = Plan(PlanRequest(Operation.INSTALL), "here", "", 0.0, tuple(items))
    assert closures(plan) == expected


def test_notes_are_kept_and_replaced(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    assert read(cache) == {}
    note(cache, {"a": {"x", "y"}, "b": {"x"}})
    note(cache, {"b": {"z"}, "c": set()})
    assert read(cache) == {"a": {"x", "y"}, "b": {"z"}}
    (cache / "closures.json").write_bytes(b'{"a": ')
    assert read(cache) == {}
    note(cache, {"a": {"x"}})
    assert read(cache) == {"a": {"x"}}
    assert [each.name for each in cache.iterdir()] == ["closures.json"]


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WuaError) as raised:
        note(tmp_path / "file", {"a": {"x"}})
    assert raised.value.problem.id == "store-unwritable"
    assert str(tmp_path / "file") in raised.value.problem.seen


@pytest.fixture
def root() -> Iterator[RealRoot]:
    with real_root() as made:
        yield made


def test_downloaded_means_all_that_it_needs(root: RealRoot) -> None:
    root.publish(
        Package("app", "1", depends="lib, other"),
        Package("lib", "1"),
        Package("other", "1"),
        Package("alone", "1"),
    )

    def downloaded() -> set[str]:
        found = root.agent.search("DeploymentAction=* and IsInstalled=0").result()
        return {offer.name for offer in found.updates if offer.downloaded}

    assert downloaded() == set()
    assert root.agent.download(["app", "alone"]).result().code is ResultCode.SUCCEEDED
    assert downloaded() == {"app", "lib", "other", "alone"}
    (root.target.archives_dir / "lib_1_all.deb").unlink()
    assert downloaded() == {"other", "alone"}
    assert root.agent.install("lib").result().code is ResultCode.SUCCEEDED
    (root.target.archives_dir / "lib_1_all.deb").unlink()
    assert downloaded() == {"app", "other", "alone"}  # what is installed need not be there
    assert read(Path(root.target.paths.cache))[deb_update_id("app", "all", "1")] == {
        deb_update_id("lib", "all", "1"),
        deb_update_id("other", "all", "1"),
    }
