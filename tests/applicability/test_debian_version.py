"""The order of versions, against dpkg and apt themselves."""

import itertools
import shutil
import sqlite3
import subprocess
from collections.abc import Callable, Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wua.applicability.debian_version import compare, sort_key

EDGES = [
    ("1.0", "1.0", 0),
    ("1.0", "1.0-0", 0),
    ("1.0-1", "1.0-1.0", -1),
    ("1.0", "0:1.0", 0),
    ("00:1", "0:1", 0),
    ("1:1", "2", 1),
    ("10:1", "9:1", 1),
    ("1.", "1.0", 0),
    ("1.01", "1.1", 0),
    ("1.00", "1.0", 0),
    ("0", "00", 0),
    ("1", "1~", 1),
    ("1~", "1~~", 1),
    ("1~", "1~a", -1),
    ("1~rc1", "1", -1),
    ("1~~", "1~~a", -1),
    ("1a", "1", 1),
    ("1a", "1+", -1),
    ("1a", "1Z", 1),
    ("1Z", "1a", -1),
    ("1+", "1.", -1),
    ("1-", "1", None),  # dpkg refuses it
    ("1-1-1", "1-2", 1),
    ("1-1-1", "1-1-2", -1),
    ("1-1", "1-1~bpo12+1", 1),
    ("1-1+b1", "1-1", 1),
    ("1-1+deb12u1", "1-1+deb12u10", -1),
    ("1-1+deb12u2", "1-1+deb12u10", -1),
    ("9", "10", -1),
    ("19", "110", -1),
    ("1.9", "1.10", -1),
    ("1.2.3", "1.2", 1),
    ("1.2a", "1.2.3", -1),
    ("99999999999999999999", "100000000000000000000", -1),
    ("20240101", "1:1", -1),
    ("1.0:1", "1.0", None),  # an epoch is a number
    ("0a", "0", 1),
    ("0a1", "0a01", 0),
    ("1.0a0", "1.0a", 0),
    ("1:2:3", "1:2:4", -1),
    ("0.0", "0", 1),
    ("2.0-1", "2.0a-1", -1),
    ("2.0-1", "2.0.-1", -1),
]


@pytest.mark.parametrize(("one", "other", "order"), [edge for edge in EDGES if edge[2] is not None])
def test_edges(one: str, other: str, order: int) -> None:
    assert compare(one, other) == order
    assert compare(other, one) == -order
    assert compare(one, one) == 0


@pytest.mark.skipif(shutil.which("dpkg") is None, reason="dpkg is not installed")
def test_dpkg_says_the_same_of_the_edges() -> None:
    words = {-1: "lt", 0: "eq", 1: "gt"}
    for one, other, order in EDGES:
        if order is not None:
            argv = ["dpkg", "--compare-versions", one, words[order], other]
            assert subprocess.run(argv, check=False).returncode == 0, argv


SPEAKER = """
import sys, apt_pkg
apt_pkg.init_system()
for line in sys.stdin:
    print(apt_pkg.version_compare(*line.split()), flush=True)
"""


@pytest.fixture(scope="module")
def apt() -> Iterator[Callable[[str, str], int]]:
    """apt's own comparison, in a child that answers line by line."""
    argv = ["/usr/bin/python3", "-I", "-c", SPEAKER]
    probe = [*argv[:-1], "import apt_pkg"]
    try:
        if subprocess.run(probe, capture_output=True, check=False).returncode:
            pytest.skip("python3-apt is not installed")
    except FileNotFoundError:
        pytest.skip("no /usr/bin/python3")
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        stdin, stdout = child.stdin, child.stdout
        assert stdin
        assert stdout

        def ask(one: str, other: str) -> int:
            stdin.write(f"{one} {other}\n")
            stdin.flush()
            return int(stdout.readline())

        yield ask
        stdin.close()


NUMBERS = st.sampled_from(["0", "00", "1", "01", "2", "9", "10", "100", "4294967296"])
WORDS = st.sampled_from(
    ["", ".", "~", "~~", "+", "a", "rc", "Z", "~rc", "+b", "+deb12u", "~bpo", "-", "a.b", "z~"]
)
UPSTREAM = st.lists(st.tuples(NUMBERS, WORDS), min_size=1, max_size=4).map(
    lambda pairs: "".join(itertools.chain(*pairs)).strip("-")
)
REVISION = st.lists(st.tuples(WORDS, NUMBERS), max_size=3).map(
    lambda pairs: "".join(itertools.chain(*pairs)).replace("-", "")
)
EPOCH = st.sampled_from(["", "", "0:", "1:", "10:"])


@st.composite
def versions(draw: st.DrawFn) -> str:
    revision = draw(REVISION)
    return draw(EPOCH) + draw(UPSTREAM) + (f"-{revision}" if revision else "")


@given(st.lists(versions(), min_size=2, max_size=12))
def test_apt_says_the_same(apt: Callable[[str, str], int], found: list[str]) -> None:
    for one, other in itertools.combinations(found, 2):
        answer = apt(one, other)
        assert compare(one, other) == (answer > 0) - (answer < 0), (one, other)


@given(st.lists(versions(), max_size=20))
def test_keys_sort_the_same_in_sqlite(found: list[str]) -> None:
    with sqlite3.connect(":memory:") as db:
        db.execute("CREATE TABLE v (key TEXT)")
        db.executemany("INSERT INTO v VALUES (?)", [(sort_key(version),) for version in found])
        stored = [row[0] for row in db.execute("SELECT key FROM v ORDER BY key")]
    db.close()
    assert stored == sorted(map(sort_key, found))


def test_any_text_has_a_key() -> None:
    for text in ("", "-", ":", "a:b-c", "é", "1" * 10_000):
        assert compare(text, text) == 0
    assert compare("1" * 10_000, "2" * 9_999) == 1
