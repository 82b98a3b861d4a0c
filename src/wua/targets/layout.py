"""Where everything lies in the folder of a root of its own."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from wua.model.plugins import TargetPaths, TargetSpec
from wua.model.problems import error
from wua.system.files import write_atomic

SPEC: Final = "target.json"
_DYNAMIC_UIDS: Final = range(61184, 65520)  # systemd's DynamicUser range: nobody's files, no login


class Layout:
    """DIR/root is the Debian, DIR/apt what apt needs beside it, DIR/wua our own store.

    Only the Debian and what apt writes belong to the uid that maintainer scripts run as; and what
    must be what it was when it was verified (lists, archives, configuration) can't be written by scripts.
    """

    def __init__(self, top: str | Path) -> None:
        self.top = Path(top)
        self.root = self.top / "root"
        self.apt = self.top / "apt"
        self.etc = self.apt / "etc"
        self.lists = self.apt / "state/lists"
        self.archives = self.apt / "cache/archives"
        self.written = tuple(self.apt / name for name in ("state", "cache", "log", "tmp"))
        self.own = self.top / "wua"
        self.state = self.own / "state"
        self.spec = self.state / SPEC

    @property
    def paths(self) -> TargetPaths:
        run = self.own / "run"
        return TargetPaths(str(self.state), str(self.own / "cache"), str(run), str(run / "installer.lock"))

    def create(self) -> None:
        """Make the folders. Raises WuaError target-unusable when the folder is in use."""
        if self.top.exists() and (not self.top.is_dir() or any(self.top.iterdir())):
            raise error("target-unusable", f"{self.top} is not an empty folder")
        try:
            for folder in (
                self.root,
                self.etc / "apt.conf.d",
                self.etc / "preferences.d",
                self.etc / "sources.list.d",
                self.etc / "dpkg/dpkg.cfg.d",
                self.lists / "partial",
                self.lists / "auxfiles",
                self.archives / "partial",
                self.apt / "log",
                self.apt / "tmp",
                self.state,
                self.own / "cache",
                self.own / "run",
            ):
                folder.mkdir(parents=True, exist_ok=True)
            (self.archives / "lock").touch()
        except OSError as failure:
            raise error("target-unusable", f"{self.top} can't be made: {failure.strerror}") from failure

    def worker(self) -> tuple[int, int]:
        """The uid and gid that work in this root: the owner of its files."""
        state = self.root.stat()
        return state.st_uid, state.st_gid

    def hand_over(self) -> None:
        """As real root: give the Debian and apt's folders to an unprivileged uid; keep the store."""
        if os.geteuid() != 0:
            return
        uid = unprivileged_uid()
        for top in (self.root, *self.written):
            give(top, uid)
        # It has to read these, whatever our umask is.
        subprocess.run(["/bin/chmod", "-R", "u=rwX,go=rX", str(self.etc)], env={}, check=True)

    def copy_to(self, other: "Layout") -> None:
        """Make a second root of the same content, without this one's store.

        Raises:
            WuaError: target-unusable, when the other folder is in use.
        """
        other.create()
        try:
            shutil.rmtree(other.apt)
            other.root.rmdir()
            copy_tree(self.root, other.root)
            copy_tree(self.apt, other.apt)
            for file in (other.etc / "apt.conf", other.etc / "read.conf"):
                if file.exists():
                    file.write_text(file.read_text().replace(f"{self.top}/", f"{other.top}/"))
            other.write_spec(msgspec.structs.replace(read_spec(self.top), root=str(other.top)))
        except BaseException:
            remove_tree(other.top)
            raise

    def write_spec(self, spec: TargetSpec) -> None:
        write_atomic(self.spec, msgspec.json.format(msgspec.json.encode(spec)))


def copy_tree(source: Path, place: Path) -> None:
    """Copy a tree with owners, links and times; shares the blocks where the file system can."""
    subprocess.run(["/bin/cp", "-a", "--reflink=auto", str(source), str(place)], env={}, check=True)


def give(top: Path, uid: int) -> None:
    """Change the owner of a whole tree, links themselves included."""
    os.lchown(top, uid, uid)
    for folder, folders, files in os.walk(top):
        for name in (*folders, *files):
            os.lchown(os.path.join(folder, name), uid, uid)


def unprivileged_uid() -> int:
    """The uid that real root works as in roots that it makes: one that belongs to nobody.

    Not "nobody" and not "_apt": these own processes, credentials and downloads of other programs. The
    first of systemd's range for dynamic users without a name here. Root's roots share it.
    """
    taken = {entry.pw_uid for entry in pwd.getpwall()}
    return next(uid for uid in _DYNAMIC_UIDS if uid not in taken)


def read_spec(top: str | Path) -> TargetSpec:
    """What a root of its own is. Raises WuaError target-unusable when the folder is none."""
    layout = Layout(Path(top).absolute())
    try:
        spec = msgspec.json.decode(layout.spec.read_bytes(), type=TargetSpec)
    except FileNotFoundError:
        raise error(
            "target-unusable", f"{layout.top} is not a root made by wua ({layout.spec} is missing)"
        ) from None
    except OSError as failure:
        raise error("target-unusable", f"{layout.spec}: {failure.strerror}") from failure
    except msgspec.MsgspecError as failure:
        raise error("target-unusable", f"{layout.spec}: {failure}") from failure
    return msgspec.structs.replace(spec, root=str(layout.top))  # the folder may have been moved


def remove_tree(top: Path) -> None:
    """Delete a root and everything in it. Symbolic links are not followed."""

    def unlock(function: Callable[..., object], path: str, _: object) -> None:
        os.chmod(os.path.dirname(path), stat.S_IRWXU)
        if function is not os.unlink and function is not os.rmdir:
            os.chmod(path, stat.S_IRWXU)
            shutil.rmtree(path)
            return
        function(path)

    shutil.rmtree(top, onerror=unlock)
