"""Words that run a program confined, and the question whether this machine allows it."""

import sys
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

from wua.system import confine


class Confinement(NamedTuple):
    """What a confined program gets. Folders are absolute; uid and gid count when the caller is real root."""

    write: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    over: tuple[tuple[str, str], ...] = ()
    uid: int = -1
    gid: int = -1
    as_root: bool = False  # appears as uid 0 inside, for a complete root
    root: str = ""  # a complete root that needs /proc and /dev
    only_drop: bool = False  # real root: only become the uid, without namespaces
    open: tuple[tuple[str, str], ...] = ()  # like ``over``, writable, and mounted after it

    def wrap(self, argv: Sequence[str]) -> tuple[str, ...]:
        """The words that run ``argv`` so; the process that is started becomes the program itself."""
        words = [sys.executable, "-I", "-S", confine.__file__]
        for name, folders in (("--write", self.write), ("--read", self.read)):
            for folder in folders:
                words += [name, folder]
        for name, pairs in (("--over", self.over), ("--open", self.open)):
            for source, place in pairs:
                words += [name, source, place]
        if self.uid >= 0:
            words += ["--uid", str(self.uid), str(self.gid)]
        words += ["--as-root"] * self.as_root + ["--only-drop"] * self.only_drop
        words += ["--root", self.root] if self.root else []
        return (*words, "--", *argv)


@cache
def why_not(uid: int = -1, gid: int = -1) -> str:
    """Why nothing can be confined here (for real root: as this uid); "" when it can. Tried once."""
    import subprocess

    try:
        done = subprocess.run(
            Confinement(uid=uid, gid=gid, as_root=True).wrap(["/bin/true"]),
            env={},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as failure:
        return str(failure)
    return "" if done.returncode == 0 else done.stderr.strip() or f"exit {done.returncode}"


def can_confine(uid: int = -1, gid: int = -1) -> bool:
    """Whether user namespaces work here as ``confine`` needs them."""
    return not why_not(uid, gid)
