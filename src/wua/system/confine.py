"""Run a program where it can change nothing but the folders it was given.

This file runs by itself: ``python -I -S confine.py OPTIONS -- PROGRAM WORDS``. It imports only
the standard library and never wua. What it makes, in this order:

1. called by real root: a private mount namespace in which the given folders can be reached by
   an unprivileged uid (an ancestor such as /root is covered by an empty one), then that uid; with
   ``--only-drop`` that is all;
2. a user, mount, ipc and process namespace: every mount read-only, fresh /tmp, /run and the like,
   the ``--write`` folders writable, at the same paths as outside;
3. with ``--as-root``, one more user and mount namespace inside it, where the uid appears as 0. The
   mounts of step 2 belong to the outer namespace, so what runs there cannot make them writable again;
4. a filter under which changes of owner and uid answer "done" (``fake_ids``): there is but one uid;
5. the program itself, in place of this one: the pid, the descriptors and the parent stay, so a
   signal to this pid reaches the program. Its *children* live in the process namespace, whose
   first process is a small keeper: it ends when the program has ended and nothing else is left.

Without these rights it fails, exit 125, before the program has begun. ``can_confine()`` says beforehand.
Rules of the kernel relied on: user_namespaces(7), mount_namespaces(7) ("mount point locking"),
pid_namespaces(7), mount_setattr(2).
"""

import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Sequence
from typing import Any, NoReturn

CLONE_NEWNS = 0x20000
CLONE_NEWIPC = 0x8000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_RDONLY = 0x1
MS_NOSUID = 0x2
MS_NODEV = 0x4
MS_NOEXEC = 0x8
MS_REMOUNT = 0x20
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
AT_EMPTY_PATH = 0x1000
OPEN_TREE_CLONE = 1
OPEN_TREE_CLOEXEC = os.O_CLOEXEC
MOVE_MOUNT_F_EMPTY_PATH = 4
MOUNT_ATTR_RDONLY = 1
SYS_OPEN_TREE = 428
SYS_MOVE_MOUNT = 429
SYS_MOUNT_SETATTR = 442
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38
EXIT_UNABLE = 125
GRACE = 10.0
FRESH = ("/tmp", "/var/tmp", "/run", "/dev/shm")  # noqa: S108

libc = ctypes.CDLL(None, use_errno=True)


class Options:
    """What the words before ``--`` ask for."""

    def __init__(self) -> None:
        self.write: list[str] = []  # writable folders
        self.read: list[str] = []  # files and folders that must stay visible, read-only
        self.over: list[tuple[str, str]] = []  # (source, place): show source at place, read-only
        self.open: list[tuple[str, str]] = []  # (source, place): the same, writable; after the others
        self.uid = -1  # real root becomes this uid and gid
        self.gid = -1
        self.as_root = False
        self.only_drop = False
        self.root = ""  # a complete root that gets its own /proc and /dev
        self.argv: list[str] = []


def parse(words: Sequence[str]) -> Options:
    """Raises ValueError or IndexError for words that are not understood."""
    options = Options()
    rest = list(words)
    while (word := rest.pop(0)) != "--":
        name = word.removeprefix("--").replace("-", "_")
        if name in ("as_root", "only_drop"):
            setattr(options, name, True)
        elif name in ("write", "read"):
            getattr(options, name).append(rest.pop(0))
        elif name in ("over", "open"):
            getattr(options, name).append((rest.pop(0), rest.pop(0)))
        elif name == "root":
            options.root = rest.pop(0)
        elif name == "uid":
            options.uid, options.gid = int(rest.pop(0)), int(rest.pop(0))
        else:
            raise ValueError(word)
    options.argv = rest
    return options


def check(result: int, what: str) -> int:
    """Raises OSError when a call of libc has failed."""
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def unshare(flags: int) -> None:
    check(libc.unshare(flags), "unshare")


def mount(source: str, place: str, kind: str = "", flags: int = 0, data: str = "") -> None:
    words = [os.fsencode(word) if word else None for word in (source, place, kind)]
    check(libc.mount(words[0], words[1], words[2], flags, data.encode() or None), f"mount {place}")


def take_tree(path: str) -> int:
    """A detached copy of the mounts at ``path``, as a descriptor, to be put anywhere by ``put_tree``."""
    flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_RECURSIVE
    return check(libc.syscall(SYS_OPEN_TREE, AT_FDCWD, os.fsencode(path), flags), f"open_tree {path}")


def put_tree(tree: int, path: str) -> None:
    flags = MOVE_MOUNT_F_EMPTY_PATH
    call = libc.syscall(SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(path), flags)
    check(call, f"move_mount {path}")
    os.close(tree)


def set_read_only(path: str, read_only: bool, *, recursive: bool, tree: int = AT_FDCWD) -> None:
    """mount_setattr(2) for one mount or a tree of mounts; with ``path`` "" for a detached ``tree``."""
    attributes = (ctypes.c_uint64 * 4)(
        MOUNT_ATTR_RDONLY if read_only else 0, 0 if read_only else MOUNT_ATTR_RDONLY, 0, 0
    )
    flags = (AT_RECURSIVE if recursive else 0) | (0 if path else AT_EMPTY_PATH)
    size = ctypes.sizeof(attributes)
    call = libc.syscall(SYS_MOUNT_SETATTR, tree, os.fsencode(path), flags, ctypes.byref(attributes), size)
    check(call, f"mount_setattr {path}")


def below(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def cover(folder: str, keep: Sequence[str], *, mode: str) -> None:
    """Put an empty file system over ``folder``; the ``keep`` folders below it stay at their paths."""
    inside = [path for path in keep if below(path, folder) and path != folder]
    trees = [(path, os.path.isdir(path), take_tree(path)) for path in inside]
    mount("none", folder, "tmpfs", MS_NOSUID | MS_NODEV, f"mode={mode}")
    for path, is_folder, tree in trees:
        make_place(path, path, is_folder=is_folder)
        put_tree(tree, path)


def make_place(source: str, place: str, *, is_folder: bool | None = None) -> None:
    """Something to mount on, of the source's kind; what is there already is left as it is."""
    if os.path.lexists(place):
        return
    is_folder = os.path.isdir(source) if is_folder is None else is_folder
    os.makedirs(place if is_folder else os.path.dirname(place), exist_ok=True)
    if not is_folder:
        os.close(os.open(place, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC))


def outermost(paths: Sequence[str]) -> list[str]:
    """The paths without those that lie below another of them."""
    return [path for path in dict.fromkeys(paths) if not any(below(path, o) for o in paths if o != path)]


def hidden_ancestor(path: str, uid: int, gid: int) -> str:
    """The first folder above ``path`` that a uid without groups cannot walk through, or ""."""
    os.stat(path)
    part = ""
    for name in path.strip("/").split("/")[:-1]:
        part += "/" + name
        state = os.stat(part)
        bit = 0o100 if state.st_uid == uid else 0o010 if state.st_gid == gid else 0o001
        if not state.st_mode & bit:
            return part
    return ""


def reach(options: Options) -> None:
    """As real root: make every given folder reachable for the uid that comes next."""
    sources = [source for source, _ in (*options.over, *options.open)]
    folders = outermost([*options.write, *options.read, *sources])
    hidden = {path: hidden_ancestor(path, options.uid, options.gid) for path in folders}
    if not any(hidden.values()):
        return
    unshare(CLONE_NEWNS)
    mount("", "/", "", MS_REC | MS_PRIVATE)
    for ancestor in outermost([path for path in hidden.values() if path]):
        cover(ancestor, folders, mode="755")


def drop(uid: int, gid: int) -> None:
    """Become an unprivileged user for good."""
    if uid <= 0 or gid <= 0:
        raise ValueError("real root must name another uid and gid")
    os.setgroups([])
    os.setresgid(gid, gid, gid)
    os.setresuid(uid, uid, uid)


def map_ids(me: int, uid: int, gid: int, inner_uid: int, inner_gid: int) -> None:
    """Name our one uid and gid in a new user namespace; ``me`` is a descriptor of our folder in /proc."""
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{inner_uid} {uid} 1"),
        ("gid_map", f"{inner_gid} {gid} 1"),
    ):
        fd = os.open(name, os.O_WRONLY | os.O_CLOEXEC, dir_fd=me)
        os.write(fd, text.encode())
        os.close(fd)


def set_dumpable() -> None:
    """/proc/self must belong to us after a change of uid, or the id maps can't be written."""
    libc.prctl(4, 1, 0, 0, 0)


def enclose(options: Options) -> None:
    """Make the namespaces and the mounts of step 2, and the keeper process."""
    uid, gid = os.geteuid(), os.getegid()
    set_dumpable()
    me = os.open(f"/proc/{os.getpid()}", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWPID)
    map_ids(me, uid, gid, uid, gid)
    mount("", "/", "", MS_REC | MS_PRIVATE)
    keep = outermost([*options.write, *options.read])
    over = [(take_tree(source), source, place) for source, place in options.over]
    opened = [(take_tree(source), source, place) for source, place in options.open]
    trees = {path: take_tree(path) for path in options.write}
    for folder in FRESH:
        if os.path.isdir(folder) and not os.path.islink(folder):
            cover(folder, keep, mode="1777")
    for path, tree in trees.items():
        put_tree(tree, path)
    make_read_only([path for path in FRESH if os.path.isdir(path)], options.write)
    for tree, source, place in over:
        set_read_only("", True, recursive=True, tree=tree)
        make_place(source, place)
        put_tree(tree, place)
    for tree, source, place in opened:
        make_place(source, place)
        put_tree(tree, place)
    start_keeper(options)
    if options.as_root:
        unshare(CLONE_NEWUSER | CLONE_NEWNS)
        map_ids(me, uid, gid, 0, 0)


def make_read_only(fresh: Sequence[str], write: Sequence[str]) -> None:
    set_read_only("/", True, recursive=True)
    for path in (*fresh, *write):
        set_read_only(path, False, recursive=False)


def start_keeper(options: Options) -> None:
    """Fork the first process of the process namespace; return when it stands and /proc is mounted."""
    ready, tell = os.pipe()
    parent = os.getpid()
    if os.fork() == 0:
        os.close(ready)
        keeper(options, parent, tell)
    os.close(tell)
    with open(ready, "rb") as pipe:
        said = pipe.read()
    if said != b"ok":
        raise OSError(0, said.decode(errors="replace") or "the keeper process ended")


def keeper(options: Options, parent: int, tell: int) -> NoReturn:
    """Process 1: mounts /proc, then waits until the program has ended and nothing else is left."""
    try:
        mount_proc(options.root)
        signal.signal(signal.SIGTERM, lambda *_: None)
        for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        os.write(tell, b"ok")
    except OSError as failure:
        os.write(tell, str(failure.strerror).encode())
        os._exit(EXIT_UNABLE)
    os.closerange(0, 1 << 16)
    signal.sigwait({signal.SIGTERM})
    end = time.monotonic() + GRACE
    while time.monotonic() < end:
        try:
            os.kill(-1, 0)
        except ProcessLookupError:
            break
        time.sleep(0.02)
    os._exit(0)


def mount_proc(root: str) -> None:
    """A /proc that shows the new processes only; where the kernel refuses, the outer one stays."""
    with contextlib.suppress(PermissionError):
        mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    if root:
        mount("/proc", root + "/proc", "", MS_BIND | MS_REC)
        mount("/dev", root + "/dev", "", MS_BIND | MS_REC)


def beside(name: str) -> Any:
    """A module of this file's own folder; to be loaded before the folder may be out of sight."""
    sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
    try:
        return __import__(name)
    finally:
        del sys.path[0]


def main(words: Sequence[str]) -> NoReturn:
    try:
        options = parse(words)
        fake_ids = beside("fake_ids")
        if os.geteuid() == 0:
            reach(options)
            drop(options.uid, options.gid)
        if not options.only_drop:
            enclose(options)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        if not options.only_drop:
            fake_ids.install()
        os.chdir("/")
        os.execve(options.argv[0], options.argv, os.environ)
    except (OSError, ValueError, IndexError) as failure:
        os.write(2, f"confine: {failure}\n".encode())
    os._exit(EXIT_UNABLE)


if __name__ == "__main__":
    main(sys.argv[1:])
