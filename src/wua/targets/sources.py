"""apt's sources as files: the machine's own, or given ones, copied for a target of its own."""

import os
import re
import shutil
from pathlib import Path
from typing import Final

_NAMED: Final = re.compile(r"(?:(?:file|copy):(?://)?|signed-by\s*[:=]\s*)(/[^\s,\]]+)", re.IGNORECASE)
_LOCAL: Final = re.compile(r"(?<![\w:/+.-])file:(?=/)")


def file_name(text: str) -> str:
    """The name that a sources file must have for its style: deb822 or one line per source."""
    deb822 = re.search(r"^(Types|URIs|Suites)\s*:", text, re.MULTILINE | re.IGNORECASE)
    return "wua.sources" if deb822 else "wua.list"


def by_copy(text: str) -> str:
    """Sources whose local packages are copied into the cache, as a confined dpkg may not see their folder."""
    return _LOCAL.sub("copy:", text)


def write(etc: Path, text: str) -> None:
    """Make ``text`` the only source in an apt configuration folder."""
    (etc / "sources.list").write_text("")
    (etc / "sources.list.d" / file_name(text)).write_text(by_copy(text))


def copy_host(etc: Path, host: Path = Path("/etc/apt")) -> None:
    """Copy the machine's sources.list and sources.list.d."""
    main = host / "sources.list"
    (etc / "sources.list").write_text(by_copy(main.read_text()) if main.is_file() else "")
    for file in _parts(host / "sources.list.d", (".list", ".sources")):
        (etc / "sources.list.d" / file.name).write_text(by_copy(file.read_text()))


def local_paths(etc: Path) -> tuple[str, ...]:
    """Folders of local repositories and key files that the sources name; those that are there."""
    files = (etc / "sources.list", *_parts(etc / "sources.list.d", (".list", ".sources")))
    text = "\n".join(file.read_text() for file in files if file.is_file())
    found = dict.fromkeys(_NAMED.findall(text))
    return tuple(path for path in found if os.path.exists(path))


def copy_preferences(etc: Path, host: Path = Path("/etc/apt")) -> None:
    """Copy the machine's pins."""
    if (host / "preferences").is_file():
        shutil.copyfile(host / "preferences", etc / "preferences")
    for file in _parts(host / "preferences.d", ("", ".pref")):
        shutil.copyfile(file, etc / "preferences.d" / file.name)


def _parts(folder: Path, suffixes: tuple[str, ...]) -> list[Path]:
    if not folder.is_dir():
        return []
    return sorted(file for file in folder.iterdir() if file.is_file() and file.suffix in suffixes)


def copy_lists(source: Path, lists: Path) -> bool:
    """Copy downloaded indexes, time stamps included; whether there were any.

    A copy is stable while the host refreshes its own; hard links are refused to an
    ordinary user (fs.protected_hardlinks).
    """
    try:
        files = [file for file in source.iterdir() if file.is_file() and file.name != "lock"]
    except OSError:
        return False
    for file in files:
        try:
            shutil.copy2(file, lists / file.name)
        except PermissionError:  # an index of a source with credentials may be root's alone
            continue
        except FileNotFoundError:  # the host has just replaced it
            continue
    return bool(files)
