"""Ten thousand jobs of one native program, each with callbacks: nothing is left, nothing grows."""

import gc
import os
import threading
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.wine_world import CLIENTS, Wine, needs_wine
from tests.support.wuapi_world import LONG, opened

from wua.com.program import Connected
from wua.com.server import ComServer
from wua.testing.machine import SimulatedUpdate

pytestmark = [needs_wine, pytest.mark.wine, pytest.mark.slow, pytest.mark.timeout(900)]
ROUNDS = (2_000, 8_000)
INSTALLATIONS = 25  # one job of so many, as leak.cpp has it


class Held(NamedTuple):
    """What server and program hold while the program has nothing under way. The server is this process."""

    handed_out: int
    objects: int
    threads: int
    files: int
    program_threads: int
    program_kilobytes: int


def held(connected: Connected, pid: int) -> Held:
    gc.collect()
    lines = (line.split() for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    program = {words[0]: words[1] for words in lines if words[1:]}
    return Held(
        len(connected.objects),
        len(gc.get_objects()),
        threading.active_count(),
        len(os.listdir("/proc/self/fd")),
        int(program["Threads:"]),
        int(program["RssAnon:"]),
    )


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
        with wine.begin(*words) as program:
            while program.poll() is None:
                if flag.exists():
                    measured.append(held(programs[0], program.pid))
                    flag.unlink()
                threading.Event().wait(0.01)
            assert program.stdout is not None
            lines = program.stdout.read().decode().splitlines()
        assert programs[0].wait(LONG)
        server.close()
        world.close()
    first, handles, last, more_handles, left = lines
    assert (first, last, left) == (told(1), told(2), "left 0")
    assert (programs[0].unreleased, len(programs[0].objects)) == (0, 0)
    before, after = measured
    assert after.handed_out == before.handed_out
    assert after.objects < before.objects + 1_000
    assert after.threads < before.threads + 8
    assert after.files < before.files + 4
    # The DLL has as many threads as callbacks and farewells have come at once, at a megabyte each.
    threads = max(0, after.program_threads - before.program_threads)
    assert after.program_threads < 64
    assert after.program_kilobytes < before.program_kilobytes + 2_000 + 1_500 * threads
    # Each thread has one, Wine some of its own; what every installation leaves, or every 400th job, shows.
    assert int(more_handles.split()[1]) < int(handles.split()[1]) + ROUNDS[-1] // 400 + 2 * threads
