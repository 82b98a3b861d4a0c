"""Values: immutable, the same to the store and to every caller, and clear about what is left out."""

import inspect
import json
from enum import Enum, IntEnum
from pathlib import Path
from string import ascii_lowercase
from types import ModuleType
from typing import Any

import msgspec
import pytest

from wua.model import agent, enums, explanations, jobs, plans, plugins, problems, updates
from wua.model.enums import ConffilePolicy, ResultCode
from wua.model.jobs import AnyEvent, JobKind, JobRecord, JobResult, JobSpec, Progress, SearchOptions
from wua.model.plans import Change, Operation, Plan, PlanItem, PlanRequest
from wua.model.plugins import Holder
from wua.model.problems import CATALOGUE, error, problem
from wua.model.states import JobState
from wua.model.struct import Value
from wua.model.updates import Behavior, UpdateId

MODULES = (agent, enums, explanations, jobs, plans, plugins, problems, updates)
REFERENCE = Path(__file__).resolve().parents[2] / "reference" / "wuapi.json"


def classes(base: type) -> list[Any]:
    def own(module: ModuleType) -> list[type]:
        return [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]

    return [found for module in MODULES for found in own(module) if issubclass(found, base)]


VALUES = classes(msgspec.Struct)

# What a field means that is not given, where that is not "nothing", "no" or "unknown".
MEANING = {
    "JobSpec": {
        "version": 1,
        "search": SearchOptions(),
        "download": True,
        "queue": True,
        "lock_timeout": 300.0,
        "stall_after": 60.0,
        "user": -1,
    },
    "SearchOptions": {"online": True, "max_age": 3600.0},
    "Progress": {"current": -1, "download_phase": 1},
    "Subscription": {"cwd": "/", "uid": -1, "gid": -1, "attempts": 8, "timeout": 60.0},
    "PlanRequest": {"conffiles": ConffilePolicy.KEEP},
    "Command": {"cwd": "/", "cancel_signal": 2},
    "TargetSpec": {"root": "/"},
    "StepProgress": {"item": -1},
    "Behavior": {"reboot": 2},
    "Update": {"installing": Behavior(), "removing": Behavior()},
    "SearchWarning": {"context": 1},
}


def test_there_are_values() -> None:
    assert len(VALUES) > 30
    assert all(issubclass(each, Value) for each in VALUES)


@pytest.mark.parametrize("value", VALUES)
def test_a_value_cannot_be_changed(value: Any) -> None:
    assert value.__struct_config__.frozen


@pytest.mark.parametrize("value", VALUES)
def test_what_is_left_out_means_nothing_but_where_it_is_decided(value: Any) -> None:
    """Stores hold values that older versions wrote: another default would give them another meaning."""
    found = {}
    for field in msgspec.structs.fields(value):
        if field.default is not msgspec.NODEFAULT:
            found[field.name] = field.default
        elif field.default_factory is not msgspec.NODEFAULT:
            found[field.name] = field.default_factory()
    decided = MEANING.get(value.__name__, {})
    assert {name: default for name, default in found.items() if default} == decided


def test_an_update_without_a_revision_is_its_first() -> None:
    assert UpdateId("x") == UpdateId("x", 1)


# --- names and numbers that are stored, sent and documented

WORDS = {
    "TargetKind": "host namespace-root plain-root simulated shadow windows-host",
    "ConffilePolicy": "keep take stop",
    "AbortAnswer": "ended at-once after-step",
    "JobKind": "search plan rehearse download install uninstall undo remove",
    "DeliveryState": "pending delivered given-up",
    "Change": "install upgrade downgrade reinstall remove purge",
    "Operation": "install uninstall remove undo",
}


@pytest.mark.parametrize("kind", [each for each in classes(Enum) if not issubclass(each, IntEnum)])
def test_stored_words_stay_as_they_are(kind: type[Enum]) -> None:
    assert " ".join(str(member.value).replace(" ", "-") for member in kind) == WORDS[kind.__name__]


HEADER_NAMES = {"ResultCode": "OperationResultCode"}


@pytest.mark.parametrize("kind", classes(IntEnum))
def test_numbers_are_those_of_the_header(kind: type[IntEnum]) -> None:
    reference = {each["name"]: each for each in json.loads(REFERENCE.read_bytes())["enums"]}
    values = reference[HEADER_NAMES.get(kind.__name__, kind.__name__)]["values"]
    numbers = {each["name"].lstrip(ascii_lowercase).lower(): each["value"] for each in values}
    assert {member.name.replace("_", "").lower(): member.value for member in kind} == numbers


EVENTS = "state progress update waiting stalled note rehearsing ended"


def test_events_carry_their_names() -> None:
    tags = [each.__struct_config__.tag for each in AnyEvent.__args__]
    assert " ".join(tags) == EVENTS
    assert {each.__struct_config__.tag_field for each in AnyEvent.__args__} == {"event"}


# --- what is worked out from the fields


def test_which_jobs_act_and_which_change_the_target() -> None:
    assert [kind.name for kind in JobKind if not kind.acting] == ["SEARCH", "PLAN", "REHEARSE"]
    changing = ["INSTALL", "UNINSTALL", "UNDO", "REMOVE"]
    assert [kind.name for kind in JobKind if kind.changes_target] == changing


def test_a_record_has_the_kind_that_was_asked_for() -> None:
    assert JobRecord("1", JobSpec(JobKind.UNDO), JobState.QUEUED, (), 0.0).kind is JobKind.UNDO


def item(name: str, change: Change, *, requested: bool) -> PlanItem:
    return PlanItem(UpdateId(name), name, "amd64", change, "1", "2", requested, "requested")


def test_a_plan_tells_removals_and_what_was_asked_for() -> None:
    items = tuple(item(change.value, change, requested=change is Change.UPGRADE) for change in Change)
    plan = Plan(PlanRequest(Operation.INSTALL), "t", "w", 0.0, items)
    assert [each.name for each in plan.removals] == ["remove", "purge"]
    assert [each.name for each in plan.requested] == ["upgrade"]
    assert items[0].qualified == "install:amd64"


def test_an_offer_is_identified_and_present_when_installed() -> None:
    fields: dict[str, Any] = {field.name: 0 for field in msgspec.structs.fields(updates.Offer)}
    offer = updates.Offer(**fields | {"update_id": "u", "revision": 3, "installed": 1})
    assert offer.id == UpdateId("u", 3)
    assert offer.present == 1
    assert msgspec.structs.replace(offer, installed=0).present == 0


def test_offers_are_no_work_for_the_garbage_collector() -> None:
    """A search answers tens of thousands of them."""
    assert not updates.Offer.__struct_config__.gc


@pytest.mark.parametrize(
    ("holder", "said"),
    [
        (Holder(7, "apt-get install x", 0, "/l"), "apt-get install x (pid 7) holds /l"),
        (Holder(7, "", 0, "/l"), "a program (pid 7) holds /l"),
        (Holder(7, "apt", 1e9, "/l"), "apt (pid 7) holds /l since 2001-09-09 01:46:40 UTC"),
    ],
)
def test_a_holder_in_words(holder: Holder, said: str) -> None:
    assert str(holder) == said


def test_values_are_compared_by_content() -> None:
    assert JobResult(ResultCode.FAILED, 1) == JobResult(ResultCode.FAILED, 1)
    assert Progress(JobState.QUEUED, 1) != Progress(JobState.QUEUED, 2)


# --- problems


@pytest.mark.parametrize("kind", CATALOGUE)
def test_a_problem_is_its_row_of_the_catalogue(kind: str) -> None:
    row = CATALOGUE[kind]
    found = problem(kind, "evidence")
    assert (found.id, found.hresult, found.seen) == (kind, row.hresult, "evidence")
    assert (found.cause, found.next_step, found.unmapped) == (row.cause, row.next_step, 0)
    for sentence in (row.cause, row.next_step):
        assert sentence.endswith(".")
        assert sentence[0].isupper() or sentence.startswith(("apt ", "dpkg ", "wua ", "`"))


def test_a_problem_may_know_better_advice_and_the_installers_code() -> None:
    found = problem("installer-failed", "exit 3", next_step="Do this.", unmapped=3)
    assert (found.next_step, found.unmapped) == ("Do this.", 3)
    raised = error("installer-failed", "exit 3", next_step="Do this.", unmapped=3)
    assert raised.problem == found
    assert raised.args == (found,)
    assert str(raised) == str(found)


def test_the_code_is_written_with_eight_digits() -> None:
    found = msgspec.structs.replace(problem("aborted", "said"), hresult=0xAB)
    assert str(found) == "said [aborted, 0x000000AB]"


def test_a_kind_that_is_not_in_the_catalogue_is_a_defect() -> None:
    with pytest.raises(KeyError):
        problem("no-such-kind", "")


def test_errors_of_windows_have_their_own_codes() -> None:
    found = {kind: CATALOGUE[kind].hresult for kind in ("disk-full", "timed-out", "installer-killed")}
    assert found == {"disk-full": 0x80070070, "timed-out": 0x800705B4, "installer-killed": 0x8007042B}
