"""What each downloaded update needs besides its own file, as the plan of its download had it.

Kept beside the downloads. It only refines what "downloaded" means: an update of which nothing is noted is
judged by its own file, and what a plan finds missing later is told then.
"""

import errno
from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from wua.model.problems import error
from wua.system.files import write_atomic


def note(cache: Path, needs: Mapping[str, Collection[str]]) -> None:
    """Note the updates that some updates need, all by their ids; a later note replaces an earlier one.

    Raises:
        WuaError: disk-full, store-unwritable.
    """
    known = read(cache) | {update: frozenset(others) for update, others in needs.items()}
    kept = {update: sorted(others) for update, others in known.items() if others}
    try:
        cache.mkdir(parents=True, exist_ok=True)
        write_atomic(_path(cache), msgspec.json.encode(kept), sync=False)
    except OSError as failure:
        full = failure.errno in (errno.ENOSPC, errno.EDQUOT)
        said = f"{failure.filename}: {failure.strerror}"
        raise error("disk-full" if full else "store-unwritable", said) from None


def read(cache: Path) -> dict[str, frozenset[str]]:
    """Everything noted; nothing when the file is missing or damaged."""
    try:
        return msgspec.json.decode(_path(cache).read_bytes(), type=dict[str, frozenset[str]])
    except (OSError, msgspec.DecodeError):
        return {}


def _path(cache: Path) -> Path:
    return cache / "closures.json"
