"""Copying an update's files out of the cache and into it. Only what has the right digest is ever kept."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from wua.model.plugins import ContentFile
from wua.model.problems import error

_CHUNK: Final = 1 << 20


def copy_out(files: Sequence[ContentFile], folder: Path) -> None:
    """Copy all files into ``folder``, or none. See ``Agent.copy_from_cache``."""
    if not folder.is_dir():
        raise error("no-such-folder", str(folder))
    missing = [file.path for file in files if not Path(file.path).is_file()]
    if missing or not files:
        raise error("not-downloaded", missing[0] if missing else "no source describes a file of this update")
    wanted = {Path(file.path): file.sha256 for file in files}

    def place(source: Path, digest: str) -> Path:
        if digest != wanted[source]:
            raise error("content-mismatch", str(source))
        return folder / source.name

    _copy_all(list(wanted), folder, place)


def copy_in(files: Sequence[ContentFile], given: Sequence[Path]) -> None:
    """Copy all given files into the cache, or none. See ``Agent.copy_to_cache``."""
    wrong = [path for path in given if not path.is_absolute() or not path.is_file()]
    if wrong or not given:
        raise error("invalid-argument", f"{wrong[0] if wrong else 'nothing'} is no full path of a file")
    wanted = {file.sha256: Path(file.path) for file in files}

    def place(source: Path, digest: str) -> Path:
        if digest not in wanted:
            raise error("content-mismatch", f"{source} is none of the files of this update")
        return wanted[digest]

    if not wanted:
        raise error("content-mismatch", "no source describes a file of this update")
    folder = next(iter(wanted.values())).parent
    _copy_all(given, folder, place)


def _copy_all(sources: Sequence[Path], folder: Path, place: Callable[[Path, str], Path]) -> None:
    """Copy each source beside its place and move it there once all are right; ``place`` refuses wrong ones.

    It is the copy whose digest counts, because a source may change after it was read.
    """
    made: list[tuple[Path, Path]] = []
    copies: list[Path] = []
    try:
        for source in sources:
            copy, digest = _copy(source, folder, copies)
            made.append((copy, place(source, digest)))
        for copy, final in made:
            copy.chmod(0o644)
            os.replace(copy, final)
    except PermissionError as failure:
        raise error("access-denied", f"{failure.filename}: {failure.strerror}") from None
    except OSError as failure:
        raise error("disk-full", f"copying to {folder}: {failure.strerror}") from None
    finally:
        for copy in copies:
            copy.unlink(missing_ok=True)


def _copy(source: Path, folder: Path, copies: list[Path]) -> tuple[Path, str]:
    """A new file, which is added to ``copies`` as soon as it is there, and the SHA-256 of what it holds."""
    import hashlib
    import tempfile

    handle, name = tempfile.mkstemp(prefix=".wua-", dir=folder)  # never through a link that lies there
    copies.append(Path(name))
    digest = hashlib.sha256()
    with os.fdopen(handle, "wb") as writer, open(source, "rb") as reader:
        while data := reader.read(_CHUNK):
            writer.write(data)
            digest.update(data)
    return Path(name), digest.hexdigest()
