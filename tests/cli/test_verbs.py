"""What each verb does, and with which exit code it ends."""

import contextlib
import io
import re
from pathlib import Path

import pytest
from tests.support.cli_world import Desk

from wua.cli.catalogue import VERBS
from wua.cli.main import run
from wua.testing.machine import SimulatedUpdate


def test_search_finds_what_is_needed(desk: Desk) -> None:
    ran = desk.here("search")
    assert ran.code == 0
    assert [line.split()[0] for line in ran.lines[1:3]] == ["editor", "library"]
    assert "1.2 MB" in ran.lines[1]
    assert "security" in ran.lines[1]
    assert ran.lines[-1] == "2 updates needed, 2 for security, 1.2 MB to download."


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("IsInstalled=1",), {"base"}),
        (("--installed",), {"base"}),
        (("--security",), {"editor", "library"}),
        (("lib",), {"library"}),
        (("ed", "tor"), {"editor"}),
        (("IsInstalled=0", "and", "Name='editor'"), {"editor"}),
        (("Name contains 'e' or IsInstalled=1",), {"editor", "base"}),
        (("--hidden",), set()),
    ],
)
def test_search_takes_criteria_words_and_shortcuts(
    desk: Desk, words: tuple[str, ...], found: set[str]
) -> None:
    assert {offer["name"] for offer in desk.json("search", *words).result["updates"]} == found


def test_search_tells_by_its_exit_code(desk: Desk) -> None:
    assert desk.here("search", "--exit-code").code == 10
    assert desk.here("search", "--exit-code", "--hidden").code == 0
    assert desk.here("plan", "--exit-code").code == 10
    assert desk.here("plan", "base", "--exit-code").code == 0


def test_an_error_in_criteria_points_at_its_place(desk: Desk) -> None:
    ran = desk.here("search", "IsInstalled=0 an x")
    assert ran.code == 2
    lines = ran.err.splitlines()
    text = next(line for line in lines if "IsInstalled=0 an x" in line)
    mark = lines[lines.index(text) + 1]
    assert mark.index("^") == text.index("an x")


def test_show_and_why_speak_of_the_named_update(desk: Desk) -> None:
    shown = desk.here("show", "editor")
    assert shown.code == 0
    assert shown.lines[0].startswith("editor 2.0 (sim): needed")
    assert "Simulated update editor." in shown.out
    why = desk.here("why", "base", "editor")
    assert re.search(r"base 1\.0.*installed", why.out)
    assert "machine.json" in why.out


def test_plan_shows_and_changes_nothing(desk: Desk) -> None:
    ran = desk.here("plan")
    assert ran.code == 0
    assert ran.lines[0] == f"Install 2 packages on simulated machine in {desk.root}"
    assert desk.here("search", "--installed").out.count("base") == 1
    assert "editor" not in desk.here("search", "--installed").out


@pytest.mark.parametrize("operation", ["uninstall", "remove"])
def test_plan_of_the_other_operations(desk: Desk, operation: str) -> None:
    ran = desk.json("plan", "--for", operation, "base")
    assert [item["change"] for item in ran.result["items"]] == ["remove"]


def test_install_tells_line_by_line_in_a_pipe(desk: Desk) -> None:
    ran = desk.here("install", "editor", "library", "--yes")
    assert ran.code == 0
    after = ran.lines[next(n for n, line in enumerate(ran.lines) if line.startswith("Job ")) :]
    assert after[1:8] == [
        "planning",
        "downloading",
        "waiting for lock",
        "verifying",
        "installing",
        "evaluating",
        "installed    editor 2.0",
    ]
    assert re.fullmatch(r"Done in [\d.]+ s: 2 installed\.", after[9])
    assert after[10].startswith(f"To go back:  wua --root {desk.root} undo ")
    assert len(after) == 11


def test_nothing_to_do_is_done(desk: Desk) -> None:
    assert desk.here("install", "base", "--yes").code == 0
    assert "Nothing to do." in desk.here("install", "base", "--yes").out
    assert desk.here("install", "--criteria", "IsHidden=1", "--yes").code == 0


def test_partly_failed_and_wholly_failed(desk: Desk) -> None:
    desk.set(SimulatedUpdate("good"), SimulatedUpdate("bad", exit=3))
    ran = desk.here("install", "--all", "--yes")
    assert ran.code == 3
    assert "installed    good 1.0" in ran.lines
    assert "failed       bad 1.0 (installer-failed)" in ran.lines
    assert "Partly done" in ran.out
    assert "--output" in ran.out
    assert desk.here("install", "--all", "--yes").code == 1


def test_a_restart_can_be_the_exit_code(desk: Desk) -> None:
    desk.set(SimulatedUpdate("kernel", reboot=True), SimulatedUpdate("other"))
    ran = desk.here("install", "kernel", "-y", "--exit-restart")
    assert ran.code == 30
    assert "A restart is needed: an update asks for a restart." in ran.out
    assert desk.here("install", "other", "-y").code == 0
    assert "asks for a restart" in desk.here("info").out


def test_without_a_terminal_yes_is_needed(desk: Desk) -> None:
    ran = desk.here("install", "editor")
    assert ran.code == 2
    assert "there is no terminal to ask on: add --yes" in ran.err
    assert "Install 1 package" in ran.out
    assert desk.program("install", "editor").code == 2
    assert desk.json("jobs").result == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("install",), "nothing to do: name the updates"),
        (("install", "editor", "--all"), "give either names or --criteria"),
        (("search", "editor", "--hidden"), "give one of"),
        (("uninstall",), "nothing to do"),
        (("instal",), "Did you mean 'install'?"),
        (("nonsense",), "`wua --help` lists the verbs"),
        (("install", "editor", "--at", "soon"), "is no time"),
        (("install", "editor", "--lock-timeout", "x"), "is no duration"),
        (("install", "--nonsense"), "--nonsense"),
        (("plan", "--for", "undo"), "--for undo needs one job"),
        (("plan", "--for", "uninstall"), "--for uninstall needs names"),
    ],
)
def test_usage_errors(desk: Desk, words: tuple[str, ...], said: str) -> None:
    ran = desk.here(*words)
    assert ran.code == 2
    assert said in ran.err
    assert "--help" in ran.err or "lists the verbs" in ran.err


@pytest.mark.parametrize(
    "words", [("install", "absent", "-y"), ("show", "absent"), ("attach", "absent"), ("undo", "absent", "-y")]
)
def test_what_is_not_known_fails(desk: Desk, words: tuple[str, ...]) -> None:
    ran = desk.here(*words)
    assert ran.code == 1
    assert "absent" in ran.err
    assert "WU_E_ITEMNOTFOUND 0x80240008" in ran.err


def test_download_asks_nobody_and_installs_nothing(desk: Desk) -> None:
    ran = desk.here("download", "editor")
    assert ran.code == 0
    assert "downloaded   editor 2.0" in ran.lines
    assert "wua undo" not in ran.out
    assert (desk.root / "cache" / "editor").exists()
    assert not (desk.root / "installed" / "editor").exists()


def test_uninstall_and_remove(desk: Desk) -> None:
    desk.here("install", "--all", "-y")
    assert "uninstalled  editor 2.0" in desk.here("uninstall", "editor", "-y").lines
    assert "removed      library 1.5" in desk.here("remove", "library", "-y").lines
    assert [entry["name"] for entry in desk.json("history").result] == [
        "library",
        "editor",
        "library",
        "editor",
    ]


def test_hide_and_unhide(desk: Desk) -> None:
    ran = desk.here("hide", "editor")
    assert (ran.code, ran.out) == (0, "Hidden: editor 2.0\n")
    assert "editor" not in desk.here("search").out
    assert "editor" in desk.here("search", "--hidden").out
    assert desk.here("unhide", "--criteria", "IsHidden=1").out == "Shown again: editor 2.0\n"
    assert "editor" in desk.here("search").out


def test_what_is_mandatory_cannot_be_hidden(desk: Desk) -> None:
    ran = desk.here("hide", "base")
    assert ran.code == 1
    assert "mandatory-update, WU_E_DS_DECLINENOTALLOWED 0x80248016" in ran.err


def test_jobs_lists_what_acted_and_all_lists_the_rest(desk: Desk) -> None:
    desk.here("install", "editor", "-y")
    job = desk.json("jobs").result[0]["id"]
    ran = desk.here("jobs")
    assert ran.lines[0].split() == ["JOB", "KIND", "STATE", "BEGUN", "WHAT"]
    assert ran.lines[1].split()[:3] == [job, "install", "done"]
    assert ran.lines[1].endswith("editor")
    assert len(ran.lines) == 2
    kinds = [line.split()[1] for line in desk.here("jobs", "--all").lines[1:]]
    assert kinds == ["install", "plan"]
    assert desk.here("jobs", "--active").out == "No jobs.\n"


def test_history_by_name_and_by_job(desk: Desk) -> None:
    assert desk.here("history").out == "Nothing was installed or uninstalled yet.\n"
    desk.here("install", "--all", "-y")
    assert len(desk.here("history").lines) == 3
    assert len(desk.here("history", "-n", "1").lines) == 2
    assert [entry["name"] for entry in desk.json("history", "editor").result] == ["editor"]
    job = desk.json("jobs").result[0]["id"]
    assert len(desk.json("history", "--job", job[:4]).result) == 2


def test_a_detached_job_is_attached_to_by_the_beginning_of_its_id(desk: Desk) -> None:
    gate = desk.gate()
    desk.set(SimulatedUpdate("slow", gate=str(gate.path)))
    ran = desk.here("install", "slow", "-y", "--detach")
    job = re.search(r"Job (\w+) runs in the background", ran.out)
    assert job is not None
    assert ran.code == 0
    gate.open()
    again = desk.here("attach", job[1][:5])
    assert again.code == 0
    assert "installed    slow 1.0" in again.out
    ended = desk.here("attach", job[1])
    assert "installed    slow 1.0" in ended.out
    assert "Done in" in ended.out
    assert "changing slow" in desk.here("attach", job[1], "--output").out


def test_attach_with_nothing_at_work(desk: Desk) -> None:
    assert desk.here("attach").out == "No job is running.\n"


def test_abort_says_what_it_will_mean(desk: Desk) -> None:
    gate = desk.gate()
    desk.set(SimulatedUpdate("slow", gate=str(gate.path)), SimulatedUpdate("later"))
    job = desk.json("install", "slow", "-y", "--at", "+1h").result["job"]
    listed = desk.here("jobs", "--active")
    assert "queued, not before" in listed.out
    assert (
        desk.here("abort", job).out == f"Job {job} is asked to abort: nothing was changed yet: it ends now.\n"
    )
    assert desk.here("attach", job).code == 4
    assert desk.here("abort", job).out == f"Job {job} has ended already.\n"


def test_no_queue_refuses_where_another_job_is_at_work(desk: Desk) -> None:
    gate = desk.gate()
    desk.set(SimulatedUpdate("slow", gate=str(gate.path)), SimulatedUpdate("other"))
    with desk.terminal("install", "slow", "-y") as terminal:
        terminal.read_until("installing")
        ran = desk.here("install", "other", "-y", "--no-queue")
        assert ran.code == 6
        assert "busy, WU_E_OPERATIONINPROGRESS 0x80240009" in ran.err
        gate.open()
        assert terminal.end() == 0


def test_notify_runs_a_program_when_the_job_has_ended(desk: Desk) -> None:
    heard = desk.gate("heard")
    program = desk.root / "tell"
    program.write_text(f"#!/bin/sh\ncat > {desk.root}/event\necho heard > {heard.path}\n")
    program.chmod(0o755)
    assert desk.here("install", "editor", "-y", "--notify", str(program)).code == 0
    with open(heard.path, encoding="utf-8") as pipe:
        assert pipe.readline() == "heard\n"
    assert '"event"' in (desk.root / "event").read_text()
    job = desk.json("jobs").result[0]["id"]
    assert f"Notified: {program}: " in desk.here("attach", job).out


def test_a_mistyped_root_is_not_made_by_verbs_that_want_an_old_one(tmp_path: Path) -> None:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        assert run(["--root", str(tmp_path / "absent"), "jobs"]) == 1
    assert "absent does not exist" in err.getvalue()
    assert not (tmp_path / "absent").exists()


def test_denied_without_the_right_to_change_the_machine(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wua.testing.machine.SimulatedMachine.may_act", lambda _: "be its owner")
    for words in (("install", "editor", "-y"), ("hide", "editor"), ("remove", "base", "-y")):
        ran = desk.here(*words)
        assert ran.code == 5
        assert "be its owner" in ran.err
        assert "access-denied, E_ACCESSDENIED 0x80070005" in ran.err
    assert desk.here("search").code == 0
    assert "search, plan and rehearse" in desk.here("info").out


def test_info_names_target_state_and_rights(desk: Desk) -> None:
    out = desk.here("info").out
    assert str(desk.root / "state") in out
    assert "install and remove" in out
    assert "Simulated updates" in out
    assert "not needed" in out


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script(desk: Desk, shell: str) -> None:
    ran = desk.here("completion", shell)
    assert ran.code == 0
    assert "_WUA_COMPLETE" in ran.out


def test_a_shell_completes_verbs_names_and_jobs(desk: Desk) -> None:
    desk.here("install", "editor", "-y")
    job = desk.json("jobs").result[0]["id"]
    for words, expected in (("wua inst", "install"), ("wua show libr", "library"), ("wua attach ", job)):
        ran = desk.program(
            _WUA_COMPLETE="bash_complete", COMP_WORDS=words, COMP_CWORD=str(len(words.split(" ")) - 1)
        )
        assert f"plain,{expected}" in ran.lines


def test_every_verb_is_there_and_its_help_is_worth_reading(desk: Desk) -> None:
    listed = desk.here("--help").out
    for name in VERBS:
        assert re.search(rf"^  {name} ", listed, re.MULTILINE)
        text = desk.here(name, "--help").out
        assert "Examples" in text
        assert "Exit codes" in text
    assert "Exit codes" in listed


def test_help_of_search_shows_the_criteria_language(desk: Desk) -> None:
    text = desk.here("search", "--help").out
    for word in (
        "IsInstalled=0",
        "DeploymentAction=",
        "CategoryIDs contains",
        "IsHidden",
        "Origin",
        "RebootRequired",
    ):
        assert word in text


def test_without_words_help_is_shown(desk: Desk) -> None:
    ran = desk.here()
    assert ran.code == 0
    assert ran.out == desk.here("--help").out


def test_options_may_stand_before_or_after_the_verb(desk: Desk) -> None:
    assert desk.here("--json", "jobs").json == desk.here("jobs", "--json").json


def test_the_version(desk: Desk) -> None:
    plain = desk.program("--version")
    assert plain.code == 0
    assert re.fullmatch(r"wua \d+\.\d+\.\d+\n", plain.out)
    assert desk.here("--version").out == plain.out
