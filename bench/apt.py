"""Jobs that apt does the work of: a batch of 20 packages, and a rehearsal of what this machine needs."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from tests.support.mini_debian import create_mini

import wua
from bench.harness import Row, fail, interleave, timed
from wua.model.enums import ResultCode
from wua.model.plugins import Command
from wua.system.run import run
from wua.targets.host import HostTarget
from wua.testing.debian import Package, Repository

PACKAGES = 20
NAMES = [f"bench-{number:02}" for number in range(PACKAGES)]
NOBODY = 65534


def repository(path: Path) -> Repository:
    """Each package in two versions, with some files and a script, as small real ones have."""
    made = Repository(path)
    for version in ("1.0", "2.0"):
        for name in NAMES:
            files = {f"usr/share/{name}/{number}": f"{version} {number}\n" * 500 for number in range(20)}
            scripts = {"postinst": "#!/bin/sh\nset -e\nexit 0\n"}
            made.add(Package(name, version, files=files, scripts=scripts))
    made.write()
    return made


def done(command: Command) -> None:
    """Run it; the benchmark ends where it fails."""
    ran = run(command)
    if ran.exit:
        fail(ran.stdout + ran.stderr)


class Batch:
    """A root in which the 20 packages stand at 1.0, with 2.0 in the cache; ``rewind`` brings that back."""

    def __init__(self, folder: Path) -> None:
        made = repository(folder / "repository")
        os.chmod(folder, 0o755)
        target = self.target = create_mini(folder / "root", made.source_line())
        self._saved = folder / "saved"
        old = [f"{name}=1.0" for name in NAMES]
        done(target.fetch("update"))
        done(target.fetch("-y", "--download-only", "install", *old))
        done(target.act("apt-get", "-y", "--no-download", "install", *old))
        for file in target.archives_dir.glob("*_1.0_*.deb"):
            file.unlink()  # so that the old packages are repacked
        done(target.fetch("-y", "--download-only", "install", *self.wanted))
        self._copy(target.root_dir, self._saved)

    wanted = tuple(f"{name}=2.0" for name in NAMES)

    @staticmethod
    def _copy(source: Path, to: Path) -> None:
        subprocess.run(["cp", "-a", str(source), str(to)], check=True)

    def rewind(self) -> None:
        root = self.target.root_dir
        shutil.rmtree(root)
        self._copy(self._saved, root)
        subprocess.run(["sync", "-f", str(root)], check=True)  # what was copied is no part of what is timed


def batch() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        there = Batch(Path(name))
        with wua.open(target=there.target) as agent:
            keeping: list[float] = []

            def ours() -> float:
                there.rewind()
                plan = agent.plan_install(there.wanted).result(60)
                handler = agent.protocol.parts.handler
                shutil.rmtree(Path(there.target.paths.cache) / "kept", ignore_errors=True)
                keeping.append(timed(lambda: handler.keep(plan, lambda _: None)))
                begin = time.perf_counter()
                result = agent.install(plan).result(120)
                took = time.perf_counter() - begin
                if result.code is not ResultCode.SUCCEEDED:
                    fail(str(result))
                return took

            def theirs() -> float:
                there.rewind()
                return timed(
                    lambda: done(there.target.act("apt-get", "-y", "--no-download", "install", *there.wanted))
                )

            def floor() -> float:
                return timed(lambda: run(there.target.apt("apt-get", "-s", "install", *there.wanted)))

            samples = interleave({"wua": ours, "apt-get install": theirs, "apt-get -s": floor}, warm=1)
    row = Row(
        "a batch of 20 packages: upgrade in a namespace root", samples, targets={"apt-get install": 1.05}
    )
    row.notes = "generated packages; plan ready, downloaded, old packages kept; the same confinement for both"
    row.notes += "; more than apt-get's: the lock, digests read again under it, status and result stored,"
    row.notes += " the system asked again"
    yield row
    kept = Row("keeping the 20 old packages, repacked", {"wua": keeping[1:]})
    kept.notes = "part of the download phase, timed apart"
    yield kept


def rehearsal() -> Row | None:
    """Once: it fetches everything that this machine needs, through apt, from its own sources."""
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        os.chmod(name, 0o755)
        state = Path(name) / "state"
        target = HostTarget(uid=NOBODY, environ={**os.environ, "WUA_STATE": str(state)})
        with wua.open(target=target) as agent:
            found = agent.search(offline=True).result(120).updates
            if not found:
                return None
            plan = agent.plan_install(found).result(120)
            begin = time.perf_counter()
            played = agent.rehearse(plan, keep=True).result(3600)
            took = time.perf_counter() - begin
            (shadow,) = (state / "cache/shadows").iterdir()
            size = sum(path.lstat().st_blocks * 512 for path in shadow.rglob("*"))
            simulated = timed(lambda: run(target.apt("apt-get", "-s", "dist-upgrade")))
            archives = Path(name) / "archives"
            (archives / "partial").mkdir(parents=True)
            fetch = target.fetch(
                "-y", "--download-only", f"-oDir::Cache::archives={archives}/", "dist-upgrade"
            )
            fetched = timed(lambda: done(fetch))
    samples = {"wua": [took], "apt-get -s dist-upgrade": [simulated], "apt-get --download-only": [fetched]}
    row = Row("rehearsal of this machine's pending updates, its download included", samples, unit="s")
    row.notes = (
        f"{len(plan.items)} packages, {plan.download_bytes / 1e6:.0f} MB to fetch; the shadow took"
        f" {size / 1e6:.0f} MB; it ended {played.result.code.name.lower()}; one run"
    )
    return row


def rows() -> Iterator[Row]:
    yield from batch()
    if (found := rehearsal()) is not None:
        yield found
