"""A root of its own with a generated repository, driven through the agent: only the packages are made up."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import wua
from wua.api.job import Job
from wua.engine.host import JobHost
from wua.model.enums import TargetKind
from wua.model.jobs import Event, JobResult, Noted, Progressed
from wua.system.locks import FileLock
from wua.system.process import ProcessRef, session_members
from wua.system.run import Completed, run
from wua.targets import create_root, destroy
from wua.targets.roots import RootTarget
from wua.testing.debian import Fault, Faults, Package, Repository, Stall

LONG: Final = 60.0  # seconds; only a test that fails waits so long


class Gate:
    """A place in a maintainer script: the script says that it is there and waits until it is let go."""

    def __init__(self, root: Path, name: str = "gate") -> None:
        self.name = name
        self._fds = []
        for kind in ("here", "go"):
            path = root / f"{name}.{kind}"
            os.mkfifo(path)
            path.chmod(0o666)
            self._fds.append(os.open(path, os.O_RDWR | os.O_NONBLOCK))

    def script(self, *when: str) -> str:
        """A maintainer script that stops here whenever its first words are ``when``."""
        here = f'"$DPKG_ROOT/{self.name}'
        return "\n".join(
            (
                "#!/bin/sh",
                f'[ "$1" = {when[0]} ] && [ -p {here}.go" ] || exit 0' if when else "",
                f'echo here > {here}.here"',
                f'read word < {here}.go"',
                "",
            )
        )

    def reached(self) -> None:
        """Wait until a script is here."""
        ready, _, _ = select.select([self._fds[0]], [], [], LONG)
        assert ready, f"no script came to {self.name}"
        os.read(self._fds[0], 5)

    def open(self, times: int = 1) -> None:
        """Let a script go on, or more of them."""
        os.write(self._fds[1], b"go\n" * times)

    def close(self) -> None:
        for fd in self._fds:
            os.close(fd)


class RealRoot:
    """A plain root, its repository and an agent."""

    def __init__(self, top: Path) -> None:
        self.top = top
        self.repository = Repository(top / "repository")
        self.repository.write()
        self._gates: list[Gate] = []
        made = create_root(top / "root", TargetKind.PLAIN_ROOT, sources=self.repository.source_line())
        assert isinstance(made, RootTarget)
        self.target = made
        self.agent = wua.open(root=top / "root")

    # what is offered

    def publish(self, *packages: Package) -> None:
        """Packages in the repository, known to the agent when this returns."""
        for package in packages:
            self.repository.add(package)
        self.repository.write()
        self.agent.search(refresh=True).result(LONG)

    def sources(self, line: str) -> None:
        (self.target.layout.etc / "sources.list").write_text(line + "\n")
        self.agent.search(refresh=True).result(LONG)

    def gate(self, name: str = "gate") -> Gate:
        gate = Gate(self.target.root_dir, name)
        self._gates.append(gate)
        return gate

    # what is there

    def install(self, *names: str, **options: Any) -> JobResult:
        return self.agent.install(names, **options).result(LONG)

    @property
    def versions(self) -> dict[str, str]:
        """Package to version, for those that are properly installed."""
        words = ("-W", "-f", "${Package} ${Version} ${db:Status-Status}\n")
        lines = self.do("dpkg-query", *words).stdout.splitlines()
        found = (line.split() for line in lines)
        stub = "wua-host-base"
        return {words[0]: words[1] for words in found if words[-1] == "installed" and words[0] != stub}

    def automatic(self) -> set[str]:
        return set(self.do("apt-mark", "showauto").stdout.split())

    def do(self, tool: str, *words: str) -> Completed:
        done = run(self.target.apt(tool, *words))
        assert done.exit == 0, (tool, words, done)
        return done

    def assert_healthy(self) -> None:
        """dpkg finds nothing to complain about, and nothing is half done."""
        assert self.target.is_interrupted() == ()
        assert self.do("dpkg", "--audit").stdout == ""

    def read(self, path: str) -> str:
        return (self.target.root_dir / path.lstrip("/")).read_text()

    # bad days

    def kill_host(self) -> None:
        """kill -9 of the job host alone."""
        host = ProcessRef.of(self.agent.info().host_pid)
        assert host is not None, "no job host runs"
        os.kill(host.pid, signal.SIGKILL)
        assert host.wait(LONG)

    def kill_installer(self, job: Job[Any]) -> None:
        """kill -9 of apt, dpkg and their scripts together."""
        (record,) = Path(self.target.paths.state).glob(f"jobs/{job.id}/run-*/started")
        for process in session_members(json.loads(record.read_text())["pid"]):
            process.send(signal.SIGKILL)

    @contextlib.contextmanager
    def locked_by_another(self) -> Iterator[int]:
        """A process that holds dpkg's front-end lock as another package manager would; its pid."""
        path = self.target.dpkg_dir / "lock-frontend"
        path.touch()
        if os.geteuid() == 0:
            os.chown(path, *self.target.layout.worker())
        program = (
            "import fcntl,sys\nfile=open(sys.argv[1],'w')\nfcntl.lockf(file,fcntl.LOCK_EX)\n"
            "print('held',flush=True)\nsys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            yield other.pid
            assert other.stdin is not None
            other.stdin.close()

    def close(self) -> None:
        for gate in self._gates:
            with contextlib.suppress(BlockingIOError):
                gate.open(8)
        for record in self.agent.jobs(active=True):
            self.agent.job(record.id).wait(LONG)
        for gate in self._gates:
            gate.close()
        pid = self.agent.info().host_pid
        self.agent.close()
        host = ProcessRef.of(pid) if pid else None
        if host is not None and host.send(signal.SIGTERM):
            assert host.wait(LONG)

    def wait_for_idle_host(self) -> None:
        """The job host ends when it has nothing left to do or to deliver."""
        lock = FileLock(Path(self.target.paths.run) / "host.lock")
        assert lock.acquire(wait=True)
        lock.release()

    @contextlib.contextmanager
    def host_here(self) -> Iterator[None]:
        """The job host in this process, so that a test may change how patient it is."""
        self.wait_for_idle_host()
        lock = FileLock(Path(self.target.paths.run) / "host.lock")
        assert lock.acquire()
        host = JobHost(self.target, lock, idle=1000)
        thread = threading.Thread(target=host.serve)
        thread.start()
        try:
            yield
        finally:
            host.stop()
            thread.join()


@contextlib.contextmanager
def real_root() -> Iterator[RealRoot]:
    """A fresh root in a folder with a short path that any user can reach; it goes with the block."""
    umask = os.umask(0o022)
    idle = os.environ.get("WUA_HOST_IDLE")
    os.environ["WUA_HOST_IDLE"] = "2"
    top = Path(tempfile.mkdtemp(prefix="wua-"))
    top.chmod(0o755)
    try:
        root = RealRoot(top)
        try:
            yield root
        finally:
            root.close()
    finally:
        os.umask(umask)
        os.environ.pop("WUA_HOST_IDLE")
        os.environ.update({"WUA_HOST_IDLE": idle} if idle else {})
        with contextlib.suppress(wua.WuaError):
            destroy(top / "root")
        subprocess.run(["rm", "-rf", str(top)], check=True)


class Listener:
    """Hears one job as a program would: every event, and the completed callback."""

    def __init__(self, job: Job[Any]) -> None:
        self.job = job
        self.events: list[Event] = []
        self.completed: list[int] = []  # how many events had come by then
        self._called = threading.Semaphore(0)
        self._heard = threading.Condition()
        job.on_event(self._event)
        job.on_completed(self._done)

    def _event(self, event: Any) -> None:
        with self._heard:
            self.events.append(event.event)
            self._heard.notify_all()

    def _done(self, _: Any) -> None:
        self.completed.append(len(self.events))
        self._called.release()

    def wait_for(self, kind: type[Event]) -> Any:
        def first() -> Event | None:
            return next((event for event in self.events if isinstance(event, kind)), None)

        with self._heard:
            assert self._heard.wait_for(lambda: first() is not None, LONG), f"no {kind.__name__} came"
            return first()

    def result(self) -> JobResult:
        """The result, once the completed callback has come."""
        assert self._called.acquire(timeout=LONG), "the completed callback did not come"
        found: JobResult = self.job.result(0)
        return found

    def assert_honest(self) -> None:
        """Called back once, after everything else; progress never fell and reached 100."""
        assert self.completed == [len(self.events)]
        percents = [event.progress.percent for event in self.events if isinstance(event, Progressed)]
        assert percents == sorted(percents)
        assert percents[-1] == 100

    @property
    def notes(self) -> list[str]:
        return [event.text for event in self.events if isinstance(event, Noted)]


def notifier(folder: Path) -> tuple[Sequence[str], Path]:
    """A program for a durable subscription, and the file to which it adds a line per delivery."""
    heard = folder / "heard"
    script = folder / "notify"
    script.write_text(f"#!/bin/sh\ncat >> {heard}\necho >> {heard}\n")
    script.chmod(0o755)
    return (str(script),), heard


def deliveries(heard: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in heard.read_text().splitlines() if line] if heard.exists() else []


class StallingDebs(Faults):
    """The server sends the beginning of a package, no more; ``asked`` is set when it is asked for one."""

    def __init__(self) -> None:
        super().__init__({"*.deb": Stall(10)})
        self.asked = threading.Event()

    def take(self, path: str) -> Fault | None:
        fault = super().take(path)
        if path.endswith(".deb"):
            self.asked.set()
        return fault
