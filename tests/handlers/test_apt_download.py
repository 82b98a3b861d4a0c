"""Real downloads: progress follows the bytes that are there, and an abort leaves what is done."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.apt_world import AptWorld, apt_world

from wua.model.plans import Plan
from wua.model.plugins import RunRecord, StepProgress
from wua.model.states import JobState
from wua.testing.debian import Faults, Package, Repository, Slow

SIZE = 200_000


@pytest.fixture
def world() -> Iterator[AptWorld]:
    with apt_world() as made:
        yield made


def noise(size: int) -> bytes:
    """Bytes that do not compress."""
    value, out = 1, bytearray()
    while len(out) < size:
        value = value * 6364136223846793005 + 1442695040888963407 & (1 << 64) - 1
        out += value.to_bytes(8, "little")
    return bytes(out)


class Download:
    """apt at work on a slow line: progress is read line by line."""

    def __init__(self, world: AptWorld, plan: Plan, folder: Path) -> None:
        self.reader = world.handler.reader(plan, JobState.DOWNLOADING)
        self.status = folder / "status"
        self.seen: list[StepProgress] = []
        command = world.handler.download(plan)[0]
        argv = [word.replace("{status}", "1") for word in command.argv]
        self.process = subprocess.Popen(
            argv, env=command.env, cwd=command.cwd, stdout=subprocess.PIPE, text=True, start_new_session=True
        )

    def until(self, bytes_done: int) -> StepProgress:
        """Read on until so many bytes are there."""
        assert self.process.stdout is not None
        with self.status.open("a") as copy:
            for line in self.process.stdout:
                copy.write(line)
                self.seen.append(self.reader.feed([line])[0])
                if self.seen[-1].bytes_done >= bytes_done:
                    return self.seen[-1]
        raise AssertionError("apt ended before")

    def end(self, number: int = 0) -> RunRecord:
        if number:
            self.process.send_signal(number)
        assert self.process.stdout is not None
        rest = self.process.stdout.read()
        self.seen.append(self.reader.feed(rest.splitlines())[0])
        self.process.wait()
        self.process.stdout.close()
        with self.status.open("a") as copy:
            copy.write(rest)
        code = self.process.returncode
        return RunRecord(JobState.DOWNLOADING, code, "/nonexistent", str(self.status), bool(number))


def test_progress_follows_the_bytes(world: AptWorld, tmp_path: Path) -> None:
    slow = Slow()
    files = {"/usr/share/big": noise(SIZE)}
    with Repository(world.repos).serve(Faults().on("*/big_*.deb", slow)) as url:
        world.repository(Package("big", "1", files=files), url=url)
        plan = world.plan("big=1")
        total = plan.items[0].size
        assert plan.download_bytes == total > SIZE
        download = Download(world, plan, tmp_path)
        slow.allow(total // 2)
        half = download.until(total // 4)
        assert half.item == 0
        assert total // 4 <= half.item_bytes_done <= total // 2
        assert 0.2 < half.within < 1.0
        slow.open()
        assert download.end().exit == 0
    within = [step.within for step in download.seen]
    assert within == sorted(within)
    assert (within[-1], download.seen[-1].bytes_done) == (1.0, total)
    assert world.handler.missing(plan) == ()


def test_an_abort_keeps_what_is_complete(world: AptWorld, tmp_path: Path) -> None:
    slow = Slow()
    with Repository(world.repos).serve(Faults().on("*/z-big_*.deb", slow)) as url:
        big = Package("z-big", "1", files={"/usr/share/big": noise(SIZE)})
        world.repository(Package("a-small", "1"), big, url=url)
        plan = world.plan("a-small=1", "z-big=1")
        small = next(item for item in plan.items if item.name == "a-small")
        download = Download(world, plan, tmp_path)
        slow.allow(20_000)
        download.until(small.size + 10_000)
        run = download.end(signal.SIGINT)
    assert run.exit == -signal.SIGINT
    assert [plan.items[index].name for index in world.handler.missing(plan)] == ["z-big"]
    problem = world.handler.judge(plan, [run])[0].problem
    assert problem is not None
    assert problem.id == "aborted"
    assert world.target.is_interrupted() == ()
