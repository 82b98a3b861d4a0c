"""Jobs: from an installer's exit to the callback, the fixed cost of a job, durable transitions."""

from __future__ import annotations

import itertools
import json
import os
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import wua
from bench.harness import Row, interleave, timed
from wua.model.jobs import JobKind, JobSpec
from wua.model.plans import Operation, PlanRequest
from wua.model.states import JobState
from wua.store.state import StateStore
from wua.testing.machine import SimulatedMachine, SimulatedUpdate

GATED, PLAIN = "gated", "plain"


@contextmanager
def machine() -> Iterator[tuple[wua.Agent, SimulatedMachine, Path]]:
    """A simulated machine whose update ``gated`` ends when its FIFO is written to."""
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as folder:
        gate = Path(folder) / "gate"
        os.mkfifo(gate)
        updates = [SimulatedUpdate(GATED, gate=str(gate)), SimulatedUpdate(PLAIN)]
        simulated = SimulatedMachine.create(Path(folder), updates)
        with wua.open(target=simulated) as agent:
            agent.download([GATED, PLAIN]).result(30)
            yield agent, simulated, gate
            agent.uninstall(PLAIN).result(30)  # leaves no host at work when the folder goes


def exit_to_callback() -> Row:
    """The installer's exit to the callback, against the same chain by hand.

    Both begin when the gate is opened, so both include what the shell does then, which is the same. That the
    system is asked again what came of it (law 5), which the chain by hand does not do, is timed apart.
    """
    evaluating: list[float] = []
    with machine() as (agent, simulated, gate), HandChain() as chain:

        def ours() -> float:
            (simulated.root / "installed" / GATED).unlink(missing_ok=True)
            called = threading.Event()
            moment = [0.0]

            def completed(_: object) -> None:
                moment[0] = time.perf_counter()
                called.set()

            job = agent.install(GATED, download=False)
            job.on_completed(completed)
            with open(gate, "w") as opened:  # returns when the installer reads
                begin = time.perf_counter()
                opened.write("go\n")
            called.wait(30)
            job.result(30)
            evaluating.append(evaluated_in(agent, job.id))
            return moment[0] - begin - evaluating[-1]

        samples = interleave({"wua": ours, "by hand": chain.round}, repeats=100, warm=5)
    evaluating = evaluating[5:]
    row = Row("installer's exit to callback, p50", samples, targets={"by hand": 1.5})
    ours_95, theirs_95 = row.percentile("wua", 0.95), row.percentile("by hand", 0.95)
    row.notes = f"p95: wua {ours_95 * 1e3:.2f} ms, by hand {theirs_95 * 1e3:.2f} ms"
    whole = statistics.median(map(sum, zip(samples["wua"], evaluating, strict=True)))
    again = statistics.median(evaluating)
    row.notes += f"; apart: the system asked again {again * 1e3:.2f} ms, with it {whole * 1e3:.2f} ms"
    row.limits = [("x by hand at p95", ours_95 / theirs_95, 3.0)]
    row.extra["re-evaluation"] = evaluating
    return row


def evaluated_in(agent: wua.Agent, job: str) -> float:
    """Seconds from the end of the transaction to the result that is about to be stored."""
    events = agent.protocol.events(job, 0, 1000)
    began = next(e.time for e in events if getattr(e.event, "state", None) is JobState.EVALUATING)
    return events[-1].time - began


HAND_HOST = """
import json, os, select, socket, sqlite3, sys
folder, fd = sys.argv[1], int(sys.argv[2])
channel = socket.socket(fileno=fd)
db = sqlite3.connect(folder + "/hand.db", isolation_level=None)
db.execute("PRAGMA journal_mode=WAL"); db.execute("PRAGMA synchronous=FULL")
db.execute("CREATE TABLE jobs(id INTEGER PRIMARY KEY, state TEXT, code INTEGER)")
number = 0
while channel.recv(16):
    number += 1
    db.execute("INSERT INTO jobs VALUES (?, 'running', NULL)", (number,))
    keeper = os.fork()
    if keeper == 0:
        os.setsid()
        child = os.fork()
        if child == 0:
            os.chdir(folder)
            work = "read answer < hand-gate; echo 1.0 > x; mv x y; echo done; echo end >> log"
            os.dup2(os.open("output", os.O_WRONLY | os.O_CREAT | os.O_APPEND), 1)
            os.execv("/bin/sh", ["sh", "-c", work])
        _, raw = os.waitpid(child, 0)
        out = os.open(folder + "/.status", os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.write(out, json.dumps({"exit": os.waitstatus_to_exitcode(raw)}).encode())
        os.fsync(out)
        os.rename(folder + "/.status", folder + "/status")
        os._exit(0)
    pidfd = os.pidfd_open(keeper)
    select.select([pidfd], [], [])
    os.waitpid(keeper, 0)
    os.close(pidfd)
    with open(folder + "/status") as file:
        code = json.load(file)["exit"]
    db.execute("UPDATE jobs SET state='ended', code=? WHERE id=?", (code, number))
    channel.send(b"changed")
"""


class HandChain:
    """Installer, keeper of its status, host that commits it, caller that is told: written by hand."""

    def __enter__(self) -> HandChain:
        self._folder = tempfile.TemporaryDirectory(prefix="wua-bench-hand-")
        self._gate = Path(self._folder.name) / "hand-gate"
        os.mkfifo(self._gate)
        self._channel, theirs = socket.socketpair()
        self._process = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", HAND_HOST, self._folder.name, str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
        )
        theirs.close()
        self._database = sqlite3.connect(f"{self._folder.name}/hand.db")
        return self

    def round(self) -> float:
        self._channel.send(b"go")
        with open(self._gate, "w") as opened:
            begin = time.perf_counter()
            opened.write("go\n")
        self._channel.recv(64)
        self._database.execute("SELECT state FROM jobs ORDER BY id DESC LIMIT 1").fetchone()
        return time.perf_counter() - begin

    def __exit__(self, *_: object) -> None:
        self._channel.close()
        self._process.wait()
        self._database.close()
        self._folder.cleanup()


def processor_time(pid: int | None) -> float:
    """Seconds that a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def fixed_cost() -> Row:
    """A whole job against its command run by hand; host running, content there."""
    with machine() as (agent, simulated, _):
        script = (
            f"cd {simulated.root}; echo changing; echo 1.0 > installed/x; mv installed/x installed/{PLAIN}"
        )

        def ours() -> None:
            (simulated.root / "installed" / PLAIN).unlink(missing_ok=True)
            agent.install(PLAIN, download=False).result(30)

        def by_hand() -> None:
            subprocess.run(["/bin/sh", "-c", script], check=True, stdout=subprocess.DEVNULL)

        def floor() -> None:
            handle = os.open(simulated.root / "fsync", os.O_WRONLY | os.O_CREAT)
            os.write(handle, b"x")
            os.fsync(handle)
            os.close(handle)

        def ten_files() -> float:
            with tempfile.TemporaryDirectory(dir=simulated.root) as folder:
                begin = time.perf_counter()
                for number in range(10):
                    os.close(os.open(f"{folder}/{number}", os.O_WRONLY | os.O_CREAT))
                return time.perf_counter() - begin

        samples = interleave(
            {"wua": ours, "command by hand": by_hand, "one fsync": floor, "ten files made": ten_files},
            repeats=60,
            warm=3,
        )
        begin, hosts = time.process_time(), processor_time(agent.info().host_pid)
        for _ in range(60):
            ours()
        caller = (time.process_time() - begin) / 60 * 1e3
        host = (processor_time(agent.info().host_pid) - hosts) / 60 * 1e3
    row = Row("a whole job, job host running", samples)
    row.notes = (
        f"of a job's time {host:.1f} ms are processor time of the job host, {caller:.1f} ms of the caller; "
        "it makes about ten files, whose making stands beside it"
    )
    costs = sorted(a - b for a, b in zip(samples["wua"], samples["command by hand"], strict=True))
    p50, p95 = costs[len(costs) // 2] * 1e3, costs[int(len(costs) * 0.95)] * 1e3
    row.limits = [("ms over the command, p50", p50, 10), ("ms over the command, p95", p95, 25)]
    row.extra["fixed cost ms"] = {"p50": p50, "p95": p95}
    return row


def cold_start() -> Row:
    """Submitting the first job of all: the host is started for it."""
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as folder:
        count = 0

        def ours() -> float:
            nonlocal count
            count += 1
            root = Path(folder) / str(count)
            simulated = SimulatedMachine.create(root, [SimulatedUpdate(PLAIN)])
            with wua.open(target=simulated) as agent:
                begin = time.perf_counter()
                agent.install(PLAIN).result(30)
                return time.perf_counter() - begin

        def floor() -> None:
            subprocess.run([sys.executable, "-c", "pass"], check=True)

        os.environ["WUA_HOST_IDLE"] = "0"
        try:
            samples = interleave({"wua": ours, "bare interpreter": floor}, repeats=20, warm=1)
        finally:
            del os.environ["WUA_HOST_IDLE"]
    return Row("the first job, job host's cold start included", samples)


def transitions() -> Row:
    """Durable state transitions, against the same statements in bare SQLite."""
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as folder:
        store = StateStore(Path(folder) / "state.db")
        spec = JobSpec(JobKind.INSTALL, request=PlanRequest(Operation.INSTALL))
        bare = sqlite3.connect(Path(folder) / "bare.db", isolation_level=None)
        bare.execute("PRAGMA journal_mode=WAL")
        bare.execute("PRAGMA synchronous=FULL")
        bare.execute(
            "CREATE TABLE jobs(number INTEGER PRIMARY KEY, id TEXT UNIQUE, state TEXT, last INTEGER)"
        )
        bare.execute(
            "CREATE TABLE events(job TEXT, seq INTEGER, time REAL, event BLOB, PRIMARY KEY(job, seq))"
        )
        steps = [
            JobState.PLANNING,
            JobState.DOWNLOADING,
            JobState.LOCKING,
            JobState.VERIFYING,
            JobState.INSTALLING,
        ]
        names = (f"job{number}" for number in itertools.count())

        def ours() -> float:
            jobs = [store.add_job(spec, ())[0].id for _ in range(20)]
            return timed(lambda: [store.transition(job, state) for job in jobs for state in steps])

        def by_hand() -> float:
            jobs = list(itertools.islice(names, 20))
            bare.executemany("INSERT INTO jobs(id, state, last) VALUES (?, 'queued', 0)", zip(jobs))
            return timed(lambda: [bare_step(job, state) for job in jobs for state in steps])

        def bare_step(job: str, state: JobState) -> None:
            bare.execute("BEGIN IMMEDIATE")
            bare.execute("SELECT state FROM jobs WHERE id=?", (job,)).fetchone()
            bare.execute("UPDATE jobs SET state=?, last=last+1 WHERE id=?", (state.value, job))
            event = json.dumps({"event": "state", "state": "x", "text": ""})
            bare.execute("INSERT INTO events VALUES (?,?,?,?)", (job, steps.index(state), time.time(), event))
            bare.execute("COMMIT")

        samples = interleave({"wua": ours, "bare SQLite": by_hand}, repeats=30)
        store.close()
        bare.close()
    per_second = 100 / sorted(samples["wua"])[15]
    return Row(
        "100 durable state transitions",
        samples,
        targets={"bare SQLite": 1 / 0.8},
        notes=f"{per_second:.0f} a second; 0.8 x the rate of bare SQLite is 1.25 x its time",
    )


def rows() -> Iterator[Row]:
    yield exit_to_callback()
    yield fixed_cost()
    yield cold_start()
    yield transitions()
