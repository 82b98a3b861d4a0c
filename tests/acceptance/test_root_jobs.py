"""Real apt, dpkg and maintainer scripts in a plain root: the whole way, good days and bad."""

from collections.abc import Iterator

import pytest
from tests.support.real_root import LONG, Listener, RealRoot, StallingDebs, deliveries, notifier, real_root

from wua.engine import job_runs, runs
from wua.model.enums import AbortAnswer, ConffilePolicy, ResultCode
from wua.model.jobs import DeliveryState, Waiting
from wua.model.states import JobState
from wua.testing.debian import Package


@pytest.fixture
def root() -> Iterator[RealRoot]:
    with real_root() as made:
        yield made


@pytest.fixture
def scripted(root: RealRoot) -> RealRoot:
    """A root whose packages may have maintainer scripts."""
    if root.target.unconfined:
        pytest.skip(f"maintainer scripts can't be confined here: {root.target.unconfined}")
    return root


def test_there_and_back(root: RealRoot) -> None:
    root.publish(Package("a", "1", depends="b"), Package("b", "1"))
    assert root.install("a").code is ResultCode.SUCCEEDED
    assert root.versions == {"a": "1", "b": "1"}
    assert root.automatic() == {"b"}
    root.publish(Package("a", "2", depends="b (>= 2), c"), Package("b", "2"), Package("c", "1"))

    found = root.agent.search().result(LONG)
    assert {(o.name, o.version) for o in found.updates} == {("a", "2"), ("b", "2")}
    plan = root.agent.plan_install([o for o in found.updates if o.name == "a"]).result(LONG)
    assert {(i.name, i.from_version, i.to_version) for i in plan.items} == {
        ("a", "1", "2"),
        ("b", "1", "2"),
        ("c", "", "1"),
    }
    assert root.versions == {"a": "1", "b": "1"}

    job = root.agent.install(plan)
    heard = Listener(job)
    result = heard.result()
    heard.assert_honest()
    assert (result.code, [u.code for u in result.updates]) == (ResultCode.SUCCEEDED, [ResultCode.SUCCEEDED])
    assert root.versions == {"a": "2", "b": "2", "c": "1"}
    assert root.automatic() == {"b", "c"}
    root.assert_healthy()
    assert "Unpacking a (2)" in job.output()

    back = root.agent.undo(job).result(LONG)
    assert back.code is ResultCode.SUCCEEDED
    assert root.versions == {"a": "1", "b": "1"}
    assert root.automatic() == {"b"}
    root.assert_healthy()
    told = [(e.name, e.operation, e.from_version, e.to_version) for e in root.agent.history()]
    assert sorted(told[:3]) == [("a", 2, "2", "1"), ("b", 2, "2", "1"), ("c", 2, "1", "")]
    assert sorted(told[3:6]) == [("a", 1, "1", "2"), ("b", 1, "1", "2"), ("c", 1, "", "1")]
    assert sorted(told[6:]) == [("a", 1, "", "1"), ("b", 1, "", "1")]


def test_job_host_killed_in_the_middle_of_dpkg(scripted: RealRoot) -> None:
    root, gate = scripted, scripted.gate()
    root.publish(Package("a", "1"), Package("b", "1"))
    root.install("a")
    root.publish(Package("a", "2", scripts={"preinst": gate.script("upgrade")}, depends="b"))
    program, file = notifier(root.top)
    job = root.agent.install("a")
    heard = Listener(job)
    delivery = job.notify(program=program)
    gate.reached()
    root.kill_host()
    gate.open()
    result = heard.result()
    assert (result.code, result.updates[0].said) == (ResultCode.SUCCEEDED, "done")
    heard.assert_honest()
    assert any(note.startswith("adopted by job host") for note in heard.notes)
    assert "the installer's exit status was 0" in heard.notes
    assert root.versions == {"a": "2", "b": "1"}
    assert root.automatic() == {"b"}
    assert len(root.agent.history()) == 3
    root.assert_healthy()
    root.wait_for_idle_host()
    assert [(d.id, d.state) for d in root.agent.deliveries()] == [(delivery.id, DeliveryState.DELIVERED)]
    assert [told["delivery"] for told in deliveries(file)] == [delivery.id]


def test_abort_while_downloading(root: RealRoot) -> None:
    root.publish(Package("a", "1", files={"/usr/share/a": "x" * 100_000}))
    faults = StallingDebs()
    with root.repository.serve(faults) as url:
        root.sources(root.repository.source_line(url))
        job = root.agent.install("a")
        heard = Listener(job)
        assert faults.asked.wait(LONG)
        assert job.abort() is AbortAnswer.AT_ONCE
        result = heard.result()
        faults.release()
    assert result.code is ResultCode.ABORTED
    assert [u.code for u in result.updates] == [ResultCode.ABORTED]
    assert heard.completed == [len(heard.events)]
    assert root.versions == {}
    assert root.agent.history() == ()
    root.assert_healthy()


def test_abort_while_dpkg_runs_lets_the_transaction_end(scripted: RealRoot) -> None:
    root, gate = scripted, scripted.gate()
    root.publish(Package("a", "1", scripts={"postinst": gate.script("configure")}), Package("b", "1"))
    job = root.agent.install(["a", "b"])
    heard = Listener(job)
    gate.reached()
    assert job.abort() is AbortAnswer.AFTER_STEP
    gate.open()
    result = heard.result()
    heard.assert_honest()
    assert result.code is ResultCode.SUCCEEDED
    assert root.versions == {"a": "1", "b": "1"}
    root.assert_healthy()


def test_a_failing_script_fails_its_own_update(scripted: RealRoot) -> None:
    root = scripted
    bad = "#!/bin/sh\necho no such device; exit 3\n"
    root.publish(Package("good", "1"), Package("bad", "1", scripts={"postinst": bad}))
    job = root.agent.install(["bad", "good"])
    heard = Listener(job)
    result = heard.result()
    heard.assert_honest()
    assert result.code is ResultCode.SUCCEEDED_WITH_ERRORS
    failed, fine = result.updates
    assert (fine.code, failed.code) == (ResultCode.SUCCEEDED, ResultCode.FAILED)
    assert failed.problem is not None
    assert (failed.problem.id, failed.unmapped) == ("script-failed", 3)
    assert "no such device" in failed.problem.seen
    assert root.versions == {"good": "1"}
    assert {(e.name, e.code) for e in root.agent.history()} == {
        ("good", ResultCode.SUCCEEDED),
        ("bad", ResultCode.FAILED),
    }


@pytest.mark.parametrize(("policy", "content"), [(ConffilePolicy.KEEP, "mine"), (ConffilePolicy.TAKE, "new")])
def test_changed_configuration_files(root: RealRoot, policy: ConffilePolicy, content: str) -> None:
    change_configuration(root)
    assert root.install("a", conffiles=policy).code is ResultCode.SUCCEEDED
    assert root.read("etc/a.conf") == content
    assert root.versions == {"a": "2"}


def test_a_changed_configuration_file_can_stop_the_update(root: RealRoot) -> None:
    change_configuration(root)
    result = root.install("a", conffiles=ConffilePolicy.STOP)
    assert result.code is ResultCode.FAILED
    assert result.problem is not None
    assert result.problem.id == "conffile-stop"
    assert "/etc/a.conf" in result.problem.seen
    assert root.versions == {"a": "1"}
    root.assert_healthy()


def change_configuration(root: RealRoot) -> None:
    root.publish(Package("a", "1", conffiles={"/etc/a.conf": "old"}))
    root.install("a")
    (root.target.root_dir / "etc/a.conf").write_text("mine")
    root.publish(Package("a", "2", conffiles={"/etc/a.conf": "new"}))


def test_another_package_manager_is_waited_for_and_named(root: RealRoot) -> None:
    root.publish(Package("a", "1"))
    with root.locked_by_another() as pid:
        job = root.agent.install("a")
        heard = Listener(job)
        waiting = heard.wait_for(Waiting)
        assert str(pid) in waiting.holder
        assert "python" in waiting.holder
        assert root.agent.jobs(active=True)[0].state is JobState.LOCKING
    assert heard.result().code is ResultCode.SUCCEEDED
    heard.assert_honest()


def test_a_lock_that_is_never_let_go_ends_the_wait(root: RealRoot) -> None:
    root.publish(Package("a", "1"))
    plan = root.agent.plan_install("a").result(LONG)
    with root.locked_by_another() as pid:
        result = root.agent.install(plan, lock_timeout=0.2).result(LONG)
    assert result.problem is not None
    assert result.problem.id == "lock-held"
    assert str(pid) in result.problem.seen
    assert root.versions == {}


def test_a_script_that_never_ends_is_killed_when_its_time_is_over(
    scripted: RealRoot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """dpkg and apt are not: they go on with the other packages."""
    root, gate = scripted, scripted.gate()
    monkeypatch.setattr(job_runs, "HANGING_AFTER", 0.2)
    monkeypatch.setattr(runs, "TICK", 0.05)
    root.publish(Package("a", "1", scripts={"postinst": gate.script("configure")}), Package("b", "1"))
    plan = root.agent.plan_install(["a", "b"]).result(LONG)
    root.agent.download(plan).result(LONG)
    with root.host_here():
        job = root.agent.install(plan, phase_timeout=1.0)
        heard = Listener(job)
        result = heard.result()
    heard.assert_honest()
    assert result.problem is not None
    assert result.problem.id == "timed-out"
    assert "installing took longer than 1 s" in result.problem.seen
    found = {u.update: u for u in result.updates}
    one, other = (found[item.update] for name in "ab" for item in plan.items if item.name == name)
    assert (one.code, other.code) == (ResultCode.FAILED, ResultCode.SUCCEEDED)
    assert one.problem is not None
    assert one.problem.id == "script-failed"
    assert any("killed, as it does not end" in note and "postinst" in note for note in heard.notes)
    assert root.versions["b"] == "1"


def test_marks_survive_an_upgrade_and_a_kill(scripted: RealRoot) -> None:
    root, gate = scripted, scripted.gate()
    root.publish(Package("a", "1"), Package("needs", "1", depends="a"), Package("own", "1"))
    root.install("needs", "own")
    assert root.automatic() == {"a"}
    scripts = {"postinst": gate.script("configure")}
    root.publish(Package("a", "2", scripts=scripts), Package("own", "2"))
    job = root.agent.install(["a", "own"])
    gate.reached()
    root.kill_host()
    gate.open()
    assert job.result(LONG).code is ResultCode.SUCCEEDED
    assert root.automatic() == {"a"}
    root.assert_healthy()


def test_a_removal_that_is_killed_leaves_nothing_to_be_removed_later(scripted: RealRoot) -> None:
    root, gate = scripted, scripted.gate()
    root.publish(Package("a", "1", scripts={"prerm": gate.script("remove")}), Package("b", "1"))
    root.install("a", "b")
    job = root.agent.remove(["a", "b"])
    heard = Listener(job)
    gate.reached()
    root.kill_installer(job)
    gate.open()
    assert {u.code for u in heard.result().updates} == {ResultCode.FAILED}
    heard.assert_honest()
    assert root.do("dpkg-query", "-W", "-f", "${Status}\n", "a", "b").stdout == "install ok installed\n" * 2
    root.assert_healthy()


def test_a_plan_whose_world_changed_is_refused(root: RealRoot) -> None:
    root.publish(Package("a", "1", depends="b"), Package("b", "1"))
    plan = root.agent.plan_install("a").result(LONG)
    root.install("b")
    result = root.agent.install(plan).result(LONG)
    assert result.problem is not None
    assert result.problem.id == "plan-stale"
    assert root.versions == {"b": "1"}
