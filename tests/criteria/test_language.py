"""What the language accepts and what it means, rule by rule."""

import pytest

from wua.criteria import DEFAULT, PROPERTIES, CriteriaError, Criterion, escape_string, parse

INSTALLATION = "DeploymentAction='Installation'"
GUID = "0a1b2c3d-0000-4000-8000-00000000abcd"
NATIVE = [row.name for row in PROPERTIES if not row.ours]
OURS = [row.name for row in PROPERTIES if row.ours]


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("IsInstalled=0", f"IsInstalled=0 and {INSTALLATION}"),
        ("IsInstalled = 0", f"IsInstalled=0 and {INSTALLATION}"),
        ("( IsInstalled = 0 and IsHidden = 0 )", f"IsInstalled=0 and IsHidden=0 and {INSTALLATION}"),
        (
            "IsInstalled=0 and Type='Software' and IsHidden=0",
            f"IsInstalled=0 and Type='Software' and IsHidden=0 and {INSTALLATION}",
        ),
        (
            "Type='Software' or Type='Driver'",
            f"(Type='Software' and {INSTALLATION}) or (Type='Driver' and {INSTALLATION})",
        ),
        (
            "IsInstalled=1 or IsInstalled=0 and Type='Software' and IsHidden=0",
            (
                f"(IsInstalled=1 and {INSTALLATION}) or"
                f" (IsInstalled=0 and Type='Software' and IsHidden=0 and {INSTALLATION})"
            ),
        ),
        (f"UpdateID='{GUID}'", f"UpdateID='{GUID}' and {INSTALLATION}"),
        (
            "UpdateID = 'a' OR UpdateID = 'b'",
            f"(UpdateID='a' and {INSTALLATION}) or (UpdateID='b' and {INSTALLATION})",
        ),
        (f"UpdateID != '{GUID}'", f"UpdateID!='{GUID}' and {INSTALLATION}"),
        ("IsInstalled=0 AND IsPresent=0", f"IsInstalled=0 and IsPresent=0 and {INSTALLATION}"),
        ("BrowseOnly=0 and IsInstalled=0", f"BrowseOnly=0 and IsInstalled=0 and {INSTALLATION}"),
        ("AutoSelectOnWebSites=1", f"AutoSelectOnWebSites=1 and {INSTALLATION}"),
        ("DeploymentAction='Installation'", INSTALLATION),
        ("DeploymentAction=*", "DeploymentAction=*"),
        ("DeploymentAction='OptionalInstallation'", "DeploymentAction='OptionalInstallation'"),
        (f"CategoryIDs contains '{GUID.upper()}'", f"CategoryIDs contains '{GUID}' and {INSTALLATION}"),
        ("(IsHidden=1 and IsInstalled=1) or (IsHidden=0)", None),
    ],
)
def test_strings_of_real_programs(text: str, meaning: str | None) -> None:
    criteria = parse(text)
    assert meaning is None or str(criteria) == meaning
    assert parse(str(criteria)) == criteria


@pytest.mark.parametrize("text", [None, "", " ", "\t\r\n "])
@pytest.mark.parametrize("strict", [False, True])
def test_nothing_asks_for_what_is_needed(text: str | None, *, strict: bool) -> None:
    assert parse(text, strict=strict) == parse("( IsInstalled = 0 and IsHidden = 0 )", strict=strict)
    assert parse(text) == parse(DEFAULT)


def test_each_group_gets_its_own_implied_action() -> None:
    groups = parse("IsInstalled=0 or DeploymentAction='Uninstallation' and IsHidden=1 or IsHidden=0").groups
    implied = Criterion("DeploymentAction", "=", "Installation")
    assert [implied in group for group in groups] == [True, False, True]
    assert groups[0] == (Criterion("IsInstalled", "=", 0), implied)
    assert groups[1] == (Criterion("DeploymentAction", "=", "Uninstallation"), Criterion("IsHidden", "=", 1))


def test_case_does_not_matter() -> None:
    assert parse("ISINSTALLED=0 AND type='SOFTWARE' Or categoryids CONTAINS 'AB'") == parse(
        "IsInstalled=0 and Type='Software' or CategoryIDs contains 'ab'"
    )
    assert parse("Name='ÄB'") == parse("name='Äb'")
    assert parse("Name='ä'") != parse("Name='Ä'")  # case means A to Z


def test_criteria_are_values() -> None:
    assert hash(parse("IsHidden=0")) == hash(parse(" ishidden = 0 "))
    assert parse("IsHidden=0") != parse("IsHidden=1")


@pytest.mark.parametrize(
    ("name", "operators", "values"),
    [
        ("Type", "= !=", "'Software' 'Driver'"),
        (
            "DeploymentAction",
            "=",
            "'Installation' 'Uninstallation' 'Detection' 'OptionalInstallation'",
        ),
        ("IsAssigned", "=", "0 1"),
        ("BrowseOnly", "=", "0 1"),
        ("AutoSelectOnWebSites", "=", "0 1"),
        ("UpdateID", "= !=", "'x' ''"),
        ("CategoryIDs", "contains", "'x' ''"),
        ("IsInstalled", "=", "0 1"),
        ("IsHidden", "=", "0 1"),
        ("IsPresent", "=", "0 1"),
        ("RebootRequired", "=", "0 1"),
        ("Name", "= != contains", "'x' ''"),
        ("Version", "= != contains", "'x' ''"),
        ("Architecture", "= != contains", "'x' ''"),
        ("Origin", "= != contains", "'x' ''"),
        ("IsSecurity", "=", "0 1"),
        ("IsDownloaded", "=", "0 1"),
        ("IsUninstallable", "=", "0 1"),
        ("IsMandatory", "=", "0 1"),
    ],
)
def test_operators_and_values_of_each_property(name: str, operators: str, values: str) -> None:
    strict = name in NATIVE
    every_value = ["0", "1", "2", "-1", "*", "x", "'x'", "''", "'Software'", "'Driver'", "'Installation'"]
    every_value += ["'Uninstallation'", "'Detection'", "'OptionalInstallation'", "'None'"]
    known = values.split()
    quoted = "'x'" in known
    for operator in ("=", "!=", "contains"):
        for value in every_value:
            text = f"{name} {operator} {value}"
            fits = value in known or (quoted and value.startswith("'"))
            if operator in operators.split() and fits:
                criterion = parse(text, strict=strict).groups[0][0]
                assert (criterion.property, criterion.operator) == (name, operator)
                assert (
                    str(criterion).removeprefix(name).replace(" ", "").lower() == (operator + value).lower()
                )
            else:
                with pytest.raises(CriteriaError):
                    parse(text, strict=strict)


def test_every_property_is_in_the_tests() -> None:
    assert NATIVE == [
        "Type",
        "DeploymentAction",
        "IsAssigned",
        "BrowseOnly",
        "AutoSelectOnWebSites",
        "UpdateID",
        "RevisionNumber",
        "CategoryIDs",
        "IsInstalled",
        "IsHidden",
        "IsPresent",
        "RebootRequired",
    ]
    assert OURS == [
        "Name",
        "Version",
        "Architecture",
        "Origin",
        "IsSecurity",
        "IsDownloaded",
        "IsUninstallable",
        "IsMandatory",
    ]
    assert all(row.meaning for row in PROPERTIES)


@pytest.mark.parametrize("name", OURS)
def test_strict_mode_knows_no_property_of_ours(name: str) -> None:
    value = "1" if name.startswith("Is") else "'x'"
    parse(f"{name}={value}")
    with pytest.raises(CriteriaError, match="column 17: expected a property of the documented language"):
        parse(f"IsHidden=0  and {name}={value}", strict=True)


def test_any_action_in_default_mode_only() -> None:
    assert parse("DeploymentAction=*").groups == ((Criterion("DeploymentAction", "=", None),),)
    for text, strict in (
        ("DeploymentAction=*", True),
        ("Type=*", False),
        ("IsHidden=*", False),
        ("Name=*", False),
    ):
        with pytest.raises(CriteriaError, match=rf"column {text.index('*') + 1}: .*found \*"):
            parse(text, strict=strict)
    with pytest.raises(CriteriaError):
        parse("DeploymentAction='*'")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1", 1),
        ("0", 0),
        ("-1", -1),
        ("2147483647", 2**31 - 1),
        ("-2147483648", -(2**31)),
        ("007", 7),
        ("0" * 31 + "1", 1),
    ],
)
def test_revisions(text: str, value: int) -> None:
    group = parse(f"UpdateID='a' and RevisionNumber={text}", strict=True).groups[0]
    assert group[1] == Criterion("RevisionNumber", "=", value)


@pytest.mark.parametrize("text", ["2147483648", "-2147483649", "0" * 32 + "1", "9" * 5000, "'1'", "x", "- 1"])
def test_revisions_of_32_bits(text: str) -> None:
    with pytest.raises(CriteriaError) as caught:
        parse(f"UpdateID='a' and RevisionNumber={text}")
    assert caught.value.column == 33


@pytest.mark.parametrize(
    "text",
    [
        "RevisionNumber=1",
        "UpdateID!='a' and RevisionNumber=1",
        "UpdateID='b' and UpdateID!='a' and RevisionNumber=1",
        "UpdateID='a' or RevisionNumber=1",
        "RevisionNumber=1 and IsHidden=0 or UpdateID='a'",
    ],
)
def test_a_revision_needs_its_update(text: str) -> None:
    with pytest.raises(CriteriaError, match="expected RevisionNumber only beside UpdateID=") as caught:
        parse(text)
    assert caught.value.column == text.index("RevisionNumber") + 1


def test_a_revision_may_come_first_and_updates_may_stand_alone() -> None:
    parse("RevisionNumber=1 and UpdateID='a'")
    parse("UpdateID='a' and RevisionNumber=1 or UpdateID!='b'")
    parse("UpdateID!='a' and UpdateID!='b'")


@pytest.mark.parametrize("flag", ["00", "01", "-0"])
def test_flags_are_numbers(flag: str) -> None:
    assert parse(f"IsHidden={flag}") == parse(f"IsHidden={int(flag)}")


@pytest.mark.parametrize(
    ("text", "strict_too"),
    [
        ("CategoryIDs contains'a'", True),
        ("Type!='Driver'", True),
        ("  IsHidden\t= \t0  ", True),
        ("IsHidden=0\r\nand IsInstalled=0", False),
        ("IsHidden=0 and\nIsInstalled=0", False),
    ],
)
def test_white_space(text: str, *, strict_too: bool) -> None:
    parse(text)
    if strict_too:
        parse(text, strict=True)
    else:
        with pytest.raises(CriteriaError):
            parse(text, strict=True)


@pytest.mark.parametrize(
    ("text", "groups"),
    [
        ("(IsHidden=0)", 1),
        ("((IsHidden=0))", 1),
        ("( ( IsHidden=0 ) and (IsInstalled=0))", 1),
        ("((IsHidden=0 and IsInstalled=0))", 1),
        ("((IsHidden=0)) and IsInstalled=0", 1),
        ("IsHidden=0 and ((IsInstalled=0))", 1),
        ("(IsHidden=1 and IsInstalled=1) or (IsHidden=0)", 2),
        ("(IsHidden=1)or(IsHidden=0)", 0),
        ("(IsHidden=1) or (IsHidden=0) or IsHidden=1 and (IsHidden=1)", 3),
    ],
)
def test_parentheses(text: str, groups: int) -> None:
    if groups:
        assert len(parse(text, strict=True).groups) == groups
        assert parse(text) == parse(text.replace("(", " ").replace(")", " "))
    else:
        with pytest.raises(CriteriaError):
            parse(text)


@pytest.mark.parametrize(
    ("quoted", "plain"),
    [
        ("", ""),
        ("a[']b", "a'b"),
        ("[[]", "["),
        ("[]]", "]"),
        ("[']", "'"),
        ("[[][']", "['"),
        ("[]", "[]"),
        ("[", "["),
        ("]", "]"),
        ("[[]]", "[]"),
        ("[a]", "[a]"),
    ],
)
def test_strings(quoted: str, plain: str) -> None:
    assert parse(f"Name='{quoted}'").groups[0][0] == Criterion("Name", "=", plain)
    assert str(parse(f"Name='{quoted}'").groups[0][0]) == f"Name='{escape_string(plain)}'"


def test_escape_string() -> None:
    assert escape_string("it's [a] ']\"\\%_*") == "it[']s [[]a[]] ['][]]\"\\%_*"


def test_how_criteria_are_written() -> None:
    assert str(Criterion("Name", "contains", "a")) == "Name contains 'a'"
    assert str(Criterion("Name", "!=", "a")) == "Name!='a'"
    assert str(Criterion("IsHidden", "=", 0)) == "IsHidden=0"
