"""A file system of a few kilobytes, in a mount namespace of its own: for tests of a full disk.

``python small_disk.py KILOBYTES FOLDER PROGRAM ARGUMENT…`` runs a program that sees it at FOLDER.
"""

import ctypes
import os
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_REC_PRIVATE = 0x4000 | 0x40000
UNAVAILABLE = 77


def main(kilobytes: str, folder: str, *words: str) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    uid, gid = os.getuid(), os.getgid()
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS):
        sys.exit(UNAVAILABLE)
    try:
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"0 {uid} 1"),
            ("gid_map", f"0 {gid} 1"),
        ):
            with open(f"/proc/self/{name}", "w") as file:
                file.write(text)
    except OSError:
        sys.exit(UNAVAILABLE)
    libc.mount(None, b"/", None, MS_REC_PRIVATE, None)
    if libc.mount(b"tmpfs", folder.encode(), b"tmpfs", 0, f"size={kilobytes}k".encode()):
        sys.exit(UNAVAILABLE)
    os.execv(words[0], words)


if __name__ == "__main__":
    main(*sys.argv[1:])
