"""Native programs in Wine over a Debian root: apt, dpkg, maintainer scripts; every kind of client."""

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator

import pytest
from tests.support.real_root import LONG, RealRoot, real_root
from tests.support.wine_prefix import Ran
from tests.support.wine_world import CLIENTS, Wine, needs_wine
from tests.support.wuapi_world import InThread

from wua.com.program import Connected
from wua.com.server import ComServer
from wua.model.enums import ResultCode
from wua.testing.debian import Package

pytestmark = [needs_wine, pytest.mark.wine, pytest.mark.slow, pytest.mark.timeout(600)]
APARTMENTS = ("mta", "sta")
TOLD = "var/lib/editor-scripts"
EDITOR = Package(
    "editor",
    "2.0",
    depends="tool",
    files={"/usr/share/editor/words": "word\n" * 10_000},
    conffiles={"/etc/editor.conf": "colour=yes\n"},
    scripts={
        name: f'#!/bin/sh\necho {name} $1 >> "$DPKG_ROOT/{TOLD}"\n'
        for name in ("preinst", "postinst", "prerm", "postrm")
    },
)
TOOL = Package("tool", "1.0", files={"/usr/bin/tool": "#!/bin/sh\n"})
CYCLE = [
    "found editor 2.0 (all)",
    "found tool 1.0 (all)",
    "downloaded 2 progress 100 completed 1",
    "aborted 5 completed 1 installed 0",
    "installed 2 progress 100 completed 1",
    "removed 2",
    "history editor 2.0 (all) 2 2 cycle",
    "history editor 2.0 (all) 1 2 cycle",
    "history tool 1.0 (all) 1 2 cycle",
]


@pytest.fixture
def root() -> Iterator[RealRoot]:
    with real_root() as made:
        if made.target.unconfined:
            pytest.skip(f"maintainer scripts can't be confined here: {made.target.unconfined}")
        made.publish(EDITOR, TOOL)
        yield made


Cycle = Callable[[Callable[[], Ran]], None]


@pytest.fixture
def cycle(wine: Wine, root: RealRoot) -> Iterator[Cycle]:
    """Checks what a client tells, and then dpkg's state."""
    programs: list[Connected] = []
    server = ComServer(root.agent, wine.folder, programs.append)

    def run(client: Callable[[], Ran]) -> None:
        # The first installation waits for another package manager, and is aborted meanwhile.
        with root.locked_by_another():
            running = InThread(client)
            while not aborted(root) and not running.done:
                threading.Event().wait(0.01)
        ran = running.result()
        assert (ran.lines, ran.code) == (CYCLE, 0)
        assert programs[-1].wait(LONG)
        assert programs[-1].unreleased == 0
        check_dpkg(root)

    try:
        yield run
    finally:
        server.close()


def aborted(root: RealRoot) -> bool:
    return any(
        record.result is not None and record.result.code is ResultCode.ABORTED for record in root.agent.jobs()
    )


def check_dpkg(root: RealRoot) -> None:
    root.assert_healthy()
    assert root.versions == {"tool": "1.0"}
    log = (root.target.layout.apt / "log/dpkg.log").read_text().splitlines()
    acts = [line.split()[2:4] for line in log]  # after date and time
    done = [" ".join(words) for words in acts if words[0] in ("install", "remove", "purge")]
    assert done == ["install tool:all", "install editor:all", "remove editor:all"]
    scripts = root.read(TOLD).splitlines()
    assert scripts == ["preinst install", "postinst configure", "prerm remove", "postrm remove"]
    assert not (root.target.root_dir / "usr/share/editor").exists()
    assert root.read("usr/bin/tool") == "#!/bin/sh\n"


@pytest.mark.parametrize("place", ["here", "local"])
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_cpp(wine: Wine, cycle: Cycle, apartment: str, place: str) -> None:
    program = wine.compiled(CLIENTS / "cycle.cpp")
    cycle(lambda: wine.run(program, apartment, place))


@pytest.mark.parametrize("name", ["cycle.js", "cycle.vbs"])
def test_scripts(wine: Wine, cycle: Cycle, name: str) -> None:
    cycle(lambda: wine.script(name))


@pytest.mark.parametrize("library", ["pywin32", "comtypes"])
@pytest.mark.parametrize("apartment", APARTMENTS)
def test_python(wine: Wine, cycle: Cycle, apartment: str, library: str) -> None:
    cycle(lambda: wine.python("cycle.py", library, apartment))


@pytest.fixture(scope="module")
def go_program(wine: Wine, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The client in Go, as a Windows path."""
    if shutil.which("go") is None:
        pytest.skip("no go")
    own = {"GOOS": "windows", "GOARCH": "amd64", "CGO_ENABLED": "0", "GO111MODULE": "off", "GOFLAGS": ""}
    environment = os.environ | own | {"GOCACHE": str(tmp_path_factory.mktemp("go"))}
    words = ["go", "build", "-o", str(wine.drive / "cycle-go.exe"), str(CLIENTS / "cycle.go")]
    subprocess.run(words, env=environment, check=True)
    return "C:\\cycle-go.exe"


@pytest.mark.parametrize("apartment", APARTMENTS)
def test_go(wine: Wine, cycle: Cycle, go_program: str, apartment: str) -> None:
    cycle(lambda: wine.run(go_program, apartment))
