"""A snapshot is whole and unchanged, or it is noticed."""

import random
from pathlib import Path

import numpy as np
import pytest

from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import SnapshotHeader, packed, unpacked
from topics.errors import SnapshotError
from topics.learning_log import record_hash


def a_header(**changes: object) -> SnapshotHeader:
    fields = {
        "fold_version": 1,
        "configuration": "c",
        "log_topic_id": "t",
        "record_hash": record_hash(b"r", 1),
        "digest": "d",
        "summary": {"offset": 41},
    }
    return SnapshotHeader(**(fields | changes))  # type: ignore[arg-type]


def some_arrays() -> dict[str, np.ndarray]:
    pair = np.dtype([("a", "<i8"), ("b", "<f4")])
    return {
        "plain": np.arange(7, dtype=np.int32),
        "table": np.arange(6, dtype=np.float64).reshape(2, 3),
        "records": np.array([(1, 2.5), (3, 4.5)], pair),
        "empty": np.empty((0, 4), np.int64),
    }


def bytes_of(header: SnapshotHeader) -> bytes:
    return b"".join(packed(header, some_arrays()))


def test_a_snapshot_reads_back_as_it_was_written() -> None:
    header, arrays = unpacked(bytes_of(a_header()), "s")
    assert header == a_header()
    for name, array in some_arrays().items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_every_flipped_bit_and_every_missing_tail_is_noticed() -> None:
    good = bytes_of(a_header())
    chance = random.Random(7)
    for _ in range(100):
        at = chance.randrange(len(good))
        flipped = bytearray(good)
        flipped[at] ^= 1 << chance.randrange(8)
        for damaged in (bytes(flipped), good[:at]):
            with pytest.raises(SnapshotError, match="damaged"):
                unpacked(damaged, "s")


def test_a_damaged_snapshot_is_set_aside_and_its_parent_is_used(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path, keep=3)
    folder.write(a_header(summary={"offset": 1}), some_arrays())
    newest = folder.write(a_header(summary={"offset": 2}), some_arrays())
    newest.write_bytes(newest.read_bytes()[:-1])
    assert [header.offset for _, header, _ in folder.readable()] == [1]
    assert not newest.exists()


def test_a_snapshot_that_another_process_prunes_meanwhile_is_passed_over(tmp_path: Path) -> None:
    folder, other = SnapshotFolder(tmp_path, keep=3), SnapshotFolder(tmp_path, keep=1)
    for offset in (1, 2):
        folder.write(a_header(summary={"offset": offset}), some_arrays())
    found = folder.readable()
    assert next(found)[1].offset == 2
    other.write(a_header(summary={"offset": 3}), some_arrays())
    assert [*found] == []


def test_only_the_newest_few_are_kept(tmp_path: Path) -> None:
    folder = SnapshotFolder(tmp_path, keep=2)
    for offset in (8, 9, 10, 100):
        folder.write(a_header(summary={"offset": offset}), some_arrays())
    assert [header.offset for _, header, _ in folder.readable()] == [100, 10]


def test_a_disk_that_will_not_take_a_snapshot_is_said_and_leaves_nothing_half_written(
    tmp_path: Path,
) -> None:
    folder = SnapshotFolder(tmp_path / "not-a-folder", keep=2)
    folder.folder.write_text("in the way")
    with pytest.raises(SnapshotError, match="could not be written"):
        folder.write(a_header(), some_arrays())
    assert [path.name for path in tmp_path.iterdir()] == ["not-a-folder"]
