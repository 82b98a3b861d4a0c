"""A loss of power at every moment in the life of a store: what was promised is there, and nothing is half."""

import random
from pathlib import Path
from typing import Any

import pytest

from wua.store import database
from wua.store.state import StateStore
from wua.testing.crash import disk, synced
from wua.testing.crash.disk import DELETE, FOLDER, SYNC, TRUNCATE, WRITE, Op

needs_recorder = pytest.mark.skipif(disk.library() is None, reason="this Python's SQLite can't be reached")


def found(tmp_path: Path, seed: int = 1, **named: Any) -> list[str]:
    for name in ("life", "image"):
        (tmp_path / name).mkdir()
    return list(synced.faults(synced.life(tmp_path / "life"), tmp_path / "image", seed, **named))


@needs_recorder
def test_what_a_store_has_promised_is_there_after_a_loss_at_any_moment(tmp_path: Path) -> None:
    assert found(tmp_path) == []


@needs_recorder
def test_a_commit_that_does_not_wait_for_the_disk_is_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = database.connect
    monkeypatch.setattr(
        database, "connect", lambda path, **named: connect(path, **{**named, "sync": "NORMAL"})
    )
    faults = found(tmp_path, cuts=range(0, 400, 5))
    assert any("lost: the result" in text for text in faults)
    assert not any("half" in text or "damaged" in text for text in faults)  # NORMAL loses, and harms nothing


@needs_recorder
@pytest.mark.parametrize(
    ("method", "lost"),
    [
        ("add_job", "submitted"),
        ("subscribe", "subscribed"),
        ("begin_run", "the installer is recorded"),
        ("request_abort", "the abort is recorded"),
        ("finish", "with the history"),
        ("attempted", "acknowledged"),
        ("set_hidden", "hidden"),
    ],
)
def test_each_step_that_has_to_last_is_watched(
    method: str, lost: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of them made to wait for nothing loses just what it promised, where nothing later saves it."""
    real = getattr(StateStore, method)

    def hasty(store: Any, *given: Any, **named: Any) -> Any:
        with monkeypatch.context() as patch:
            patch.setattr(store, "_db", store._soft)
            return real(store, *given, **named)

    monkeypatch.setattr(StateStore, method, hasty)
    life = synced.life(tmp_path)
    monkeypatch.undo()
    cuts = sorted({promise.after for promise in life.promises if promise.text == lost})
    image = tmp_path / "image"
    image.mkdir()
    assert any(f"lost: {lost}" in text for text in synced.faults(life, image, 1, cuts=cuts))


@needs_recorder
def test_a_disk_that_says_synced_and_lies_is_noticed(tmp_path: Path) -> None:
    faults = found(tmp_path, cuts=range(20, 400, 20), trust=False)
    assert any("damaged" in text for text in faults)
    assert any("lost: submitted" in text for text in faults)


def after(*ops: Op, survives: float, seed: int = 1) -> dict[str, bytes]:
    return disk.after_loss({"old": b"old" * 400}, ops, random.Random(seed), survives)


def test_what_was_synced_is_there_and_what_was_not_may_be() -> None:
    ops = (Op(WRITE, "f", 0, b"a" * 2048), Op(SYNC, "f"), Op(WRITE, "f", 256, b"b" * 4096))
    assert after(*ops, survives=0) == {"old": b"old" * 400, "f": b"a" * 2048}
    assert after(*ops, survives=1)["f"] == b"a" * 256 + b"b" * 4096
    torn = {after(*ops, survives=0.5, seed=seed)["f"] for seed in range(20)}
    assert len(torn) > 10
    for data in torn:
        assert data[:256] == b"a" * 256
        assert all(len(set(data[at : at + 256])) == 1 for at in range(0, len(data), 256))


def test_a_deletion_lasts_from_the_next_sync_of_the_folder() -> None:
    ops = (Op(DELETE, "old"), Op(WRITE, "old", 0, b"new"))
    assert after(*ops, survives=0) == {"old": b"old" * 400}
    assert after(*ops, Op(FOLDER, ""), survives=0) == {}
    assert after(*ops, Op(SYNC, "old"), survives=0) == {"old": b"new"}
    assert after(Op(TRUNCATE, "old", 3), Op(SYNC, "old"), survives=0) == {"old": b"old"}


def test_a_log_whose_writer_died_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with open(log, "wb") as file:
        for number in range(3):
            disk.append(file.fileno(), Op(WRITE, "f", number, b"data"))
    log.write_bytes(log.read_bytes()[:-2])
    assert disk.read(log) == [Op(WRITE, "f", 0, b"data"), Op(WRITE, "f", 1, b"data")]
