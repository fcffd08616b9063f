"""With a changed M a recommender begins from a snapshot of the shards before it."""

from pathlib import Path

import pytest

from streams.snapshot_adoption import adopt
from streams.stores.snapshot_folder import SnapshotFolder


def a_folder(home: Path, name: str, *offsets: int) -> SnapshotFolder:
    folder = SnapshotFolder(home / name, keep=3)
    for offset in offsets:
        folder.folder.mkdir(exist_ok=True)
        (folder.folder / f"{offset:020d}.snapshot").write_text(f"{name} at {offset}")
    return folder


@pytest.mark.parametrize(
    ("former", "own", "begins_with"),
    [
        ({"r-0of2": [5, 30], "r-1of2": [20]}, [], "r-0of2 at 30"),
        ({"r-0of2": [30], "r-1of2": [20]}, [35], "r-1of3 at 35"),
        ({"r-0of2": [20], "r-1of2": [20], "r-0of1": [28]}, [7], "r-0of1 at 28"),
        ({"s-0of1": [30], "r-x-0of1": [40]}, [], None),
    ],
    ids=["of one shard", "own is newer", "of any M", "other generation"],
)
def test_it_begins_with_the_newest_snapshot_of_its_generation(
    tmp_path: Path, former: dict[str, list[int]], own: list[int], begins_with: str | None
) -> None:
    for name, offsets in former.items():
        a_folder(tmp_path, name, *offsets)
    mine = a_folder(tmp_path, "r-1of3", *own)
    adopt(mine)
    adopt(mine)
    newest = [path.read_text() for path in mine.paths()[:1]]
    assert newest == ([begins_with] if begins_with else [])
    assert len(a_folder(tmp_path, next(iter(former))).paths()) == len(next(iter(former.values())))


def test_where_there_is_no_room_for_it_the_log_is_folded_from_further_back(
    tmp_path: Path,
) -> None:
    a_folder(tmp_path, "r-0of1", 30)
    mine = SnapshotFolder(tmp_path / "r-1of3", keep=3)
    mine.folder.write_text("in the way")
    adopt(mine)
    assert mine.paths() == []
