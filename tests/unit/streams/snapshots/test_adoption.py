"""With a changed M a recommender begins from a snapshot of the shards before it."""

from pathlib import Path

import pytest

from streams.snapshots.adoption import adopt
from streams.snapshots.snapshot_folder import SnapshotFolder


def a_folder(home: Path, name: str, *offsets: int) -> SnapshotFolder:
    folder = SnapshotFolder(home / name, keep=3)
    for offset in offsets:
        folder.folder.mkdir(exist_ok=True)
        (folder.folder / f"{offset:020d}.snapshot").write_text(f"{name} at {offset}")
    return folder


@pytest.mark.parametrize(
    ("former", "own", "begins_with"),
    [
        ({"r-0of2": [5, 30], "r-1of2": [20]}, [], ["r-0of2 at 30", "r-1of2 at 20", "r-0of2 at 5"]),
        ({"r-0of2": [3, 4, 5, 6]}, [2], [f"r-0of2 at {at}" for at in (6, 5, 4)] + ["r-1of3 at 2"]),
        ({"r-0of2": [30]}, [35, 30], ["r-1of3 at 35", "r-1of3 at 30"]),
        (
            {"r-0of2": [20], "r-1of2": [20], "r-0of1": [28]},
            [7],
            ["r-0of1 at 28", "20", "r-1of3 at 7"],
        ),
        ({"s-0of1": [30], "r-x-0of1": [40]}, [], []),
    ],
    ids=["of any shard", "as many as are kept", "own are newer", "of any M", "other generation"],
)
def test_it_begins_with_the_newest_snapshots_of_its_generation(
    tmp_path: Path, former: dict[str, list[int]], own: list[int], begins_with: list[str]
) -> None:
    for name, offsets in former.items():
        a_folder(tmp_path, name, *offsets)
    mine = a_folder(tmp_path, "r-1of3", *own)
    adopt(mine)
    adopt(mine)
    found = [path.read_text() for path in mine.paths()]
    assert len(found) == len(begins_with)
    assert all(each.endswith(wanted) for each, wanted in zip(found, begins_with, strict=True))
    left = {name: len(a_folder(tmp_path, name).paths()) for name in former}
    assert left == {name: len(offsets) for name, offsets in former.items()}


def test_where_there_is_no_room_for_it_the_log_is_folded_from_further_back(
    tmp_path: Path,
) -> None:
    a_folder(tmp_path, "r-0of1", 30)
    mine = SnapshotFolder(tmp_path / "r-1of3", keep=3)
    mine.folder.write_text("in the way")
    adopt(mine)
    assert mine.paths() == []
