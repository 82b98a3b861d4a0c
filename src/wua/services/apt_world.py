"""What the catalogue's offers were made from, and whether that is still so: quick, for every search."""

import os
from collections.abc import Callable
from typing import Final, NamedTuple

import msgspec

from wua.metadata.release_file import ReleaseFacts
from wua.model.plugins import DebianTarget
from wua.store.catalogue import Catalogue

Stamp = tuple[int, int, int]  # modification time in ns, size, inode; zeros when the file is missing

WORLD: Final = "apt.world"

_TRUE: Final = frozenset({"yes", "true", "with", "on", "enable"})


def stamp(path: str | os.PathLike[str]) -> Stamp:
    try:
        seen = os.stat(path)
    except OSError:
        return (0, 0, 0)
    return (seen.st_mtime_ns, seen.st_size, seen.st_ino)


class IndexTarget(msgspec.Struct, frozen=True, array_like=True):
    """One index that a source names and that was fetched."""

    kind: str  # "Packages" or "Translations"
    file: str  # its name in the lists folder, without a compression suffix
    site: str
    release: str
    component: str
    architecture: str
    base_uri: str
    repo_uri: str
    metakey: str
    source: str  # file and number of the entry that names it

    @property
    def host(self) -> str:
        """As ``Pin: origin`` takes it; "" for a local folder."""
        rest = self.base_uri.partition("://")[2] if "://" in self.base_uri else ""
        return rest.partition("/")[0].rpartition("@")[2].partition(":")[0]

    @property
    def release_stem(self) -> str:
        """Name in the lists folder of the Release file, without its last word."""
        return self.file.removesuffix(_quoted(self.metakey))


class AptConfig(msgspec.Struct, frozen=True, array_like=True):
    """apt's options as ``apt-config dump`` shows them, the indexes of its sources, and what both hang on."""

    options: dict[str, str]
    lists: dict[str, list[str]]  # options that have several values
    targets: list[IndexTarget]
    stamps: dict[str, Stamp]  # of every file and folder that may change the answer
    command: str  # how apt was asked
    names: list[str]  # of the lists folder when it was asked
    problem: str = ""  # why wua can't work out the candidates itself, "" when it can

    def option(self, name: str, default: str = "") -> str:
        return self.options.get(name.lower(), default)

    def flag(self, name: str) -> bool:
        value = self.option(name).lower()
        return value in _TRUE or (value.isdigit() and int(value) != 0)

    def path(self, name: str) -> str:
        """An option below ``Dir`` as the absolute path that apt makes of it; "" when it is not set."""
        return option_path(self.options, name)

    @property
    def native(self) -> str:
        return self.option("APT::Architecture")

    def is_current(self, command: str) -> bool:
        """Whether apt would say the same; the names in the lists folder are not looked at."""
        return command == self.command and all(stamp(path) == seen for path, seen in self.stamps.items())


def option_path(options: dict[str, str], name: str) -> str:
    """apt joins the values from the option upwards until one is absolute (Configuration::FindFile)."""
    path, level = "", name.lower()
    while level:
        if (value := options.get(level, "")) == "/dev/null":
            return value
        path = os.path.join(value, path) if path else value
        if not path and level == name.lower():
            return ""
        if path.startswith("/"):
            break
        level = level.rpartition("::")[0]
    root = options.get("rootdir", "")
    return os.path.normpath(os.path.join(root, path.lstrip("/")) if root else path)


def _quoted(metakey: str) -> str:
    """A path as apt writes it into the name of a list (URItoFileName)."""
    special = '\\|{}[]<>"^~_=!@#$%^&*'
    return "".join(f"%{ord(c):02x}" if c in special or c <= " " or c > "~" else c for c in metakey).replace(
        "/", "_"
    )


def config_command(target: DebianTarget) -> str:
    """The call that asks for the configuration; an answer counts only for the same call."""
    command = target.apt("apt-config", "dump")
    return repr((command.argv, sorted(command.env.items())))


class StoredIndex(msgspec.Struct, array_like=True):
    """One index as it was last read, and what its Release file says."""

    target: IndexTarget
    path: str
    stamp: Stamp
    release_path: str
    release_stamp: Stamp
    release: ReleaseFacts
    source: int = 0  # in the catalogue
    problem: str = ""  # why the last reading failed
    phased: bool = False  # it has phased updates


class World(msgspec.Struct, array_like=True):
    """What the offers in the catalogue were made from."""

    config: AptConfig
    lists: Stamp
    status: Stamp
    indexes: list[StoredIndex]
    policy: str = ""  # digest of everything that candidates hang on, the packages apart
    archives: Stamp = (0, 0, 0)
    laid: dict[str, str] = {}  # digests of what is laid over the offers, by column; "" nothing
    warnings: list[str] = []
    asked: list[str] = []  # why apt itself was asked for candidates, and what went wrong then


class Overlays(NamedTuple):
    """What others know of the updates, by update id."""

    hidden: Callable[[], frozenset[str]]
    uninstallable: Callable[[], frozenset[str]]


def load_world(catalogue: Catalogue) -> World | None:
    data = catalogue.get(WORLD)
    if data is None:
        return None
    try:
        return msgspec.msgpack.decode(data, type=World)
    except msgspec.DecodeError:
        return None


def is_current(world: World, target: DebianTarget) -> bool:
    """Whether nothing changed that the offers hang on; one look at each file."""
    return (
        world.lists == stamp(target.lists_dir)
        and world.status == stamp(target.dpkg_dir / "status")
        and all(
            index.stamp == stamp(index.path) and index.release_stamp == stamp(index.release_path)
            for index in world.indexes
        )
        and world.config.is_current(config_command(target))
    )


def is_laid(world: World, target: DebianTarget, overlays: Overlays) -> bool:
    """Whether the marks on the offers are those of now."""
    return (
        world.archives == stamp(target.archives_dir)
        and world.laid.get("hidden", "") == digest(overlays.hidden())
        and world.laid.get("uninstallable", "") == digest(overlays.uninstallable())
    )


def digest(ids: frozenset[str]) -> str:
    """Of a set of update ids; "" for an empty one."""
    if not ids:
        return ""
    import hashlib

    return hashlib.sha256(" ".join(sorted(ids)).encode()).hexdigest()
