"""This very machine, with WUA_TEST_HOST=1 and as root: a package and an upgrade, there and back."""

import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import wua
from wua.model.enums import ResultCode
from wua.model.jobs import JobEvent, Noted, Progressed
from wua.model.states import JobState
from wua.model.updates import Offer
from wua.system.process import ProcessRef

pytestmark = [pytest.mark.host, pytest.mark.xdist_group("host"), pytest.mark.timeout(600)]

LONG = 300.0  # seconds
ARCHIVES = Path("/var/cache/apt/archives")
SMALL = ("hello", "apt-doc", "publicsuffix", "bash-completion", "tree")


class Machine(NamedTuple):
    """What dpkg and apt say of this host."""

    versions: dict[str, str]
    automatic: frozenset[str]
    upgrades: frozenset[tuple[str, str]]


def say(*words: str) -> str:
    env = {**os.environ, "LC_ALL": "C.UTF-8"}
    return subprocess.run(words, capture_output=True, text=True, check=True, env=env).stdout


def machine() -> Machine:
    """As it is now; it must be whole."""
    assert say("dpkg", "--audit") == ""
    say("apt-get", "check")
    lines = say("dpkg-query", "-W", "-f", "${binary:Package} ${Version} ${Status}\n").splitlines()
    versions = {line.split()[0]: line.partition(" ")[2] for line in lines}
    steps = re.findall(r"^Inst (\S+) \[.*?\] \((\S+)", say("apt-get", "-s", "upgrade"), re.MULTILINE)
    return Machine(versions, frozenset(say("apt-mark", "showauto").split()), frozenset(steps))


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A store of the test's own. Versions, marks and downloads of the host are the same afterwards."""
    before, files = machine(), set(ARCHIVES.iterdir())
    monkeypatch.setenv("WUA_STATE", str(tmp_path / "wua"))
    monkeypatch.setenv("WUA_HOST_IDLE", "2")
    yield tmp_path
    for file in set(ARCHIVES.iterdir()) - files:
        if file.suffix == ".deb":
            file.unlink()
    assert machine() == before


def command(*words: str) -> Any:
    """Run ``wua --json``; what it answers."""
    done = subprocess.run(
        [sys.executable, "-m", "wua", "--json", *words], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (words, done.returncode, done.stdout[-2000:], done.stderr[-2000:])
    return [json.loads(line) for line in done.stdout.splitlines()] if done.stdout else []


def last_job() -> str:
    with wua.open() as agent:
        return agent.jobs(limit=1)[0].id


@pytest.mark.usefixtures("state")
def test_a_package_there_and_back_by_the_command_line() -> None:
    before = machine()
    name = next((name for name in SMALL if name not in before.versions), "")
    if not name:
        pytest.skip(f"all of {', '.join(SMALL)} are installed here")
    command("install", name, "--yes")
    between = machine()
    assert between.versions.keys() - before.versions.keys() == {name}
    assert between.versions[name].endswith("install ok installed")
    assert between.automatic == before.automatic
    command("undo", last_job(), "--yes")


@pytest.mark.usefixtures("state")
def test_a_pending_upgrade_there_and_back_with_the_job_host_killed() -> None:
    before = machine()
    with wua.open() as agent:
        chosen = smallest_upgrade(agent)
        assert (chosen.name, chosen.version) in before.upgrades
        plan = agent.plan_install(chosen).result(LONG)
        job = agent.install(plan)
        notes: list[str] = []
        killed: list[int] = []
        completed: list[ResultCode] = []
        called = threading.Event()

        def look(event: JobEvent) -> None:
            if isinstance(event.event, Noted):
                notes.append(event.event.text)
            if is_at_work(event) and not killed:
                killed.append(1)
                host = ProcessRef.of(agent.info().host_pid)
                assert host is not None
                assert host.send(signal.SIGKILL)

        def done(_: object) -> None:
            completed.append(job.result(0).code)
            called.set()

        job.on_event(look)
        job.on_completed(done)
        try:
            assert called.wait(LONG)
            between = machine()
        finally:
            back = agent.undo(job).result(LONG)
        assert completed == [ResultCode.SUCCEEDED]
        assert any(note.startswith("adopted by") for note in notes), notes
        assert "the installer's exit status was 0" in notes
        changed = {n for n in between.versions if between.versions[n] != before.versions.get(n)}
        assert {name.partition(":")[0] for name in changed} == {chosen.name}
        assert before.upgrades - between.upgrades == {(chosen.name, chosen.version)}
        assert between.automatic == before.automatic
        assert back.code is ResultCode.SUCCEEDED, back


def is_at_work(event: JobEvent) -> bool:
    """dpkg has begun to unpack."""
    if not isinstance(event.event, Progressed):
        return False
    progress = event.event.progress
    return progress.phase is JobState.INSTALLING and progress.current_percent > 0


def smallest_upgrade(agent: wua.Agent) -> Offer:
    """A small pending upgrade of data or documentation that needs nothing else."""
    found = agent.search(offline=True).result(LONG).updates
    for offer in sorted((o for o in found if o.architecture == "all"), key=lambda o: o.size):
        plan = agent.plan_install(offer).result(LONG)
        if offer.installed_version and len(plan.items) == 1 and not plan.restart:
            return offer
    pytest.skip("no small upgrade is pending on this machine")
