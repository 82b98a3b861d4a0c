"""Native programs in Wine, over a machine that is only played: each kind of client and apartment."""

import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from pathlib import Path

import pytest
from tests.quality.project import ROOT
from tests.support.wine_prefix import LONG, put_dll, register
from tests.support.wine_world import CLIENTS, Wine, add_32_bit, build_native, needs_wine
from tests.support.wuapi_world import InThread, World, opened

from wua.com.program import Connected
from wua.com.server import ComServer
from wua.testing.machine import SimulatedUpdate
from wua.wuapi.order import callback_order

pytestmark = needs_wine
APARTMENTS = ("mta", "sta")
EDITOR = SimulatedUpdate("editor", "2.0")
KERNEL = SimulatedUpdate("kernel", "6.1", reboot=True)


@pytest.fixture
def programs() -> list[Connected]:
    """Every program of the test that has connected."""
    return []


@pytest.fixture
def world(wine: Wine, short_dir: Path, programs: list[Connected]) -> Iterator[World]:
    with opened(short_dir / "machine", None) as made:
        server = ComServer(made.agent, wine.folder, programs.append)
        try:
            yield made
        finally:
            server.close()
            made.close()


Client = Callable[[str, str], list[str]]


@pytest.fixture(params=[64, 32])
def bits(request: pytest.FixtureRequest, wine: Wine, bases: Path) -> int:
    """What kind of program it is; those of 32 bits are skipped where Wine can't run them."""
    if request.param == 32:
        add_32_bit(wine, bases)
    return int(request.param)


@pytest.fixture
def client(wine: Wine, bits: int, programs: list[Connected]) -> Client:
    """Runs a scenario of the C++ client in an apartment; at its end it holds nothing any more."""

    def run(apartment: str, scenario: str) -> list[str]:
        ran = wine.run(wine.compiled(CLIENTS / "client.cpp", bits), apartment, scenario)
        assert programs, ran
        assert programs[-1].wait(LONG)
        assert programs[-1].unreleased == 0
        return ran.lines

    return run


def installed(scenario: str) -> list[str]:
    cleaned = 0x00240004 if scenario == "cleanup" else 0x80004005  # not called
    return [
        f"completed 1 calls 1 end 0x00000000 cleaned 0x{cleaned:08X}",
        "progress 1 last 100",
        "threads 1 1",
        "state 2 7",
        "CleanUp 0x00000000 references 1 1",
        "left 0",
    ]


WHOLE_JS = [
    "found 2 2",
    "editor 2.0|kernel 6.1 first editor 2.0 default editor 2.0",
    "downloaded 2 progress 100 state a state true",
    "installed 2 0 last 100 rising true",
    "state true 42",
    "again 80240036 the job was ended before.",
    "removed 2",
    *(f"history {name} {what} 2 whole.js" for what in (2, 1) for name in ("kernel 6.1", "editor 2.0")),
]
WHOLE_VBS = [
    "editor 2.0|kernel 6.1| 1 14 0",
    "downloaded 2",
    "installed 2 True Integer True",
    "percent 100 state 7 True",
    "removed 2 0",
    "history 8",
    "80240032 True wua",
    "1C1",
    "D",
    "1B6",
]


def check_pywin32(wine: Wine, world: World) -> None:
    world.set(EDITOR, KERNEL)
    ran = wine.python("whole_pywin32.py")
    assert ran.code == 0, ran.text
    assert ran.lines == [
        "[('editor 2.0', '1000', True, 1899), ('kernel 6.1', '1000', True, 1899)]",
        "2 kernel 6.1 1 editor 2.0",
        "installed 2 True 0",
        "100 state True",
        "removed 2",
        "[('kernel 6.1', 2), ('editor 2.0', 2), ('kernel 6.1', 1), ('editor 2.0', 1)]",
        "-2147352567 -2145124302 True",
        "Microsoft.Update.Session.NoSuchMember",
    ]


def check_comtypes(wine: Wine, world: World, apartment: str) -> None:
    world.set(EDITOR, KERNEL)
    where = "on the main thread" if apartment == "sta" else "elsewhere"
    ran = wine.python("whole_comtypes.py", apartment)
    assert ran.code == 0, ran.text
    assert ran.lines == [
        "[('editor 2.0', True), ('kernel 6.1', True)]",
        f"installed 2 True {where}",
        "True 100 5",
        "0x80240032 True",
        "offered",
        "0x80004002",
    ]


def check_scripts_and_native_programs(wine: Wine, world: World, client: Client, bits: int) -> None:
    for script, told in (("whole.js", WHOLE_JS), ("whole.vbs", WHOLE_VBS)):
        world.set(EDITOR, KERNEL, downloaded=False)
        assert wine.script(script, bits).lines == told
    for apartment in APARTMENTS:
        world.set(EDITOR, KERNEL)
        assert client(apartment, "install") == installed("install")


@pytest.mark.timeout(600)
@pytest.mark.parametrize("bits", [64], indirect=True)
def test_each_kind_of_client(wine: Wine, world: World, client: Client, bits: int) -> None:
    """In one test, for one prefix serves them all; `make test` has no time for two."""
    check_scripts_and_native_programs(wine, world, client, bits)
    check_pywin32(wine, world)  # these skip where Windows' Python can't be had
    check_comtypes(wine, world, "sta")


@pytest.mark.wine
@pytest.mark.parametrize("bits", [32], indirect=True)
def test_each_kind_of_32_bit_client(wine: Wine, world: World, client: Client, bits: int) -> None:
    check_scripts_and_native_programs(wine, world, client, bits)


@pytest.mark.wine
@pytest.mark.parametrize("bits", [32], indirect=True)
def test_a_prefix_of_32_bits(bits: int, bases: Path, short_dir: Path) -> None:
    native = bases / "native-both"
    with opened(short_dir / "machine", None) as world, Wine(short_dir / "prefix", native, bits) as prefix:
        server = ComServer(world.agent, put_dll(prefix, native))
        try:
            world.set(EDITOR, KERNEL)
            ran = prefix.run(prefix.compiled(CLIENTS / "client.cpp", bits), "sta", "install")
            assert ran.lines == installed("install")
        finally:
            server.close()
            world.close()


@pytest.mark.wine
def test_the_example(wine: Wine, world: World) -> None:
    world.set(EDITOR)
    lines = wine.run(wine.compiled(ROOT / "examples" / "com" / "install.cpp"), "editor").lines
    assert lines == [
        "editor 2.0",
        "begun; this program could do something else now",
        "Invoke: EndInstall 0x00000000, result 2, restart 0",
    ]


@pytest.mark.wine
@pytest.mark.parametrize("scenario", ["cleanup", "free", "local"])
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_callbacks(client: Client, world: World, apartment: str, scenario: str) -> None:
    world.set(EDITOR, KERNEL)
    assert client(apartment, scenario) == installed(scenario)


@pytest.mark.wine
@pytest.mark.parametrize("bits", [64], indirect=True)
@pytest.mark.parametrize("scenario", ["news", "local-news"])
def test_no_callback_is_overlooked(client: Client, world: World, scenario: str) -> None:
    """Wine may look over one that comes while a call waits, and leave it; the DLL looks again, or the server.

    And its COM may stand still for ever when an object goes just as a call of its interface ends.
    """
    world.set(EDITOR, KERNEL)
    assert client("sta", scenario) == ["came 150 of 150", "left 0"]


@pytest.mark.wine
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_aborting(client: Client, world: World, apartment: str) -> None:
    world.gate()
    world.set(SimulatedUpdate("editor", "2.0", gate="gate"), KERNEL)
    assert client(apartment, "abort") == [
        "called 1",
        "ended 0x00000000 as 5",
        "of 2 the last 5",
        "left 0",
    ]


@pytest.mark.wine
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_a_search_that_is_not_waited_for(client: Client, world: World, apartment: str) -> None:
    world.set(EDITOR)
    assert client(apartment, "search") == ["search called 1 on its thread 1", "again 0x80240036", "left 0"]


@pytest.mark.wine
def test_nothing_is_held_after_a_job_that_was_over_before_its_begin_returned(
    client: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    with callback_order("completed-first"):
        monkeypatch.setattr("wua.com.program.Context", copy_context().copy)
    world.set(EDITOR)
    assert client("mta", "reluctant") == ["fine 50 of 50", "left 0"]


@pytest.mark.wine
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_every_kind_of_value(client: Client, world: World, apartment: str) -> None:
    world.set(EDITOR, KERNEL)
    assert client(apartment, "values") == [
        "editor 2.0 size 1000 scale 0 date 1 deadline 0 downloaded -1 revision 1",
        "offers yes yes no yes",
        "identity 1 1",
        "string 1 at 0",
        "index 0x80240007 supported 1 source wua text 1",
        "late named 0x80020003 0x80020005 of 1",
        "enumerated 2 of 3: 0x00000001, then 0x00000001",
        "no boolean 0x80070057",
        "criteria 0x80240032 supported 1 source wua text 1",
        "null out 0x80004003",
        "window 1",
        "same 1",
        "type 1",
        "left 0",
    ]


@pytest.mark.wine
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_sixteen_apartments(client: Client, world: World, apartment: str) -> None:
    world.set(EDITOR, KERNEL)
    assert client(apartment, "many") == ["fine 48 of 48", "left 0"]


@pytest.mark.wine
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_a_server_that_ends(wine: Wine, short_dir: Path, apartment: str) -> None:
    with opened(short_dir / "machine", None) as world:
        world.gate()
        world.set(SimulatedUpdate("editor", "2.0", gate="gate"))
        begun = wine.drive / "begun"
        begun.unlink(missing_ok=True)
        server = ComServer(world.agent, wine.folder)
        running = InThread(lambda: wine.run(wine.compiled(CLIENTS / "client.cpp"), apartment, "gone").lines)
        while not begun.exists() and not running.done:
            threading.Event().wait(0.01)
        server.close()
        server = ComServer(world.agent, wine.folder)
        assert running.result() == [
            "EndInstall 0x800706BA",
            "and then 0x800706BA supported 1 source wua text 1",
            "anew 0x00000000",
            "left 0",
        ]
        server.close()
        world.close()


@pytest.mark.wine
def test_comtypes_in_the_multi_threaded_apartment(wine: Wine, world: World) -> None:
    check_comtypes(wine, world, "mta")


@pytest.mark.wine
def test_what_wine_had_under_these_names_comes_back(wine: Wine, world: World, bits: int) -> None:
    keys = [
        f"HKLM\\Software\\Classes\\{key}"
        for key in (
            "Microsoft.Update.Session",
            "CLSID\\{4CB43D7F-7EEE-4906-8698-60DA1C38F2FE}",
            "Interface\\{816858A4-260D-4260-933A-2585F1ABC76B}",
            "Wua.Update.Session",
        )
    ]
    ours = [wine.registry(key, bits) for key in keys]
    register(wine, "/u", "/i")
    before = [wine.registry(key, bits) for key in keys]
    register(wine, "/i:original")
    register(wine, "/i:original")
    assert [wine.registry(key, bits) for key in keys] == ours
    register(wine, "/u", "/i")
    assert [wine.registry(key, bits) for key in keys] == before
    text = "\n".join(line for lines in before for line in lines)
    assert "wua.before" not in text
    assert "wuacom" not in text
    assert "wuapi" in text
    register(wine, "/i:original")


@pytest.mark.slow
@pytest.mark.wine
@pytest.mark.timeout(600)
def test_a_real_package_with_one_command(bases: Path) -> None:
    """What `make com` runs: a C++ program, a Debian root, apt and dpkg."""
    with tempfile.TemporaryFile() as output:
        words = [
            sys.executable,
            str(ROOT / "examples" / "com" / "run.py"),
            str(build_native(bases / "native")),
        ]
        done = subprocess.run(words, stdout=output, stderr=output, stdin=subprocess.DEVNULL, check=False)
        output.seek(0)
        text = output.read().decode(errors="replace")
    assert done.returncode == 0, text
    assert "Invoke: EndInstall 0x00000000, result 2, restart 0" in text
    assert "install  hello" in text
