"""What every handler promises (protocol ``Handler``). Each handler comes with a small world to try it in."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from tests.support.apt_world import AptWorld, apt_world

from wua.engine.wiring import plug_in
from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.plugins import Handler, RunRecord
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.testing.debian import Package, Repository


class AptCase:
    """The apt handler; ``main`` needs ``part``, and both have an older version."""

    def __init__(self, world: AptWorld) -> None:
        self.world = world
        self.repository: Repository = world.repository(
            Package("main", "1", depends="part"), Package("part", "1"), Package("other", "1")
        )
        world.target.install("main")
        self.publish(Package("main", "2", depends="part (>= 2)"), Package("part", "2"))

    @property
    def handler(self) -> Handler:
        return self.world.handler

    def publish(self, *packages: Package) -> None:
        self.world.publish(self.repository, *packages)

    def plan(self) -> Plan:
        """The upgrade of ``main`` and what it needs."""
        return self.handler.plan(PlanRequest(Operation.INSTALL, self.world.ids("main=2")))


@pytest.fixture(params=["apt"])
def case(request: pytest.FixtureRequest) -> Iterator[AptCase]:
    with apt_world() as world:
        yield AptCase(world)


def test_is_found_by_its_id(case: AptCase) -> None:
    assert callable(plug_in("wua.handlers", case.handler.id))


def test_a_plan_is_dry_complete_and_can_be_stored(case: AptCase) -> None:
    before = case.world.target.fingerprint()
    plan = case.plan()
    assert case.world.target.fingerprint() == before == plan.world
    assert {(item.name, item.from_version, item.to_version) for item in plan.items} == {
        ("main", "1", "2"),
        ("part", "1", "2"),
    }
    assert [item.name for item in plan.requested] == ["main"]
    assert all(item.reason and item.size and item.sha256 for item in plan.items)
    assert msgspec.json.decode(msgspec.json.encode(plan), type=Plan) == plan


def test_the_same_request_gives_the_same_plan(case: AptCase) -> None:
    assert case.plan() == case.plan()


def test_an_unchanged_world_passes_the_check(case: AptCase) -> None:
    case.handler.check(case.plan())


def test_a_change_that_does_not_matter_passes_the_check(case: AptCase) -> None:
    plan = case.plan()
    case.world.target.install("other")
    assert case.world.target.fingerprint() != plan.world
    case.handler.check(plan)


def test_a_plan_whose_meaning_changed_is_refused_with_the_difference(case: AptCase) -> None:
    plan = case.plan()
    case.world.target.install("part=2")
    with pytest.raises(WuaError, match=r"part:all.*plan-stale"):
        case.handler.check(plan)


def test_a_dependency_that_moved_on_is_refused(case: AptCase) -> None:
    plan = case.plan()
    case.publish(Package("part", "3"))
    with pytest.raises(WuaError, match="plan-stale"):
        case.handler.check(plan)


def test_a_closure_that_grew_needs_another_download(case: AptCase) -> None:
    plan = case.plan()
    smaller = replace(plan, world="before", items=plan.requested)
    with pytest.raises(WuaError, match=r"part 2 \[needs-another-download"):
        case.handler.check(smaller)


def test_unknown_updates_and_empty_requests_are_refused(case: AptCase) -> None:
    with pytest.raises(WuaError, match="unknown-update"):
        case.handler.plan(PlanRequest(Operation.INSTALL, (UpdateId("no such"),)))
    with pytest.raises(WuaError, match="no-updates"):
        case.handler.plan(PlanRequest(Operation.INSTALL))
    with pytest.raises(WuaError, match="unknown-job"):
        case.handler.plan(PlanRequest(Operation.UNDO, job="none"))


def test_what_is_installed_already_is_left_out_and_said(case: AptCase) -> None:
    plan = case.handler.plan(PlanRequest(Operation.INSTALL, case.world.ids("main=1")))
    assert plan.items == ()
    assert [left.update for left in plan.left_out] == list(case.world.ids("main=1"))


def test_missing_means_not_there_or_not_right(case: AptCase) -> None:
    plan = case.plan()
    assert case.handler.missing(plan) == ()
    wrong = replace(plan, items=tuple(replace(item, sha256="0" * 64) for item in plan.items))
    assert case.handler.missing(wrong) == (0, 1)
    with pytest.raises(WuaError, match="content-mismatch"):
        case.handler.verify(wrong)


def test_files_of_another_cache_are_taken_only_when_they_are_right(case: AptCase, tmp_path: Path) -> None:
    plan = replace(case.plan(), items=tuple(replace(item, local="") for item in case.plan().items))
    assert case.handler.missing(plan) == (0, 1)
    good, bad = plan.items
    built = {b.name: b.deb_path for b in case.repository.packages if b.version == "2"}
    (tmp_path / good.file).write_bytes(built[good.name].read_bytes())
    (tmp_path / bad.file).write_bytes(built[good.name].read_bytes())
    assert case.handler.collect(plan, tmp_path) == 1
    assert case.handler.missing(plan) == (1,)


def test_the_files_of_an_update_are_its_own_whether_they_are_there_or_not(case: AptCase) -> None:
    (update,) = case.world.ids("main=2")
    (file,) = case.handler.content(update)
    (item,) = [item for item in case.plan().items if item.update == update]
    assert (Path(file.path).name, file.sha256) == (item.file, item.sha256)
    with pytest.raises(WuaError, match="unknown-update"):
        case.handler.content(UpdateId("no such"))


def test_release_ends_a_hold(case: AptCase) -> None:
    ids = case.world.ids("main=2")
    assert case.handler.release(ids) == []
    case.world.target.do(case.world.target.act("apt-mark", "hold", "main"))
    with pytest.raises(WuaError, match="unsolvable"):
        case.plan()
    for command in case.handler.release(ids):
        case.world.target.do(command)
    assert [item.name for item in case.plan().requested] == ["main"]


def test_items_that_must_not_be_played_are_named_with_their_reason(case: AptCase) -> None:
    case.world.target.script_problems({"part": "it would harm"})
    plan = case.plan()
    refused = case.handler.not_played(plan)
    assert {plan.items[index].name: why for index, why in refused.items()} == {"part": "it would harm"}


def test_commands_are_whole_and_each_runs_as_it_stands(case: AptCase) -> None:
    plan = case.plan()
    for command in (*case.handler.download(plan), *case.handler.install(plan)):
        assert Path(command.argv[0]).is_absolute()
        assert "PATH" in command.env
        assert command.cancel_signal == 2


def test_one_outcome_for_each_item_in_order_before_and_after(case: AptCase, tmp_path: Path) -> None:
    plan = case.plan()
    before = case.handler.judge(plan, [])
    assert [outcome.item for outcome in before] == list(range(len(plan.items)))
    assert all(not outcome.done and outcome.problem for outcome in before)
    after = case.world.apply(plan, tmp_path)
    assert [outcome.item for outcome in after] == list(range(len(plan.items)))
    assert all(outcome.done and outcome.said and outcome.seen and not outcome.problem for outcome in after)


def test_the_system_has_the_last_word(case: AptCase, tmp_path: Path) -> None:
    plan = case.plan()
    claims = RunRecord(JobState.INSTALLING, 0, str(tmp_path / "none"), str(tmp_path / "none"))
    for outcome in case.handler.judge(plan, [claims]):
        assert outcome.problem is not None
        assert outcome.problem.id == "not-installed-after-all"


@pytest.mark.parametrize("phase", [JobState.DOWNLOADING, JobState.INSTALLING, JobState.REPAIRING])
def test_readers_take_anything(case: AptCase, phase: JobState) -> None:
    reader = case.handler.reader(case.plan(), phase)
    progress, ends = reader.feed(["", "nonsense", "pmstatus:x", "dlstatus:a:b:c", "pmerror:none:1.0:x", "\0"])
    assert (progress.within, ends) == (0.0, ())


def test_nothing_is_repaired_where_nothing_is_broken(case: AptCase) -> None:
    assert case.handler.next_repair(case.plan(), []) is None
