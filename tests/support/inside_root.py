"""A complete root as a machine of its own: programs started inside, and looked at from outside."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from tests.support import inside, inside_wua
from tests.support.real_root import LONG, Gate

from wua.system.process import ProcessRef, pids
from wua.targets.namespace import NamespaceRoot

PYTHON: Final = "/usr/bin/python3"
STORE: Final = "var/lib/wua"


class Talk:
    """A program inside that prints JSON objects, one a line."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.lines: list[dict[str, Any]] = []
        self._heard = threading.Condition()
        self._ended = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            with self._heard:
                self.lines.append(json.loads(line))
                self._heard.notify_all()
        with self._heard:
            self._ended = True
            self._heard.notify_all()

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_for(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """The first line that is wanted."""

        def first() -> dict[str, Any] | None:
            return next((line for line in self.lines if wanted(line)), None)

        with self._heard:
            self._heard.wait_for(lambda: first() is not None or self._ended, LONG)
            found = first()
        assert found is not None, self.lines
        return found

    def end(self) -> list[dict[str, Any]]:
        """Everything it has said, once it has ended well."""
        _, trouble = self._process.communicate(timeout=LONG) if self._finished() else ("", "it does not end")
        assert self._process.returncode == 0, (trouble, self.lines)
        return self.lines

    def _finished(self) -> bool:
        self._reader.join(LONG)
        return not self._reader.is_alive()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        for pipe in (self._process.stdout, self._process.stderr):
            assert pipe is not None
            pipe.close()


class AtWork(NamedTuple):
    """The processes of a supervised run, and where its files are."""

    job: str
    folder: Path
    installer: ProcessRef
    supervisor: ProcessRef
    spawner: ProcessRef
    host: ProcessRef


class Inside:
    """What happens in a root. Use it with ``with``: at the end nothing of it runs any more."""

    def __init__(self, root: NamespaceRoot) -> None:
        self.target = root
        self.dir = root.root_dir
        self._gates: dict[str, Gate] = {}
        self._talks: list[Talk] = []

    def command(self, *words: str) -> list[str]:
        return [sys.executable, inside.__file__, str(self.dir), *words]

    def call(self, *words: str) -> str:
        """Run a program to its end; what it prints."""
        done = subprocess.run(self.command(*words), capture_output=True, text=True, check=False, timeout=LONG)
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def talk(self, *words: str) -> Talk:
        self._talks.append(Talk(self.command(*words)))
        return self._talks[-1]

    def gate(self, name: str) -> Gate:
        self._gates[name] = Gate(self.dir, name)
        return self._gates[name]

    def reached(self, name: str) -> "AtWork":
        """Wait until dpkg is to be called at a gate; what is at work then."""
        self._gates[name].reached()
        return self.at_work()

    def pass_gate(self, name: str) -> None:
        """Let go of who waits at a gate, and take the gate away."""
        for kind in ("here", "go"):
            (self.dir / f"{name}.{kind}").unlink()
        self._gates[name].open()

    def at_work(self) -> AtWork:
        """The run that has begun and not ended."""
        (folder,) = (
            file.parent
            for file in self.dir.glob(f"{STORE}/jobs/*/run-*/started")
            if not (file.parent / "status").exists()
        )
        installer, supervisor = (
            process(json.loads((folder / name).read_text())["pid"]) for name in ("started", "claim")
        )
        spawner = process(parent(supervisor.pid))
        host = process(parent(spawner.pid))
        return AtWork(folder.parent.name, folder, installer, supervisor, spawner, host)

    def imports(self, pid: int, since: float) -> list[str]:
        """What a process has loaded from a time on: see ``inside_wua.watch``."""
        found = map(json.loads, (self.dir / inside_wua.IMPORTS.lstrip("/")).read_text().splitlines())
        return [each["what"] for each in found if each["pid"] == pid and each["time"] >= since]

    def deliveries(self) -> list[dict[str, Any]]:
        """What the durable subscription was told, by interpreters of its own."""
        file = self.dir / inside_wua.HEARD.lstrip("/")
        return [json.loads(line) for line in file.read_text().splitlines()]

    def members(self) -> list[ProcessRef]:
        """Everything that runs inside."""
        found = []
        for pid in pids():
            try:
                if os.path.samestat(os.stat(f"/proc/{pid}/root"), self.dir.stat()):
                    found.append(ProcessRef.of(pid))
            except OSError:
                continue
        return [each for each in found if each is not None]

    def wait_until_empty(self) -> None:
        """The job host ends when it has nothing left to do."""
        for each in self.members():
            assert each.wait(LONG), Path(f"/proc/{each.pid}/cmdline").read_text()

    def __enter__(self) -> "Inside":
        return self

    def __exit__(self, *_: object) -> None:
        for gate in self._gates.values():
            gate.close()
        while left := self.members():
            for each in left:
                each.send(signal.SIGKILL)
            for each in left:
                each.wait(LONG)
        for talk in self._talks:
            talk.kill()


def process(pid: int) -> ProcessRef:
    found = ProcessRef.of(pid)
    assert found is not None, f"process {pid} has ended"
    return found


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def children(pid: int) -> list[int]:
    found = []
    for each in pids():
        with contextlib.suppress(OSError):
            found += [each] if parent(each) == pid else []
    return found


class Mapped(NamedTuple):
    """The files that a process has mapped, by base name; ``replaced``: those no longer on the disk."""

    files: frozenset[str]
    replaced: frozenset[str]


def mapped(pid: int) -> Mapped:
    files, replaced = set(), set()
    for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
        _, slash, path = line.partition("/")
        if slash:
            name = path.removesuffix(" (deleted)").rpartition("/")[2]
            files.add(name)
            if path.endswith(" (deleted)"):
                replaced.add(name)
    return Mapped(frozenset(files), frozenset(replaced))
