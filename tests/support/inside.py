"""Become a program inside a complete small Debian, as uid 0 of a user namespace.

``python inside.py ROOT PROGRAM WORDS``. The mounts are private, the processes are not: whoever runs
inside and whoever looks from outside know a process by the same pid. Called by real root it becomes the
owner of the root first, so nothing ever runs there as real root.
"""

import os
import sys
from typing import Final, NoReturn

from wua.system import confine, fake_ids

ENV: Final = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LC_ALL": "C.UTF-8",
    "WUA_HOST_IDLE": "2",
}


def main(root: str, argv: list[str]) -> NoReturn:
    owner = os.stat(root)
    if os.geteuid() == 0:
        confine.drop(owner.st_uid, owner.st_gid)
        confine.set_dumpable()
    uid, gid = os.geteuid(), os.getegid()
    me = os.open(f"/proc/{os.getpid()}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    confine.unshare(confine.CLONE_NEWUSER | confine.CLONE_NEWNS)
    confine.map_ids(me, uid, gid, 0, 0)
    confine.mount("", "/", "", confine.MS_REC | confine.MS_PRIVATE)
    for name in ("proc", "dev"):
        confine.mount(f"/{name}", f"{root}/{name}", "", confine.MS_BIND | confine.MS_REC)
    confine.libc.prctl(confine.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    fake_ids.install()
    os.chroot(root)
    os.chdir("/")
    os.execve(argv[0], argv, ENV)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
