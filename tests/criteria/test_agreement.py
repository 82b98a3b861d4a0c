"""Predicate and SQL say the same; text, tree and text go round; garbage is refused with a position."""

import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.offers import offer

from wua.criteria import PROPERTIES, Criteria, CriteriaError, Kind, escape_string, parse, schema
from wua.model.enums import DeploymentAction, UpdateType
from wua.model.updates import Offer

TEXTS = ["", "hello", "HELLO", "lib'[x]", "1.0~rc1-2+b1", "Ä", "ä", "ell", "i", "İ", "%", "_"]
CATEGORIES = ["security", "debian-12", "other"]
MAX_CRITERIA = 5000
COLUMNS = [name for name in Offer.__struct_fields__ if name != "category_ids"]


class Table:
    """The tables as the store has them, in memory."""

    def __init__(self) -> None:
        self.db = sqlite3.connect(":memory:")
        self.db.execute(f"CREATE TABLE {schema.OFFERS} ({', '.join(COLUMNS)})")
        self.db.execute(f"CREATE TABLE {schema.OFFER_CATEGORIES} ({schema.UPDATE_ID}, {schema.CATEGORY_ID})")

    def fill(self, offers: list[Offer]) -> None:
        self.db.execute("DELETE FROM offers")
        self.db.execute("DELETE FROM offer_categories")
        marks = ", ".join("?" * len(COLUMNS))
        rows = [
            [int(v) if isinstance(v, int) else v for v in (getattr(o, c) for c in COLUMNS)] for o in offers
        ]
        self.db.executemany(f"INSERT INTO offers VALUES ({marks})", rows)
        members = [(o.update_id, category) for o in offers for category in o.category_ids]
        self.db.executemany("INSERT INTO offer_categories VALUES (?, ?)", members)

    def ask(self, text: str, *, strict: bool = False) -> list[str]:
        where, parameters = parse(text, strict=strict).sql()
        return [row[0] for row in self.db.execute(f"SELECT update_id FROM offers WHERE {where}", parameters)]


@pytest.fixture(scope="module")
def table() -> Iterator[Table]:
    table = Table()
    yield table
    table.db.close()


FLAGS = ("installed", "hidden", "mandatory", "browse_only", "auto_select", "downloaded", "uninstallable")


@st.composite
def offers(draw: st.DrawFn) -> list[Offer]:
    found = []
    for number in range(draw(st.integers(1, 4))):
        changes: dict[str, Any] = {flag: draw(st.integers(0, 1)) for flag in (*FLAGS, "reboot_required")}
        changes |= {
            field: draw(st.sampled_from(TEXTS)) for field in ("name", "version", "architecture", "origin")
        }
        changes["type"] = draw(st.sampled_from(UpdateType))
        changes["deployment_action"] = draw(st.sampled_from(DeploymentAction))
        changes["revision"] = draw(st.integers(1, 2))
        changes["category_ids"] = tuple(sorted(draw(st.sets(st.sampled_from(CATEGORIES)))))
        found.append(offer(update_id=f"id-{number}", **changes))
    return found


@st.composite
def criterion(draw: st.DrawFn) -> str:
    row = draw(st.sampled_from([row for row in PROPERTIES if row.kind is not Kind.INTEGER]))
    operator = draw(st.sampled_from(row.operators))
    match row.kind:
        case Kind.FLAG:
            value = str(draw(st.integers(0, 1)))
        case Kind.CHOICE:
            value = f"'{draw(st.sampled_from(list(row.choices)))}'"
            if row.name == "DeploymentAction" and draw(st.booleans()):
                value = "*"
        case Kind.ID:
            value = draw(st.sampled_from(["'id-0'", "'ID-1'", "'id'", "''"]))
            if operator == "=" and draw(st.booleans()):
                value += f" and RevisionNumber={draw(st.integers(-1, 3))}"
                return f"{row.name}={value}"
        case Kind.MEMBERS:
            value = f"'{draw(st.sampled_from([*CATEGORIES, 'SECURITY', '']))}'"
        case _:
            value = f"'{escape_string(draw(st.sampled_from(TEXTS)))}'"
    text = f"{row.name} {operator} {value}"
    return f"({text})" if draw(st.booleans()) else text


@st.composite
def texts(draw: st.DrawFn) -> str:
    groups = draw(st.lists(st.lists(criterion(), min_size=1, max_size=3), min_size=1, max_size=3))
    written = [" and ".join(group) for group in groups if not _mixed(group)] or ["IsHidden=0"]
    return " or ".join(written)


def _mixed(group: list[str]) -> bool:
    """RevisionNumber beside UpdateID!= is refused."""
    return any("Revision" in text for text in group) and any(
        text.lstrip("(").startswith("UpdateID !") for text in group
    )


@given(texts(), offers())
def test_predicate_and_sql_agree(table: Table, text: str, found: list[Offer]) -> None:
    table.fill(found)
    wanted = parse(text).predicate()
    assert table.ask(text) == [o.update_id for o in found if wanted(o)]


@given(texts())
def test_text_goes_round(text: str) -> None:
    criteria = parse(text)
    again = parse(str(criteria))
    assert again == criteria
    assert hash(again) == hash(criteria)
    assert str(again) == str(criteria)


@given(st.text().filter(lambda text: "\0" not in text))
def test_every_string_can_be_quoted(text: str) -> None:
    (criterion,) = parse(f"UpdateID='{escape_string(text)}' and DeploymentAction=*").groups[0][:1]
    assert str(criterion.value).upper() == text.upper()
    assert str(criterion) == f"UpdateID='{escape_string(str(criterion.value))}'"


WORDS = [row.name for row in PROPERTIES]
WORDS += [
    "and",
    "or",
    "contains",
    "=",
    "!=",
    "(",
    ")",
    "'",
    "[']",
    "0",
    "1",
    "-",
    "*",
    " ",
    "\t",
    "\n",
    "'Software'",
    "x",
]


@given(st.one_of(st.text(), st.lists(st.sampled_from(WORDS), max_size=12).map("".join)), st.booleans())
def test_garbage_is_refused_at_a_place(text: str, strict: bool) -> None:
    read = attempt(text, strict=strict)
    if isinstance(read, Criteria):
        assert parse(str(read)) == read
    else:
        assert 1 <= read.column <= len(text) + 1
        assert read.problem.id == "criteria-invalid"
        assert read.caret.split("\n")[1].strip() == "^"


def attempt(text: str, *, strict: bool) -> Criteria | CriteriaError:
    try:
        return parse(text, strict=strict)
    except CriteriaError as refused:
        return refused


@pytest.mark.parametrize(
    ("text", "changes", "matches"),
    [
        ("Type='Software'", {}, True),
        ("Type='Driver'", {}, False),
        ("Type='Driver'", {"type": UpdateType.DRIVER}, True),
        ("Type!='Driver'", {"type": UpdateType.DRIVER}, False),
        ("Type!='Driver'", {}, True),
        ("IsAssigned=1", {}, True),
        ("IsAssigned=1", {"browse_only": 1}, False),
        ("IsAssigned=0", {"browse_only": 1}, True),
        ("IsAssigned=0", {}, False),
        (
            "IsAssigned=1 and DeploymentAction=*",
            {"deployment_action": DeploymentAction.UNINSTALLATION},
            False,
        ),
        ("IsAssigned=0 and DeploymentAction=*", {"deployment_action": DeploymentAction.UNINSTALLATION}, True),
        ("BrowseOnly=1", {"browse_only": 1}, True),
        ("AutoSelectOnWebSites=1", {"auto_select": 1}, True),
        ("IsSecurity=1", {"auto_select": 1}, True),
        ("IsInstalled=1", {"installed": 1}, True),
        ("IsPresent=1", {"installed": 1}, True),
        ("IsHidden=1", {"hidden": 1}, True),
        ("RebootRequired=1", {"reboot_required": 1}, True),
        ("IsDownloaded=1", {"downloaded": 1}, True),
        ("IsUninstallable=1", {"uninstallable": 1}, True),
        ("IsMandatory=1", {"mandatory": 1}, True),
        ("BrowseOnly=1", {}, False),
        ("AutoSelectOnWebSites=1", {}, False),
        ("IsSecurity=1", {}, False),
        ("IsInstalled=1", {}, False),
        ("IsPresent=1", {}, False),
        ("IsHidden=1", {}, False),
        ("RebootRequired=1", {}, False),
        ("IsDownloaded=1", {}, False),
        ("IsUninstallable=1", {}, False),
        ("IsMandatory=1", {}, False),
        ("UpdateID='A'", {}, True),
        ("UpdateID='b'", {}, False),
        ("UpdateID!='A'", {}, False),
        ("UpdateID='a' and RevisionNumber=1", {}, True),
        ("UpdateID='a' and RevisionNumber=2", {}, False),
        ("CategoryIDs contains 'SECURITY'", {"category_ids": ("other", "security")}, True),
        ("CategoryIDs contains 'secur'", {"category_ids": ("other", "security")}, False),
        ("Name='HELLO'", {}, True),
        ("Name='hell'", {}, False),
        ("Name contains 'ELL'", {}, True),
        ("Name contains 'Ell'", {"name": "HELLO"}, True),
        ("Name contains 'elk'", {}, False),
        ("Name!='Hello'", {"name": "hellO"}, False),
        ("Name!='world'", {}, True),
        ("Version='1.0'", {}, True),
        ("Architecture='AMD64'", {}, True),
        ("Origin contains 'Security'", {"origin": "Debian-Security"}, True),
        ("Origin contains 'Security'", {}, False),
        ("IsHidden=0", {"deployment_action": DeploymentAction.OPTIONAL_INSTALLATION}, False),
        (
            "IsHidden=0 and DeploymentAction=*",
            {"deployment_action": DeploymentAction.OPTIONAL_INSTALLATION},
            True,
        ),
        ("DeploymentAction=*", {"deployment_action": DeploymentAction.NONE}, True),
        ("DeploymentAction='Detection'", {"deployment_action": DeploymentAction.DETECTION}, True),
        (
            "DeploymentAction='OptionalInstallation'",
            {"deployment_action": DeploymentAction.OPTIONAL_INSTALLATION},
            True,
        ),
        ("DeploymentAction='Uninstallation'", {"deployment_action": DeploymentAction.UNINSTALLATION}, True),
        ("IsHidden=1 or IsInstalled=1", {"installed": 1}, True),
        ("IsHidden=1 or IsInstalled=1", {}, False),
        ("IsHidden=1 and IsInstalled=1", {"installed": 1}, False),
        ("IsHidden=1 or IsHidden=0 and IsInstalled=1", {"hidden": 1}, True),
    ],
)
def test_meaning(table: Table, text: str, changes: dict[str, Any], *, matches: bool) -> None:
    asked = offer(**changes)
    table.fill([asked])
    assert parse(text).predicate()(asked) is matches
    assert bool(table.ask(text)) is matches


def test_an_identity_can_use_the_index(table: Table) -> None:
    table.db.execute("CREATE INDEX IF NOT EXISTS by_id ON offers(update_id)")
    where, parameters = parse("UpdateID='a' or UpdateID='b' or UpdateID='c'").sql()
    plan = table.db.execute(f"EXPLAIN QUERY PLAN SELECT * FROM offers WHERE {where}", parameters)
    assert not any("SCAN" in row[3] for row in plan)


@pytest.mark.parametrize("word", ["and", "or"])
def test_the_longest_text_is_not_too_deep_for_sqlite(table: Table, word: str) -> None:
    table.fill([offer(update_id="a", revision=1, category_ids=("security",))])
    terms = ["CategoryIDs contains 'security'", "Name contains 'hell'", "UpdateID='a'", "UpdateID='A'"]
    text = f" {word} ".join(terms * (MAX_CRITERIA // 4))
    assert table.ask(text) == ["a"]


def test_the_names_in_the_sql() -> None:
    assert parse("CategoryIDs contains 'a' and Type!='Driver'").sql() == (
        (
            "((offers.update_id IN (SELECT update_id FROM offer_categories WHERE category_id = ?)"
            " AND offers.type != ?) AND offers.deployment_action = ?)"
        ),
        ("a", 2, 1),
    )


def test_values_are_bound_and_not_written_into_the_sql() -> None:
    where, parameters = parse("Name='x[']; drop table offers' and IsHidden=1").sql()
    assert "drop" not in where
    assert parameters == ("x'; drop table offers", 1, 1)
