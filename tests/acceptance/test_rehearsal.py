"""A rehearsal of this machine's pending updates: all are played, also where scripts must not run."""

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

import wua
from wua.model.enums import ResultCode
from wua.targets.host import HostTarget

pytestmark = [pytest.mark.slow, pytest.mark.reads_host, pytest.mark.timeout(600)]

LONG = 500.0  # seconds
NOBODY = 65534
# Small packages whose scripts ignore DPKG_ROOT, or seem to.
UNSAFE = {"openssl", "tzdata", "unzip", "xz-utils", "libpam-cap", "libpam0g", "python3-jwt", "bash", "apt"}


def digest() -> str:
    return hashlib.sha256(Path("/var/lib/dpkg/status").read_bytes()).hexdigest()


@pytest.fixture
def agent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[wua.Agent]:
    """This machine, to look at: with lists and a cache of the test's own."""
    monkeypatch.setenv("WUA_STATE", str(tmp_path / "wua"))
    monkeypatch.setenv("WUA_HOST_IDLE", "2")
    before = digest()
    with wua.open(target=HostTarget(uid=os.geteuid() or NOBODY)) as opened:
        yield opened
    assert digest() == before


def test_what_cannot_run_its_scripts_is_unpacked_all_the_same(agent: wua.Agent) -> None:
    pending = agent.search("IsInstalled=0 and IsHidden=0 and BrowseOnly=0").result(LONG).updates
    chosen = sorted((o for o in pending if o.name in UNSAFE), key=lambda o: o.size)[:3]
    if not chosen:
        pytest.skip("none of the packages that this needs has an update pending here")
    plan = agent.plan_install(chosen).result(LONG)
    outcome = agent.rehearse(plan, keep=True).outcome(LONG)
    rehearsal = outcome.rehearsal
    assert rehearsal is not None
    assert outcome.code is ResultCode.SUCCEEDED, rehearsal.result
    assert rehearsal.not_played == ()
    left_out = {text.partition(":")[0] for text in rehearsal.scripts_left_out}
    assert left_out & {offer.name for offer in chosen}
    assert left_out <= {item.name for item in plan.items}
    assert [u.code for u in rehearsal.result.updates] == [ResultCode.SUCCEEDED] * len(plan.requested)
    with wua.open(rehearsal.shadow) as shadow:
        back = shadow.undo(shadow.plan_undo(rehearsal.job).result(LONG)).result(LONG)
        assert back.code is ResultCode.SUCCEEDED, back
