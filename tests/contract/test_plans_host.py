"""Plans made with this machine's whole lists equal apt's own answers. apt only simulates."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from wua.handlers.apt import AptHandler
from wua.model.enums import TargetKind
from wua.model.identity import deb_update_id
from wua.model.jobs import HistoryEntry
from wua.model.plans import Operation, PlanRequest
from wua.model.plugins import PackageRow
from wua.model.problems import WuaError
from wua.model.updates import UpdateId
from wua.targets.host import HostTarget

_LINE = re.compile(r"^(Inst|Remv|Purg) (\S+)(?: \[([^\]]*)\])?(?: \((\S+) .*\[([^\]]+)\]\))?", re.MULTILINE)
pytestmark = pytest.mark.reads_host

NOT_HERE = "this machine has no apt lists"

Key = tuple[str, str, str]


def apt(*words: str) -> tuple[int, list[tuple[str, str, str, str]]]:
    """Exit code and steps (verb, name, before, after) of ``apt-get -s``."""
    done = subprocess.run(
        ["apt-get", "-s", "-y", *words],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"},
    )
    rows = [(m[1], m[2].partition(":")[0], m[3] or "", m[4] or "") for m in _LINE.finditer(done.stdout)]
    return done.returncode, rows


def candidates(*names: str) -> dict[str, str]:
    """Name -> candidate version, of those that have one."""
    done = subprocess.run(
        ["apt-cache", "policy", *names],
        capture_output=True,
        text=True,
        check=True,
        env={"LC_ALL": "C.UTF-8", "PATH": "/usr/bin:/bin"},
    )
    found = re.findall(r"^(\S+):\n.*\n  Candidate: (\S+)", done.stdout, re.MULTILINE)
    return {name: version for name, version in found if version != "(none)"}


class Known:
    """A catalogue that knows only what a request names, and no digests: apt is asked for them."""

    def __init__(self) -> None:
        self.rows: dict[UpdateId, PackageRow] = {}

    def add(self, name: str, architecture: str, version: str) -> UpdateId:
        update = UpdateId(deb_update_id(name, architecture, version))
        self.rows[update] = PackageRow(update, name, architecture, version)
        return update

    def by_id(self, ids: Sequence[UpdateId]) -> Mapping[UpdateId, PackageRow]:
        return {update: self.rows[update] for update in ids if update in self.rows}

    def by_version(self, keys: Sequence[Key]) -> Mapping[Key, tuple[PackageRow, ...]]:
        return {}

    def of_job(self, job: str) -> tuple[HistoryEntry, ...]:
        return ()

    def of_package(self, name: str, architecture: str) -> tuple[HistoryEntry, ...]:
        return ()


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def handler(known: Known, tmp_path: Path) -> AptHandler:
    target = HostTarget(environ={"WUA_STATE": str(tmp_path), "HOME": str(tmp_path)})
    assert target.spec.kind is TargetKind.HOST
    if not shutil.which("apt-get") or not any(target.lists_dir.glob("*_Packages*")):
        pytest.skip(NOT_HERE)
    return AptHandler(target, known, known)


def compare(handler: AptHandler, known: Known, *names: str) -> None:
    """The plan for the candidates of some packages against ``apt-get -s install``."""
    here = candidates(*names)
    if not here:
        pytest.skip(f"none of {', '.join(names)} is in this machine's lists")
    exit_code, expected = apt("install", *here)
    ids = tuple(
        known.add(name, "amd64" if name in NATIVE else "all", version) for name, version in here.items()
    )
    request = PlanRequest(Operation.INSTALL, ids, allow_removals=True)
    if exit_code:
        with pytest.raises(WuaError):
            handler.plan(request)
        return
    plan = handler.plan(request)
    verbs = {"remove": "Remv", "purge": "Purg"}
    found = [(verbs.get(i.change.value, "Inst"), i.name, i.from_version, i.to_version) for i in plan.items]
    assert found == expected
    for item in plan.items:
        assert item.reason
        if item.to_version:
            assert re.fullmatch("[0-9a-f]{64}", item.sha256)
            assert item.size > 0


NATIVE: set[str] = set()


@pytest.fixture(autouse=True)
def _architectures() -> None:
    NATIVE.clear()


slow = pytest.mark.slow


@pytest.mark.parametrize(
    "names",
    [
        "sqlite3 jq tree",
        pytest.param("hello", marks=slow),
        pytest.param("nginx", marks=slow),
        pytest.param("tzdata apt-doc", marks=slow),
        pytest.param("default-jre-headless", marks=slow),
        pytest.param("exim4-daemon-light", marks=slow),
    ],
)
def test_wishes(handler: AptHandler, known: Known, names: str) -> None:
    NATIVE.update(architecture_of(names.split()))
    compare(handler, known, *names.split())


@pytest.mark.slow
def test_pending_updates(handler: AptHandler, known: Known) -> None:
    _, pending = apt("dist-upgrade")
    names = [name for verb, name, before, _ in pending if verb == "Inst" and before][:10]
    if not names:
        pytest.skip("nothing is pending on this machine")
    NATIVE.update(architecture_of(names))
    compare(handler, known, *names)


def architecture_of(names: Sequence[str]) -> set[str]:
    """Those of the names whose packages are built for the native architecture."""
    done = subprocess.run(
        ["apt-cache", "show", "--no-all-versions", *names], capture_output=True, text=True, check=False
    )
    texts = done.stdout.split("\n\n")
    stanzas = (dict(re.findall(r"^(Package|Architecture): (\S+)$", text, re.MULTILINE)) for text in texts)
    return {fields["Package"] for fields in stanzas if fields.get("Architecture", "all") != "all"}
