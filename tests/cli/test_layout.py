"""Tables, plans, words and times, apart from any machine."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.cli import plan_view, words
from wua.cli.screen import Screen, cells, cut
from wua.cli.table import Cell, Column, facts, table
from wua.cli.types import moment_of, seconds_of
from wua.model.plans import Change, LeftOut, Operation, Plan, PlanItem, PlanRequest
from wua.model.updates import UpdateId

COLUMNS = (
    Column("PACKAGE", least=10),
    Column("FROM", least=6, drop=2, middle=True),
    Column("SIZE", right=True, drop=1),
    Column("WHY", least=8, wrap=True),
)
WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=40)
ROWS = st.lists(st.tuples(WORDS, WORDS, WORDS.map(lambda text: text[:9]), WORDS), max_size=5)


@given(ROWS, st.integers(40, 220))
def test_no_line_of_a_table_is_wider_than_the_screen(rows: list[tuple[str, ...]], width: int) -> None:
    for line in table(Screen(width, colour=False), COLUMNS, rows):
        assert cells(line) <= width
        assert line.isprintable()


@given(ROWS)
def test_in_a_pipe_nothing_is_cut(rows: list[tuple[str, ...]]) -> None:
    text = "\n".join(table(Screen(None, colour=False), COLUMNS, rows))
    for row in rows:
        for value in row:
            assert words.clean(value).rstrip() in text


@given(WORDS, st.integers(0, 60), st.booleans())
def test_a_cut_text_fits(text: str, width: int, middle: bool) -> None:
    assert cells(cut(text, width, middle=middle)) <= width or cells(text) <= width


@given(WORDS, st.integers(40, 120))
def test_wrapped_text_loses_nothing(text: str, width: int) -> None:
    lines = list(Screen(width, colour=False).wrap(text, "    ", "  - "))
    assert "".join("".join(line[4:] for line in lines).split()) == "".join(text.split())
    assert all(cells(line) <= max(width, 20) for line in lines)


def test_columns_are_dropped_before_names_become_unreadable() -> None:
    rows = [("a-package-with-a-long-name", "1.2.3-4~deb12u5", "12.3 MB", "needed by something-else")]
    wide = list(table(Screen(100, colour=False), COLUMNS, rows))
    assert wide[1].split()[:3] == ["a-package-with-a-long-name", "1.2.3-4~deb12u5", "12.3"]
    narrow = list(table(Screen(34, colour=False), COLUMNS, rows))
    assert "SIZE" not in narrow[0]
    assert narrow[1].startswith("  a-packag")


def test_colour_changes_no_width() -> None:
    rows = [(Cell("name", "name"), Cell("1.0", "bad"), "1 B", Cell("why", "careful"))]
    plain = list(table(Screen(60, colour=False), COLUMNS, rows))
    painted = list(table(Screen(60, colour=True), COLUMNS, rows))
    import click

    assert [click.unstyle(line).rstrip() for line in painted] == plain


def test_facts_are_aligned_and_empty_ones_left_out() -> None:
    lines = list(facts(Screen(80, colour=False), [("A", "x"), ("Nothing", ""), ("Longer", "y")]))
    assert lines == ["  A       x", "  Longer  y"]


def item(name: str, change: Change, before: str, after: str, **more: object) -> PlanItem:
    settings: dict[str, object] = {"requested": True, "reason": "requested", **more}
    return PlanItem(UpdateId(name), name, "amd64", change, before, after, **settings)  # type: ignore[arg-type]


PLAN = Plan(
    PlanRequest(Operation.INSTALL),
    "this host",
    "",
    0.0,
    (
        item("telnet", Change.REMOVE, "0.17", "", requested=False, reason="conflicts with inetutils"),
        item("libssl3", Change.UPGRADE, "3.0.11", "3.0.13", size=2_000_000),
        item("libc6", Change.DOWNGRADE, "2.36-9", "2.36-8", essential=True),
        item("libnew", Change.INSTALL, "", "1.0", requested=False, reason="needed by libssl3"),
    ),
    download_bytes=2_000_000,
    disk_bytes=-5_000_000,
    left_out=(LeftOut("firefox", "held by dpkg"),),
    restart="changes libc6",
    warnings=("the lists are old",),
)


@pytest.mark.parametrize("width", [60, 80, 200, None])
def test_a_plan_shows_all_that_matters(width: int | None) -> None:
    security = frozenset({UpdateId("libssl3")})
    around = plan_view.Surroundings("amd64", security)
    lines = list(plan_view.render(Screen(width, colour=False), PLAN, around))
    text = " ".join(" ".join(lines).split())
    assert lines[0] == "Upgrade 1, install 1, downgrade 1, remove 1 on this host"
    for part in (
        "needed by libssl3",
        "conflicts with inetutils",
        "essential",
        "security",
        "firefox held by dpkg",
        "Warning: the lists are old",
        "2.0 MB to download, 5.0 MB less on disk.",
        "--conffiles keep",
        "A restart is likely: changes libc6.",
    ):
        assert part in text
    headings = [line for line in lines if line in ("Upgrade", "Install", "Downgrade", "Remove")]
    assert headings == ["Upgrade", "Install", "Downgrade", "Remove"]
    assert width is None or max(map(cells, lines)) <= width


def test_a_foreign_architecture_is_named() -> None:
    lines = plan_view.render(Screen(None, colour=False), PLAN, plan_view.Surroundings("i386"))
    assert any("libssl3:amd64" in line for line in lines)


@pytest.mark.parametrize(
    ("number", "text"),
    [(0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (99_949, "99.9 kB"), (1_234_567, "1.2 MB"),
     (999_500, "1.0 MB"), (123_456_789, "123 MB"), (-5_000, "-5.0 kB"), (5e15, "5000 TB")],
)  # fmt: skip
def test_sizes(number: float, text: str) -> None:
    assert words.size(number) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (12.3, "12 s"),
        (60, "1 min"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_durations_are_shown(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("5m", 300), ("5min", 300), ("1h30m", 5400), ("1d", 86400), ("0.5", 0.5),
     ("", None), ("x", None), ("5x", None), ("1h30", None), ("-5", None)],
)  # fmt: skip
def test_durations_are_read(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == seconds


def local(*parts: int) -> float:
    return datetime(*parts).astimezone().timestamp()  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("22:30", local(2031, 1, 5, 22, 30)),
        ("08:00", local(2031, 1, 6, 8, 0)),
        ("12:00", local(2031, 1, 6, 12, 0)),
        ("2031-02-01 03:00", local(2031, 2, 1, 3, 0)),
        ("+2h", local(2031, 1, 5, 14, 0)),
        ("25:00", None),
        ("soon", None),
        ("+soon", None),
    ],
)
def test_moments_are_read(text: str, moment: float | None) -> None:
    assert moment_of(text, local(2031, 1, 5, 12, 0)) == moment


def test_a_moment_of_today_is_a_time_and_any_other_a_date() -> None:
    now = local(2031, 1, 5, 12, 0)
    assert words.moment(local(2031, 1, 5, 8, 15), now) == "08:15"
    assert words.moment(local(2030, 12, 31, 8, 15), now) == "2030-12-31"


@pytest.mark.parametrize(
    ("names", "text"),
    [((), ""), (("a",), "a"), (("a", "b", "c", "d"), "a, b, c, d"), (tuple("abcdef"), "a, b, c and 3 more")],
)
def test_lists_of_names(names: tuple[str, ...], text: str) -> None:
    assert words.some(names) == text
