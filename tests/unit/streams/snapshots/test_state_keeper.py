"""A worker whose log was cut or made again stops with a message, before anything is applied."""

import asyncio
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Event
from typing import Self

import pytest

from streams.folding.fold import Fold
from streams.kafka.topic_facts import Bounds
from streams.snapshots import snapshot_folder, snapshot_format
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import Arrays, SnapshotHeader
from streams.snapshots.state_keeper import StateKeeper
from tests.support.learning_log import a_fold, a_history, batches, folded
from topics.errors import LogError

LOG = batches(a_history(30), 10)


class ALog:
    """A learning-log as its reader tells of it."""

    bounds_now = Bounds(0, 3)
    hashes: dict[int, str] = {}  # noqa: RUF012

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def topic_id(self) -> str:
        return "10"

    def bounds(self) -> Bounds:
        return self.bounds_now

    def hash_at(self, offset: int) -> str | None:
        return self.hashes.get(offset)


@pytest.fixture
def log() -> type[ALog]:
    """The log that a state keeper finds."""
    return type("Found", (ALog,), {"hashes": {}})


def a_keeper(fold: Fold, log: type[ALog], folder: Path) -> StateKeeper:
    snapshot_format = SnapshotFolder(folder, keep=2)
    return StateKeeper(fold, snapshot_format, read_log=log, configuration="c")


def test_a_log_whose_beginning_was_deleted_halts_and_says_what_heals(
    log: type[ALog], tmp_path: Path
) -> None:
    log.bounds_now = Bounds(2, 3)
    fold = a_fold()
    keeper = a_keeper(fold, log, tmp_path)
    with pytest.raises(LogError, match=r"begins at 2, the state ends at -1.*`echotune reset`"):
        keeper.load_or_check()
    assert fold.offset == -1


def test_a_log_that_changed_while_on_standby_halts_and_says_what_heals(
    log: type[ALog], tmp_path: Path
) -> None:
    log.hashes = {2: "another"}
    fold = folded(a_fold(), LOG)
    fold.record_hash = "what it was"
    before = fold.digest()
    keeper = a_keeper(fold, log, tmp_path)
    with pytest.raises(LogError, match=r"changed at 2 .*Start this recommender again"):
        keeper.load_or_check()
    assert fold.digest() == before


async def test_a_worker_that_ends_while_a_snapshot_is_written_leaves_its_last_one(
    log: type[ALog], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, goes_on, is_first_done = Event(), Event(), Event()
    pieces, write = snapshot_format.packed, SnapshotFolder.write

    def packed(header: SnapshotHeader, arrays: Arrays) -> Iterator[bytes]:
        for piece in pieces(header, arrays):
            yield piece
            begun.set()
            (goes_on if header.offset == 1 else is_first_done).wait(5.0)

    def written(self: SnapshotFolder, header: SnapshotHeader, arrays: Arrays) -> Path:
        path = write(self, header, arrays)
        is_first_done.set()
        return path

    monkeypatch.setattr(snapshot_folder, "packed", packed)
    monkeypatch.setattr(SnapshotFolder, "write", written)
    fold = folded(a_fold(), LOG[:2])
    keeper = a_keeper(fold, log, tmp_path)
    heartbeat = asyncio.create_task(keeper.write_snapshot())
    await asyncio.to_thread(begun.wait, 5.0)
    heartbeat.cancel()
    with suppress(asyncio.CancelledError):
        await heartbeat
    folded(fold, LOG[2:])
    begun.clear()
    last = asyncio.create_task(keeper.write_snapshot())
    await asyncio.to_thread(begun.wait, 0.2)
    goes_on.set()
    await last
    assert (keeper.error, keeper.snapshot_offset) == (None, 2)
    assert SnapshotFolder(tmp_path, keep=2).paths()[0].stem == f"{2:020d}"


async def test_a_changed_m_begins_from_a_snapshot_of_what_the_log_still_has(
    log: type[ALog], tmp_path: Path
) -> None:
    log.hashes = {0: "h0", 1: "h1", 2: "h2"}
    for shard, records in (("r-0of2", 3), ("r-1of2", 2)):
        fold = a_fold()
        keeper = a_keeper(fold, log, tmp_path / shard)
        keeper.load_or_check()
        for at in range(records):
            folded(fold, LOG[at : at + 1])
            fold.record_hash = f"h{at}"
            await keeper.write_snapshot()
    log.hashes, log.bounds_now = {0: "h0", 1: "h1"}, Bounds(0, 2)  # its tail is lost
    heir = a_fold()
    a_keeper(heir, log, tmp_path / "r-0of3").load_or_check()
    assert heir.offset == 1
