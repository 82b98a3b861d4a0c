"""Debian binary packages, written byte for byte: the same package gives the same file.

The format is that of deb(5): an ar archive of debian-binary, control.tar and data.tar.
"""

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

Content = bytes | str

EPOCH: Final = 1_700_000_000  # the time stamp of every archive member, seconds since 1970 UTC
_SCRIPTS: Final = frozenset({"preinst", "postinst", "prerm", "postrm", "config"})


@dataclass(frozen=True, kw_only=True)
class _Fields:
    """What a package may say beyond its name and version; the words are those of deb-control(5)."""

    architecture: str = "all"
    depends: str = ""
    pre_depends: str = ""
    recommends: str = ""
    suggests: str = ""
    conflicts: str = ""
    breaks: str = ""
    replaces: str = ""
    provides: str = ""
    section: str = "misc"
    priority: str = "optional"
    essential: bool = False
    multi_arch: str = ""
    description: str = "a package made for a test"
    source: str = ""
    maintainer: str = "Tests <tests@example.invalid>"
    # Control members: maintainer scripts, but also "triggers", "templates" and the like.
    scripts: Mapping[str, Content] = field(default_factory=dict)
    conffiles: Mapping[str, Content] = field(default_factory=dict)
    files: Mapping[str, Content] = field(default_factory=dict)
    links: Mapping[str, str] = field(default_factory=dict)
    changelog: Content | None = None
    phased: int | None = None  # percent; stands in the index only
    extra_fields: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Package(_Fields):
    """One binary package to build. Files that begin with ``#!`` become executable."""

    name: str = field(kw_only=False)
    version: str = field(kw_only=False)

    @property
    def file_name(self) -> str:
        """As in a pool: the epoch is left out."""
        return f"{self.name}_{self.version.partition(':')[2] or self.version}_{self.architecture}.deb"

    @property
    def payload(self) -> dict[str, bytes]:
        """Every regular file of the package, by absolute path, in order."""
        files = {path: _bytes(content) for path, content in {**self.files, **self.conffiles}.items()}
        if self.changelog is not None:
            path = f"/usr/share/doc/{self.name}/changelog.Debian.gz"
            files[path] = gzip.compress(_bytes(self.changelog), mtime=0)
        return dict(sorted(files.items()))


def control_fields(package: Package) -> dict[str, str]:
    """The control file as fields, in the order of Debian's own."""
    size = sum(len(content) for content in package.payload.values())
    fields = {
        "Package": package.name,
        "Source": package.source,
        "Version": package.version,
        "Architecture": package.architecture,
        "Essential": "yes" if package.essential else "",
        "Maintainer": package.maintainer,
        "Installed-Size": str((size + 1023) // 1024),
        "Pre-Depends": package.pre_depends,
        "Depends": package.depends,
        "Recommends": package.recommends,
        "Suggests": package.suggests,
        "Conflicts": package.conflicts,
        "Breaks": package.breaks,
        "Replaces": package.replaces,
        "Provides": package.provides,
        "Section": package.section,
        "Priority": package.priority,
        "Multi-Arch": package.multi_arch,
        **package.extra_fields,
        "Description": package.description,
    }
    return {name: value for name, value in fields.items() if value}


def stanza(fields: Mapping[str, str]) -> str:
    """Fields as deb822 text; continuation lines get their leading space, empty ones a dot."""
    return "".join(f"{name}: {_folded(value)}\n" for name, value in fields.items())


def build_deb(package: Package) -> bytes:
    """The whole .deb file."""
    payload = package.payload
    return b"!<arch>\n" + b"".join(
        (
            _ar_member("debian-binary", b"2.0\n"),
            _ar_member("control.tar.gz", _gzip(_tar(_control_members(package, payload)))),
            _ar_member("data.tar.gz", _gzip(_tar(_data_members(package, payload)))),
        )
    )


def _bytes(content: Content) -> bytes:
    return content.encode() if isinstance(content, str) else content


def _md5(data: bytes) -> str:
    return hashlib.md5(data, usedforsecurity=False).hexdigest()


def _folded(value: str) -> str:
    first, *rest = value.split("\n")
    return "\n".join([first, *(line if line.startswith(" ") else f" {line or '.'}" for line in rest)])


def _gzip(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=1, mtime=0)


def _ar_member(name: str, data: bytes) -> bytes:
    header = f"{name:<16}{EPOCH:<12}{0:<6}{0:<6}{'100644':<8}{len(data):<10}`\n".encode("ascii")
    return header + data + b"\n" * (len(data) % 2)


Member = tuple[tarfile.TarInfo, bytes]


def _info(path: str, kind: bytes, mode: int, size: int = 0, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(f".{path}")
    info.type, info.mode, info.size, info.linkname = kind, mode, size, link
    info.mtime, info.uname, info.gname = EPOCH, "root", "root"
    return info


def _regular(path: str, data: bytes, mode: int) -> Member:
    return _info(path, tarfile.REGTYPE, mode, len(data)), data


def _control_members(package: Package, payload: Mapping[str, bytes]) -> Iterator[Member]:
    yield _info("/", tarfile.DIRTYPE, 0o755), b""
    members = {"control": stanza(control_fields(package)).encode()}
    if package.conffiles:
        members["conffiles"] = "".join(f"{path}\n" for path in sorted(package.conffiles)).encode()
    owned = {path: data for path, data in payload.items() if path not in package.conffiles}
    if owned:
        sums = (f"{_md5(data)}  {path[1:]}\n" for path, data in owned.items())
        members["md5sums"] = "".join(sums).encode()
    members |= {name: _bytes(text) for name, text in package.scripts.items()}
    for name, data in sorted(members.items()):
        yield _regular(f"/{name}", data, 0o755 if name in _SCRIPTS else 0o644)


def _data_members(package: Package, payload: Mapping[str, bytes]) -> Iterator[Member]:
    yield _info("/", tarfile.DIRTYPE, 0o755), b""
    for folder in _folders([*payload, *package.links]):
        yield _info(folder, tarfile.DIRTYPE, 0o755), b""
    for path, data in payload.items():
        yield _regular(path, data, 0o755 if data.startswith(b"#!") else 0o644)
    for path, aim in sorted(package.links.items()):
        yield _info(path, tarfile.SYMTYPE, 0o777, link=aim), b""


def _folders(paths: Iterable[str]) -> list[str]:
    """Every parent folder of absolute paths, parents first."""
    folders: set[str] = set()
    for path in paths:
        folder = path.rpartition("/")[0]
        while folder and folder not in folders:
            folders.add(folder)
            folder = folder.rpartition("/")[0]
    return sorted(folders)


def _tar(members: Iterable[Member]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return buffer.getvalue()
