"""The mutation tester on a small project whose survivors are known."""

import subprocess
import sys
from pathlib import Path

import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"

SOURCE = '''"""A small module."""

LIMIT = 3


def _names(count):
    return [f"n{number}" for number in range(count)]


NAMES = _names(2)


class Box:
    """Holds up to LIMIT things."""

    def __init__(self):
        self.held = []

    def full(self) -> bool:
        return len(self.held) >= LIMIT

    def put(self, thing):
        if self.full():
            raise ValueError("full")
        self.held.append(thing)


def never_called():
    return 1


def drain(count):
    while count > 0:
        count -= 1
    return count
'''

TESTS = """
import pytest
from toy.box import Box, NAMES, drain

@pytest.fixture(scope="module")
def filled():
    box = Box()
    for each in "abc":
        box.put(each)
    return box

def test_filled(filled):
    assert filled.held == ["a", "b", "c"]

def test_full(filled):
    with pytest.raises(ValueError, match="full"):
        filled.put("d")

def test_names():
    assert NAMES == ["n0", "n1"]

def test_drain():
    assert drain(2) == 0
"""

DRIVER = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from mutation import runner
from mutation.parts import Part
root = Path(sys.argv[1])
part = Part(("src/toy/*.py",), ("tests",))
runner.SPARE = 1.0
found = runner.mutants(part.files(root))
assert runner.sample(found, 3, 7) == runner.sample(found, 3, 7) != runner.sample(found, 3, 8)
assert len(runner.sample(found, 10_000, 1)) == len(found)
with runner.prepared(root):
    try:
        coverage = runner.baseline(part, root)
    except runner.BaselineError as failed:
        sys.exit(f"baseline: {failed}")
    for verdict in runner.judge(root, found, coverage):
        mutant = verdict.mutant
        print(f"{mutant.line} {mutant.before} -> {mutant.after}: {verdict.fate.value}")
"""


@pytest.fixture
def toy(tmp_path: Path) -> Path:
    for name, text in (("src/toy/__init__.py", ""), ("src/toy/box.py", SOURCE), ("tests/test_box.py", TESTS)):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


def drive(root: Path) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-c", DRIVER, str(root), str(TOOLS)]
    return subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)


@pytest.mark.slow
def test_known_survivors(toy: Path) -> None:
    before = sorted(toy.rglob("*"))
    done = drive(toy)
    assert done.returncode == 0, done.stderr
    fates = dict(line.rsplit(": ", 1) for line in done.stdout.splitlines())
    assert fates["3 3 -> 4"] == "killed"
    assert fates["7 return [f'n{number}' for number in range(count)] -> return None"] == "killed"
    assert fates["20 len(self.held) >= LIMIT -> len(self.held) > LIMIT"] == "killed"
    assert fates["24 'full' -> ''"] == "killed"
    assert fates["24 'full' -> 'fullXX'"] == "survived"
    assert fates["25 self.held.append(thing) -> pass"] == "killed"
    assert fates["29 1 -> 2"] == "no test calls it"
    assert fates["33 count > 0 -> count >= 0"] == "killed"
    assert fates["34 count -= 1 -> count += 1"] == "timed out"
    survived = {line for line, fate in fates.items() if fate == "survived"}
    assert survived == {"24 'full' -> 'fullXX'", "34 1 -> 2"}
    assert sorted(toy.rglob("*")) == before


def test_failing_tests_are_said(toy: Path) -> None:
    (toy / "tests/test_box.py").write_text("def test_no():\n    assert 1 == 2\n")
    done = drive(toy)
    assert done.returncode == 1
    assert done.stderr.startswith("baseline: ")
    assert "assert 1 == 2" in done.stderr


OWN = """
import sys
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from mutation import runner
from mutation.parts import PARTS
part, root = PARTS["versions"], Path(sys.argv[1])
found = [each for each in runner.mutants(part.files(root)) if each.after == "return None"]
chosen = runner.sample(found, 3, 1)
with runner.prepared(root):
    coverage = runner.baseline(part, root)
    print(*(verdict.fate.value for verdict in runner.judge(root, chosen, coverage)), sep=", ")
"""


@pytest.mark.slow
def test_mutants_of_this_project_are_what_is_tested() -> None:
    """pytest loads a plug-in of this project, and has a finder of its own for all modules of such a one."""
    argv = [sys.executable, "-c", OWN, str(TOOLS.parent), str(TOOLS)]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=100, check=False)
    assert (done.stdout, done.stderr) == ("killed, killed, killed\n", "")
