"""Runs that fail, for real: each update is told its own reason, with the script's exit code and words."""

import fcntl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_world import AptWorld, apt_world

from wua.model.plans import Operation, Plan, PlanRequest
from wua.model.plugins import ItemOutcome, RunRecord
from wua.model.problems import WuaError
from wua.model.states import JobState
from wua.testing.debian import (
    Corrupt,
    Faults,
    Package,
    RedirectLoop,
    Repository,
    Status,
    Truncate,
    WrongLength,
)


@pytest.fixture
def world() -> Iterator[AptWorld]:
    with apt_world() as made:
        yield made


def failing(code: int, *says: str) -> str:
    return "\n".join(["#!/bin/sh", *(f"echo '{line}'" for line in says), f"exit {code}", ""])


def by_name(plan: Plan, outcomes: tuple[ItemOutcome, ...]) -> dict[str, ItemOutcome]:
    return {plan.items[outcome.item].name: outcome for outcome in outcomes}


def attempt(world: AptWorld, folder: Path, *words: str) -> dict[str, ItemOutcome]:
    plan = world.plan(*words)
    return by_name(plan, world.apply(plan, folder))


def kinds(outcomes: dict[str, ItemOutcome]) -> dict[str, str]:
    return {name: outcome.problem.id if outcome.problem else "done" for name, outcome in outcomes.items()}


def test_postinst_fails_alone_and_what_needs_it_says_so(world: AptWorld, tmp_path: Path) -> None:
    bad = Package("bad", "1", scripts={"postinst": failing(3, "one", "two words")})
    world.repository(bad, Package("dep", "1", depends="bad"), Package("good", "1"))
    outcomes = attempt(world, tmp_path, "dep=1", "good=1")
    assert kinds(outcomes) == {"bad": "script-failed", "dep": "dependency-failed", "good": "done"}
    problem = outcomes["bad"].problem
    assert problem is not None
    assert problem.unmapped == outcomes["bad"].unmapped == 3
    assert problem.seen.splitlines() == [
        "installed bad package post-installation script subprocess returned error exit status 3",
        "  one",
        "  two words",
    ]
    assert outcomes["bad"].seen == "install ok half-configured 1"


def test_a_failing_script_is_run_once_only(world: AptWorld, tmp_path: Path) -> None:
    counting = '#!/bin/sh\necho run >> "$DPKG_ROOT/count"\nexit 1\n'
    world.repository(Package("bad", "1", scripts={"postinst": counting}))
    attempt(world, tmp_path, "bad=1")
    assert (world.target.root / "count").read_text() == "run\n"


def test_preinst_fails_on_install(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("bad", "1", scripts={"preinst": failing(4)}), Package("good", "1"))
    outcomes = attempt(world, tmp_path, "bad=1", "good=1")
    assert kinds(outcomes) == {"bad": "script-failed", "good": "done"}
    assert outcomes["bad"].unmapped == 4
    assert world.target.is_interrupted() == ()


def test_preinst_fails_on_upgrade_and_the_old_version_stays(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("bad", "1"))
    world.target.install("bad")
    world.publish(repository, Package("bad", "2", scripts={"preinst": failing(4)}))
    outcomes = attempt(world, tmp_path, "bad=2")
    assert kinds(outcomes) == {"bad": "script-failed"}
    assert outcomes["bad"].seen == "install ok installed 1"


def test_old_prerm_fails_on_upgrade(world: AptWorld, tmp_path: Path) -> None:
    repository = world.repository(Package("bad", "1", scripts={"prerm": failing(5, "no way")}))
    world.target.install("bad")
    world.publish(repository, Package("bad", "2"))
    outcome = attempt(world, tmp_path, "bad=2")["bad"]
    assert outcome.problem is not None
    assert (outcome.problem.id, outcome.seen) == ("script-failed", "install ok installed 1")
    assert "no way" in outcome.problem.seen


@pytest.mark.parametrize("script", ["prerm", "postrm"])
def test_removal_script_fails_and_the_rest_is_named(world: AptWorld, tmp_path: Path, script: str) -> None:
    world.repository(
        Package("m-bad", "1", scripts={script: failing(6)}), Package("a", "1"), Package("z", "1")
    )
    world.target.install("m-bad", "a", "z")
    plan = world.handler.plan(PlanRequest(Operation.REMOVE, packages=("a", "m-bad", "z")))
    outcomes = by_name(plan, world.apply(plan, tmp_path))
    assert outcomes["m-bad"].problem is not None
    assert outcomes["m-bad"].unmapped == 6
    undone = [name for name, outcome in outcomes.items() if not outcome.done and name != "m-bad"]
    for name in undone:
        assert outcomes[name].said == "not processed, as m-bad failed"


def test_script_killed_by_a_signal(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("bad", "1", scripts={"postinst": "#!/bin/sh\nkill -9 $$\n"}))
    outcome = attempt(world, tmp_path, "bad=1")["bad"]
    assert outcome.problem is not None
    assert (outcome.problem.id, outcome.unmapped) == ("script-failed", 128)
    assert "signal (Killed)" in outcome.said


def test_file_conflict_names_the_other_package_and_the_rest_is_finished(
    world: AptWorld, tmp_path: Path
) -> None:
    files = {"/usr/share/one": "1"}
    world.repository(
        Package("first", "1", files=files), Package("second", "1", files=files), Package("good", "1")
    )
    world.target.install("first")
    outcomes = attempt(world, tmp_path, "good=1", "second=1")
    assert kinds(outcomes) == {"good": "done", "second": "package-failed"}
    said = outcomes["second"].said
    assert said.startswith("trying to overwrite '/usr/share/one', which is also in package first ")
    assert world.target.is_interrupted() == ()


def test_wrong_architecture_inside(world: AptWorld, tmp_path: Path) -> None:
    """An index that says "all" over a package for another machine."""
    world.repository(Package("odd", "1", architecture="all"))
    wrong = Repository(world.repos / "wrong")
    built = wrong.add(Package("odd", "1", architecture="s390x"))
    plan = world.plan("odd=1")
    outcome = run_with(world, plan, tmp_path, built.deb_path)
    assert outcome.problem is not None
    assert outcome.problem.id == "package-failed"
    assert "(s390x) does not match system (amd64)" in outcome.said


def test_damaged_package_that_the_index_describes(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("odd", "1", files={"/usr/share/odd": "x" * 5000}))
    plan = world.plan("odd=1")
    damaged = tmp_path / "odd.deb"
    damaged.write_bytes(Path(plan.items[0].local).read_bytes()[:-300])
    outcome = run_with(world, plan, tmp_path, damaged)
    assert outcome.problem is not None
    assert outcome.problem.id == "content-mismatch"


def run_with(world: AptWorld, plan: Plan, folder: Path, deb: Path) -> ItemOutcome:
    """Apply a plan of one item with another file in the archives than the one that was checked."""
    world.handler.verify(plan)
    target = world.target.archives_dir / plan.items[0].file
    command = world.target.act("dpkg", "-i", str(target))
    target.write_bytes(deb.read_bytes())
    return world.handler.judge(plan, [world.run(command, JobState.INSTALLING, folder)])[0]


def test_locked_database_is_named(world: AptWorld, tmp_path: Path) -> None:
    world.repository(Package("a", "1"))
    plan = world.plan("a=1")
    world.handler.verify(plan)
    with (world.target.dpkg_dir / "lock-frontend").open("w") as lock:
        world.target.give_away()
        fcntl.lockf(lock, fcntl.LOCK_EX)
        install = world.handler.install(plan)[0]
        argv = tuple(word.replace("Lock::Timeout=60", "Lock::Timeout=0") for word in install.argv)
        run = world.run(type(install)(argv, install.env, install.cwd), JobState.INSTALLING, tmp_path)
        outcome = world.handler.judge(plan, [run])[0]
    assert outcome.problem is not None
    assert outcome.problem.id == "lock-held"
    assert outcome.unmapped == 100


def test_read_only_and_full_file_systems_show_in_scripts(world: AptWorld, tmp_path: Path) -> None:
    full = "#!/bin/sh\necho data > /dev/full\n"
    world.repository(Package("bad", "1", scripts={"postinst": full.replace("echo", "set -e; /bin/echo")}))
    outcome = attempt(world, tmp_path, "bad=1")["bad"]
    assert outcome.problem is not None
    assert outcome.problem.id == "disk-full"


# --- downloads


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Status(404), "download-failed"),
        (Status(500), "download-failed"),
        (Status(407), "download-failed"),
        (Corrupt(300), "content-mismatch"),
        (Truncate(100), "download-failed"),
        (WrongLength(-20), "content-mismatch"),
    ],
)
def test_failed_download_is_told_of_its_own_package(
    world: AptWorld, tmp_path: Path, fault: object, kind: str
) -> None:
    faults = Faults().on("*/bad_*.deb", fault)  # type: ignore[arg-type]
    with Repository(world.repos).serve(faults) as url:
        world.repository(Package("bad", "1"), Package("good", "1"), url=url)
        plan = world.plan("bad=1", "good=1")
        runs = [world.run(c, JobState.DOWNLOADING, tmp_path) for c in world.handler.download(plan)]
    missing = [plan.items[index].name for index in world.handler.missing(plan)]
    assert missing == ["bad"]
    outcomes = by_name(plan, world.handler.judge(plan, runs))
    problem = outcomes["bad"].problem
    assert problem is not None
    assert problem.id == kind, problem.seen


def test_redirections_without_end_are_noticed_and_named(world: AptWorld, tmp_path: Path) -> None:
    """apt itself would go on for ever."""
    with Repository(world.repos).serve(Faults().on("*/bad_*.deb", RedirectLoop())) as url:
        world.repository(Package("bad", "1"), url=url)
        plan = world.plan("bad=1")
        reader = world.handler.reader(plan, JobState.DOWNLOADING)
        status = tmp_path / "status"
        command = world.handler.download(plan)[0]
        argv = [word.replace("{status}", "1") for word in command.argv]
        with subprocess.Popen(
            argv, env=command.env, cwd=command.cwd, stdout=subprocess.PIPE, text=True
        ) as apt:
            assert apt.stdout is not None
            with status.open("w") as lines:
                for line in apt.stdout:
                    lines.write(line)
                    if reader.feed([line])[0].stuck:
                        break
            apt.send_signal(command.cancel_signal)
            apt.stdout.read()
    run = RunRecord(JobState.DOWNLOADING, apt.returncode, "/nonexistent", str(status))
    problem = world.handler.judge(plan, [run])[0].problem
    assert problem is not None
    assert problem.id == "download-failed"
    assert "round in circles" in problem.seen


def test_no_server_is_no_network(world: AptWorld, tmp_path: Path) -> None:
    with Repository(world.repos).serve() as url:
        world.repository(Package("a", "1"), url=url)
        plan = world.plan("a=1")
    runs = [world.run(c, JobState.DOWNLOADING, tmp_path) for c in world.handler.download(plan)]
    problem = world.handler.judge(plan, runs)[0].problem
    assert problem is not None
    assert problem.id == "no-network"


def test_nothing_runs_that_was_not_verified(world: AptWorld, tmp_path: Path) -> None:
    with Repository(world.repos).serve() as url:
        world.repository(Package("a", "1"), url=url)
        plan = world.plan("a=1")
        with pytest.raises(WuaError, match="not-downloaded"):
            world.handler.verify(plan)
        for command in world.handler.download(plan):
            world.run(command, JobState.DOWNLOADING, tmp_path)
    world.handler.verify(plan)
    file = world.target.archives_dir / plan.items[0].file
    data = file.read_bytes()
    file.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(WuaError, match="content-mismatch"):
        world.handler.verify(plan)
    assert world.handler.missing(plan) == (0,)


def test_unsafe_scripts_are_refused_by_name_unless_the_user_insists(world: AptWorld) -> None:
    world.repository(Package("a", "1"))
    world.target.script_problems({"a": "its postinst writes /etc"})
    with pytest.raises(WuaError, match="a:all: its postinst writes /etc"):
        world.handler.verify(world.plan("a=1"))
    world.handler.verify(world.plan("a=1", insist=True))


# --- lost and killed installers, judged by what the system shows


@pytest.mark.parametrize(
    ("exit_code", "cancelled", "kind"),
    [
        (None, False, "outcome-unknown"),
        (-9, False, "installer-killed"),
        (-2, True, "aborted"),
        (0, True, "aborted"),
        (0, False, "not-installed-after-all"),
        (100, False, "installer-failed"),
    ],
)
def test_run_that_left_nothing_behind(
    world: AptWorld, exit_code: int | None, cancelled: bool, kind: str
) -> None:
    world.repository(Package("a", "1"))
    plan = world.plan("a=1")
    run = RunRecord(JobState.INSTALLING, exit_code, "/nonexistent", "/nonexistent", cancelled)
    outcome = world.handler.judge(plan, [run])[0]
    assert outcome.problem is not None
    assert (outcome.done, outcome.problem.id, outcome.seen) == (False, kind, "unknown to dpkg")


def test_a_lost_exit_status_does_not_hide_what_the_system_shows(world: AptWorld) -> None:
    world.repository(Package("a", "1"))
    plan = world.plan("a=1")
    world.target.install("a")
    run = RunRecord(JobState.INSTALLING, None, "/nonexistent", "/nonexistent")
    outcome = world.handler.judge(plan, [run])[0]
    assert (outcome.done, outcome.problem, outcome.said) == (
        True,
        None,
        "the exit status of the installer is lost",
    )


def test_nothing_ran_means_aborted(world: AptWorld) -> None:
    world.repository(Package("a", "1"))
    problem = world.handler.judge(world.plan("a=1"), [])[0].problem
    assert problem is not None
    assert problem.id == "aborted"
