"""Every declared member is the one that the reference describes."""

import json
from typing import Any

import pytest
from tests.quality.project import ROOT
from tests.quality.test_generated import tool

from wua.wuapi import enums
from wua.wuapi.conformance import callback_interfaces, declared
from wua.wuapi.declare import Member
from wua.wuapi.extensions import ROWS
from wua.wuapi.table import COCLASSES, INTERFACES

REFERENCE = json.loads((ROOT / "reference" / "wuapi.json").read_text())
BY_NAME = {interface["name"]: interface for interface in REFERENCE["interfaces"]}
PREFIX = "wua_"  # of our own extensions
CLASSES = [*declared(), *callback_interfaces()]


def native(cls: Any) -> dict[str, Member]:
    """The members of a class, our own extensions left out."""
    return {key: member for key, member in cls._members_.items() if not key.startswith(PREFIX)}


def described(cls: Any) -> dict[str, list[dict[str, Any]]]:
    """What the reference says of the members of a class, inherited ones included."""
    found: dict[str, list[dict[str, Any]]] = {}
    for name in cls._interfaces_:
        for member in BY_NAME[name]["members"]:
            found.setdefault(member["name"], []).append(member)
    return found


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_a_class_stands_behind_whole_chains_of_interfaces(cls: Any) -> None:
    first = cls._interfaces_[0]
    bases = [name for name in BY_NAME[first]["inheritance"] if name in BY_NAME]
    assert list(cls._interfaces_[: len(bases) + 1]) == [first, *bases]
    for name in cls._interfaces_:
        assert {base for base in BY_NAME[name]["inheritance"] if base in BY_NAME} <= set(cls._interfaces_)


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_declared_members_are_those_of_the_reference(cls: Any) -> None:
    reference = described(cls)
    for member in native(cls).values():
        agrees(member, reference[member.name])


def agrees(member: Member, entries: list[dict[str, Any]]) -> None:
    """Where two chains of a class repeat a member, late binding reaches that of the first chain."""
    kinds = {entry["kind"] for entry in entries}
    assert (member.get is not None) == ("get" in kinds), member.name
    assert (member.put is not None) == ("put" in kinds), member.name
    assert (member.call is not None) == ("method" in kinds), member.name
    assert entries[0]["dispid"] == member.dispid, member.name
    rows = {row.kind: row for row in member.rows}
    for entry in {each["kind"]: each for each in reversed(entries)}.values():
        assert entry["dispid"] == member.dispid, member.name
        row = rows[entry["kind"]]
        given = [p for p in entry["params"] if p["direction"] == "in"]
        assert row.slot == entry["vtable_slot"], member.name
        assert [(p.name, p.type) for p in row.params] == [(p["name"], p["type"]) for p in given], member.name
        assert row.returns == entry["returns"], member.name


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_nothing_is_missing_in_a_class_that_is_there(cls: Any) -> None:
    there = {member.name for member in native(cls).values()}
    assert set(described(cls)) == there


@pytest.mark.parametrize("cls", CLASSES, ids=lambda cls: cls.__name__)
def test_names_are_unique_without_case(cls: Any) -> None:
    assert {name.lower() for name in described(cls)} >= set(native(cls))
    assert all(key == member.name.lower() for key, member in cls._members_.items())


def test_extensions_are_named_as_such_and_declared() -> None:
    there = {name for cls in CLASSES for name in cls._members_ if name not in native(cls)}
    assert there == set(ROWS)
    assert all(name.startswith(PREFIX) for name in ROWS)
    assert not any(row.name.startswith(PREFIX) for each in INTERFACES.values() for row in each.rows)


def test_the_table_has_every_interface_and_class() -> None:
    assert len(INTERFACES) == REFERENCE["totals"]["interfaces"]
    assert sum(len(each.rows) for each in INTERFACES.values()) == REFERENCE["totals"]["vtable_methods"]
    assert len(COCLASSES) == REFERENCE["totals"]["coclasses"]
    assert {each.iid for each in INTERFACES.values()} == {each["iid"] for each in REFERENCE["interfaces"]}


@pytest.mark.parametrize("enum", REFERENCE["enums"], ids=lambda enum: enum["name"])
def test_every_enumeration_is_there_under_its_own_names(enum: dict[str, Any]) -> None:
    ours = getattr(enums, enum["name"])
    assert {each.name: each.value for each in ours} == {v["name"]: v["value"] for v in enum["values"]}
    for value in enum["values"]:
        assert getattr(enums, value["name"]) is ours(value["value"])


@pytest.mark.parametrize(
    ("path", "renderer"),
    [
        ("src/wua/wuapi/table.py", "table"),
        ("src/wua/wuapi/enums.py", "enums"),
    ],
)
def test_generated_files_follow_the_reference(path: str, renderer: str) -> None:
    expected = getattr(tool("generate_wuapi"), renderer)(REFERENCE)
    assert (ROOT / path).read_text() == expected, "run tools/generate_wuapi.py"
