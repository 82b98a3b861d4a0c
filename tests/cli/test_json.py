"""What ``--json`` prints: one form for everything, and it is the documented one."""

import json
from typing import Any

import pytest
from tests.support.cli_world import Desk, Ran
from tests.support.json_schema import errors

from wua.cli.answers import RESULTS
from wua.cli.schema import schema
from wua.testing.machine import SimulatedUpdate

SCHEMA = schema()


def checked(ran: Ran) -> list[Any]:
    """The lines as values, each in the schema; only the last one is an envelope."""
    values = [json.loads(line) for line in ran.lines]
    for value in values:
        assert list(errors(value, SCHEMA)) == []
    assert ["wua" in value for value in values] == [False] * (len(values) - 1) + [True]
    assert values[-1]["exit"] == ran.code
    return values


@pytest.mark.parametrize(
    "words",
    [
        ("search",),
        ("search", "--exit-code"),
        ("show", "editor", "base"),
        ("why", "editor"),
        ("plan",),
        ("plan", "base"),
        ("plan", "--criteria", "IsHidden=1"),
        ("rehearse", "editor"),
        ("download", "editor"),
        ("install", "editor", "--yes"),
        ("install", "base", "--yes"),
        ("install", "editor", "--yes", "--detach"),
        ("remove", "base", "--yes"),
        ("uninstall", "base", "--yes"),
        ("hide", "editor"),
        ("unhide", "editor"),
        ("history",),
        ("jobs",),
        ("attach",),
        ("info",),
        ("explain", "0x80240016"),
        ("explain", "0x8024DEAD"),
    ],
)
def test_answers_are_in_the_schema(desk: Desk, words: tuple[str, ...]) -> None:
    ran = desk.json(*words)
    assert ran.code in (0, 1, 10)
    assert ran.err == ""
    last = checked(ran)[-1]
    assert last["verb"] == words[0]
    assert last["error"] is None


def test_the_rest_of_the_answers(desk: Desk) -> None:
    checked(desk.json("install", "--all", "-y"))
    job = checked(desk.json("jobs", "--all"))[-1]["result"][0]["id"]
    checked(desk.json("history", "--job", job))
    checked(desk.json("attach", job))
    assert "changing editor" in checked(desk.json("attach", job, "--output"))[-1]["result"]["output"]
    checked(desk.json("undo", job, "-y"))
    assert checked(desk.json("abort", job))[-1]["result"]["answer"] == "ended"


@pytest.mark.parametrize(
    ("words", "code", "kind"),
    [
        (("search", "Is=1"), 2, "criteria-invalid"),
        (("show", "absent"), 1, "unknown-update"),
        (("attach", "absent"), 1, "unknown-job"),
        (("install", "editor"), 2, "invalid-argument"),
        (("install",), 2, "invalid-argument"),
        (("instal",), 2, "invalid-argument"),
        (("hide", "base"), 1, "mandatory-update"),
        (("explain", "nonsense"), 2, "invalid-argument"),
    ],
)
def test_errors_are_objects_on_standard_output(
    desk: Desk, words: tuple[str, ...], code: int, kind: str
) -> None:
    ran = desk.json(*words)
    assert ran.code == code
    last = checked(ran)[-1]
    assert last["error"]["id"] == kind
    assert last["error"]["name"]
    assert last["error"]["next_step"]
    assert last["result"] is None


def test_an_acting_verb_prints_events_and_then_the_result(desk: Desk) -> None:
    desk.set(SimulatedUpdate("good"), SimulatedUpdate("bad", exit=3))
    *events, last = checked(desk.json("install", "--all", "--yes"))
    assert [event["seq"] for event in events] == sorted(event["seq"] for event in events)
    kinds = [event["event"]["event"] for event in events]
    assert kinds[0] == "state"
    assert kinds[-1] == "ended"
    assert kinds.count("update") == 2
    assert last["exit"] == 3
    assert [each["code"] for each in last["result"]["result"]["updates"]] == [2, 4]
    assert last["result"]["plan"]["items"][1]["name"] == "bad"


def test_what_was_set_aside_for_people_is_not_on_standard_output(desk: Desk) -> None:
    for words in (("search",), ("plan",), ("info",), ("jobs",)):
        assert len(desk.json(*words).lines) == 1


def test_every_verb_that_answers_has_its_type() -> None:
    from wua.cli.catalogue import VERBS

    assert set(RESULTS) == set(VERBS) - {"completion", "script"}


def test_the_checker_itself() -> None:
    envelope = {
        "wua": 1,
        "verb": "hide",
        "exit": 0,
        "result": {"updates": [["x", 1]], "hidden": True},
        "error": None,
    }
    assert list(errors(envelope, SCHEMA)) == []
    for wrong in (
        {**envelope, "wua": 2},
        {**envelope, "result": {"updates": [["x", "1"]], "hidden": True}},
        {**envelope, "result": {"updates": []}},
        {**envelope, "result": {"updates": [], "hidden": True, "more": 1}},
        {**envelope, "verb": "unhide", "result": []},
    ):
        assert list(errors(wrong, SCHEMA))
