import random
import tempfile
from pathlib import Path

import pytest

from streams.sources.history.play_sorter import FAN_IN, PlaySorter
from streams.sources.plays import Play
from topics.errors import HistoryError


def plays(count: int) -> list[Play]:
    chance = random.Random(3)
    return [Play(chance.randrange(count // 4), 0, row, "test", "ann") for row in range(count)]


@pytest.fixture(autouse=True)
def temp_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("in_memory", [1, 2, 7, 4_000, 10_000])
def test_plays_come_in_order_however_few_fit_into_memory(in_memory: int) -> None:
    given = plays(FAN_IN * FAN_IN + 2 * FAN_IN + 3)
    with PlaySorter(in_memory) as sorter:
        for play in given:
            sorter.add(play)
        assert list(sorter.in_order()) == sorted(given)
        assert sorter.plays == len(given)


def test_few_files_are_open_at_once(temp_folder: Path) -> None:
    with PlaySorter(1) as sorter:
        for play in plays(FAN_IN * FAN_IN + 5):
            sorter.add(play)
        assert len(list(temp_folder.rglob("*.run"))) == 1 + 5


def test_nothing_is_left_behind(temp_folder: Path) -> None:
    with PlaySorter(10) as sorter:
        for play in plays(100):
            sorter.add(play)
        next(sorter.in_order())
        assert list(temp_folder.iterdir())
    assert not list(temp_folder.iterdir())


def test_no_room_to_sort_is_an_error_that_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
    with PlaySorter(1) as sorter, pytest.raises(HistoryError, match=r"cannot be sorted in .*gone"):
        sorter.add(plays(4)[0])
