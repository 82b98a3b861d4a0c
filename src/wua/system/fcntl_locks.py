"""Who holds the fcntl locks of apt and dpkg. Nothing is opened, so nobody's lock can be dropped by asking."""

import os
from collections.abc import Iterable
from pathlib import Path

from wua.model.plugins import Holder
from wua.system import process


def lock_holders(paths: Iterable[str | Path]) -> tuple[Holder, ...]:
    """The processes that hold a POSIX or open-file lock on one of the files, in the files' order.

    Read from /proc/locks: works for any user; in a container it shows the container's own. A holder
    that this process can't see has pid 0 or -1. Locks waited for ("->") don't count.
    """
    wanted: dict[str, Path] = {}
    for path in map(Path, paths):
        try:
            state = path.stat()
        except OSError:
            continue
        wanted[f"{os.major(state.st_dev):02x}:{os.minor(state.st_dev):02x}:{state.st_ino}"] = path
    if not wanted:
        return ()
    found: dict[tuple[str, int], Holder] = {}
    for pid, place in _held():
        if place in wanted and pid != os.getpid() and (place, pid) not in found:
            lock = str(wanted[place])
            found[place, pid] = Holder(pid, process.program(pid), process.started_at(pid), lock)
    order = {place: number for number, place in enumerate(wanted)}
    return tuple(found[key] for key in sorted(found, key=lambda key: order[key[0]]))


def _held() -> Iterable[tuple[int, str]]:
    """(pid, "major:minor:inode") of every lock of the fcntl kinds that is held."""
    try:
        text = Path("/proc/locks").read_text()
    except OSError:
        return
    for line in text.splitlines():
        words = line.split()
        if len(words) >= 6 and words[1] in ("POSIX", "OFDLCK"):
            yield int(words[4]), words[5]
