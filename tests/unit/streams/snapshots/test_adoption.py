"""A recommender begins from a snapshot of another one on this disk that has an equal state."""

from pathlib import Path

import pytest

from streams.snapshots.adoption import adopt
from streams.snapshots.snapshot_folder import SnapshotFolder
from streams.snapshots.snapshot_format import SnapshotHeader
from tests.unit.streams.snapshots.test_loading import LOG, a_fold, a_header, folded


def none_fits(_: object) -> bool:
    return False


def written(home: Path, name: str, *ends: int) -> SnapshotFolder:
    """A folder with a snapshot of the log up to each of its first `ends` records."""
    folder = SnapshotFolder(home / name, keep=3)
    for end in ends:
        fold = folded(a_fold(), LOG[:end])
        folder.write(a_header(fold), fold.state())
    return folder


def offsets(folder: SnapshotFolder) -> list[int]:
    return [header.offset for _, header, _ in folder.readable()]


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
    adopt(mine, none_fits)
    adopt(mine, none_fits)
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
    adopt(mine, none_fits)
    assert mine.paths() == []


def test_a_generation_that_folds_alike_begins_with_the_snapshots_of_another_one(
    tmp_path: Path,
) -> None:
    former = written(tmp_path, "r-first-0of1", 1, 2, 4)
    mine = SnapshotFolder(tmp_path / "r-second-1of2", keep=2)
    asked = list[int]()

    def fits(header: SnapshotHeader) -> bool:
        asked.append(header.offset)
        return header.offset != 1  # of a tail that the log has lost, say

    adopt(mine, fits)
    assert offsets(mine) == [3, 0]
    assert asked == [3, 1, 0]
    assert offsets(former) == [3, 1, 0]
    for path in mine.paths():
        path.unlink()
    assert offsets(former) == [3, 1, 0]


def test_a_snapshot_that_does_not_fit_hides_none_of_the_same_offset_that_does(
    tmp_path: Path,
) -> None:
    for name in ("r-a-0of1", "r-b-0of1", "r-c-0of1"):
        written(tmp_path, name, 4)
    asked = list[int]()
    mine = SnapshotFolder(tmp_path / "r-second-0of1", keep=3)
    adopt(mine, lambda header: asked.append(header.offset) or len(asked) == 3)  # type: ignore[func-returns-value]
    assert offsets(mine) == [3]


def test_own_snapshots_that_are_as_new_are_kept_and_what_folds_otherwise_is_left(
    tmp_path: Path,
) -> None:
    written(tmp_path, "r-first-0of1", 2, 4)
    mine = written(tmp_path, "r-second-0of1", 2)
    adopt(mine, none_fits)
    assert offsets(mine) == [1]
    adopt(mine, lambda _: True)
    assert offsets(mine) == [3, 1]


@pytest.mark.parametrize(
    "content", [b"", b"ECHOTUNE-SNAPSHOT-1\n", b"ECHOTUNE-SNAPSHOT-9\nxxxxxxxx{}"]
)
def test_a_snapshot_of_another_generation_that_cannot_be_read_is_left(
    content: bytes, tmp_path: Path
) -> None:
    folder = written(tmp_path, "r-first-0of1", 2)
    [path] = folder.paths()
    (folder.folder / f"{9:020d}.snapshot").write_bytes(content)
    (folder.folder / f"{8:020d}.snapshot").write_bytes(path.read_bytes()[:60])
    mine = SnapshotFolder(tmp_path / "r-second-0of1", keep=3)
    adopt(mine, lambda _: True)
    assert offsets(mine) == [1]
