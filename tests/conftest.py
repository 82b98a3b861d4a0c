"""What every test can rely on: nothing outside its own folders, a clean environment, no luck."""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

LONG = ("slow", "wine", "browser")
LEFT_OUT = pytest.StashKey[dict[str, int]]()
IN_MEMORY = pytest.StashKey[Path]()
FAILED = pytest.StashKey[bool]()
MEMORY = Path("/dev/shm")
ENOUGH = 4 << 30  # bytes, several times what the short suite ever holds

# The same examples in every run: a failure is then always the change's own.
settings.register_profile(
    "quick", max_examples=60, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.register_profile("thorough", settings.get_profile("quick"), max_examples=1000)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all", action="store_true", help="also the tests marked slow, wine and browser")


def pytest_configure(config: pytest.Config) -> None:
    config.stash[LEFT_OUT] = {}
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:  # in a shell's background; commands inherit it
        signal.signal(signal.SIGINT, signal.default_int_handler)
    settings.load_profile("thorough" if config.getoption("--all") else "quick")
    if not config.getoption("--all") and "PYTEST_XDIST_WORKER" not in os.environ and has_memory():
        forget_earlier_runs()
        config.stash[IN_MEMORY] = Path(tempfile.mkdtemp(prefix=f"wua-{os.getpid()}-", dir=MEMORY))
        os.environ["TMPDIR"] = tempfile.tempdir = str(config.stash[IN_MEMORY])
        config.stash[IN_MEMORY].chmod(0o755)  # as other users' programs know a temporary folder


def has_memory() -> bool:
    """Whether folders can be in memory, where nothing waits for a disk; those of the long suite never are."""
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK | os.X_OK):
        return False
    there = os.statvfs(MEMORY)
    found = re.search(r"^MemAvailable: *(\d+) kB$", Path("/proc/meminfo").read_text(), re.MULTILINE)
    left = min(there.f_bavail * there.f_frsize, int(found[1]) << 10 if found else 0)
    return left >= ENOUGH and not there.f_flag & os.ST_NOEXEC


def forget_earlier_runs() -> None:
    """Remove what failed or killed runs have left in memory; it can be looked at until then."""
    for folder in MEMORY.glob("wua-*-*"):
        owner = folder.name.split("-")[1]
        if folder.stat().st_uid == os.geteuid() and not Path("/proc", owner).exists():
            shutil.rmtree(folder, ignore_errors=True)


def pytest_unconfigure(config: pytest.Config) -> None:
    folder = config.stash.get(IN_MEMORY, None)
    if folder is not None and not config.stash.get(FAILED, False):
        shutil.rmtree(folder, ignore_errors=True)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what this run is not for, and remember how much that is."""
    left_out = config.stash[LEFT_OUT]
    staying, leaving = [], []
    for item in items:
        reason = reason_to_leave_out(config, item)
        if reason:
            left_out[reason] = left_out.get(reason, 0) + 1
        (leaving if reason else staying).append(item)
    items[:] = staying
    config.hook.pytest_deselected(items=leaving)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Who changes this host does so alone among those who read it, in whatever worker; nobody's time runs."""
    changes, reads = item.get_closest_marker("host"), item.get_closest_marker("reads_host")
    if not (changes or reads) or os.environ.get("WUA_TEST_HOST") != "1" or os.geteuid() != 0:
        return (yield)
    how = fcntl.LOCK_EX if changes else fcntl.LOCK_SH
    with open("/var/tmp/wua-tests-host.lock", "a") as lock:
        fcntl.flock(lock, how)
        return (yield)


def reason_to_leave_out(config: pytest.Config, item: pytest.Item) -> str:
    if item.get_closest_marker("host"):
        if os.environ.get("WUA_TEST_HOST") != "1":
            return "change this host (set WUA_TEST_HOST=1)"
        if os.geteuid() != 0:
            return "change this host (need root)"
    if config.getoption("--all") or config.getoption("markexpr"):
        return ""
    mark = next((mark for mark in LONG if item.get_closest_marker(mark)), "")
    return f"{mark} (run `make test-all`)" if mark else ""


def pytest_sessionfinish(session: pytest.Session) -> None:
    session.config.stash[FAILED] = bool(session.testsfailed)
    output = getattr(session.config, "workeroutput", None)
    if output is not None:
        output["left_out"] = session.config.stash[LEFT_OUT]


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over a worker's account; every worker collects the same, so one is enough."""
    node.config.stash[LEFT_OUT].update(getattr(node, "workeroutput", {}).get("left_out", {}))


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    left_out = config.stash[LEFT_OUT]
    said = ", ".join(f"{count} {reason}" for reason, count in sorted(left_out.items()))
    terminalreporter.write_line(f"Left out: {said or 'nothing'}.")


@pytest.fixture(scope="session", autouse=True)
def _own_environment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A home of the test run's own, and none of the caller's settings."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("WUA_", "XDG_", "APT_", "DPKG_", "LC_")) and name != "WUA_TEST_HOST":
                patch.delenv(name)
        for name in ("LANGUAGE", "COLUMNS", "NO_COLOR", "FORCE_COLOR"):
            patch.delenv(name, raising=False)
        patch.setenv("LANG", "C.UTF-8")
        patch.setenv("TZ", "UTC")
        patch.setenv("HOME", str(home))
        patch.setenv("XDG_STATE_HOME", str(home / "state"))
        patch.setenv("XDG_CACHE_HOME", str(home / "cache"))
        patch.setenv("XDG_CONFIG_HOME", str(home / "config"))
        yield


@pytest.fixture(scope="session")
def bases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where finished bases of complete roots are kept: one folder for all workers of the run."""
    base = tmp_path_factory.getbasetemp()
    return (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "bases"


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """An empty folder with a short path, for sockets (a socket's path has 107 bytes at most)."""
    folder = tempfile.mkdtemp(prefix="wua-")
    yield Path(folder)
    for _ in range(1000):  # a process that has been killed may still be making a file
        with contextlib.suppress(OSError):
            shutil.rmtree(folder)
            break
    assert not os.path.exists(folder)
