"""Debian 13's own apt and dpkg in a folder: the other Debian that wua agrees with. Needs the network."""

import shlex
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest
from tests.support.target_kinds import is_root

from wua.model.enums import TargetKind
from wua.system import namespaces
from wua.targets import create_root, destroy
from wua.targets.layout import unprivileged_uid

KEYS: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
HAS_KEYS: Final = KEYS.with_name("debian-archive-trixie-stable.gpg").exists()
SOURCES: Final = """\
Types: deb
URIs: {}
Suites: {}
Components: main
Signed-By: {}
"""
_ASK: Final = ("apt-get", "indextargets", "--format", "$(REPO_URI)", "Label: Debian", "Created-By: Packages")
# Programs of another root on the folders of this one: /tmp is where tests have theirs.
_ENTER: Final = """
for folder in tmp dev proc; do mount --rbind /$folder "$0/$folder"; done
exec /usr/sbin/chroot "$0" "$@"
"""

MARKS: Final = [
    pytest.mark.slow,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not namespaces.can_confine(*((unprivileged_uid(),) * 2 if is_root() else ())),
        reason="this machine allows no user namespaces",
    ),
    pytest.mark.skipif(not HAS_KEYS, reason="no keys of Debian 13 here"),
]


def archive() -> str:
    """Where this machine gets Debian from."""
    found = subprocess.run(_ASK, capture_output=True, text=True, check=True).stdout.split()
    if not found:
        pytest.skip("this machine has no Debian archive among its sources")
    return found[0]


def sources(*suites: str) -> str:
    """Debian 13 from that archive, in deb822."""
    return SOURCES.format(archive(), " ".join(suites or ("trixie",)), KEYS)


@contextmanager
def debian13(bases: Path) -> Iterator[Path]:
    """A small Debian 13, in a folder that any user can reach."""
    with tempfile.TemporaryDirectory(prefix="wua-trixie-", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        top = Path(folder) / "root"
        root = create_root(top, TargetKind.NAMESPACE_ROOT, sources=sources(), base_cache=bases)
        assert root.os().version == "13"
        yield top / "root"
        destroy(top)


def enter(root: Path) -> str:
    """``WUA_TEST_APT`` for its apt: in namespaces of its own, with the rights of the caller outside."""
    words = ["/usr/bin/unshare", "-r", "-m", "/bin/sh", "-ec", _ENTER, str(root)]
    return shlex.join(words)
