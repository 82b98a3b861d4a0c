"""Law 9: wua runs the upgrade of the Python, the libc, the OpenSSL and the SQLite that it runs on.

In a small Debian of its own with real packages, wua inside it, as uid 0 of a user namespace and with the
target "this host": caller, job host, spawner and supervisor run from the very files that dpkg replaces.
"""

import json
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from tests.support import updating_root
from tests.support.inside_root import PYTHON, Inside, children, mapped, process
from tests.support.real_root import LONG
from tests.support.target_kinds import is_root
from tests.support.updating_root import Change

from wua.system import namespaces
from wua.system.locks import FileLock
from wua.targets import destroy, open_root
from wua.targets.layout import unprivileged_uid
from wua.targets.namespace import NamespaceRoot

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not namespaces.can_confine(*((unprivileged_uid(),) * 2 if is_root() else ())),
        reason="this machine allows no user namespaces",
    ),
]
TRY = """
try:
    import msgspec
except ImportError as failure:
    print(failure)
"""
VERSIONS = ("-W", "-f", "${Package} ${Version} ${db:Status-Status}\\n")


class Machine(NamedTuple):
    root: NamespaceRoot
    changes: list[Change]

    @property
    def new(self) -> dict[str, str]:
        return {name: change.new for change in self.changes for name in change.packages}


@pytest.fixture(scope="session")
def machine(bases: Path) -> Machine:
    """Before the update, made once for all workers of the run."""
    place, known = bases / "own-update", bases / "own-update.json"
    bases.mkdir(exist_ok=True)
    with FileLock(bases / "own-update.lock"):
        if not known.exists():
            _, changes = updating_root.make(place, bases)
            known.write_bytes(msgspec.json.encode(changes))
    root = open_root(place)
    assert isinstance(root, NamespaceRoot)
    return Machine(root, msgspec.json.decode(known.read_bytes(), type=list[Change]))


@pytest.fixture
def here(machine: Machine) -> Iterator[Inside]:
    """A copy of the machine, in a folder that any user can reach."""
    with tempfile.TemporaryDirectory(prefix="wua-own-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        with Inside(machine.root.shadow(Path(folder) / "copy")) as made:
            if why := made.call(PYTHON, "-c", TRY).strip():
                pytest.skip(f"the wheels of this environment do not fit the root's Python: {why}")
            yield made
        destroy(Path(folder) / "copy")


def wua(here: Inside, *words: str) -> Any:
    return json.loads(here.call(PYTHON, "-m", "wua", "--json", *words))["result"]


def check(machine: Machine, here: Inside, said: list[dict[str, Any]], job: str) -> None:
    """The job has ended well, was told once, and wua works on what it has installed."""
    assert said[-1] == {
        "result": "SUCCEEDED",
        "problem": "",
        "updates": ["SUCCEEDED"] * len(machine.new),
        "completed": [job],
    }
    here.wait_until_empty()
    lines = [line.split() for line in here.call("/usr/bin/dpkg-query", *VERSIONS).splitlines()]
    assert {state for *_, state in lines} == {"installed"}
    assert machine.new.items() <= {(name, version) for name, version, _ in lines}
    assert here.call("/usr/bin/dpkg", "--audit") == ""

    assert [told["told"]["job"] for told in here.deliveries()] == [job]
    assert here.deliveries()[0]["python"] == here.call(PYTHON, "-c", "import sys; print(sys.version)").strip()

    (listed,) = wua(here, "jobs")
    assert (listed["id"], listed["state"]) == (job, "ended")
    history = {entry["name"]: (entry["from_version"], entry["to_version"]) for entry in wua(here, "history")}
    assert history == {name: (each.old, each.new) for each in machine.changes for name in each.packages}
    assert wua(here, "search")["updates"] == []


def test_python_and_its_libraries_are_replaced_under_the_job(machine: Machine, here: Inside) -> None:
    for gate in ("before", "last"):
        here.gate(gate)
    caller = here.talk(PYTHON, "-m", "inside_wua", "install")
    work = here.reached("before")
    keepers = (work.supervisor, work.spawner, work.host)
    before = [mapped(who.pid) for who in keepers]
    assert not any(each.replaced for each in before)
    here.pass_gate("before")

    assert here.reached("last") == work
    after = [mapped(who.pid) for who in keepers]
    assert [each.files for each in after] == [each.files for each in before]
    python = Path(here.dir / "usr/bin/python3").readlink().name
    assert {python, "libc.so.6"} <= after[0].replaced & after[1].replaced
    assert {python, "libc.so.6", "libcrypto.so.3"} <= after[2].replaced
    assert any(name.startswith("libsqlite3.so") for name in after[2].replaced)
    assert children(work.supervisor.pid) == [work.installer.pid]
    here.pass_gate("last")

    said = caller.end()
    check(machine, here, said, work.job)
    begun = json.loads((work.folder / "started").read_text())["time"]
    for pid in (work.host.pid, caller.pid):
        assert here.imports(pid, 0)
        assert here.imports(pid, begun) == []


def test_job_host_and_caller_killed_half_way_through(machine: Machine, here: Inside) -> None:
    """The next ones start on a new Python that is not configured yet."""
    here.gate("between")
    caller = here.talk(PYTHON, "-m", "inside_wua", "install")
    work = here.reached("between")
    work.host.send(signal.SIGKILL)
    caller.kill()
    assert work.host.wait(LONG)

    again = here.talk(PYTHON, "-m", "inside_wua", "attach", work.job)
    adopted = again.wait_for(lambda line: line.get("text", "").startswith("adopted by job host"))
    host = process(int(adopted["text"].split()[-1]))
    assert work.installer.alive()
    assert work.supervisor.alive()
    assert children(work.supervisor.pid) == [work.installer.pid]
    opened = time.time()
    here.pass_gate("between")
    said = again.end()
    assert any(line.get("text") == "the installer's exit status was 0" for line in said)
    check(machine, here, said, work.job)
    assert here.imports(host.pid, opened) == []
