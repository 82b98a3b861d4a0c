"""Which configuration files a plan would raise a question about, found out before the run.

dpkg asks when the file here differs from the one that the installed package shipped, and the
new package ships yet another (dpkg(1), --force-conf…). Nothing is asked when the file is gone:
dpkg leaves it so, or brings the new one, by itself.
"""

import contextlib
import hashlib
import subprocess
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from wua.handlers.dpkg_state import DpkgState
from wua.model.plans import Plan
from wua.model.plugins import DebianTarget
from wua.model.problems import error
from wua.model.struct import Value


class ConffileQuestion(Value, frozen=True):
    """One changed configuration file that a new package version brings anew."""

    package: str
    path: str

    def __str__(self) -> str:
        return f"{self.path} of {self.package}"


def questions(
    target: DebianTarget, plan: Plan, state: DpkgState, folder: Path | None = None
) -> tuple[ConffileQuestion, ...]:
    """The questions of a plan whose files are in ``folder``, by default the target's archives.

    Raises:
        WuaError: access-denied when a configuration file cannot be read, package-failed for a bad .deb.
    """
    root = target.dpkg_dir.parents[2]  # …/var/lib/dpkg
    archives = folder or target.archives_dir
    found = []
    for item in plan.items:
        now = state.find(item.name, item.architecture)
        if not item.file or now is None:
            continue
        changed = _changed(root, now.conffiles())
        if changed:
            shipped = _digests(archives / item.file, changed)
            asked = (path for path, md5 in shipped.items() if md5 not in changed[path])
            found += [ConffileQuestion(item.name, path) for path in sorted(asked)]
    return tuple(found)


def _changed(root: Path, conffiles: dict[str, str]) -> dict[str, tuple[str, str]]:
    """Files that differ from what was shipped: path -> (MD5 shipped, MD5 here)."""
    found = {}
    for path, shipped in conffiles.items():
        try:
            here = hashlib.md5((root / path.lstrip("/")).read_bytes(), usedforsecurity=False).hexdigest()
        except (FileNotFoundError, IsADirectoryError):
            continue
        except PermissionError:
            raise error("access-denied", f"{path} cannot be read to compare it") from None
        if here != shipped:
            found[path] = (shipped, here)
    return found


def _digests(deb: Path, wanted: Iterable[str]) -> dict[str, str]:
    """MD5 of the wanted files inside a .deb."""
    names = {f".{path}": path for path in wanted}
    found: dict[str, str] = {}
    with subprocess.Popen(
        ["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as reader:
        assert reader.stdout is not None
        assert reader.stderr is not None
        with contextlib.suppress(tarfile.ReadError):  # dpkg-deb tells why; its exit status is looked at below
            _read(reader.stdout, names, found)
        reader.stdout.read()
        said = reader.stderr.read().decode(errors="replace").strip()
    if reader.returncode:
        raise error("package-failed", f"{deb}: {said}")
    return found


def _read(stream: IO[bytes], names: dict[str, str], found: dict[str, str]) -> None:
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = names.get(member.name)
            content = archive.extractfile(member) if path and member.isreg() else None
            if path and content is not None:
                found[path] = hashlib.md5(content.read(), usedforsecurity=False).hexdigest()
