"""Ten thousand jobs of one native program, each with callbacks: nothing is left, nothing grows."""

import gc
import os
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from support.wine_world import CLIENTS, Wine, needs_wine
from support.wuapi_world import InThread, opened
from wua.com.program import Connected
from wua.com.server import ComServer
from wua.testing.machine import SimulatedUpdate

pytestmark = [needs_wine, pytest.mark.wine, pytest.mark.slow, pytest.mark.timeout(900)]
ROUNDS = (2_000, 8_000)  # jobs; the first round fills pools and caches
INSTALLATIONS = 25  # one job of so many, as leak.cpp has it


class Held(NamedTuple):
    """What the server, which is this process, holds while the program has nothing under way."""

    handed_out: int
    objects: int
    threads: int
    files: int


def held(program: Connected) -> Held:
    gc.collect()
    files = len(os.listdir("/proc/self/fd"))
    return Held(len(program.objects), len(gc.get_objects()), threading.active_count(), files)


def told(rounds: int) -> str:
    """What the program says after its first rounds."""
    installations = sum(jobs // INSTALLATIONS for jobs in ROUNDS[:rounds])
    searches = sum(ROUNDS[:rounds]) - installations
    return f"searches {searches} installations {installations} missed 0 references 0"


def test_ten_thousand_jobs(wine: Wine, short_dir: Path) -> None:
    programs: list[Connected] = []
    measured: list[Held] = []
    flag = wine.drive / "measure"
    flag.unlink(missing_ok=True)
    with opened(short_dir / "machine", None) as world:
        world.set(SimulatedUpdate("editor", "2.0"))
        server = ComServer(world.agent, wine.folder, programs.append)
        words = (wine.compiled(CLIENTS / "leak.cpp"), *map(str, ROUNDS))
        running = InThread(lambda: wine.run(*words, timeout=600).lines)
        while not running.done:
            if flag.exists():
                measured.append(held(programs[0]))
                flag.unlink()
            threading.Event().wait(0.01)
        lines = running.result()
        assert programs[0].wait(30)
        server.close()
        world.close()
    first, first_process, last, last_process, left = lines
    assert (first, last, left) == (told(1), told(2), "left 0")
    assert programs[0].unreleased == 0
    assert len(programs[0].objects) == 0
    before, after = measured
    assert after.handed_out == before.handed_out
    print(before, after, first_process, last_process)
