"""What COM costs a program in Wine: a property, a list of updates, and a completed callback's way to it."""

from __future__ import annotations

import contextlib
import os
import shutil
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

import wua
from bench.harness import Row
from wua.com.prefix import QUIET, WINDOWS_FOLDER, Prefix
from wua.com.registration import DLL, FILES
from wua.com.server import ComServer
from wua.com.serving import PATIENCE
from wua.testing.machine import SimulatedMachine, SimulatedUpdate
from wua.wuapi.delivery import Delivery

HERE = Path(__file__).resolve().parent
NEEDED = ("wine", "wineserver", "widl", "x86_64-w64-mingw32-gcc", "x86_64-w64-mingw32-g++")
READINGS, CALLBACKS, LISTINGS = 2000, 200, 20
MESSAGE = 120  # bytes, as a property's question and answer have


class Wine:
    """A prefix with the DLL registered; a process that stays keeps its services from starting anew."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "prefix"
        self._environment = os.environ | QUIET | {"WINEPREFIX": str(self.path), "WINEARCH": "win64"}
        built = folder / "native"
        subprocess.run([sys.executable, str(HERE.parent / "tools" / "build_native.py"), built], check=True)
        self._silently("wineboot", "--init")
        self.prefix = Prefix(self.path)
        self.prefix.folder.mkdir(parents=True)
        for name in FILES:
            if (built / name).exists():
                shutil.copyfile(built / name, self.prefix.folder / name)
        self._silently("wine", "regsvr32", "/s", "/n", "/i", f"{WINDOWS_FOLDER}\\{DLL}")
        libraries = ("-lole32", "-loleaut32", "-luuid", "-lws2_32")
        words = ("-std=gnu++17", "-O2", "-static", f"-I{built}", str(HERE / "com_client.cpp"))
        target = self.path / "drive_c" / "com_client.exe"
        subprocess.run(["x86_64-w64-mingw32-g++", *words, "-o", str(target), *libraries], check=True)
        self._stays = subprocess.Popen(
            ["wine", "cmd"],
            env=self._environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _silently(self, *words: str) -> None:
        subprocess.run(
            words,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=True,
        )

    def figures(self, *words: object) -> list[float]:
        """What the client prints, in seconds."""
        code, said = self.prefix.run("C:\\com_client.exe", *map(str, words))
        if code:
            raise RuntimeError(said)
        return [int(line) / 1e9 for line in said.split()]

    def close(self) -> None:
        assert self._stays.stdin is not None
        self._stays.stdin.close()
        self._stays.wait()
        self._silently("wineserver", "-w")


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
    missing = [name for name in NEEDED if shutil.which(name) is None]
    if missing:
        print(f"COM is left out: no {', '.join(missing)}")
        return
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        folder = Path(name)
        wine = Wine(folder)
        try:
            for measure, number in ((reading, 1), (completing, 1), (listing, 1000)):
                updates = [SimulatedUpdate(f"update-{n:04}") for n in range(number)]
                machine = SimulatedMachine.create(folder / measure.__name__, updates)
                for update in updates:
                    (machine.root / "cache" / update.name).write_text("content\n")
                with wua.open(target=machine) as agent:
                    server = ComServer(agent, wine.prefix.folder)
                    usual = sys.getswitchinterval()
                    sys.setswitchinterval(PATIENCE)  # as the server's own process does
                    try:
                        yield measure(wine)
                    finally:
                        sys.setswitchinterval(usual)
                        server.close()
        finally:
            wine.close()
