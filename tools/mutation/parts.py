"""What can be mutated: a part of the program and the fast tests that answer for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final


@dataclass(frozen=True)
class Part:
    """``sources`` and ``without`` are globs from the root of the project, ``tests`` are paths.

    ``only`` chooses among the tests by their names, as pytest's ``-k`` does.
    """

    sources: Sequence[str]
    tests: Sequence[str]
    without: Sequence[str] = ()
    only: str = ""

    def files(self, root: Path) -> list[Path]:
        left_out = {path for pattern in self.without for path in root.glob(pattern)}
        return sorted({path for pattern in self.sources for path in root.glob(pattern)} - left_out)

    def test_paths(self, root: Path) -> list[str]:
        return [str(root / path) for path in self.tests if (root / path).exists()]


_MACHINE: Final = ("runner", "job_runs", "runs", "results", "progress", "host", "deliveries", "locking")
# Those that need no other process of wua's: a mutant in memory is not seen by one.
_ENGINE_TESTS: Final = (
    *("results", "progress", "runner", "waiting"),
    *("job_runs", "host", "timeouts", "deliveries"),
)

PARTS: Final[dict[str, Part]] = {
    "model": Part(
        ("src/wua/model/*.py",),
        ("tests/model", "tests/quality/test_generated.py"),
        # Generated tables, and prose: a test compares each with its source or its page, line by line.
        (
            "src/wua/model/codes.py",
            "src/wua/model/code_meanings.py",
            "src/wua/model/advice.py",
        ),
    ),
    "criteria": Part(("src/wua/criteria/*.py",), ("tests/criteria",)),
    # The job machine: the table, what takes a job through it, and what it is kept in. Its callers (agent,
    # link, rehearsal) and what runs in a process of its own (supervisor) are not in it; nor is the catalogue.
    "jobs": Part(
        (
            "src/wua/model/states.py",
            *(f"src/wua/engine/{name}.py" for name in _MACHINE),
            *(f"src/wua/store/{name}.py" for name in ("state", "records", "rebuilding")),
        ),
        (
            *("tests/model/test_states.py", "tests/quality/test_generated.py"),
            *(f"tests/engine/test_{name}.py" for name in _ENGINE_TESTS),
            *(f"tests/store/test_{name}.py" for name in ("state", "records")),
        ),
    ),
    "versions": Part(
        ("src/wua/applicability/debian_version.py",), ("tests/applicability/test_debian_version.py",)
    ),
    # One agent is enough, and neither the pages' own tests nor those of restarts and of many jobs are fast.
    "wuapi": Part(
        ("src/wua/wuapi/*.py",),
        ("tests/wuapi",),
        ("src/wua/wuapi/table.py",),  # generated
        "not (loopback or native or test_proofs or test_many_jobs or test_restarted_program)",
    ),
}
