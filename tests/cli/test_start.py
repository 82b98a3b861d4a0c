"""What a quick question must not load."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.support.cli_world import Desk


def loaded(env: Mapping[str, str], *words: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "wua", *words],
        env=env,
        capture_output=True,
        text=True,
        check=True,
    )
    return {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}


@pytest.mark.parametrize(
    ("words", "unwanted"),
    [
        (("--version",), {"click", "msgspec", "wua.cli.main", "wua.model.struct"}),
        (("--help",), {"rich", "wua.api.agent", "wua.model.jobs", "wua.cli.verbs.search", "sqlite3"}),
        (("explain", "0x80240016"), {"rich", "wua.api.agent", "sqlite3", "asyncio"}),
        (
            ("jobs",),
            {"click", "rich", "asyncio", "wua.model.code_meanings", "wua.cli.live", "wua.cli.verbs.search"},
        ),
        (("search",), {"rich", "asyncio", "wua.model.code_meanings", "wua.cli.live"}),
    ],
)
def test_little_is_loaded(desk: Desk, words: tuple[str, ...], unwanted: set[str]) -> None:
    assert not loaded(desk.env(), *words) & unwanted


def test_the_jobs_of_this_machine_need_no_other_program(tmp_path: Path) -> None:
    env = os.environ | {"WUA_STATE": str(tmp_path)}
    assert not loaded(env, "jobs") & {"subprocess", "json", "hashlib", "traceback", "wua.services.apt"}


def test_the_quick_way_to_the_jobs_says_what_the_ordinary_one_does(desk: Desk) -> None:
    assert desk.program("jobs").out == desk.program("jobs", "--color", "auto").out == "No jobs.\n"
    desk.here("install", "editor", "-y")
    quick, ordinary = desk.program("jobs"), desk.program("jobs", "-n", "20")
    assert quick == ordinary
    assert "editor" in quick.out


def test_the_quick_way_leaves_trouble_to_the_ordinary_one(desk: Desk) -> None:
    absent = str(desk.root / "absent")
    ran = desk.program("jobs", WUA_TARGET=absent)
    assert ran.code == 1
    assert ran.err.count(f"{absent} does not exist") == 1
