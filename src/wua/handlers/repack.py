"""Build a .deb again from an installed package: dpkg's records and the files that are there.

The result is what is installed now, configuration files as they stand, in the format of deb(5).
It is not the archive's file: its digest is new. Diverted files are taken from where they were
diverted to. A file that is gone or unreadable means no package: half a package would be worse.
"""

import gzip
import io
import os
import stat
import tarfile
from pathlib import Path
from typing import Final, NamedTuple

from wua.handlers.dpkg_state import Installed
from wua.metadata import ar
from wua.model.problems import error

# fields that dpkg adds to its own record of a package
_DPKG_FIELDS: Final = frozenset(
    {"Status", "Conffiles", "Config-Version", "Triggers-Pending", "Triggers-Awaited"}
)
# members of info/ that dpkg makes itself
_NOT_CONTROL: Final = frozenset({"list"})
_SCRIPTS: Final = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})


class Root(NamedTuple):
    """Where the package is installed. ``own_owners`` False: every file is recorded as root's.

    ``beneath``: where a shadow's files lie that nothing has changed there yet.
    """

    root: Path
    dpkg_dir: Path
    own_owners: bool
    beneath: Path | None = None

    def place(self, name: str) -> Path:
        """Where a file of the package is.

        Raises:
            WuaError: access-denied, when links inside the root lead out of it: what lies there is not the
                root's own, and the caller may read more than the root's owner.
        """
        top = self.root
        path = top / name.lstrip("/")
        if self.beneath is not None and not os.path.lexists(path):
            top = self.beneath
            path = top / name.lstrip("/")
        if name and not path.parent.resolve().is_relative_to(top.resolve()):
            raise error("access-denied", f"{path} lies outside of {top}")
        return path


def repack(where: Root, package: Installed, into: Path) -> bool:
    """Write the package as a .deb to ``into``; whether everyone may read all that is in it.

    Where not, the .deb is for its owner alone, as a file of the package was for some only.

    Raises:
        WuaError: access-denied, target-unusable: a file cannot be had; it is named.
    """
    info = _info_files(where.dpkg_dir, package)
    if "list" not in info:
        raise error("target-unusable", f"dpkg has no file list of {package.name}")
    with os.fdopen(os.open(into, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as deb:
        deb.write(ar.MAGIC)
        ar.add(deb, "debian-binary", b"2.0\n")
        ar.add(deb, "control.tar.gz", _control(package, info))
        start = deb.tell()
        deb.write(ar.header("data.tar.gz", 0))
        public = _write_data(deb, where, package, info["list"])
        size = deb.tell() - start - ar.HEADER_SIZE
        deb.write(b"\n" * (size % 2))
        deb.seek(start)
        deb.write(ar.header("data.tar.gz", size))
    if public:
        into.chmod(0o644)
    return public


def _info_files(dpkg_dir: Path, package: Installed) -> dict[str, Path]:
    """Member name -> file of info/; packages of Multi-Arch "same" carry their architecture in the name."""
    found = {}
    for prefix in (f"{package.name}.", f"{package.name}:{package.architecture}."):
        for path in (dpkg_dir / "info").glob(prefix.replace("[", "[[]") + "*"):
            member = path.name[len(prefix) :]
            if "." not in member and member.isascii():
                found[member] = path
    return found


def _control(package: Installed, info: dict[str, Path]) -> bytes:
    members = {"control": control_text(package.stanza).encode(errors="surrogateescape")}
    conffiles = "".join(f"{path}\n" for path in package.conffiles())
    if conffiles:
        members["conffiles"] = conffiles.encode()
    for name, path in info.items():
        if name not in _NOT_CONTROL and name not in members:
            members[name] = _read(path)
    buffer = io.BytesIO()
    with _tar(buffer) as tar:
        for name, data in sorted(members.items()):
            entry = tarfile.TarInfo(f"./{name}")
            entry.size, entry.mode = len(data), 0o755 if name in _SCRIPTS else 0o644
            entry.uname = entry.gname = "root"
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(buffer.getvalue(), compresslevel=1, mtime=0)


def control_text(stanza: str) -> str:
    """dpkg's record of a package as its control file again."""
    kept, keeping = [], True
    for line in stanza.splitlines():
        if not line.startswith((" ", "\t")):
            keeping = line.partition(":")[0] not in _DPKG_FIELDS
        if keeping:
            kept.append(line)
    return "\n".join([*kept, ""])


def _write_data(deb: io.BufferedWriter, where: Root, package: Installed, listing: Path) -> bool:
    paths = _read(listing).decode(errors="surrogateescape").splitlines()
    folders = {path.rpartition("/")[0] for path in paths}  # with "/lib" a link to a folder among them
    diverted = _diversions(where.dpkg_dir, package.name)
    conffiles = package.conffiles()
    public = True
    with (
        gzip.GzipFile(fileobj=deb, mode="wb", compresslevel=1, mtime=0, filename="") as packed,
        _tar(packed) as tar,
    ):
        for path in paths:
            name = "" if path == "/." else path
            source = where.place(diverted.get(name, name))
            try:
                public &= _add(tar, where, source, name, folder=name in folders)
            except FileNotFoundError:
                if name in conffiles:  # the user removed a configuration file: that is a state of its own
                    continue
                raise error("target-unusable", f"{source} of {package.name} is missing") from None
            except PermissionError:
                raise error("access-denied", f"{source} of {package.name} cannot be read") from None
    return public


def _add(tar: tarfile.TarFile, where: Root, source: Path, name: str, *, folder: bool) -> bool:
    """Add one path; whether everyone may read it."""
    entry = _entry(tar, source, f".{name or '/'}", folder=folder)
    if not where.own_owners:
        entry.uid = entry.gid = 0
        entry.uname = entry.gname = "root"
    if not entry.isreg():
        tar.addfile(entry)
        return True
    with os.fdopen(os.open(source, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        tar.addfile(entry, file)
    return bool(entry.mode & stat.S_IROTH)


def _entry(tar: tarfile.TarFile, source: Path, name: str, *, folder: bool) -> tarfile.TarInfo:
    """A path with listed files below it was a folder in the package, whatever it is here (merged /usr)."""
    if not folder:
        return tar.gettarinfo(str(source), arcname=name)
    seen = os.stat(source)
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = tarfile.DIRTYPE, stat.S_IMODE(seen.st_mode), int(seen.st_mtime)
    entry.uid, entry.gid = seen.st_uid, seen.st_gid
    return entry


def _diversions(dpkg_dir: Path, package: str) -> dict[str, str]:
    """Path -> where the package's own file really lies, for files that others divert."""
    try:
        lines = (dpkg_dir / "diversions").read_text(errors="surrogateescape").splitlines()
    except FileNotFoundError:
        return {}
    triples = zip(lines[::3], lines[1::3], lines[2::3], strict=False)
    return {path: aside for path, aside, owner in triples if owner != package}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError:
        raise error("access-denied", f"{path} cannot be read") from None


def _tar(target: io.BytesIO | gzip.GzipFile) -> tarfile.TarFile:
    return tarfile.open(fileobj=target, mode="w", format=tarfile.GNU_FORMAT)
