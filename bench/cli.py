"""Whole processes: ``wua search`` beside ``apt list --upgradable``, and what starting costs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.harness import Row, fail, interleave
from bench.lz4 import compress

WUA = str(Path(sys.executable).with_name("wua"))
BARE = [sys.executable, "-c", "pass"]


def whole(*argv: str, env: dict[str, str] | None = None) -> Callable[[], None]:
    """One process, its output thrown away."""

    def call() -> None:
        subprocess.run(
            argv,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env=env,
        )

    return call


def said(argv: Sequence[str], env: dict[str, str] | None = None) -> str:
    return subprocess.run(
        argv,
        check=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=env,
    ).stdout


# --- the same set


def found_by(argv: Sequence[str], env: dict[str, str]) -> dict[str, str]:
    """Package and architecture to version, of what a search answers."""
    result = json.loads(said([*argv, "--json"], env).splitlines()[-1])["result"]
    return {f"{offer['name']}:{offer['architecture']}": offer["version"] for offer in result["updates"]}


def apt_would(*options: str) -> dict[str, str]:
    """What ``apt-get dist-upgrade`` would upgrade; packages that it would add are not updates of any."""
    text = said(["apt-get", *options, "-s", "-o", "Debug::NoLocking=true", "dist-upgrade"])
    upgrades = re.findall(r"^Inst (\S+) \[[^]]*\] \((\S+) .*\[(\w+)\]\)", text, re.MULTILINE)
    return {f"{name.partition(':')[0]}:{arch}": version for name, version, arch in upgrades}


def same_set(argv: Sequence[str], env: dict[str, str], *options: str) -> str:
    """A note that says so; ends the run where the sets differ."""
    ours, theirs = found_by(argv, env), apt_would(*options)
    if ours != theirs:
        fail(f"wua and apt-get differ: {sorted(ours.items() ^ theirs.items())[:10]}")
    return f"the {len(ours)} updates found are those that apt-get -s dist-upgrade upgrades"


# --- rows


def search_unchanged(folder: Path) -> Row:
    env = {**os.environ, "WUA_STATE": str(folder / "unchanged")}
    ours = [WUA, "search", "--offline"]
    note = same_set(ours, env)
    cached = folder / "cached"
    cached.mkdir()
    kept = [f"-oDir::Cache::pkgcache={cached}/pkgcache.bin", f"-oDir::Cache::srcpkgcache={cached}/src.bin"]
    samples = interleave(
        {
            "wua": whole(*ours, env=env),
            "apt list": whole("apt", "list", "--upgradable"),
            "apt list, its cache kept": whole("apt", *kept, "list", "--upgradable"),
            "bare interpreter": whole(*BARE),
        }
    )
    row = Row("wua search, lists unchanged, whole processes", samples, targets={"apt list": 0.25})
    row.notes = f"{note}; apt list as this machine configures it: {_caching()}"
    return row


def _caching() -> str:
    text = said(["apt-config", "dump"])
    kept = re.search(r'^Dir::Cache::pkgcache "(.*)";', text, re.MULTILINE)
    return (
        "it keeps a cache of its indexes"
        if kept and kept[1]
        else "without a cache of its indexes (as container images are)"
    )


class PrivateLists:
    """An ordinary user's lists, of which one index can be changed."""

    def __init__(self, folder: Path) -> None:
        self.env = {**os.environ, "WUA_STATE": str(folder)}
        self.ours = [sys.executable, "-m", "bench.as_user", "search", "--offline"]
        found_by(self.ours, self.env)  # makes the lists
        self.apt = ["-c", str(folder / "cache/apt/apt.conf")]
        self._lists = folder / "cache/apt/lists"
        self._state = folder / "state"
        self._turn = 0
        lists = sorted(self._lists.glob("*_Packages*"), key=lambda path: path.stat().st_size)
        self.changing = next((path for path in lists if "security" in path.name), lists[0])
        text = said(["/usr/lib/apt/apt-helper", "cat-file", str(self.changing)])
        stanzas = text.split("\n\n")
        self._contents = [_packed(self.changing, "\n\n".join(some)) for some in (stanzas[20:], stanzas)]
        self.stanzas = len(stanzas)

    def change(self) -> None:
        """Put another version of the index in place, by turns without its first 20 stanzas and whole."""
        fresh = self._lists / "partial/fresh"
        fresh.write_bytes(self._contents[self._turn % 2])
        os.replace(fresh, self.changing)
        self._turn += 1

    def forget_ours(self) -> None:
        for file in self._state.glob("catalogue.db*"):
            file.unlink()

    def forget_theirs(self) -> None:
        for name in ("pkgcache.bin", "srcpkgcache.bin"):
            (self._lists.parent / name).unlink(missing_ok=True)


def _packed(path: Path, text: str) -> bytes:
    return compress(text.encode()) if path.suffix == ".lz4" else text.encode()


def _after(before: Callable[[], None], call: Callable[[], None]) -> Callable[[], float]:
    from bench.harness import timed

    def both() -> float:
        before()
        return timed(call)

    return both


def search_changed(folder: Path) -> Iterator[Row]:
    lists = PrivateLists(folder / "private")
    ours = whole(*lists.ours, env=lists.env)
    theirs = whole("apt", *lists.apt, "list", "--upgradable")
    samples = interleave(
        {"wua": _after(lists.change, ours), "apt list": theirs, "bare interpreter": whole(*BARE)}
    )
    note = same_set(lists.ours, lists.env, *lists.apt)
    row = Row("wua search after one index changed", samples, targets={"apt list": 0.6})
    row.notes = (
        f"20 of the {lists.stanzas} stanzas of {lists.changing.name} went or came;"
        f" private lists, apt with a cache of its own; {note}"
    )
    yield row

    def forget() -> None:
        lists.forget_ours()
        lists.forget_theirs()

    samples = interleave(
        {
            "wua": _after(forget, ours),
            "apt list": _after(lists.forget_theirs, theirs),
            "bare interpreter": whole(*BARE),
        },
        warm=1,
    )
    row = Row("wua search, first import of everything", samples, targets={"apt list": 2.0})
    row.notes = "private lists; apt makes its own cache as well"
    yield row


def starting(folder: Path) -> Iterator[Row]:
    env = {**os.environ, "WUA_STATE": str(folder / "starting")}
    samples = interleave(
        {"wua": whole(WUA, "--version", env=env), "bare interpreter": whole(*BARE)}, repeats=60
    )
    yield _beyond(Row("wua --version", samples), 15)
    samples = interleave({"wua": whole(WUA, "jobs", env=env), "bare interpreter": whole(*BARE)}, repeats=60)
    yield _beyond(Row("wua jobs", samples), 80)


def _beyond(row: Row, limit: float) -> Row:
    """Judge a row by what it costs more than the interpreter, in ms."""
    pairs = zip(row.samples["wua"], row.samples["bare interpreter"], strict=True)
    more = sorted((a - b) * 1e3 for a, b in pairs)[len(row.samples["wua"]) // 2]
    row.limits = [("ms more than the bare interpreter", more, limit)]
    return row


def packagekit(folder: Path) -> Row | None:
    """``pkcon`` talks to a daemon on the system bus; nothing here starts services.

    Without the daemon it ends at once, and with a code that tells nothing: what it prints counts.
    """
    if shutil.which("pkcon") is None:
        return None
    try:
        done = subprocess.run(
            ["pkcon", "-p", "get-updates"], capture_output=True, text=True, timeout=120, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return None
    if done.returncode != 0 or "Results:" not in done.stdout:
        return None
    env = {**os.environ, "WUA_STATE": str(folder / "unchanged")}

    def pkcon() -> None:
        subprocess.run(["pkcon", "-p", "get-updates"], capture_output=True, check=False)

    samples = interleave({"wua": whole(WUA, "search", "--offline", env=env), "pkcon get-updates": pkcon})
    return Row("wua search beside PackageKit, its daemon running", samples)


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="wua-bench-") as name:
        folder = Path(name)
        yield search_unchanged(folder)
        yield from search_changed(folder)
        yield from starting(folder)
        if (found := packagekit(folder)) is not None:
            yield found
