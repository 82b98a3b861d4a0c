"""What apt's configuration says, asked of apt itself and kept until a file of it changes."""

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from wua.metadata.compression import SUFFIXES
from wua.model.plugins import Command, DebianTarget
from wua.model.problems import error
from wua.services.apt_world import AptConfig, IndexTarget, config_command, option_path, stamp
from wua.system.run import run

_LINE: Final = re.compile(r'^([^\s"]+) "(.*)";$', re.MULTILINE)
_QUOTED: Final = re.compile(r"%([0-9a-fA-F]{2})")
_FORMAT: Final = (
    "$(CREATED_BY)\t$(FILENAME)\t$(SITE)\t$(RELEASE)\t$(COMPONENT)\t$(ARCHITECTURE)\t$(BASE_URI)\t$(REPO_URI)"
    "\t$(METAKEY)\t$(SOURCESENTRY)"
)
_LISTED: Final = re.compile(r"Release$|_Packages(?:\.\w+)?$|_Translation-[^_]*$")
_FILTERS: Final = re.compile(r"^(?:include|exclude)\s*:", re.MULTILINE | re.IGNORECASE)


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
    import tempfile

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


def _config_files(options: dict[str, str], dump: Command) -> Iterator[str]:
    """Every file and folder that the answer hangs on, missing ones too: they may appear."""
    if given := dump.env.get("APT_CONFIG"):
        yield given
    yield from (path for option, path in zip(dump.argv, dump.argv[1:], strict=False) if option == "-c")
    for name in ("main", "sourcelist", "preferences", "machine-id"):
        if path := option_path(options, f"Dir::Etc::{name}"):
            yield path
    for name in ("parts", "sourceparts", "preferencesparts"):
        if folder := option_path(options, f"Dir::Etc::{name}"):
            yield folder
            yield from (os.path.join(folder, entry) for entry in entries(folder))
    yield machine_id_path(options)
    yield os.path.join(os.path.dirname(option_path(options, "Dir::State::status")), "arch")


def machine_id_path(options: dict[str, str]) -> str:
    """The file with the machine id; /etc/machine-id unless apt's folder is elsewhere."""
    named = option_path(options, "Dir::Etc::machine-id")
    return named or os.path.normpath(os.path.join(option_path(options, "Dir::Etc"), "../machine-id"))


def entries(folder: str) -> list[str]:
    """Names in a folder, in the order that apt reads them; none when it can't be read."""
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []


def _filters(options: dict[str, str], files: Iterable[str]) -> str:
    """Include and Exclude (apt 3) leave single packages out of a source; only apt knows which."""
    parts = option_path(options, "Dir::Etc::sourceparts")
    for path in files:
        if path.startswith(parts + "/") and path.endswith(".sources"):
            try:
                text = Path(path).read_text("utf-8", "replace")
            except OSError:
                continue
            if _FILTERS.search(text):
                return f"{path} includes or excludes single packages"
    return ""


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
