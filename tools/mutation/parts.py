"""What can be mutated: a part of the program and the fast tests that answer for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Part:
    """``sources`` and ``without`` are globs from the root of the project, ``tests`` are paths."""

    sources: Sequence[str]
    tests: Sequence[str]
    without: Sequence[str] = ()

    def files(self, root: Path) -> list[Path]:
        left_out = {path for pattern in self.without for path in root.glob(pattern)}
        return sorted({path for pattern in self.sources for path in root.glob(pattern)} - left_out)

    def test_paths(self, root: Path) -> list[str]:
        return [str(root / path) for path in self.tests if (root / path).exists()]


PARTS: Final[dict[str, Part]] = {
    "model": Part(
        ("src/wua/model/*.py",),
        ("tests/model", "tests/quality/test_generated.py"),
        # Generated tables, and prose: a test compares each with its source or its page, line by line.
        (
            "src/wua/model/codes.py",
            "src/wua/model/code_meanings.py",
            "src/wua/model/advice.py",
            "src/wua/model/explanations.py",
        ),
    ),
    "criteria": Part(("src/wua/criteria/*.py",), ("tests/criteria",)),
    "jobs": Part(
        ("src/wua/model/states.py", "src/wua/engine/*.py", "src/wua/store/*.py"),
        ("tests/jobs", "tests/engine", "tests/store"),
        # These run in processes of their own, which a mutant in memory does not reach.
        ("src/wua/engine/__main__.py", "src/wua/engine/host.py", "src/wua/engine/supervisor.py"),
    ),
    "versions": Part(
        ("src/wua/applicability/debian_version.py",), ("tests/applicability/test_debian_version.py",)
    ),
    "wuapi": Part(("src/wua/wuapi/*.py",), ("tests/wuapi",), ("src/wua/wuapi/table.py",)),  # generated
}
