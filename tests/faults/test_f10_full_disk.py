"""F10: a full disk is logged and leaves no partial snapshot; snapshots resume with free space."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from streams.snapshots.snapshot_folder import SnapshotFolder
from tests.unit.streams.snapshots.test_loading import LOG, a_fold, a_header, folded
from topics.errors import SnapshotError


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """Limits the size of a file (RLIMIT_FSIZE)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("size", [0, 1, 100, 5_000])
def test_a_disk_that_fills_within_a_snapshot_leaves_the_older_ones_whole(
    tmp_path: Path, size: int
) -> None:
    folder = SnapshotFolder(tmp_path, keep=3)
    early, late = folded(a_fold(), LOG[:2]), folded(a_fold(), LOG[:4])
    folder.write(a_header(early), early.state())
    with room_for(size), pytest.raises(SnapshotError, match="Learning goes on"):
        folder.write(a_header(late), late.state())
    assert [path.name for path in tmp_path.iterdir()] == [folder.paths()[0].name]
    assert [header.offset for _, header, _ in folder.readable()] == [1]
    folder.write(a_header(late), late.state())
    assert [header.offset for _, header, _ in folder.readable()] == [3, 1]
