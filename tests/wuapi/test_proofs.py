"""Every member of every interface has a page entry that says what it does, and tests that prove it."""

import inspect
import re
from typing import Any

import pytest
from tests.quality.project import ROOT
from tests.quality.test_generated import tool

from wua.model.code_meanings import MEANINGS
from wua.wuapi import enums, errors
from wua.wuapi.table import INTERFACES

tool("generate_docs")  # puts its folder where the two find each other
pages = tool("wuapi_pages")
PROOFS = tool("proofs").proofs()
MEMBERS = {(name, pages.member(row)): row for name, interface in INTERFACES.items() for row in interface.rows}
KNOWN = {*MEANINGS, *vars(errors), *vars(enums)}


@pytest.mark.parametrize("interface", INTERFACES)
def test_every_member_has_a_test_that_proves_it(interface: str) -> None:
    proved = {proof.member for proof in PROOFS if proof.interface == interface}
    expected = {member for name, member in MEMBERS if name == interface}
    assert expected - proved == set(), f"{interface}: mark a test with pytest.mark.proves"
    assert proved - expected == set(), f"{interface} has no such members"


def test_tests_prove_members_of_interfaces_that_there_are() -> None:
    assert {proof.interface for proof in PROOFS} <= set(INTERFACES)


def test_a_test_that_proves_a_member_names_it() -> None:
    silent = [f"{proof.test}: {proof.interface}.{proof.member}" for proof in PROOFS if not proof.names_it]
    assert silent == []


def declared() -> list[Any]:
    return [
        pytest.param(cls, row, id=f"{cls.__name__}.{pages.member(row)}")
        for name, interface in INTERFACES.items()
        for row in interface.rows
        for cls in pages.behind(name)[:1]
    ]


@pytest.mark.parametrize(("cls", "row"), declared())
def test_a_declaration_says_what_it_does_and_which_errors_there_are(cls: Any, row: Any) -> None:
    text = pages.text_of(cls, row)
    assert text.what or (row.kind == "put" and pages.text_of(cls, row._replace(kind="get")).what)
    words = f"{text.what} {text.errors} {text.differs}"
    codes = re.findall(r"\b(?:[A-Z]{2,}_[ES]_[A-Z_]+|E_[A-Z]+|ERROR_[A-Z_]+)\b", words)
    assert set(codes) <= KNOWN
    assert set(re.findall(r"\b(?:orc|daD|ssD|uec|dph|aunl)[A-Z]\w+", words)) <= KNOWN


def test_a_refusal_of_its_own_stands_in_the_docstring() -> None:
    """What a member's own code refuses with, its docstring names."""
    missing = []
    for name, interface in INTERFACES.items():
        cls = pages.behind(name)[0]
        for row in interface.rows:
            thing = inspect.getattr_static(cls, row.name if row.kind != "put" else pages.member(row), None)
            thing = inspect.getattr_static(cls, row.name) if thing is None else thing
            if isinstance(thing, property):
                thing = thing.fset if row.kind == "put" else thing.fget
            source = inspect.getsource(inspect.unwrap(thing))
            body = source.replace(inspect.unwrap(thing).__doc__ or "", "")
            refused = set(re.findall(r"fail\((?:codes\.)?(\w+)", body)) - {"otherwise"}
            if "_unlocked()" in body:
                refused.add("WU_E_INVALID_OPERATION")
            if "must_act()" in body:
                refused.add("E_ACCESSDENIED")
            text = pages.text_of(cls, row)
            missing += [
                f"{name}.{pages.member(row)}: {code}"
                for code in refused
                if code not in f"{text.errors} {text.what}"
            ]
    assert missing == []


def test_there_is_a_page_for_each_interface_and_none_besides() -> None:
    there = {path.name for path in (ROOT / "docs" / "reference" / "wuapi").iterdir()}
    assert there == {f"{name}.md" for name in INTERFACES} | {"README.md"}
