"""Which processes of a package transaction may be ended when they never end by themselves.

dpkg takes a killed maintainer script for one that failed, and goes on with the other packages; dpkg itself
must never be killed. So only what dpkg has started is named here, with all that came of it.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

_DPKG: Final = "dpkg"
_OWN: Final = frozenset({"dpkg", "dpkg-deb", "dpkg-split", "tar"})  # dpkg's own work, which ends


def scripts(pids: tuple[int, ...]) -> tuple[int, ...]:
    """Of these processes, the maintainer scripts that dpkg runs and their descendants."""
    known = {pid: seen for pid in pids if (seen := _look(pid)) is not None}
    return tuple(pid for pid in known if _of_script(pid, known))


def _of_script(pid: int, known: Mapping[int, tuple[str, int]]) -> bool:
    program, parent = known[pid]
    if parent not in known or program in _OWN:
        return False
    return known[parent][0] == _DPKG or _of_script(parent, known)


def _look(pid: int) -> tuple[str, int] | None:
    """(name of the program, pid of its parent)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    head, _, rest = text.rpartition(")")
    return head.partition("(")[2], int(rest.split()[1])
