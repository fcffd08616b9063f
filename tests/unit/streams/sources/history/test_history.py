from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.sources.history.event_assembly import REPEATED
from streams.sources.history.history import BadRow, History, read_history
from tests.support.histories import (
    NOW_MS,
    a_spotify_row,
    events_of,
    ignored_of,
    rows_of,
    write,
    write_json,
    write_lines,
    write_zip,
)
from topics.errors import HistoryError
from topics.listening_event import ListeningEvent

AT_S = 1_421_163_674


def a_play(number: int, **changes: Any) -> dict[str, Any]:
    return {"user": "ann", "song_id": number, "ts": AT_S + number} | changes


def ids_of(*paths: Path) -> list[str]:
    return [event.event_id for event in events_of(*paths)]


def test_events_of_all_files_come_in_order_of_time(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", [a_play(5), a_play(1)])
    second = write_lines(tmp_path / "b.jsonl", [a_play(4), a_play(2)])
    assert [event.source_track_id for event in events_of(first, second)] == ["1", "2", "4", "5"]


def test_events_of_one_time_keep_the_order_of_their_files_and_rows(tmp_path: Path) -> None:
    first = write_lines(tmp_path / "a.jsonl", [a_play(each, ts=AT_S) for each in (3, 1)])
    second = write_lines(tmp_path / "b.jsonl", [a_play(each, ts=AT_S) for each in (2, 0)])
    found = [event.source_track_id for event in events_of(first, second)]
    assert found == ["3", "1", "2", "0"]


def test_an_export_that_contains_an_older_one_adds_only_what_is_new(tmp_path: Path) -> None:
    old = [a_play(1), a_play(2), a_play(2), a_play(3)]
    this_year = write_lines(tmp_path / "2024.jsonl", old)
    next_year = write_lines(tmp_path / "2025.jsonl", [*old, a_play(3), a_play(9)])
    assert ids_of(this_year) == ids_of(next_year)[:4]
    first, second, equal, third, _, ninth = ids_of(next_year)
    assert ids_of(this_year, next_year) == [first, second, equal, third, ninth]
    assert ignored_of(this_year, next_year) == [REPEATED] * 5


def test_equal_rows_of_one_export_stay_as_many_as_they_are(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [a_play(1)] * 3)
    assert len(set(ids_of(path))) == 3
    assert ids_of(path) == ids_of(path)


def test_files_of_one_zip_are_one_export(tmp_path: Path) -> None:
    rows = orjson.dumps([a_spotify_row()])
    archive = write_zip(tmp_path / "a.zip", {"audio_1.json": rows, "audio_2.json": rows})
    assert len(set(ids_of(archive))) == 2
    assert ids_of(archive, archive) == ids_of(archive)


def test_a_renamed_song_is_the_same_play(tmp_path: Path) -> None:
    old = write_json(tmp_path / "old.json", [a_spotify_row()])
    renamed = a_spotify_row(master_metadata_track_name="So What (Remastered)")
    new = write_json(tmp_path / "new.json", [renamed])
    assert ids_of(old) == ids_of(new)


@pytest.mark.parametrize(
    "changes", [{"user": "bob"}, {"song_id": 2}, {"ts": AT_S}, {"ms_played": 7}]
)
def test_plays_that_differ_have_different_ids(tmp_path: Path, changes: dict[str, Any]) -> None:
    play = a_play(1, ms_played=5)
    one = write_lines(tmp_path / "a.jsonl", [play])
    other = write_lines(tmp_path / "b.jsonl", [play | changes])
    assert ids_of(one) != ids_of(other)


def test_event_ids_are_for_ever_what_they_are(tmp_path: Path) -> None:
    spotify = write_json(tmp_path / "a.json", [a_spotify_row()])
    table = write_lines(tmp_path / "b.jsonl", [a_play(16, playtime=274)])
    assert ids_of(spotify) == ["1b7bf87d-f65e-51b7-82e4-adccdd4a93b5"]
    assert ids_of(table) == ["66e930f4-4597-5466-aba2-a58558689cd3"]


def test_bad_rows_come_first_and_name_file_and_row(tmp_path: Path) -> None:
    path = write(tmp_path / "plays.csv", f"user,track,ts\nann,x,{AT_S}\nann,y,never\n")
    bad, event = rows_of(path)
    assert str(bad) == f"{path}, row 3: listened_at is not a time: 'never'"
    assert isinstance(event, ListeningEvent)


def test_a_broken_file_is_an_error_before_the_first_event(tmp_path: Path) -> None:
    good = write_lines(tmp_path / "a.jsonl", [a_play(1)])
    broken = write(tmp_path / "b.json", b'[{"user": "a", "track": "b", "ts": 1421163674}, {')
    with pytest.raises(HistoryError, match=r"b\.json is no whole JSON after element 1"):
        next(read_history([good, broken], now_ms=NOW_MS))


def test_a_folder_is_read_with_what_is_in_it_and_known(tmp_path: Path) -> None:
    write(tmp_path / "export" / "ReadMe.txt", "Hello.")
    write_lines(tmp_path / "export" / "2024" / "1.jsonl", [a_play(1)])
    write_lines(tmp_path / "export" / "2024" / "2.jsonl", [a_play(2), a_play(3)])
    assert len(events_of(tmp_path / "export")) == 3


def test_a_folder_or_zip_without_history_is_an_error(tmp_path: Path) -> None:
    write(tmp_path / "export" / "ReadMe.txt", "Hello.")
    archive = write_zip(tmp_path / "a.zip", {"ReadMe.txt": b"Hello."})
    for path in (tmp_path / "export", archive):
        with pytest.raises(HistoryError, match="holds no listening history"):
            rows_of(path)


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(HistoryError, match="There is no file"):
        rows_of(tmp_path / "nowhere.zip")


def test_progress_counts_bytes_first_and_plays_then(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [a_play(each) for each in range(5_000)])
    read: list[int] = []
    history = History([path], now_ms=NOW_MS, on_bytes=read.append)
    assert history.share_read == 0
    shares = [history.share_read for _ in history.rows()]
    assert sum(read) >= history.total_bytes == path.stat().st_size
    assert shares == [(each + 1) / 5_000 for each in range(5_000)]


def test_a_history_can_be_read_twice(tmp_path: Path) -> None:
    history = History([write_lines(tmp_path / "a.jsonl", [a_play(1)])], now_ms=NOW_MS)
    assert list(history.rows()) == list(history.rows())


def test_times_end_where_now_is_said_to_be(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "a.jsonl", [a_play(0)])
    (early,) = read_history([path], now_ms=(AT_S - 601) * 1_000)
    (late,) = read_history([path], now_ms=(AT_S - 600) * 1_000)
    assert isinstance(early, BadRow)
    assert isinstance(late, ListeningEvent)
