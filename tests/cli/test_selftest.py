"""wua selftest: evidence, and an exit code that a workflow can rely on."""

import json
from pathlib import Path

import pytest
from tests.support.cli_world import Desk
from tests.support.machines import Machine, opened
from tests.support.native_world import round_trip

import wua
from wua.api import selftest
from wua.engine.agent import LocalAgent
from wua.model.problems import error
from wua.testing.machine import SimulatedUpdate

READS = 13
ACTS = 6


def test_the_report_says_what_was_tried(desk: Desk, tmp_path: Path) -> None:
    desk.set(SimulatedUpdate("editor", "2.0"), SimulatedUpdate("base", installed=True))
    report = tmp_path / "evidence.json"
    ran = desk.json("selftest", "--act", "editor", "--report", str(report))
    assert ran.code == 0
    assert ran.result["acted_on"] == "editor 2.0"
    assert len(ran.result["checks"]) == READS + ACTS
    assert all(check["passed"] and check["seen"] for check in ran.result["checks"])
    assert json.loads(report.read_text()) == ran.result
    text = (tmp_path / "evidence.json.txt").read_text()
    assert "Installed and uninstalled: editor 2.0" in text
    assert text.count("passed") == READS + ACTS
    assert str(desk.root) not in report.read_text()


def test_without_act_nothing_is_changed(desk: Desk) -> None:
    desk.set(SimulatedUpdate("editor", "2.0"))
    ran = desk.here("selftest")
    assert ran.code == 0
    assert ran.lines[-1] == f"{READS} checks, none failed."
    assert not (desk.root / "installed" / "editor").exists()
    assert not (desk.root / "cache" / "editor").exists()


def test_what_fails_is_said_and_is_the_exit_code(desk: Desk) -> None:
    desk.set(SimulatedUpdate("bad", exit=3))
    ran = desk.here("selftest", "--act", "bad")
    assert ran.code == 1
    assert [line.split(":")[0] for line in ran.lines if line.startswith("FAILED")] == [
        "FAILED  install, with progress that only goes up",
        "FAILED  it is installed",
    ]


@pytest.mark.parametrize(
    ("method", "answer", "check", "problem"),
    [
        ("history_count", lambda: 5, "history", "wrong-answer"),
        ("services", lambda: (), "services", "wrong-answer"),
        ("is_busy", lambda: 1 // 0, "whether it installs now", "unexpected"),
    ],
)
def test_a_wrong_answer_is_found(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, method: str, answer: object, check: str, problem: str
) -> None:
    with wua.open(target=desk.set()) as agent:
        monkeypatch.setattr(agent.protocol, method, answer)
        found = selftest.run(agent)
    assert [(each.name, each.problem) for each in found.checks if not each.passed] == [(check, problem)]
    assert not found.passed


def test_a_refusal_is_its_problem(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> None:
        raise error("access-denied", "not you")

    with wua.open(target=desk.set()) as agent:
        monkeypatch.setattr(agent.protocol, "restart_reasons", refuse)
        found = selftest.run(agent)
    assert [each.problem for each in found.checks if not each.passed] == ["access-denied"]


def test_the_native_agent_passes(short_dir: Path) -> None:
    with opened(short_dir / "m") as machine, native(machine) as agent:
        found = selftest.run(agent, "a")
        assert [each for each in found.checks if not each.passed] == []
        assert len(found.checks) == READS + ACTS


def native(machine: Machine) -> wua.Agent:
    machine.set(SimulatedUpdate("a"), SimulatedUpdate("b", installed=True))
    return wua.Agent(round_trip(LocalAgent(machine.target)))
