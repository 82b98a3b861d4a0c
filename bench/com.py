"""What COM costs a program in Wine: a property, a list of updates, and a completed callback's way to it."""

from __future__ import annotations

import contextlib
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.wine_prefix import NewPrefix, lacking, put_dll

import wua
from bench.harness import Row
from wua.com.prefix import FOLDER
from wua.com.server import ComServer
from wua.com.serving import PATIENCE
from wua.testing.machine import SimulatedMachine, SimulatedUpdate
from wua.wuapi.delivery import Delivery

HERE = Path(__file__).resolve().parent
COMPILER = "x86_64-w64-mingw32-g++"
LIBRARIES = ("-lole32", "-loleaut32", "-luuid", "-lws2_32")
READINGS, CALLBACKS, LISTINGS = 2000, 200, 20
MESSAGE = 120  # bytes, as a property's question and answer have


class Wine(NewPrefix):
    """A prefix, and beside it the DLL and the client, built."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder / "prefix")
        self.built = folder / "native"
        self.folder = self.path / FOLDER  # the server's
        self._client = str(folder / "com_client.exe")
        words = (sys.executable, str(HERE.parent / "tools" / "build_native.py"), str(self.built))
        subprocess.run(words, check=True)
        source = str(HERE / "com_client.cpp")
        options = ("-std=gnu++17", "-O2", "-static", f"-I{self.built}", source, "-o", self._client)
        subprocess.run([COMPILER, *options, *LIBRARIES], check=True)

    def figures(self, *words: object) -> list[float]:
        """What the client prints, in seconds."""
        ran = self.run(self._client, *map(str, words))
        if ran.code:
            raise RuntimeError(ran.text)
        return [int(line) / 1e9 for line in ran.lines]


@contextlib.contextmanager
def echo() -> Iterator[int]:
    """The port of a server that sends back what comes, in this process, as the COM server is."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with connection:
            while data := connection.recv(MESSAGE):
                connection.sendall(data)

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    with listener:
        yield listener.getsockname()[1]
        thread.join()


def reading(wine: Wine) -> Row:
    samples = defaultdict[str, list[float]](list)
    for _ in range(10):
        samples["a property"] += wine.figures("reading", READINGS // 10)
        samples["one that never changes"] += wine.figures("constant", READINGS // 10)
        with echo() as port:
            samples["the message alone"] += wine.figures("echoing", READINGS // 10, port)
    row = Row("a property read early-bound through COM, in process", samples, us="a property")
    row.limits = [("ms p50", row.median("a property") * 1e3, 0.3)]
    row.notes = (
        f"p95 {row.percentile('a property', 0.95) * 1e3:.2f} ms; the message alone is {MESSAGE} bytes that "
        "go to a Python program and back"
    )
    return row


def listing(wine: Wine) -> Row:
    row = Row(
        "1,000 updates enumerated through COM with ten properties each, late-bound",
        {"wua": wine.figures("listing", LISTINGS)},
    )
    row.limits = [("s", row.median("wua"), 1.0)]
    return row


def completing(wine: Wine) -> Row:
    """From the moment at which a job's completed callback is due in the server to the program's Invoke."""
    due: list[float] = []
    finish = Delivery.finish

    def noted(self: Delivery, call: Any) -> None:
        due.append(time.clock_gettime(time.CLOCK_MONOTONIC_RAW))  # the clock that Wine's counter is
        finish(self, call)

    Delivery.finish = noted  # type: ignore[method-assign]
    try:
        called = wine.figures("completing", CALLBACKS)
    finally:
        Delivery.finish = finish  # type: ignore[method-assign]
    took = [at - since for since, at in zip(due[-len(called) :], called, strict=True)]
    if not all(0 < each < 1 for each in took):
        raise RuntimeError("Wine counts by another clock than this program")
    row = Row("a job's end to the program's Invoke through COM, in process", {"wua": took})
    row.limits = [("ms p95", row.percentile("wua", 0.95) * 1e3, 2.0)]
    return row


def rows() -> Iterator[Row]:
    if missing := lacking("widl", "x86_64-w64-mingw32-gcc", COMPILER):
        print(f"COM is left out: no {missing}")
        return
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        folder = Path(name)
        with Wine(folder) as wine:
            put_dll(wine, wine.built)
            for measure, number in ((reading, 1), (completing, 1), (listing, 1000)):
                updates = [SimulatedUpdate(f"update-{n:04}") for n in range(number)]
                machine = SimulatedMachine.create(folder / measure.__name__, updates)
                for update in updates:
                    (machine.root / "cache" / update.name).write_text("content\n")
                with wua.open(target=machine) as agent:
                    server = ComServer(agent, wine.folder)
                    usual = sys.getswitchinterval()
                    sys.setswitchinterval(PATIENCE)  # as the server's own process does
                    try:
                        yield measure(wine)
                    finally:
                        sys.setswitchinterval(usual)
                        server.close()
