"""What apt's configuration says, asked of apt itself and kept until a file of it changes."""

import os
import re
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import msgspec

from wua.metadata.compression import SUFFIXES
from wua.model.plugins import Command, DebianTarget
from wua.model.problems import error
from wua.system.run import run

Stamp = tuple[int, int, int]  # modification time in ns, size, inode; zeros when the file is missing

_LINE: Final = re.compile(r'^([^\s"]+) "(.*)";$', re.MULTILINE)
_QUOTED: Final = re.compile(r"%([0-9a-fA-F]{2})")
_FORMAT: Final = (
    "$(CREATED_BY)\t$(FILENAME)\t$(SITE)\t$(RELEASE)\t$(COMPONENT)\t$(ARCHITECTURE)\t$(BASE_URI)\t$(REPO_URI)"
    "\t$(METAKEY)\t$(SOURCESENTRY)"
)
_TRUE: Final = frozenset({"yes", "true", "with", "on", "enable"})
_LISTED: Final = re.compile(r"Release$|_Packages(?:\.\w+)?$|_Translation-[^_]*$")
_FILTERS: Final = re.compile(r"^(?:include|exclude)\s*:", re.MULTILINE | re.IGNORECASE)


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
        return _path(self.options, name)

    @property
    def native(self) -> str:
        return self.option("APT::Architecture")

    def is_current(self, command: str) -> bool:
        """Whether apt would say the same; the names in the lists folder are not looked at."""
        return command == self.command and all(stamp(path) == seen for path, seen in self.stamps.items())


def read_config(target: DebianTarget) -> AptConfig:
    """Ask apt for its options and sources; two processes.

    Raises:
        WuaError: target-unusable, apt can't read its own configuration.
    """
    dump = target.apt("apt-config", "dump")
    options, lists = _parse_dump(_answer(dump))
    files = list(_config_files(options, dump))
    return AptConfig(
        options=options,
        lists=lists,
        targets=_index_targets(target),
        stamps={path: stamp(path) for path in files},
        command=config_command(target),
        names=list_names(target.lists_dir),
        problem=_filters(options, files),
    )


def _index_targets(target: DebianTarget) -> list[IndexTarget]:
    """Ask apt which of the stored indexes belong to its sources, and what they are.

    apt reads all of its lists for that answer. A folder with the same Release files and empty
    indexes gives the same answer in a twentieth of the time.
    """
    with tempfile.TemporaryDirectory(prefix="wua-targets-") as folder:
        os.chmod(folder, 0o755)  # noqa: S103 - apt may run as another user
        for name in list_names(target.lists_dir):
            if name.endswith("Release"):
                os.symlink(target.lists_dir / name, os.path.join(folder, name))
            else:
                Path(folder, _without_suffix(name)).touch()
        asked = target.apt(
            "apt-get",
            "indextargets",
            *("-o", f"Dir::State::lists={folder}/"),
            *("-o", "Dir::State::status=/dev/null"),
            *("-o", "Dir::Cache::pkgcache="),
            *("-o", "Dir::Cache::srcpkgcache="),
            *("--format", _FORMAT),
        )
        return [found for line in _answer(asked).splitlines() if (found := _parse_target(line))]


def list_names(lists_dir: Path) -> list[str]:
    """The Release files, indexes and translations in a lists folder, sorted."""
    return [name for name in entries(str(lists_dir)) if _LISTED.search(name)]


def _without_suffix(name: str) -> str:
    return next((name.removesuffix(suffix) for suffix in SUFFIXES[1:] if name.endswith(suffix)), name)


def config_command(target: DebianTarget) -> str:
    """The call that asks for the configuration; an answer counts only for the same call."""
    command = target.apt("apt-config", "dump")
    return repr((command.argv, sorted(command.env.items())))


def _answer(command: Command) -> str:
    done = run(command)
    if done.exit != 0:
        raise error("target-unusable", f"{' '.join(command.argv[:2])}: {done.stderr.strip() or done.exit}")
    return done.stdout


def _parse_dump(text: str) -> tuple[dict[str, str], dict[str, list[str]]]:
    options: dict[str, str] = {}
    lists: dict[str, list[str]] = {}
    for name, value in _LINE.findall(text):
        plain = _QUOTED.sub(lambda code: chr(int(code[1], 16)), value)
        if name.endswith("::"):
            lists.setdefault(name[:-2].lower(), []).append(plain)
        else:
            options[name.lower()] = plain
    return options, lists


def _parse_target(line: str) -> IndexTarget | None:
    words = line.split("\t")
    if len(words) != 10 or words[0] not in ("Packages", "Translations"):
        return None
    words[1] = words[1].rpartition("/")[2]
    return IndexTarget(*words)


def _path(options: dict[str, str], name: str) -> str:
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


def _config_files(options: dict[str, str], dump: Command) -> Iterator[str]:
    """Every file and folder that the answer hangs on, missing ones too: they may appear."""
    if given := dump.env.get("APT_CONFIG"):
        yield given
    for name in ("main", "sourcelist", "preferences", "machine-id"):
        if path := _path(options, f"Dir::Etc::{name}"):
            yield path
    for name in ("parts", "sourceparts", "preferencesparts"):
        if folder := _path(options, f"Dir::Etc::{name}"):
            yield folder
            yield from (os.path.join(folder, entry) for entry in entries(folder))
    yield machine_id_path(options)
    yield os.path.join(os.path.dirname(_path(options, "Dir::State::status")), "arch")


def machine_id_path(options: dict[str, str]) -> str:
    """The file with the machine id; /etc/machine-id unless apt's folder is elsewhere."""
    named = _path(options, "Dir::Etc::machine-id")
    return named or os.path.normpath(os.path.join(_path(options, "Dir::Etc"), "../machine-id"))


def entries(folder: str) -> list[str]:
    """Names in a folder, in the order that apt reads them; none when it can't be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _filters(options: dict[str, str], files: Iterable[str]) -> str:
    """Include and Exclude (apt 3) leave single packages out of a source; only apt knows which."""
    parts = _path(options, "Dir::Etc::sourceparts")
    for path in files:
        if path.startswith(parts + "/") and path.endswith(".sources"):
            try:
                text = Path(path).read_text("utf-8", "replace")
            except OSError:
                continue
            if _FILTERS.search(text):
                return f"{path} includes or excludes single packages"
    return ""


def _quoted(metakey: str) -> str:
    """A path as apt writes it into the name of a list (URItoFileName)."""
    special = '\\|{}[]<>"^~_=!@#$%^&*'
    return "".join(f"%{ord(c):02x}" if c in special or c <= " " or c > "~" else c for c in metakey).replace(
        "/", "_"
    )


def stored_file(target: IndexTarget, config: AptConfig, lists_dir: Path) -> Path | None:
    """The file in the lists folder that holds an index."""
    names = config.names
    return next(
        (lists_dir / (target.file + suffix) for suffix in SUFFIXES if target.file + suffix in names), None
    )


def release_file(target: IndexTarget, config: AptConfig, lists_dir: Path) -> Path | None:
    """The Release file that speaks for an index; a local folder may have none."""
    for word in ("InRelease", "Release"):
        if target.release_stem + word in config.names:
            return lists_dir / (target.release_stem + word)
    return None
