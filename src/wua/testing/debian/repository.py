"""A Debian archive in a folder: pool, indexes, Release. What it holds is real to apt and dpkg."""

import contextlib
import email.utils
import gzip
import hashlib
import lzma
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from wua.testing.debian.deb import Package, build_deb, control_fields, stanza
from wua.testing.debian.faults import Faults
from wua.testing.debian.server import Address, Server
from wua.testing.debian.signing import Signer, shared_signer

DATE: Final = 1_704_067_200  # 2024-01-01; the Release date unless told otherwise

_COMPRESSORS: Final[dict[str, tuple[str, Callable[[bytes], bytes]]]] = {
    "plain": ("", bytes),
    "gz": (".gz", lambda data: gzip.compress(data, compresslevel=6, mtime=0)),
    "xz": (".xz", lambda data: lzma.compress(data, preset=1)),
}


@dataclass(frozen=True)
class Built:
    """A package of a repository as it lies in the pool."""

    package: Package
    component: str
    filename: str  # relative to the archive, as in the index
    deb_path: Path
    size: int  # bytes
    sha256: str

    @property
    def name(self) -> str:
        return self.package.name

    @property
    def version(self) -> str:
        return self.package.version

    @property
    def architecture(self) -> str:
        return self.package.architecture

    def index_stanza(self) -> str:
        """The package as the Packages file shows it."""
        fields = control_fields(self.package)
        description = fields.pop("Description")
        if self.package.phased is not None:
            fields["Phased-Update-Percentage"] = str(self.package.phased)
        fields |= {"Filename": self.filename, "Size": str(self.size), "SHA256": self.sha256}
        return stanza({**fields, "Description": description})


class Repository:
    """An archive with one suite. Several suites may share a ``path``, one Repository each.

    ``date`` and ``valid_until`` are seconds since 1970 UTC. ``signed`` may be a Signer of one's
    own; True takes the key of this process. Every further ``write`` counts one second on, so that
    apt sees the Release as a newer one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        suite: str = "stable",
        codename: str = "bookworm",
        label: str = "Debian",
        origin: str = "Debian",
        version: str = "",
        components: Sequence[str] = ("main",),
        architectures: Sequence[str] = ("amd64", "i386", "all"),
        not_automatic: bool = False,
        but_automatic_upgrades: bool = False,
        valid_until: int | None = None,
        date: int = DATE,
        by_hash: bool = False,
        compress: Sequence[str] = ("plain", "gz", "xz"),
        signed: bool | Signer = False,
    ) -> None:
        self.path = Path(path).absolute()
        self.suite = suite
        self.codename = codename
        self.label = label
        self.origin = origin
        self.version = version
        self.components = tuple(components)
        self.architectures = tuple(architectures)
        self.not_automatic = not_automatic
        self.but_automatic_upgrades = but_automatic_upgrades
        self.valid_until = valid_until
        self.date = date
        self.by_hash = by_hash
        self.compress = tuple(compress)
        self.signed = signed
        self.packages: list[Built] = []
        self._writes = 0

    @property
    def keyring(self) -> Path:
        """The public key that a signed repository is signed with, armoured."""
        return self.path / f"{self.suite}.asc"

    def add(self, package: Package, component: str = "") -> Built:
        """Build a package into the pool; the indexes know it after the next ``write``."""
        component = component or self.components[0]
        data = build_deb(package)
        source = package.source.partition(" ")[0] or package.name
        letter = source[:4] if source.startswith("lib") else source[:1]
        filename = f"pool/{component}/{letter}/{source}/{package.file_name}"
        target = self.path / filename
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
        built = Built(package, component, filename, target, len(data), hashlib.sha256(data).hexdigest())
        self.packages.append(built)
        return built

    def remove(self, name: str, version: str = "") -> None:
        """Take a package, or one version, out of the indexes and the pool."""
        gone = [built for built in self.packages if built.name == name and version in ("", built.version)]
        for built in gone:
            self.packages.remove(built)
            built.deb_path.unlink(missing_ok=True)

    def write(self) -> None:
        """Write the indexes and the Release file of what was added so far."""
        now = self.date + self._writes
        self._writes += 1
        suite = self.path / "dists" / self.suite
        hashes: dict[str, bytes] = {}
        for component in self.components:
            for architecture in self.architectures:
                name = f"{component}/binary-{architecture}/Packages"
                hashes |= self._write_index(suite, name, self._index(component, architecture), now)
        release = self._release(hashes, now).encode()
        _put(suite / "Release", release, now)
        if self.signed:
            self._sign(suite, release, now)

    def source_line(self, uri: str | None = None, *, signed_by: str = "", arch: str = "") -> str:
        """The one-line form for sources.list(5): trusted, unless signed."""
        options = " ".join(f"{name.lower()}={value}" for name, value in self._options(signed_by, arch))
        return f"deb [{options}] {uri or self.uri} {self.suite} {' '.join(self.components)}"

    def deb822(self, uri: str | None = None, *, signed_by: str = "", arch: str = "") -> str:
        """The stanza form for a .sources file."""
        fields = {
            "Types": "deb",
            "URIs": uri or self.uri,
            "Suites": self.suite,
            "Components": " ".join(self.components),
        }
        names = {"arch": "Architectures", "trusted": "Trusted", "signed-by": "Signed-By"}
        fields |= {names[name]: value.replace(",", " ") for name, value in self._options(signed_by, arch)}
        return stanza(fields)

    @property
    def uri(self) -> str:
        return f"file:{self.path}"

    @contextlib.contextmanager
    def serve(self, faults: Faults | None = None) -> Iterator[Address]:
        """Serve the archive on a loopback port; the address is a str that knows its server."""
        with Server(self.path, faults) as server:
            yield server.url

    def _options(self, signed_by: str, arch: str) -> list[tuple[str, str]]:
        options = [("arch", arch)] if arch else []
        if signed_by or self.signed:
            return [*options, ("signed-by", signed_by or str(self.keyring))]
        return [*options, ("trusted", "yes")]

    def _index(self, component: str, architecture: str) -> bytes:
        """As in Debian, packages for all architectures stand in the index of each."""
        wanted = (architecture, "all")
        stanzas = (
            built.index_stanza()
            for built in self.packages
            if built.component == component and built.architecture in wanted
        )
        return "\n".join(stanzas).encode()

    def _write_index(self, suite: Path, name: str, plain: bytes, now: int) -> dict[str, bytes]:
        """Write the wanted forms of one index; answer what Release lists (always the plain form too)."""
        listed = {name: plain}
        for kind in self.compress:
            suffix, compressor = _COMPRESSORS[kind]
            data = listed[name + suffix] = compressor(plain)
            _put(suite / (name + suffix), data, now)
            if self.by_hash:
                digest = hashlib.sha256(data).hexdigest()
                _put((suite / name).parent / "by-hash" / "SHA256" / digest, data, now)
        return listed

    def _release(self, hashes: dict[str, bytes], now: int) -> str:
        lines = [f"{hashlib.sha256(data).hexdigest()} {len(data):>8} {name}" for name, data in hashes.items()]
        fields = {
            "Origin": self.origin,
            "Label": self.label,
            "Suite": self.suite,
            "Version": self.version,
            "Codename": self.codename,
            "Date": _http_date(now),
            "Valid-Until": _http_date(self.valid_until) if self.valid_until is not None else "",
            "NotAutomatic": "yes" if self.not_automatic else "",
            "ButAutomaticUpgrades": "yes" if self.but_automatic_upgrades else "",
            "Acquire-By-Hash": "yes" if self.by_hash else "",
            "No-Support-for-Architecture-all": "Packages",
            "Architectures": " ".join(self.architectures),
            "Components": " ".join(self.components),
            "SHA256": "\n".join(["", *lines]),
        }
        return stanza({name: value for name, value in fields.items() if value})

    def _sign(self, suite: Path, release: bytes, now: int) -> None:
        signer = self.signed if isinstance(self.signed, Signer) else shared_signer()
        _put(suite / "InRelease", signer.clearsign(release), now)
        _put(suite / "Release.gpg", signer.detached(release), now)
        _put(self.keyring, signer.public_key, now)


def _http_date(seconds: int) -> str:
    return email.utils.formatdate(seconds, usegmt=True).replace("GMT", "UTC")


def _put(path: Path, data: bytes, mtime: int) -> None:
    """Write a file with a fixed time: apt's If-Modified-Since then goes by the Release, not by the clock."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (mtime, mtime))
