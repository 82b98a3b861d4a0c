"""The books of crash testing notice what they are for: each check is shown a mistake that it must name."""

from typing import Any

import pytest

from wua.model.enums import ResultCode
from wua.model.jobs import (
    AnyEvent,
    Delivery,
    DeliveryState,
    Ended,
    HistoryEntry,
    JobKind,
    JobRecord,
    JobResult,
    JobSpec,
    Progress,
    Progressed,
    StateChanged,
    Subscription,
    UpdateEnded,
    UpdateResult,
)
from wua.model.plans import Change, PlanItem
from wua.model.problems import problem
from wua.model.states import JobState
from wua.model.struct import replace
from wua.model.updates import UpdateId
from wua.testing.crash import books

S = JobState
A, B = (UpdateId(f"00000000-0000-0000-0000-00000000000{n}") for n in (1, 2))
GOOD, BAD = (UpdateResult(A, code) for code in (ResultCode.SUCCEEDED, ResultCode.FAILED))
DONE = JobResult(ResultCode.SUCCEEDED, updates=(GOOD,))


def step(state: JobState) -> AnyEvent:
    return StateChanged(state)


def at(percent: int) -> AnyEvent:
    return Progressed(Progress(S.INSTALLING, percent))


BEGIN = [step(s) for s in (S.QUEUED, S.PLANNING, S.LOCKING, S.VERIFYING, S.INSTALLING)]
WHOLE: list[AnyEvent] = [*BEGIN, at(50), step(S.EVALUATING), UpdateEnded(0, GOOD), at(100), Ended(DONE)]


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        (WHOLE, ""),
        (WHOLE[1:], "begins with"),
        ([*WHOLE[:1], *WHOLE[2:]], "->"),
        ([*WHOLE[:-2], at(40), WHOLE[-1]], "progress fell"),
        (WHOLE[:-1], "ends at []"),
        ([*WHOLE, WHOLE[-1]], "ends at"),
        ([*WHOLE, at(100)], "ends at"),
        ([*WHOLE[:8], *WHOLE[7:]], "told twice"),
    ],
)
def test_story(events: list[AnyEvent], expected: str) -> None:
    found = list(books.story(events))
    assert not found if not expected else any(expected in text for text in found), found


def record(state: JobState = S.ENDED, result: JobResult | None = DONE) -> JobRecord:
    return JobRecord("j", JobSpec(JobKind.INSTALL), state, (A,), 0.0, result=result)


@pytest.mark.parametrize(
    ("job", "events", "expected"),
    [
        (record(), WHOLE, ""),
        (record(S.INSTALLING, None), BEGIN, "job: installing"),
        (record(result=replace(DONE, updates=())), WHOLE, "not one for each update"),
        (record(result=replace(DONE, updates=(BAD,))), WHOLE, "another one was told"),
        (record(), [*BEGIN, UpdateEnded(0, BAD), Ended(DONE)], "told another end"),
        (
            record(result=replace(DONE, problem=problem("unexpected", "Traceback"))),
            WHOLE,
            "result: Traceback",
        ),
    ],
)
def test_result(job: JobRecord, events: list[AnyEvent], expected: str) -> None:
    found = list(books.result(job, events))
    assert not found if not expected else any(expected in text for text in found), found


def item(name: str, *, requested: bool = True, removed: bool = False) -> PlanItem:
    change = Change.REMOVE if removed else Change.INSTALL
    old, new = ("1", "") if removed else ("", "1")
    return PlanItem(A, name, "sim", change, old, new, requested, "requested", name, "x")


def entry(name: str, code: ResultCode = ResultCode.SUCCEEDED, old: str = "", new: str = "1") -> HistoryEntry:
    return HistoryEntry(0, "j", A, name, 1, code, 0, 0, 1.0, "x", name, "sim", old, new, True)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ""),
        ({"acted": False, "entries": [], "after": {}}, ""),
        ({"items": [item("a"), item("b", requested=False)]}, ""),
        ({"items": [item("a", removed=True)], "entries": [entry("a", old="1", new="")]}, "and it is '1'"),
        ({"entries": []}, "asked ['a']"),
        ({"entries": [entry("a"), entry("a")]}, "twice"),
        ({"entries": [entry("a"), entry("b")]}, "of ['a']"),
        ({"acted": False}, "of []"),
        ({"after": {}}, "SUCCEEDED, and it is ''"),
        ({"entries": [entry("a", ResultCode.FAILED)]}, "FAILED, and it is '1'"),
        ({"entries": [entry("a", old="0")]}, "from '0', but it was ''"),
        ({"after": {"a": "1", "c": "2"}}, "silent on c"),
        ({"before": {"c": "2"}}, "silent on c"),
    ],
)
def test_history(given: dict[str, Any], expected: str) -> None:
    usual: dict[str, Any] = {
        "entries": [entry("a")],
        "items": [item("a")],
        "acted": True,
        "before": {},
        "after": {"a": "1"},
    }
    found = list(books.history(**{**usual, **given}))
    assert not found if not expected else any(expected in text for text in found), found


@pytest.mark.parametrize(
    ("state", "promised", "heard", "expected"),
    [
        (DeliveryState.DELIVERED, ["d"], {"d": 2}, ""),
        (DeliveryState.DELIVERED, ["d"], {}, "never heard"),
        (DeliveryState.PENDING, ["d"], {"d": 1}, "pending"),
        (DeliveryState.DELIVERED, ["d", "e"], {"d": 1}, "e: lost"),
    ],
)
def test_deliveries(state: DeliveryState, promised: list[str], heard: dict[str, int], expected: str) -> None:
    delivery = Delivery("d", "j", Subscription(("/bin/true",)), state)
    found = list(books.deliveries([delivery], promised, heard))
    assert not found if not expected else any(expected in text for text in found), found
