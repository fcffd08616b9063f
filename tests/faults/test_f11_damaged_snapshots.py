"""F11: the newest snapshot is damaged in 100 ways; each is detected, and an older one is used."""

import random
from pathlib import Path

import pytest

from streams.snapshots.loading import load_newest
from streams.snapshots.snapshot_folder import SnapshotFolder
from tests.unit.streams.snapshots.test_loading import LOG, a_fold, a_header, folded, judged

DAMAGES = 100


@pytest.fixture
def folder(tmp_path: Path) -> SnapshotFolder:
    """Snapshots as of records 1, 3 and 4."""
    folder = SnapshotFolder(tmp_path, keep=5)
    for records in (2, 4, 5):
        fold = folded(a_fold(), LOG[:records])
        folder.write(a_header(fold), fold.state())
    return folder


def flip(data: bytearray, chance: random.Random) -> bytearray:
    data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
    return data


def truncate(data: bytearray, chance: random.Random) -> bytearray:
    return data[: chance.randrange(len(data))]


def zero(data: bytearray, chance: random.Random) -> bytearray:
    start = chance.randrange(len(data) - 16)
    data[start : start + 16] = bytes(range(16))
    return data


def lengthen(data: bytearray, chance: random.Random) -> bytearray:
    return data + chance.randbytes(chance.randrange(1, 50))


def swap(data: bytearray, chance: random.Random) -> bytearray:
    half = chance.randrange(1, len(data))
    return data[half:] + data[:half]


@pytest.mark.parametrize("damage", [flip, truncate, zero, lengthen, swap])
def test_damage_is_always_seen_and_the_parent_goes_on_to_the_same_digest(
    folder: SnapshotFolder, damage: object
) -> None:
    expected = folded(a_fold(), LOG).digest()
    newest = folder.paths()[0]
    whole = newest.read_bytes()
    for seed in range(DAMAGES // 5):
        newest.write_bytes(damage(bytearray(whole), random.Random(seed)))  # type: ignore[operator]
        fold = a_fold()
        load_newest(fold, folder, judged)
        assert fold.offset == 3, f"{damage} {seed}"
        assert not newest.exists()
        assert folded(fold, LOG[4:]).digest() == expected
        newest.with_suffix(".foreign").unlink()


def test_a_deleted_snapshot_gives_way_to_its_parent(folder: SnapshotFolder) -> None:
    expected = folded(a_fold(), LOG).digest()
    for offset in (3, 1, -1):
        folder.paths()[0].unlink()
        fold = a_fold()
        load_newest(fold, folder, judged)
        assert fold.offset == offset
        assert folded(fold, LOG[offset + 1 :]).digest() == expected
