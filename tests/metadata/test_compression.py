"""Every format that apt stores its lists in."""

import random
from pathlib import Path

import pytest
from tests.support.codecs import COMPRESSORS

from wua.metadata import compression, native_codecs
from wua.metadata.compression import PIECE, pieces
from wua.model.problems import WuaError

LONG = random.Random(1).randbytes(100_000) * 33  # several pieces, and no multiple of one
DAMAGED = [suffix for suffix in COMPRESSORS if suffix]


def stored(folder: Path, suffix: str, data: bytes) -> Path:
    path = folder / f"Packages{suffix}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("suffix", COMPRESSORS)
@pytest.mark.parametrize(
    "data", [b"", b"x", b"Package: a\n" * 1000, LONG], ids=["empty", "one", "text", "long"]
)
def test_the_content_comes_back(tmp_path: Path, suffix: str, data: bytes) -> None:
    found = list(pieces(stored(tmp_path, suffix, COMPRESSORS[suffix](data))))
    assert b"".join(found) == data
    assert all(len(piece) <= PIECE for piece in found)


@pytest.mark.parametrize("suffix", [".lz4", ".zst"])
def test_frames_in_a_row(tmp_path: Path, suffix: str) -> None:
    compress = COMPRESSORS[suffix]
    path = stored(tmp_path, suffix, compress(b"one ") + compress(LONG) + compress(b" two"))
    assert b"".join(pieces(path)) == b"one " + LONG + b" two"


@pytest.mark.parametrize(
    ("suffix", "damage"),
    [(suffix, damage) for suffix in DAMAGED for damage in ("cut", "garbage")]
    + [(suffix, "other bytes") for suffix in (".gz", ".xz", ".bz2")],  # the others need no check sums
)
def test_damage_is_named(tmp_path: Path, suffix: str, damage: str) -> None:
    good = COMPRESSORS[suffix](LONG)
    broken = {
        "cut": good[: len(good) // 2],
        "garbage": b"this is no compressed file at all" * 10,
        "other bytes": good[:2000] + bytes(64) + good[2064:],
    }[damage]
    path = stored(tmp_path, suffix, broken)
    with pytest.raises(WuaError) as raised:
        list(pieces(path))
    assert raised.value.problem.id == "index-unreadable"
    assert str(path) in raised.value.problem.seen


def test_a_missing_file_is_the_systems_error(tmp_path: Path) -> None:
    for suffix in COMPRESSORS:
        with pytest.raises(FileNotFoundError):
            list(pieces(tmp_path / f"nothing{suffix}"))


@pytest.mark.parametrize("suffix", [".lz4", ".zst"])
def test_without_the_libraries_apts_own_reader_is_used(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not Path(compression._APT_HELPER).exists():
        pytest.skip("apt-helper is not here")

    def missing() -> None:
        raise OSError("no such library")

    monkeypatch.setattr(native_codecs, "lz4", missing)
    monkeypatch.setattr(native_codecs, "zstd", missing)
    path = stored(tmp_path, suffix, COMPRESSORS[suffix](LONG))
    assert b"".join(pieces(path)) == LONG
    cut = stored(tmp_path, f"-cut{suffix}", COMPRESSORS[suffix](LONG)[:5000])
    with pytest.raises(WuaError):
        list(pieces(cut))
