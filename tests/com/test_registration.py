"""What makes a prefix know wua, with a Wine that only notes what it was asked; and `wua com`."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.cli_world import Desk, Ran, desk_in

from wua.com import registration
from wua.com.prefix import FOLDER, Prefix
from wua.model.problems import WuaError
from wua.system.locks import lock_holder
from wua.testing.machine import SimulatedUpdate

WINE = """#!/bin/sh
echo "$@" >> "$WINEPREFIX/asked"
[ -f "$WINEPREFIX/failing" ] && { echo no such entry point; exit 5; }
exit 0
"""
FOLDER_THERE = "C:\\ProgramData\\wua\\"
DLL = f"{FOLDER_THERE}wuacom.dll"


class Bench:
    """A prefix, a DLL, a machine."""

    def __init__(self, top: Path, desk: Desk) -> None:
        self.desk = desk
        self.path = top / "prefix"
        for folder in ("dosdevices", "drive_c/windows/syswow64"):
            (self.path / folder).mkdir(parents=True)
        self.native = top / "native"
        self.native.mkdir()
        for name in ("wuacom.dll", "wuacom32.dll", "wuacom.exe"):
            (self.native / name).write_bytes(b"MZ")

    @property
    def folder(self) -> Path:
        return self.path / FOLDER

    @property
    def asked(self) -> list[str]:
        file = self.path / "asked"
        return file.read_text().splitlines() if file.exists() else []

    def com(self, action: str, *words: str) -> Ran:
        return self.desk.json("com", action, "--prefix", str(self.path), *words)

    def register(self, *words: str) -> Ran:
        return self.com("register", "--native", str(self.native), *words)


@pytest.fixture
def bench(short_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    tools = short_dir / "bin"
    tools.mkdir()
    (tools / "wine").write_text(WINE)
    (tools / "wine").chmod(0o755)
    monkeypatch.setenv("PATH", str(tools), prepend=":")
    with desk_in(short_dir / "machine") as desk:
        desk.set(SimulatedUpdate("editor", "2.0"))
        made = Bench(short_dir, desk)
        yield made
        registration.stop(Prefix(made.path))


def test_there_and_back(bench: Bench) -> None:
    done = bench.register("--original-names")
    assert done.result == {
        "prefix": str(bench.path),
        "registered": True,
        "original_names": True,
        "root": str(bench.desk.root),
    }
    assert bench.asked == [f"regsvr32 /s /n /i:original {DLL}"]
    assert all((bench.folder / name).exists() for name in ("wuacom.dll", "wuacom32.dll", "wuacom.exe"))
    port, ours, theirs = (bench.folder / "connection").read_text().split()
    with socket.create_connection(("127.0.0.1", int(port))) as connection:
        hello = json.dumps({"secret": ours}).encode()
        connection.sendall(len(hello).to_bytes(4, "big") + hello)
        assert theirs.encode() in connection.recv(4096)
    assert bench.com("serve").json["error"]["seen"].endswith("has a server already")
    assert bench.com("unregister").result["registered"] is False
    assert bench.asked[1:] == [f"regsvr32 /s /u /n /i {DLL}"]
    assert not bench.folder.exists()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", int(port)))


def test_once_more_is_anew(bench: Bench) -> None:
    bench.register()
    first = lock_holder(bench.folder / "server.lock")
    bench.register("--original-names")
    second = lock_holder(bench.folder / "server.lock")
    assert first is not None
    assert second is not None
    assert first.pid != second.pid
    assert [line.split()[-2] for line in bench.asked] == ["/i:own", "/i", "/i:original"]


def test_a_prefix_of_32_bits_has_its_own_dll(bench: Bench) -> None:
    (bench.path / "drive_c/windows/syswow64").rmdir()
    (bench.native / "wuacom.dll").unlink()
    assert bench.register().result["registered"] is True
    assert bench.com("unregister").result["registered"] is False
    dll = f"{FOLDER_THERE}wuacom32.dll"
    assert bench.asked == [f"regsvr32 /s /n /i:own {dll}", f"regsvr32 /s /u /n /i {dll}"]
    (bench.native / "wuacom32.dll").unlink()
    assert bench.register().json["error"]["seen"].endswith("/wuacom32.dll")


def test_nothing_to_unregister(bench: Bench) -> None:
    assert bench.com("unregister").code == 0
    assert bench.asked == []


def test_a_registration_that_fails_leaves_nothing(bench: Bench) -> None:
    (bench.path / "failing").touch()
    done = bench.register()
    assert done.code == 1
    assert "no such entry point" in done.json["error"]["seen"]
    assert not (bench.folder / "connection").exists()


def test_a_server_ends_with_its_process_s_signal_and_starts_again(bench: Bench) -> None:
    bench.register()
    assert registration.stop(Prefix(bench.path))
    assert not (bench.folder / "connection").exists()
    assert not registration.stop(Prefix(bench.path))
    registration.start(Prefix(bench.path))
    assert (bench.folder / "connection").exists()


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (("serve", "--prefix", "{prefix}"), "target-unusable"),
        (("register", "--prefix", "{prefix}", "--native", "{machine}"), "not-supported"),
        (("register", "--prefix", "{machine}"), "invalid-argument"),
    ],
)
def test_what_cannot_be(bench: Bench, words: tuple[str, ...], problem: str) -> None:
    places = {"prefix": str(bench.path), "machine": str(bench.desk.root)}
    done = bench.desk.json("com", *(word.format_map(places) for word in words))
    assert done.json["error"]["id"] == problem


def test_no_wine(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(WuaError, match="Wine is not installed"):
        Prefix(bench.path).run("regsvr32")
