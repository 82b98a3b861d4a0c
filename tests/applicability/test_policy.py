"""apt_preferences(5) as pure rules; tests/contract compares them with apt itself."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.applicability.archives import STATUS, Archive, Selector
from wua.applicability.debian_version import compare
from wua.applicability.expressions import CannotEvaluate, expression, is_pattern
from wua.applicability.policy import Choice, Known, Policy, release_exists
from wua.applicability.preferences import NEVER, Broken, Pin, read_pins

STABLE = Archive("deb.example", "stable", "bookworm", "12.5", "Debian", "Debian", "main", "amd64")
BACKPORTS = Archive("deb.example", "backports", "bpo", "", "Debian", "Backports", "main", "amd64", True, True)
RARE = Archive("", "experimental", not_automatic=True)
ARCHIVES = (STABLE, BACKPORTS, RARE, STATUS)


def policy(*pins: Pin, default_release: str = "") -> Policy:
    return Policy(ARCHIVES, pins, native="amd64", default_release=default_release)


def pin(name: str, what: str, priority: int) -> Pin:
    kind, _, data = what.partition(" ")
    return Pin(name, kind, data, priority, "preferences:1")


def chosen(rules: Policy, *versions: Known, current: str = "", name: str = "a") -> str:
    choice = rules.candidate(name, "amd64", versions, current)
    return choice.version if choice is not None else ""


def test_priorities_without_preferences() -> None:
    assert policy().priorities == (500, 100, 1, 100)


def test_the_default_release_goes_before_general_pins() -> None:
    pins = (pin("", "release a=stable", 200), pin("", "release *", 300))
    assert policy(*pins, default_release="stable").priorities == (990, 300, 300, 300)


def test_never_goes_before_everything() -> None:
    pins = (pin("", "release a=stable", 700), pin("", "origin deb.example", NEVER))
    assert policy(*pins, default_release="stable").priorities[:2] == (NEVER, NEVER)


def test_the_first_matching_pin_counts() -> None:
    pins = (pin("a", "version 1", 50), pin("a", "version *", 600))
    found = policy(*pins).candidate("a", "amd64", [Known("1", (0,)), Known("2", (1,))])
    assert found == Choice(1, "2", 600, pins[1])


@pytest.mark.parametrize(
    ("current", "expected"), [("", "1"), ("0.9", "1"), ("1", "1"), ("1.5", "1.5"), ("2", "2"), ("3", "3")]
)
def test_backports_are_only_for_who_has_them(current: str, expected: str) -> None:
    versions = [Known("1", (0,)), Known("2", (1,))]
    versions += [] if current in ("", "1", "2") else [Known(current, (3,))]
    versions = [
        each._replace(files=(*each.files, 3)) if each.version == current else each for each in versions
    ]
    expected = "2" if current == "1.5" else expected
    assert chosen(policy(), *versions, current=current) == expected


def test_going_back_needs_a_priority_of_1000() -> None:
    versions = (Known("1", (0,)), Known("2", (3,)))
    assert chosen(policy(pin("a", "version 1", 999)), *versions, current="2") == "2"
    assert chosen(policy(pin("a", "version 1", 1000)), *versions, current="2") == "1"


def test_zero_and_less_is_no_candidate() -> None:
    assert chosen(policy(pin("a", "version 1", -1)), Known("1", (0,))) == ""
    assert policy(pin("a", "version 1", -1)).candidate("a", "amd64", []) is None


def test_a_removed_packages_own_record_is_no_candidate() -> None:
    assert chosen(policy(), Known("1", (3,))) == ""


def test_the_ceiling_of_phased_versions() -> None:
    versions = (Known("2", (0,), phased=10), Known("1", (0, 3)))
    assert policy().candidate("a", "amd64", versions, "1", lambda known: known.phased < 100) == Choice(
        1, "1", 500
    )


@pytest.mark.parametrize(
    ("name", "package", "architecture", "matches"),
    [
        ("a", "a", "amd64", True),
        ("a", "A", "amd64", False),
        ("a", "a", "i386", False),
        ("a:any", "a", "i386", True),
        ("a:i386", "a", "i386", True),
        ("a:i386", "a", "amd64", False),
        ("a:native", "a", "amd64", True),
        ("a*", "abc", "amd64", True),
        ("A*", "abc", "amd64", True),
        ("?b[cd]", "abd", "amd64", True),
        ("[!a]b", "ab", "amd64", False),
        ("/^a|c$/", "xc", "amd64", True),
        ("/^a|c$/", "xd", "amd64", False),
        ("src:s", "a", "amd64", True),
        ("src:s", "s", "amd64", False),
        ("src:/^S/:any", "a", "i386", True),
    ],
)
def test_package_words(name: str, package: str, architecture: str, matches: bool) -> None:
    rules = policy(pin(name, "version *", 7))
    known = Known("1", (0,), source="" if package == "s" else "s")
    known = known._replace(source="other") if package == "s" else known
    priority, _ = rules.priority(package, architecture, known, current=False)
    assert (priority == 7) is matches


@pytest.mark.parametrize(
    ("what", "matches"),
    [
        ("release *", True),
        ("release stable", True),
        ("release bookworm", True),
        ("release STABLE", True),
        ("release sta*", True),
        ("release /^b/", True),
        ("release testing", False),
        ("release 12", False),
        ("release 12.5", True),
        ("release 12*", True),
        ("release v=12.*", True),
        ("release a=stable, v=12.5", True),
        ("release a=stable,v=13", False),
        ("release a=testing,a=stable", True),  # of two of a kind the last counts
        ("release o=Debian,l=Debian,c=main,b=amd64,n=bookworm", True),
        ("release c=contrib", False),
        ("origin deb.example", True),
        ('origin "deb.example"', True),
        ("origin *.example", True),
        ('origin ""', False),
        ("version 1", False),
    ],
)
def test_selectors_of_archives(what: str, matches: bool) -> None:
    kind, _, data = what.partition(" ")
    assert Selector(kind, data).matches(STABLE) is matches


def test_the_empty_origin_is_a_local_folder_and_not_the_status_file() -> None:
    selector = Selector("origin", '""')
    assert [selector.matches(each) for each in (RARE, STATUS)] == [True, False]
    assert Selector("release", "a=now").matches(STATUS)


@pytest.mark.parametrize(
    "pattern",
    [
        "/[[:alpha:]]/",
        "/a{x}/",
        "/(/",
        "/\\bword/",
        "/a**/",
        "/(?i)a/",
        "a\\*b",
        "[[:digit:]]",
        "/*a/",
        "/a||b/",
    ],
)
def test_what_only_apt_understands_is_refused(pattern: str) -> None:
    with pytest.raises(CannotEvaluate):
        expression(pattern)


@pytest.mark.parametrize(
    ("pattern", "text", "matches"),
    [
        ("plain", "PLAIN", True),
        ("a.c", "abc", False),
        ("/a.c/", "xabcx", True),
        ("/^(a|b)+\\.[0-9]{1,2}$/", "abab.12", True),
        ("/[^x]y/", "xy", False),
        ("[^x]y", "xy", False),
        ("*", "", True),
    ],
)
def test_expressions(pattern: str, text: str, matches: bool) -> None:
    assert bool(expression(pattern)(text)) is matches


def test_patterns_are_known_by_their_marks() -> None:
    assert [is_pattern(word) for word in ("a", "a*", "a?", "[a]", "/a/", "/", "a/b")] == [False] + [
        True
    ] * 4 + [False] * 2


def test_pin_records() -> None:
    records = [
        ("p", 1, {"Package": "a b", "Pin": "version 1", "Pin-Priority": "5"}),
        ("p", 5, {"package": "*", "pin": 'origin ""', "pin-priority": "never"}),
        ("p", 9, {"Package": "*", "Pin": "version 1", "Pin-Priority": "5"}),  # apt knows no such thing
        ("p", 12, {"Package": "c", "Pin": "oddity 1", "Pin-Priority": "5"}),
        ("p", 15, {"Package": "c", "Pin": "version 1", "Pin-Priority": "0"}),
        ("p", 18, {"Package": "c", "Pin": "version 1"}),
    ]
    assert list(read_pins(records)) == [
        Pin("a", "version", "1", 5, "p:1"),
        Pin("b", "version", "1", 5, "p:1"),
        Pin("", "origin", '""', NEVER, "p:5"),
    ]


@pytest.mark.parametrize(
    "fields",
    [
        {"Pin": "version 1", "Pin-Priority": "5"},
        {"Package": "a", "Pin": "version 1", "Pin-Priority": "never"},
        {"Package": "a", "Pin": "version 1", "Pin-Priority": "40000"},
    ],
)
def test_records_that_apt_refuses(fields: dict[str, str]) -> None:
    with pytest.raises(Broken):
        list(read_pins([("file", 1, fields)]))


def test_release_exists() -> None:
    assert release_exists("stable", ARCHIVES)
    assert release_exists("12.5", ARCHIVES)
    assert release_exists("a=anything", ())
    assert not release_exists("potato", ARCHIVES)


versions = st.lists(
    st.tuples(st.sampled_from(["1", "2", "3", "1.5", "2~x"]), st.sampled_from([(0,), (1,), (2,), (0, 1)])),
    max_size=6,
    unique_by=lambda pair: pair[0],
)


@given(versions, st.integers(-2, 1100).filter(bool))
def test_the_candidate_is_never_worse_than_another(
    known: list[tuple[str, tuple[int, ...]]], priority: int
) -> None:
    rules = policy(pin("a", "version 2*", priority))
    listed = [Known(version, files) for version, files in known]
    choice = rules.candidate("a", "amd64", listed)
    ranks = {each.version: rules.priority("a", "amd64", each, current=False)[0] for each in listed}
    good = [version for version, rank in ranks.items() if rank > 0]
    if choice is None:
        assert not good
        return
    assert choice.priority == max(ranks[version] for version in good)
    assert not any(
        compare(version, choice.version) > 0 for version in good if ranks[version] == choice.priority
    )
