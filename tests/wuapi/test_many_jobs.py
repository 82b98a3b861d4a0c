"""Very many jobs at once: each is called back once, on few threads and in little memory."""

import os
import resource
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.wuapi_world import LONG, Recorder, Trap, World

from wua.testing.machine import SimulatedUpdate
from wua.wuapi import callback_order, orcSucceeded

MOST_THREADS = 100  # more than before, however many jobs
MOST_MEMORY = 64  # megabytes
MOST_FILES = 10  # open files, sockets included


def memory() -> float:
    """Megabytes that this process has in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6


def files() -> int:
    return len(os.listdir("/proc/self/fd"))


class Counting(Recorder):
    """Notes how many threads there are in each call."""

    most = 0

    def Invoke(self, job: Any, args: Any) -> Any:
        Counting.most = max(Counting.most, threading.active_count())
        return super().Invoke(job, args)


@pytest.mark.not_native("beneath it is another agent, with threads of its own")
@pytest.mark.parametrize("count", [100, pytest.param(500, marks=pytest.mark.slow)])
def test_searches_and_downloads_at_once(world: World, count: int) -> None:
    """As many searches as downloads. All are begun before one ends, and all callbacks come at one time."""
    world.set(SimulatedUpdate("a", download_gate="gate"), downloaded=False)
    gate = world.gate()
    searcher, downloader = world.searcher(), world.downloader()
    before, used, opened = threading.active_count(), memory(), files()
    Counting.most = 0
    completed = [Counting() for _ in range(2 * count)]
    with callback_order("begin-first"):
        searches = [searcher.BeginSearch("", each, each) for each in completed[:count]]
        downloads = [downloader.BeginDownload(None, each, each) for each in completed[count:]]
        assert not any(job.IsCompleted for job in downloads)
        Counting.most = threading.active_count()
        assert world.late or files() - opened < MOST_FILES
        gate.open(count)
        for search in searches:
            assert searcher.EndSearch(search).ResultCode == orcSucceeded
        for download in downloads:
            assert downloader.EndDownload(download).ResultCode == orcSucceeded
        assert not any(each.calls for each in completed)
    jobs = [*searches, *downloads]
    for job in jobs:
        job.CleanUp()
    assert [len(each.calls) for each in completed] == [1] * 2 * count
    assert all(each.calls[0][0] is job for each, job in zip(completed, jobs, strict=True))
    assert all(job.AsyncState is each for each, job in zip(completed, jobs, strict=True))
    if not world.late:  # the tests' own end of COM has a thread for each callback besides
        assert Counting.most - before < MOST_THREADS
        assert memory() - used < MOST_MEMORY


def test_callbacks_that_block_hold_up_no_other_job_however_many(world: World) -> None:
    searcher = world.searcher()
    traps = [Trap() for _ in range(80)]
    jobs = [searcher.BeginSearch("", trap, None) for trap in traps]
    for trap in traps:
        assert trap.entered.wait(LONG)
    other = Recorder()
    searcher.BeginSearch("", other, None)
    other.wait()
    for trap in traps:
        trap.go.set()
    for job in jobs:
        job.CleanUp()
    assert all(trap.left.is_set() for trap in traps)
