"""The runner's decisions, one by one: a job over a scripted handler, with no process but this one."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.scripted import NOW, Bench, Fate, command, holder, item

from wua.engine.runs import Undecided
from wua.model import codes
from wua.model.enums import ResultCode, UpdateOperation
from wua.model.jobs import Ended, JobKind, JobRecord, JobResult, Noted, Progressed, UpdateEnded, Waiting
from wua.model.plans import Change
from wua.model.plugins import StepProgress
from wua.model.problems import error
from wua.model.states import JobState, overall_percent
from wua.model.struct import replace
from wua.model.updates import RestartReason, UpdateId
from wua.store import records
from wua.system.locks import FileLock, lock_holder
from wua.system.process import ProcessRef

S, R = JobState, ResultCode
NORMAL = ["queued", "planning", "downloading", "waiting for lock", "verifying", "installing", "evaluating"]


def result(record: JobRecord) -> JobResult:
    assert record.state is S.ENDED
    assert record.result is not None
    return record.result


def problem_of(record: JobRecord) -> str:
    found = result(record).problem
    return "" if found is None else found.id


def causes(record: JobRecord) -> list[str]:
    return ["" if each.problem is None else each.problem.id for each in result(record).updates]


def raising(kind: str, seen: str = "seen") -> Callable[[], object]:
    def step() -> None:
        raise error(kind, seen)

    return step


# --- the straight way


def test_an_installation_from_the_queue_to_its_end(bench: Bench) -> None:
    bench.handler.needs["a"] = [item("lib", requested=False)]
    bench.handler.absent = {"a.deb", "lib.deb"}
    bench.handler.downloads = [command("fetch")]
    bench.spawner.fates["fetch"] = [Fate(then=bench.handler.absent.clear)]
    bench.spawner.fates["dpkg"] = [Fate(lines="one\ntwo\n", output="Setting up a\n")]
    record = bench.install("a", application_id="me")
    assert bench.states(record.id) == NORMAL
    assert bench.handler.calls == ["sync", "plan", "download", "keep", "check", "verify", "install", "judge"]
    assert bench.spawner.started == ["fetch", "dpkg"]
    assert bench.spawner.locks == [False, True]
    found = result(record)
    assert (found.code, found.hresult, found.problem) == (R.SUCCEEDED, codes.S_OK, None)
    assert [(each.update.update_id, each.code, each.said) for each in found.updates] == [
        ("a", R.SUCCEEDED, "said")
    ]
    assert Path(found.output).read_text() == "Setting up a\n"
    assert lock_holder(bench.target.paths.lock) is None
    assert (record.started, record.ended) == (NOW, NOW)
    assert bench.changed
    assert set(bench.changed) == {record.id}
    assert bench.store.plan(record.id) is not None


def test_what_the_history_keeps(bench: Bench) -> None:
    bench.handler.needs["a"] = [item("lib", requested=False), item("broken", requested=False)]
    bench.handler.undone = {"broken"}
    record = bench.install("a", application_id="me")
    lib, own = bench.store.history_of(record.id)
    assert (lib.name, lib.requested, own.name, own.requested) == ("lib", False, "a", True)
    assert (own.job, own.update, own.title) == (record.id, UpdateId("a"), "a 2 (sim)")
    assert (own.from_version, own.to_version, own.architecture) == ("", "2", "sim")
    assert (own.code, own.hresult, own.unmapped, own.date) == (R.SUCCEEDED, 0, 0, NOW)
    assert (own.application_id, own.service_id) == ("me", "service-id")
    assert own.operation == UpdateOperation.INSTALLATION


def test_the_last_events_tell_each_update_and_the_whole(bench: Bench) -> None:
    record = bench.install("a", "b")
    *_, first, second, progress, ended = bench.events(record.id)
    found = result(record)
    assert (first, second) == (UpdateEnded(0, found.updates[0]), UpdateEnded(1, found.updates[1]))
    assert isinstance(progress, Progressed)
    assert (progress.progress.percent, progress.progress.phase) == (100, S.ENDED)
    assert ended == Ended(found)


def test_progress_comes_from_the_status_lines(bench: Bench) -> None:
    bench.spawner.fates["dpkg"] = [Fate(lines="half\n")]
    record = bench.install("a")
    told = [event.progress for event in bench.events(record.id) if isinstance(event, Progressed)]
    assert overall_percent(S.INSTALLING, 0.5) in [each.percent for each in told]
    assert [each.phase for each in told][:2] == [S.PLANNING, S.DOWNLOADING]


def test_each_step_is_in_the_store_before_it_is_done(bench: Bench) -> None:
    seen = []

    def look() -> None:
        (job,) = bench.store.jobs()
        seen.append(job.state)

    names = ("sync", "download", "keep", "check", "verify", "install", "judge")
    bench.handler.absent = {"a.deb"}
    bench.handler.at = dict.fromkeys(names, look)
    bench.handler.at["download"] = lambda: (look(), bench.handler.absent.clear())
    bench.install("a")
    states = [S.PLANNING, S.DOWNLOADING, S.DOWNLOADING, S.VERIFYING, S.VERIFYING, S.INSTALLING, S.EVALUATING]
    assert seen == states


def test_the_one_who_runs_a_job_is_on_record(bench: Bench) -> None:
    owners = []
    bench.handler.at["plan"] = lambda: owners.append(bench.store.unfinished(acting=True)[0][1])
    bench.install("a")
    assert owners == [ProcessRef.current()]


def test_an_approved_plan_is_checked_and_applied_as_it_is(bench: Bench) -> None:
    plan = bench.handler.plan(bench_request(bench, "a"))
    bench.handler.calls.clear()
    job = bench.add("a", plan=plan, request=None)
    record = bench.run(job)
    assert bench.handler.calls[:2] == ["sync", "check"]
    assert "plan" not in bench.handler.calls
    assert bench.store.plan(job) == plan
    assert result(record).code is R.SUCCEEDED


def bench_request(bench: Bench, *names: str):  # type: ignore[no-untyped-def]
    request = bench.store.job(bench.add(*names)).spec.request
    assert request is not None
    return request


def test_a_job_with_nothing_to_do_it_by_fails_with_the_argument(bench: Bench) -> None:
    record = bench.run(bench.add("a", request=None))
    assert problem_of(record) == "invalid-argument"
    assert record.id in str(result(record).problem)
    assert bench.states(record.id) == ["queued", "planning"]


@pytest.mark.parametrize("kind", [JobKind.UNDO, JobKind.REMOVE, JobKind.UNINSTALL])
def test_the_updates_of_a_job_may_come_out_of_its_plan(bench: Bench, kind: JobKind) -> None:
    bench.handler.removes = (item("x", Change.REMOVE), item("lib", Change.REMOVE, requested=False))
    record = bench.run(bench.add(kind=kind))
    assert record.updates == (UpdateId("x"),)
    assert [each.update for each in result(record).updates] == [UpdateId("x")]
    entries = bench.store.history_of(record.id)
    assert {(each.name, each.operation) for each in entries} == {("x", 2), ("lib", 2)}
    assert entries[0].title == "x 1 (sim)"


@pytest.mark.parametrize(
    ("kind", "hresult"),
    [
        (JobKind.INSTALL, codes.WU_S_ALREADY_INSTALLED),
        (JobKind.DOWNLOAD, codes.WU_S_ALREADY_DOWNLOADED),
        (JobKind.UNINSTALL, codes.WU_S_ALREADY_UNINSTALLED),
        (JobKind.REMOVE, codes.WU_S_ALREADY_UNINSTALLED),
        (JobKind.UNDO, codes.S_OK),
    ],
)
def test_nothing_to_change_is_a_success_that_says_so(bench: Bench, kind: JobKind, hresult: int) -> None:
    plan = replace(bench.handler.plan(bench_request(bench, "a")), items=())
    record = bench.run(bench.add("a", kind=kind, plan=plan))
    (only,) = result(record).updates
    assert (only.code, only.hresult, only.seen) == (R.SUCCEEDED, hresult, "nothing to change")
    assert bench.states(record.id) == ["queued", "planning", "evaluating"]
    assert "judge" not in bench.handler.calls
    assert bench.store.history() == ()


# --- what fails


@pytest.mark.parametrize("step", ["sync", "plan", "keep", "check", "verify", "install"])
def test_trouble_before_an_installer_runs_fails_every_update(bench: Bench, step: str) -> None:
    bench.handler.at[step] = raising("disk-full", "no room")
    record = bench.install("a", "b")
    found = result(record)
    assert (found.code, found.hresult) == (R.FAILED, 0x80070070)
    assert causes(record) == ["disk-full"] * 2
    assert [each.code for each in found.updates] == [R.FAILED] * 2
    assert found.problem is not None
    assert found.problem.seen == "no room"
    assert "dpkg" not in bench.spawner.started
    assert bench.store.history() == ()
    assert lock_holder(bench.target.paths.lock) is None
    *_, first, second, progress, _ = bench.events(record.id)
    assert isinstance(first, UpdateEnded)
    assert isinstance(second, UpdateEnded)
    assert isinstance(progress, Progressed)
    assert progress.progress.percent == 100


def test_a_defect_ends_the_job_with_its_name(bench: Bench) -> None:
    def defect() -> None:
        raise ZeroDivisionError("in the handler")

    bench.handler.at["verify"] = defect
    record = bench.install("a")
    assert problem_of(record) == "unexpected"
    assert "ZeroDivisionError: in the handler" in str(result(record).problem)


@pytest.mark.parametrize("kind", ["disk-full", ""])
def test_trouble_in_judging_ends_the_job_too(bench: Bench, kind: str) -> None:
    def trouble() -> None:
        if kind:
            raise error(kind, "in judging")
        raise ZeroDivisionError

    bench.handler.at["judge"] = trouble
    record = bench.install("a")
    assert problem_of(record) == (kind or "unexpected")
    assert bench.states(record.id) == NORMAL
    assert bench.handler.calls.count("judge") == 2


def test_trouble_after_an_installer_began_leaves_the_word_to_the_system(bench: Bench) -> None:
    bench.handler.installs = [command("dpkg", "-i"), command("apt-mark")]
    bench.spawner.fates["apt-mark"] = [Fate(begins=False)] * 3
    bench.handler.undone = {"b"}
    record = bench.install("a", "b")
    assert problem_of(record) == "host-failed"
    assert [each.code for each in result(record).updates] == [R.SUCCEEDED, R.FAILED]
    assert bench.states(record.id) == NORMAL
    assert [each.name for each in bench.store.history_of(record.id)] == ["a", "b"]


def test_a_command_that_no_supervisor_starts_is_given_up_after_three(bench: Bench) -> None:
    bench.spawner.fates["dpkg"] = [Fate(begins=False)] * 5
    record = bench.install("a")
    assert bench.spawner.started == ["dpkg"] * 3
    assert problem_of(record) == "host-failed"
    assert str(result(record).problem).startswith("no supervisor could start /usr/bin/dpkg [")
    assert sum("did not begin" in note for note in bench.notes(record.id)) == 3
    assert bench.store.runs(record.id) == ()


def test_a_command_that_did_not_begin_is_started_again(bench: Bench) -> None:
    bench.spawner.fates["dpkg"] = [Fate(begins=False), Fate()]
    record = bench.install("a")
    assert result(record).code is R.SUCCEEDED
    assert [run.n for run in bench.store.runs(record.id)] == [2]
    assert "run 1 did not begin: its supervisor was killed, or could not write" in bench.notes(record.id)


def test_the_handler_judges_by_the_records_of_its_commands(bench: Bench) -> None:
    bench.handler.installs = [command("dpkg", "-i"), command("apt-mark", "auto")]
    bench.spawner.fates["dpkg"] = [Fate(exit=4)]
    record = bench.install("a")
    first, second = bench.handler.seen
    assert (first.phase, first.exit, first.cancelled, first.argv) == (
        *(S.INSTALLING, 4, False),
        ("/usr/bin/dpkg", "-i"),
    )
    assert first.output.endswith("/run-1/output")
    assert first.status.endswith("/run-1/lines")
    assert (second.exit, second.argv) == (0, ("/usr/bin/apt-mark", "auto"))
    assert result(record).output == first.output


def test_an_update_that_is_not_there_after_all(bench: Bench) -> None:
    bench.handler.undone = {"a"}
    record = bench.install("a")
    (only,) = result(record).updates
    assert (only.code, only.hresult) == (R.FAILED, codes.WU_E_UH_POSTREBOOTUNEXPECTEDSTATE)
    assert (only.said, only.seen) == ("said", "seen")
    assert causes(record) == ["not-installed-after-all"]
    assert result(record).hresult == codes.WU_E_ALL_UPDATES_FAILED


def test_reasons_to_restart_the_machine_are_told_of_what_was_installed(bench: Bench) -> None:
    bench.target.restart = (
        RestartReason("machine", "linux", "a new kernel", "flag"),
        RestartReason("service", "sshd", "an old library", "maps"),
    )
    bench.handler.undone = {"b"}
    found = result(bench.install("a", "b"))
    assert (found.reboot_required, found.restart_reasons) == (True, ("a new kernel",))
    assert [each.reboot_required for each in found.updates] == [True, False]


def test_what_changed_nothing_asks_for_no_restart(bench: Bench) -> None:
    bench.target.restart = (RestartReason("machine", "linux", "a new kernel", "flag"),)
    bench.handler.absent = {"b.deb"}
    download = bench.run(bench.add("a", kind=JobKind.DOWNLOAD))
    for record in (download, bench.install("b", download=False)):
        assert (result(record).reboot_required, result(record).restart_reasons) == (False, ())


# --- downloads


def test_a_download_tells_what_became_of_each_file(bench: Bench) -> None:
    bench.handler.absent = {"a.deb", "b.deb"}
    bench.handler.downloads = [command("fetch")]
    bench.spawner.fates["fetch"] = [Fate(exit=100, then=lambda: bench.handler.absent.remove("a.deb"))]
    record = bench.run(bench.add("a", "b", kind=JobKind.DOWNLOAD))
    one, other = result(record).updates
    assert (one.code, one.seen) == (R.SUCCEEDED, "in the cache")
    assert (other.code, other.seen) == (R.FAILED, "not in the cache")
    assert causes(record) == ["", "download-failed"]
    assert "b.deb" in str(other.problem)
    assert result(record).code is R.SUCCEEDED_WITH_ERRORS
    assert bench.states(record.id) == ["queued", "planning", "downloading", "evaluating"]
    assert bench.store.history() == ()
    assert not {"keep", "verify", "install"} & set(bench.handler.calls)


def test_what_is_in_the_cache_is_not_fetched(bench: Bench) -> None:
    bench.handler.downloads = [command("fetch")]
    assert result(bench.run(bench.add("a", kind=JobKind.DOWNLOAD))).code is R.SUCCEEDED
    assert bench.spawner.started == []


def test_an_installation_whose_download_fails_gives_each_update_its_reason(bench: Bench) -> None:
    bench.handler.needs["b"] = [item("lib", requested=False)]
    bench.handler.absent = {"a.deb", "lib.deb"}
    bench.handler.downloads = [command("fetch")]
    record = bench.install("a", "b")
    assert result(record).code is R.FAILED
    first, second = result(record).updates
    assert "a.deb" in str(first.problem)
    assert "a.deb" in str(second.problem)
    assert causes(record) == ["download-failed"] * 2
    assert [(e.index, e.result) for e in bench.events(record.id) if isinstance(e, UpdateEnded)] == [
        (0, first),
        (1, second),
    ]
    assert "keep" not in bench.handler.calls


def test_each_failed_download_of_an_installation_is_named(bench: Bench) -> None:
    bench.handler.absent = {"a.deb", "b.deb"}
    record = bench.install("a", "b")
    first, second = result(record).updates
    assert [each.problem.seen for each in (first, second) if each.problem] == ["a.deb", "b.deb"]
    assert result(record).problem == first.problem


def test_files_of_another_cache_are_taken_and_it_is_said(bench: Bench) -> None:
    bench.handler.collected = 2
    record = bench.install("a", cache="/other")
    assert "collect /other" in bench.handler.calls
    assert "2 files taken from /other and verified" in bench.notes(record.id)


def test_nothing_is_said_of_a_cache_that_had_nothing(bench: Bench) -> None:
    assert bench.notes(bench.install("a", cache="/other").id) == ["kept"]


# --- an installation that must not download


def test_updates_without_content_are_settled_and_the_others_installed(bench: Bench) -> None:
    bench.handler.absent = {"a.deb"}
    record = bench.install("a", "b", download=False)
    assert causes(record) == ["not-downloaded", ""]
    assert [each.code for each in result(record).updates] == [R.FAILED, R.SUCCEEDED]
    assert result(record).updates[0].hresult == codes.WU_E_DM_NOTDOWNLOADED
    assert "a.deb" in str(result(record).updates[0].problem)
    assert bench.states(record.id) == [s for s in NORMAL if s != "downloading"]
    plan = bench.store.plan(record.id)
    assert plan is not None
    assert [each.name for each in plan.items] == ["b"]
    told = [event.index for event in bench.events(record.id) if isinstance(event, UpdateEnded)]
    assert told == [0, 1]
    assert [each.name for each in bench.store.history()] == ["b"]


def test_an_update_that_needs_more_than_was_downloaded(bench: Bench) -> None:
    bench.handler.needs["b"] = [item("lib", requested=False)]
    bench.handler.absent = {"lib.deb"}
    record = bench.install("a", "b", download=False)
    assert causes(record) == ["", "needs-another-download"]
    assert result(record).updates[1].hresult == codes.WU_E_UH_NEEDANOTHERDOWNLOAD


def test_nothing_is_left_when_nothing_was_downloaded(bench: Bench) -> None:
    bench.handler.absent = {"a.deb", "b.deb"}
    record = bench.install("a", "b", download=False)
    assert causes(record) == ["not-downloaded"] * 2
    assert bench.states(record.id) == ["queued", "planning", "evaluating"]
    plan = bench.store.plan(record.id)
    assert plan is not None
    assert (plan.items, plan.request.updates, plan.download_bytes, plan.disk_bytes) == ((), (), 0, 0)


def test_what_nobody_alone_needs_is_the_fault_of_all(bench: Bench) -> None:
    """Two updates together may need what neither needs by itself."""
    both = bench.handler.plan

    def plan(request):  # type: ignore[no-untyped-def]
        made = both(request)
        if len(request.updates) < 2:
            return made
        return replace(made, items=(*made.items, item("glue", requested=False)))

    bench.handler.plan = plan  # type: ignore[method-assign]
    bench.handler.absent = {"glue.deb"}
    assert causes(bench.install("a", "b", download=False)) == ["needs-another-download"] * 2


def test_only_an_installation_settles_what_is_missing(bench: Bench) -> None:
    """Other jobs have nothing to fetch, or find out when they verify."""
    bench.handler.absent = {"a.deb"}
    record = bench.run(bench.add("a", kind=JobKind.UNINSTALL, download=False))
    assert "verify" in bench.handler.calls
    assert causes(record) == [""]


# --- repairs


def test_a_machine_that_was_left_broken_is_mended_first(bench: Bench) -> None:
    bench.target.interrupted = ("old",)
    bench.handler.repairs = [command("dpkg", "--force-x", "--configure", "-a")]
    bench.spawner.fates["dpkg"] = [Fate(then=lambda: setattr(bench.target, "interrupted", ()))]
    record = bench.install("a")
    assert bench.states(record.id)[3:6] == ["waiting for lock", "repairing", "verifying"]
    assert "repairing: dpkg --configure -a" in bench.notes(record.id)
    assert bench.spawner.locks == [True, True]
    assert result(record).code is R.SUCCEEDED
    assert bench.handler.calls.count("next_repair") == 2


def test_the_note_of_a_repair_leaves_out_what_confines_it(bench: Bench) -> None:
    bench.target.interrupted = ("old",)
    bench.handler.repairs = [command("python3", "confine.py", "--", "/usr/bin/apt-get", "install", "-f")]
    bench.spawner.fates["python3"] = [Fate(then=lambda: setattr(bench.target, "interrupted", ()))]
    assert "repairing: apt-get install -f" in bench.notes(bench.install("a").id)


def test_what_cannot_be_mended_is_named(bench: Bench) -> None:
    bench.target.interrupted = ("old", "older")
    record = bench.install("a")
    assert problem_of(record) == "system-interrupted"
    assert "old, older" in str(result(record).problem)
    assert bench.states(record.id)[-1] == "repairing"


def test_what_an_installer_left_broken_is_mended_and_then_judged(bench: Bench) -> None:
    bench.spawner.fates["dpkg"] = [Fate(exit=1, then=lambda: setattr(bench.target, "interrupted", ("a",)))]
    bench.handler.repairs = [command("mend")]
    record = bench.install("a")
    assert bench.states(record.id)[-3:] == ["installing", "repairing", "evaluating"]
    assert bench.spawner.started == ["dpkg", "mend"]
    assert problem_of(record) == ""


@pytest.mark.parametrize(
    ("exit_code", "removes", "mended"),
    [(-9, True, True), (None, True, True), (-9, False, False), (1, True, False), (0, True, False)],
)
def test_a_killed_installer_with_removals_may_have_left_what_dpkg_does_not_show(
    bench: Bench, exit_code: int | None, removes: bool, mended: bool
) -> None:
    bench.handler.removes = (item("x", Change.REMOVE, requested=False),) if removes else ()
    bench.spawner.fates["dpkg"] = [Fate(exit=exit_code)]
    record = bench.install("a")
    assert ("repairing" in bench.states(record.id)) is mended


def test_the_locks_of_others_are_waited_for_before_a_repair(bench: Bench) -> None:
    bench.target.interrupted = ("old",)
    bench.handler.repairs = [command("dpkg")]
    bench.spawner.fates["dpkg"] = [Fate(then=lambda: setattr(bench.target, "interrupted", ()))]
    bench.handler.at["next_repair"] = lambda: bench.target.others.append((holder("orphan"),))
    record = bench.install("a", lock_timeout=0.0)
    assert Waiting("orphan (pid 4194311) holds /lock") in bench.events(record.id)
    assert problem_of(record) == "lock-held"
    assert bench.spawner.started == []


# --- the lock


def test_a_lock_that_stays_taken_fails_the_job(bench: Bench) -> None:
    bench.target.others = [(holder("aptitude"),)]
    record = bench.install("a", lock_timeout=0.0)
    assert problem_of(record) == "lock-held"
    assert "aptitude" in str(result(record).problem)
    assert bench.states(record.id)[-1] == "waiting for lock"
    assert lock_holder(bench.target.paths.lock) is None


def test_the_lock_is_free_before_the_end_is_told(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who hears of the end may begin the next job at once."""
    held = []
    finish = bench.store.finish

    def told(*given: Any, **named: Any) -> bool:
        held.append(lock_holder(bench.target.paths.lock))
        return finish(*given, **named)

    monkeypatch.setattr(bench.store, "finish", told)
    bench.install("a")
    bench.handler.at["verify"] = raising("disk-full")
    bench.install("b")
    assert held == [None, None]


# --- aborting


@pytest.mark.parametrize("step", ["sync", "plan", "keep", "check", "verify", "install"])
def test_an_abort_before_an_installer_runs_ends_the_job_at_once(bench: Bench, step: str) -> None:
    bench.handler.at[step] = bench.abort_newest
    record = bench.install("a")
    found = result(record)
    assert (found.code, found.hresult) == (R.ABORTED, codes.WU_E_CALL_CANCELLED)
    assert [each.code for each in found.updates] == [R.ABORTED]
    assert bench.spawner.started == []
    assert problem_of(record) == "aborted"
    last = [event for event in bench.events(record.id) if isinstance(event, Progressed)][-1]
    assert last.progress.percent < 100


def test_an_abort_during_the_installation_lets_the_step_end(bench: Bench) -> None:
    bench.handler.installs = [command("dpkg", cancel=0), command("apt-mark", cancel=0)]
    bench.spawner.fates["dpkg"] = [Fate(then=bench.abort_newest)]
    bench.handler.undone = {"b"}
    record = bench.install("a", "b")
    assert bench.spawner.started == ["dpkg", "apt-mark"]
    assert [each.code for each in result(record).updates] == [R.SUCCEEDED, R.FAILED]
    assert result(record).code is R.SUCCEEDED_WITH_ERRORS


def test_an_aborted_run_is_marked(bench: Bench) -> None:
    bench.spawner.fates["dpkg"] = [Fate(then=bench.abort_newest)]
    record = bench.install("a")
    assert [run.cancelled for run in bench.handler.seen] == [True]
    assert result(record).code is R.SUCCEEDED


def test_an_abort_between_downloads_starts_no_other(bench: Bench) -> None:
    bench.handler.absent = {"a.deb", "b.deb"}
    bench.handler.downloads = [command("one"), command("two")]
    bench.spawner.fates["one"] = [Fate(then=bench.abort_newest)]
    record = bench.install("a", "b")
    assert bench.spawner.started == ["one"]
    assert result(record).code is R.ABORTED
    assert causes(record) == ["aborted"] * 2


def test_an_aborted_download_keeps_what_was_fetched(bench: Bench) -> None:
    bench.handler.absent = {"a.deb", "b.deb"}
    bench.handler.downloads = [command("one"), command("two")]

    def fetched() -> None:
        bench.handler.absent.remove("a.deb")
        bench.abort_newest()

    bench.spawner.fates["one"] = [Fate(then=fetched)]
    record = bench.run(bench.add("a", "b", kind=JobKind.DOWNLOAD))
    assert [each.code for each in result(record).updates] == [R.SUCCEEDED, R.ABORTED]
    assert "b.deb was not fetched" in str(result(record).updates[1].problem)
    assert result(record).code is R.ABORTED
    assert bench.spawner.started == ["one"]


def test_a_job_that_was_aborted_in_the_queue_does_nothing(bench: Bench) -> None:
    job = bench.add("a")
    bench.store.request_abort(job)
    record = bench.run(job)
    assert result(record).code is R.ABORTED
    assert bench.handler.calls == []
    assert bench.states(job) == ["queued"]
    assert record.started == 0.0


# --- recovery: what a dead host left

INSTALLING = (S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING)


def left(
    bench: Bench, *states: JobState, names: tuple[str, ...] = ("a",), lock_timeout: float = 300.0
) -> str:
    job = bench.add(*names, lock_timeout=lock_timeout)
    request = bench.store.job(job).spec.request
    assert request is not None
    plan = bench.handler.plan(request)
    bench.handler.calls.clear()
    bench.reach(job, *states, plan=plan)
    return job


def test_a_job_that_was_verified_is_verified_again_under_the_lock(bench: Bench) -> None:
    held = []
    bench.handler.at["verify"] = lambda: held.append(lock_holder(bench.target.paths.lock) is not None)
    record = bench.run(left(bench, S.PLANNING, S.LOCKING, S.VERIFYING))
    assert set(held) == {True}
    assert result(record).code is R.SUCCEEDED
    assert "plan" not in bench.handler.calls


def test_an_installation_that_had_not_begun_is_checked_anew(bench: Bench) -> None:
    record = bench.run(left(bench, *INSTALLING))
    assert bench.handler.calls == ["install", "check", "verify", "judge"]
    assert bench.spawner.started == ["dpkg"]
    assert result(record).code is R.SUCCEEDED


def test_an_installation_that_had_not_begun_on_a_broken_machine_mends_it_first(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.target.interrupted = ("old",)
    bench.handler.repairs = [command("mend")]
    bench.spawner.fates["mend"] = [Fate(then=lambda: setattr(bench.target, "interrupted", ()))]
    record = bench.run(job)
    assert bench.states(job)[-4:] == ["repairing", "verifying", "installing", "evaluating"]
    assert bench.spawner.started == ["mend", "dpkg"]
    assert result(record).code is R.SUCCEEDED


def test_an_installation_whose_plan_went_stale_is_not_begun(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.handler.at["check"] = raising("plan-stale")
    assert problem_of(bench.run(job)) == "plan-stale"
    assert bench.spawner.started == []


def test_an_installation_that_was_aborted_before_it_began(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.store.request_abort(job)
    assert result(bench.run(job)).code is R.ABORTED
    assert bench.spawner.started == []


def test_an_installer_that_ended_without_a_host_is_credited_and_not_run_again(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.begun(job, S.INSTALLING, Fate(exit=6))
    bench.handler.installs = [command("dpkg"), command("apt-mark")]
    record = bench.run(job)
    assert bench.spawner.started == ["apt-mark"]
    assert [run.exit for run in bench.handler.seen] == [6, 0]
    me = f"adopted by job host {ProcessRef.current().pid}"
    assert bench.notes(job) == [me, "the installer's exit status was 6"]
    assert not {"check", "verify"} & set(bench.handler.calls)
    assert result(record).code is R.SUCCEEDED


def test_a_lost_exit_status_is_said(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.begun(job, S.INSTALLING, Fate(exit=None))
    bench.run(job)
    assert bench.notes(job)[1] == "the installer's exit status is lost"
    assert [run.exit for run in bench.handler.seen] == [None]


def test_a_run_that_never_began_is_begun_again(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    n = bench.begun(job, S.INSTALLING, Fate(begins=False))
    bench.run(job)
    assert bench.notes(job) == [f"run {n} had not begun when its job host died; it is begun again"]
    assert bench.spawner.started == ["dpkg"]
    assert [run.n for run in bench.store.runs(job)] == [n + 1]


def test_runs_that_had_ended_are_not_adopted(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.begun(job, S.INSTALLING, Fate(exit=0), ended=True)
    record = bench.run(job)
    assert bench.notes(job) == []
    assert bench.spawner.started == []
    assert result(record).code is R.SUCCEEDED


def test_what_an_installer_did_is_judged_even_without_the_lock(bench: Bench) -> None:
    job = left(bench, *INSTALLING, lock_timeout=0.0)
    bench.begun(job, S.INSTALLING, Fate(exit=0))
    bench.target.others = [(holder("apt"),)]
    bench.handler.installs = [command("dpkg"), command("apt-mark")]
    record = bench.run(job)
    assert bench.states(job)[-2:] == ["installing", "evaluating"]
    assert any("judged without the lock" in note and "apt" in note for note in bench.notes(job))
    assert problem_of(record) == "lock-held"
    assert [each.code for each in result(record).updates] == [R.SUCCEEDED]


def test_what_was_told_before_is_not_told_again(bench: Bench) -> None:
    job = left(bench, S.PLANNING, S.LOCKING, S.VERIFYING, names=("a", "b"))
    first = bench.install("c", download=True)
    settled = replace(result(first).updates[0], update=UpdateId("a"), code=R.FAILED)
    bench.store.tell(job, UpdateEnded(0, settled))
    record = bench.run(job)
    assert [e.index for e in bench.events(job) if isinstance(e, UpdateEnded)] == [0, 1]
    assert result(record).updates[0] == settled


def test_a_repair_of_a_dead_host_is_waited_for(bench: Bench) -> None:
    job = left(bench, S.PLANNING, S.LOCKING, S.REPAIRING)
    bench.begun(job, S.REPAIRING, Fate(exit=0))
    record = bench.run(job)
    assert bench.notes(job)[1] == "the installer's exit status was 0"
    assert bench.states(job)[-4:] == ["repairing", "verifying", "installing", "evaluating"]
    assert result(record).code is R.SUCCEEDED


def test_a_repair_after_an_installation_is_followed_by_the_judgement(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.begun(job, S.INSTALLING, Fate(exit=0), ended=True)
    bench.reach(job, S.REPAIRING)
    record = bench.run(job)
    assert bench.states(job)[-2:] == ["repairing", "evaluating"]
    assert bench.spawner.started == []
    assert len(bench.store.history_of(job)) == 1
    assert result(record).code is R.SUCCEEDED


def test_a_job_that_was_being_judged_is_judged(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    bench.begun(job, S.INSTALLING, Fate(exit=0), ended=True)
    bench.reach(job, S.EVALUATING)
    record = bench.run(job)
    assert bench.handler.calls == ["judge"]
    assert result(record).code is R.SUCCEEDED


def test_the_new_owner_of_a_job_is_on_record(bench: Bench) -> None:
    job = left(bench, *INSTALLING)
    owners = []
    bench.handler.at["judge"] = lambda: owners.append(bench.store.unfinished(acting=True)[0][1])
    bench.run(job)
    assert owners == [ProcessRef.current()]


def test_a_download_of_a_dead_host_is_waited_for_before_another(bench: Bench) -> None:
    bench.handler.absent = {"a.deb"}
    job = left(bench, S.PLANNING, S.DOWNLOADING)
    bench.begun(job, S.DOWNLOADING, Fate(exit=0))
    bench.handler.absent = set()
    record = bench.run(job)
    assert bench.spawner.started == ["dpkg"]
    assert result(record).code is R.SUCCEEDED


def test_a_job_found_with_an_abort_does_nothing_more(bench: Bench) -> None:
    job = left(bench, S.PLANNING)
    bench.store.request_abort(job)
    assert result(bench.run(job)).code is R.ABORTED
    assert bench.handler.calls == []


def test_a_download_that_an_earlier_host_cut_short_is_aborted(bench: Bench) -> None:
    """The mark of its run tells; nobody needs to ask again."""
    request = bench_request(bench, "a", "b")
    job = bench.add("a", "b", kind=JobKind.DOWNLOAD)
    bench.reach(job, S.PLANNING, S.DOWNLOADING, plan=bench.handler.plan(request))
    bench.store.mark_cancelled(job, bench.begun(job, S.DOWNLOADING, Fate(-2), ended=True))
    bench.reach(job, S.EVALUATING)
    bench.handler.absent = {"b.deb"}
    record = bench.run(job)
    assert causes(record) == ["", "aborted"]
    assert result(record).code is R.ABORTED


def test_everything_ran_and_the_lock_is_not_needed(bench: Bench) -> None:
    job = left(bench, *INSTALLING, lock_timeout=0.0)
    bench.begun(job, S.INSTALLING, Fate(exit=0))
    bench.target.others = [(holder("apt"),)]
    record = bench.run(job)
    assert (result(record).code, problem_of(record)) == (R.SUCCEEDED, "")


def test_what_cannot_be_decided_is_left_for_later(bench: Bench) -> None:
    """A run folder that can't be looked into: nothing is concluded, and nobody is kept waiting."""

    def spoil() -> None:
        (run,) = bench.store.runs(job)
        folder = Path(run.folder)
        folder.rename(folder.with_name("aside"))
        folder.touch()

    job = bench.add("a")
    bench.spawner.fates["dpkg"] = [Fate(then=spoil)]
    with pytest.raises(Undecided):
        bench.run(job)
    assert bench.store.job(job).state is S.INSTALLING
    assert lock_holder(bench.target.paths.lock) is None
    (run,) = bench.store.runs(job)
    Path(run.folder).unlink()
    Path(run.folder).with_name("aside").rename(run.folder)
    record = bench.run(job)
    assert result(record).code is R.SUCCEEDED
    assert bench.spawner.started == ["dpkg"]


def test_the_copy_in_the_folder_of_the_job_has_its_result(bench: Bench) -> None:
    record = bench.install("a")
    (copy,), _ = records.read(bench.store.path)
    assert (copy.id, copy.state, len(copy.history)) == (record.id, "ended", 1)


# --- commands that talk


def test_an_installer_that_cannot_end_is_stopped(bench: Bench) -> None:
    """Nobody asked for it, so it is no abort."""
    bench.handler.step = lambda lines: StepProgress(stuck="it waits for an answer")
    bench.spawner.fates["dpkg"] = [Fate(exit=-2, lines="x\n")]
    bench.handler.undone = {"a"}
    record = bench.install("a")
    assert "stopped: it waits for an answer" in bench.notes(record.id)
    assert result(record).code is R.FAILED
    assert [run.cancelled for run in bench.handler.seen] == [False]


def test_a_reader_that_fails_does_not_stop_the_installer(bench: Bench) -> None:
    def broken(lines: list[str]):  # type: ignore[no-untyped-def]
        raise ValueError("what a line")

    bench.handler.step = broken
    bench.spawner.fates["dpkg"] = [Fate(lines="x\n")]
    record = bench.install("a")
    assert result(record).code is R.SUCCEEDED
    (note,) = [note for note in bench.notes(record.id) if note.startswith("progress can't be read")]
    assert "ValueError: what a line" in note


def test_a_job_does_not_end_before_its_command(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """Following it went wrong; what came of it is still waited for, and judged."""

    def broken(*given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(bench.handler, "reader", broken)
    bench.spawner.fates["dpkg"] = [Fate(exit=3)]
    record = bench.install("a")
    assert [run.exit for run in bench.handler.seen] == [3]
    assert problem_of(record) == "unexpected"
    assert [each.code for each in result(record).updates] == [R.SUCCEEDED]
    assert all(run.ended for run in bench.store.runs(record.id))


def test_status_lines_are_handed_on_whole(bench: Bench) -> None:
    heard: list[str] = []

    def step(lines: list[str]) -> StepProgress:
        heard.extend(lines)
        return StepProgress()

    bench.handler.step = step
    bench.spawner.fates["dpkg"] = [Fate(lines="one\ntwo\nthree without an end")]
    bench.install("a")
    assert heard == ["one", "two"]


def test_a_job_can_be_run_by_hand_while_another_holds_no_lock(bench: Bench) -> None:
    """A lock of the machine that is free is taken without a word."""
    record = bench.install("a")
    assert not any(isinstance(event, Waiting) for event in bench.events(record.id))
    lock = FileLock(bench.target.paths.lock)
    assert lock.acquire()
    lock.release()
    assert [e for e in bench.events(record.id) if isinstance(e, Noted)] == [Noted("kept")]
