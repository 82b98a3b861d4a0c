"""What is refused, where, and in which words."""

import contextlib
import json
import time

import msgspec
import pytest

from wua.criteria import CriteriaError, parse
from wua.model import codes
from wua.model.problems import WuaError

ALL_NATIVE = (
    "Type, DeploymentAction, IsAssigned, BrowseOnly, AutoSelectOnWebSites, UpdateID, RevisionNumber,"
    " CategoryIDs, IsInstalled, IsHidden, IsPresent, RebootRequired"
)
MAX_DEPTH = 50  # the documented bounds
MAX_CRITERIA = 5000
WIDTH = 100
WHOLE = "parentheses around one criterion or around a whole AND group"


@pytest.mark.parametrize(
    ("text", "column", "expected", "found"),
    [
        ("Type=Software", 6, "'Software' or 'Driver' for Type", "Software"),
        ("Type='Hardware'", 6, "'Software' or 'Driver' for Type", "'Hardware'"),
        ("Type=1", 6, "'Software' or 'Driver' for Type", "1"),
        ("IsInstalled=true", 13, "0 or 1, without quotes, for IsInstalled", "true"),
        ("IsInstalled='0'", 13, "0 or 1, without quotes, for IsInstalled", "'0'"),
        ("IsInstalled=2", 13, "0 or 1, without quotes, for IsInstalled", "2"),
        ("IsInstalled=-1", 13, "0 or 1, without quotes, for IsInstalled", "-1"),
        ("IsInstalled=", 13, "0 or 1, without quotes, for IsInstalled", "the end of the text"),
        ("IsInstalled!=0", 12, "= after IsInstalled", "!="),
        ("IsInstalled 0", 13, "= after IsInstalled", "0"),
        ("IsInstalled", 12, "= after IsInstalled", "the end of the text"),
        ("Type contains 'x'", 6, "= or != after Type", "contains"),
        ("CategoryIDs='x'", 12, "contains after CategoryIDs", "="),
        ("UpdateID=7", 10, "a string in single quotes for UpdateID", "7"),
        ("UpdateID='a' and RevisionNumber='1'", 33, "a whole number of 32 bits for RevisionNumber", "'1'"),
        ("IsInstaled=0", 1, "a property (perhaps IsInstalled)", "IsInstaled"),
        ("foo = 0", 1, f"a property ({ALL_NATIVE})", "foo"),
        ("= 0", 1, "a property", "="),
        ("IsHidden=0 and", 15, "a property", "the end of the text"),
        ("IsHidden=0 and ", 16, "a property", "the end of the text"),
        ("IsHidden=0 and or", 16, f"a property ({ALL_NATIVE})", "or"),
        ("()", 2, "a property", ")"),
        ("X", 1, f"a property ({ALL_NATIVE})", "X"),
        ("IsHidden=0and IsInstalled=0", 11, "white space before 'and'", "and"),
        ("IsHidden=0 AND(IsInstalled=0)", 15, "white space after 'and'", "("),
        ("(IsHidden=0)or IsInstalled=0", 13, "white space before 'or'", "or"),
        ("IsHidden=0 or(IsInstalled=0)", 14, "white space after 'or'", "("),
        ("IsHidden=0 IsInstalled=0", 12, "'and', 'or' or the end of the text", "IsInstalled"),
        ("IsHidden=0)", 11, "'and', 'or' or the end of the text", ")"),
        ("IsHidden=0x1", 11, "'and', 'or' or the end of the text", "x1"),
        ("(IsHidden=0", 12, "'and' or ')'", "the end of the text"),
        ("((IsHidden=0)", 14, "'and' or ')'", "the end of the text"),
        ("(IsHidden=0 IsInstalled=0)", 13, "'and' or ')'", "IsInstalled"),
        (
            "(IsInstalled=0) and (IsHidden=0 or IsHidden=1)",
            33,
            "'or' outside of parentheses only: (a and b) or (a and c)",
            "or",
        ),
        ("(IsHidden=0 or IsHidden=1)", 13, "'or' outside of parentheses only: (a and b) or (a and c)", "or"),
        ("(IsHidden=0 and IsInstalled=0) and Type='Driver'", 1, WHOLE, "("),
        ("Type='Driver' and (IsHidden=0 and IsInstalled=0)", 19, WHOLE, "("),
        ("Type='Driver' and ((IsHidden=0 and IsInstalled=0))", 19, WHOLE, "("),
        ("(Type='Driver' and (IsHidden=0 and IsInstalled=0))", 20, WHOLE, "("),
        ("((IsHidden=0 and IsInstalled=0) and Type='Driver')", 2, WHOLE, "("),
        ("IsHidden=1 or Type='Driver' and (IsHidden=0 and IsInstalled=0)", 33, WHOLE, "("),
        ("UpdateID='a", 10, "a quote that ends the string beginning here", "'a"),
        ("UpdateID='a[']", 10, "a quote that ends the string beginning here", "'a[']"),
        ('UpdateID="a"', 10, "single quotes around a string", '"a"'),
        ("IsHidden ! 0", 10, "!=", "! 0"),
        ("IsHidden=-", 10, "digits after the minus sign", "-"),
        (
            "IsHidden=0; IsInstalled=0",
            11,
            "a property, an operator, a value or a parenthesis",
            "; IsInstalled=0",
        ),
        ("IsHidden=0\u00a0and IsInstalled=0", 11, "a property, an operator, a value or a parenthesis", None),
        ("IsHidden=٠", 10, "a property, an operator, a value or a parenthesis", "٠"),
        ("UpdateID='a\0'", 12, "a Unicode character", "U+0000"),
        ("UpdateID='\udfff'", 11, "a Unicode character", "U+DFFF"),
        ("UpdateID='\ud800'", 11, "a Unicode character", "U+D800"),
        ("\ud800", 1, "a property, an operator, a value or a parenthesis", "\N{REPLACEMENT CHARACTER}"),
    ],
)
def test_refused(text: str, column: int, expected: str, found: str | None) -> None:
    with pytest.raises(CriteriaError) as caught:
        parse(text, strict=True)
    assert (caught.value.column, caught.value.expected) == (column, expected)
    seen = caught.value.problem.seen
    assert seen.startswith(f"column {column}: expected {expected}, found ")
    if found is not None:
        assert seen.endswith(f", found {found}")
    assert caught.value.text == text


def test_the_problem_is_of_the_catalogue_and_can_be_stored() -> None:
    with pytest.raises(WuaError) as caught:
        parse("\ud800'\n")
    problem = caught.value.problem
    assert (problem.id, problem.hresult) == ("criteria-invalid", codes.WU_E_INVALID_CRITERIA)
    assert problem.seen.isprintable()
    assert json.loads(msgspec.json.encode(problem))["id"] == "criteria-invalid"


def test_a_guess_helps_with_properties_of_ours_outside_strict_mode_only() -> None:
    with pytest.raises(CriteriaError, match=r"\(perhaps Architecture\)"):
        parse("Architektur='i386'")
    with pytest.raises(CriteriaError, match=rf"a property \({ALL_NATIVE}\)"):
        parse("Architektur='i386'", strict=True)
    with pytest.raises(CriteriaError, match=r"\(perhaps IsHidden\)"):
        parse("ISHIDEN=1")


def test_what_was_found_is_cut_short() -> None:
    with pytest.raises(CriteriaError, match=rf"found {'x' * 30}$".replace("$", r" \[")):
        parse("x" * 30)
    with pytest.raises(CriteriaError, match=rf"found {'x' * 30}… \["):
        parse("x" * 31)


def test_caret() -> None:
    def caret(text: str) -> list[str]:
        with pytest.raises(CriteriaError) as caught:
            parse(text)
        return caught.value.caret.split("\n")

    assert caret("Type=Software") == ["Type=Software", "     ^"]
    assert caret("IsHidden=0 and\n\tType=x") == ["IsHidden=0 and  Type=x", "                     ^"]
    assert caret("IsHidden=0 and") == ["IsHidden=0 and", "              ^"]
    assert caret("Name='\0'") == ["Name='\N{REPLACEMENT CHARACTER}'", "      ^"]


@pytest.mark.parametrize(
    ("before", "after"), [(0, 0), (0, 300), (30, 300), (49, 300), (300, 300), (300, 10), (300, 0)]
)
def test_caret_in_a_long_text(before: int, after: int) -> None:
    text = "(" + " " * before + "§" + "_" * after
    with pytest.raises(CriteriaError) as caught:
        parse(text)
    line, mark = caught.value.caret.split("\n")
    assert line[len(mark) - 1] == "§"
    assert line in text
    assert len(line) == min(len(text), WIDTH)
    assert mark.strip() == "^"
    if before + after >= 400:
        assert len(mark) == WIDTH // 2 + 1


def test_nesting_is_bounded() -> None:
    def nested(depth: int) -> str:
        return "(" * depth + "IsHidden=0" + ")" * depth

    assert parse(nested(MAX_DEPTH)) == parse("IsHidden=0")
    parse(" or ".join([nested(MAX_DEPTH)] * 3))
    with pytest.raises(
        CriteriaError, match=rf"expected at most {MAX_DEPTH} open parentheses, found \("
    ) as caught:
        parse(nested(MAX_DEPTH + 1))
    assert caught.value.column == MAX_DEPTH + 1
    with pytest.raises(CriteriaError):
        parse("(" * 1_000_000)


@pytest.mark.parametrize("word", ["and", "or"])
def test_the_number_of_criteria_is_bounded(word: str) -> None:
    text = f" {word} ".join(["IsHidden=0"] * MAX_CRITERIA)
    parse(text)
    with pytest.raises(
        CriteriaError, match=f"expected at most {MAX_CRITERIA} criteria, found IsHidden"
    ) as caught:
        parse(f"{text} {word} IsHidden=0")
    assert caught.value.column == len(text) + len(word) + 3


@pytest.mark.parametrize(
    "text",
    [
        "UpdateID='" + "a" * 2_000_000 + "'",
        "UpdateID='" + "[']" * 700_000 + "'",
        "UpdateID='" + "[']" * 700_000,
        "UpdateID='" + "[" * 2_000_000,
        " " * 2_000_000 + "IsHidden=0",
        "x" * 2_000_000,
        "IsHidden=" + "9" * 2_000_000,
        "'" * 2_000_000,
        "-" * 2_000_000,
    ],
)
def test_time_is_linear(text: str) -> None:
    """Two million characters; anything quadratic would take hours."""
    start = time.process_time()
    with contextlib.suppress(CriteriaError):
        parse(text)
    assert time.process_time() - start < 5
