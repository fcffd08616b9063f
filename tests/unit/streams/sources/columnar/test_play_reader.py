"""Tables of plays in columns: whatever the columns are called, whatever the rows look like."""

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.sources.columnar import table_blocks
from streams.sources.columnar.play_columns import PlayColumns, is_repeated
from streams.sources.columnar.play_reader import read_plays
from tests.support.histories import a_spotify_row, events_of, write, write_json, write_lines
from topics.errors import HistoryError
from topics.identity import artist_id_of, track_id_of

AT_S = 1_421_163_674


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plays"


def plays_of(*paths: Path, listener: str | None = None) -> PlayColumns:
    return read_plays(paths, listener)[0]


def told(plays: PlayColumns) -> list[tuple[str, str, int]]:
    """(listener, track, seconds) of each play."""
    return [
        (plays.listener_ids[user], plays.track_ids[track], at_ms // 1_000)
        for user, track, at_ms in zip(
            plays.listeners.tolist(), plays.tracks.tolist(), plays.at_ms.tolist(), strict=True
        )
    ]


ROWS: list[dict[str, Any]] = [
    {"user_id": 7, "track_id": 2**40 + at % 3, "timestamp": AT_S + 60 * at, "scored": at % 2}
    for at in range(20)
]
EXPECTED = [(str(r["user_id"]), str(r["track_id"]), r["timestamp"]) for r in ROWS]


def write_parquet(path: Path, rows: list[dict[str, Any]]) -> Path:
    pq.write_table(pa.Table.from_pylist(rows), path)
    return path


def write_csv(path: Path, rows: list[dict[str, Any]], delimiter: str = ",") -> Path:
    lines = [list(rows[0]), *(list(row.values()) for row in rows)]
    return write(path, "".join(delimiter.join(map(str, line)) + "\n" for line in lines))


WRITERS = {
    "parquet": write_parquet,
    "csv": write_csv,
    "tsv": lambda path, rows: write_csv(path, rows, "\t"),
    "jsonl": write_lines,
    "json": write_json,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_every_kind_of_table_tells_the_same_plays(kind: str, path: Path) -> None:
    plays = plays_of(WRITERS[kind](path, ROWS))
    assert told(plays) == EXPECTED
    assert plays.scored is not None
    assert plays.scored.tolist() == [bool(row["scored"]) for row in ROWS]
    assert plays.artist_ids == []
    assert plays.rewards.tolist() == [1.0] * 20


@pytest.mark.parametrize(
    "names",
    [
        ("listener", "track", "ts"),
        ("user", "item", "listened_at"),
        ("user_id", "song_id", "ts"),
        ("userId", "itemId", "timestamp"),
        ("UserID", "TrackID", "Time"),
        ("session_id", "item_id", "time"),
        ("user_id:token", "item_id:token", "timestamp:float"),
    ],
)
def test_columns_may_have_any_of_the_usual_names(names: tuple[str, ...], path: Path) -> None:
    rows = [
        dict(zip(names, (1, 2, AT_S), strict=True)),
        dict(zip(names, (1, 3, AT_S), strict=True)),
    ]
    for kind in ("parquet", "csv"):
        assert told(plays_of(WRITERS[kind](path, rows))) == [("1", "2", AT_S), ("1", "3", AT_S)]


def test_a_session_is_the_listener_only_where_there_is_no_other(path: Path) -> None:
    rows = [{"session_id": 5, "user_id": 1, "song_id": 2, "ts": AT_S}]
    assert told(plays_of(write_parquet(path, rows))) == [("1", "2", AT_S)]
    _, report = read_plays([path])
    assert report.columns == {"listener": "user_id", "track_id": "song_id", "listened_at": "ts"}


TIMES = [
    (AT_S, AT_S + 1),
    (AT_S * 1_000, AT_S * 1_000 + 1_000),
    (AT_S * 1_000_000, (AT_S + 1) * 1_000_000),
    (float(AT_S), AT_S + 1.0),
    ("2015-01-13T15:41:14Z", "2015-01-13T15:41:15Z"),
    ("2015-01-13 15:41:14", "2015-01-13 15:41:15"),
    ("2015-01-13T15:41:14", "2015-01-13T16:41:15+01:00"),
    (str(AT_S), f" {AT_S + 1}"),
]


@pytest.mark.parametrize("times", TIMES, ids=str)
@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_a_time_is_understood_in_any_unit(kind: str, times: tuple[Any, Any], path: Path) -> None:
    rows = [{"user": "a", "item": "x", "ts": each} for each in times]
    assert plays_of(WRITERS[kind](path, rows)).at_ms.tolist() == [
        AT_S * 1_000,
        AT_S * 1_000 + 1_000,
    ]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize("zone", [None, "Europe/Amsterdam"])
def test_a_column_of_timestamps_says_its_unit_itself(
    unit: str, zone: str | None, path: Path
) -> None:
    moment = datetime.fromtimestamp(AT_S, UTC)
    column = pa.array([moment if zone else moment.replace(tzinfo=None)], pa.timestamp(unit, zone))
    pq.write_table(pa.table({"user": ["a"], "item": ["x"], "ts": column}), path)
    assert plays_of(path).at_ms.tolist() == [AT_S * 1_000]


def test_a_day_is_its_first_moment_in_any_table(path: Path) -> None:
    days = pa.table({"user": ["a"], "item": ["x"], "ts": pa.array([date(2015, 1, 13)])})
    pq.write_table(days, path)
    at_ms = plays_of(path).at_ms.tolist()
    assert at_ms == plays_of(write(path, "user,item,ts\na,x,2015-01-13\n")).at_ms.tolist()
    assert at_ms == [1_421_107_200_000]


def test_times_that_begin_at_nought_are_seconds(path: Path) -> None:
    rows = [{"user": 1, "item": at, "ts": 200 * at} for at in range(3)]
    assert plays_of(write_parquet(path, rows)).at_ms.tolist() == [0, 200_000, 400_000]


def test_plays_stand_in_order_of_time_and_equals_as_they_were(path: Path) -> None:
    rows = [
        {"user": "b", "item": item, "ts": AT_S + at}
        for item, at in [("c", 5), ("a", 3), ("b", 3), ("d", 3), ("e", 1)]
    ]
    plays = plays_of(write_csv(path, rows))
    assert [track for _, track, _ in told(plays)] == ["e", "a", "b", "d", "c"]
    assert plays.track_ids == ["e", "a", "b", "d", "c"]
    assert plays.tracks.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", WRITERS)
def test_a_bad_row_costs_itself_and_says_why(kind: str, path: Path) -> None:
    good = {"user": "a", "item": "x", "ts": str(AT_S)}
    rows = [good, {**good, "user": ""}, {**good, "item": ""}, {**good, "ts": "noon"}, good]
    plays, report = read_plays([WRITERS[kind](path, rows)])
    assert len(plays) == 2
    assert report.rows == 5
    assert [row.reason.split(":")[0] for row in report.bad_rows] == [
        "no listener",
        "no track",
        "no time from 2002-10-01 until now",
    ]


def test_a_row_of_another_length_costs_itself(path: Path) -> None:
    lines = ["user,item,ts", f"a,x,{AT_S}", "a,x", f"a,y,{AT_S},z", f"a,z,{AT_S}"]
    plays, report = read_plays([write(path, "\n".join(lines))])
    assert [track for _, track, _ in told(plays)] == ["x", "z"]
    assert [(row.row, row.reason) for row in report.bad_rows] == [
        (3, "has 2 fields, the header 3"),
        (4, "has 4 fields, the header 3"),
    ]


@pytest.mark.parametrize(
    "odd",
    [
        '"x\ny"',
        '"never closed',
        "\n",
        "caf\udce9",
    ],
)
def test_an_irregular_csv_is_read_line_by_line_and_keeps_what_is_scored(
    odd: str, path: Path
) -> None:
    middle = [odd] if odd == "\n" else [f"a,{odd},{AT_S + 2},1"]
    lines = ["user,item,ts,scored", f"a,x,{AT_S},0", *middle, f"a,z,{AT_S + 5},1", ""]
    plays = plays_of(write(path, "\n".join(lines).encode("utf-8", "surrogateescape")))
    assert plays.scored is not None
    tracks = [track for _, track, _ in told(plays)]
    assert tracks[0] == "x"
    assert tracks[-1] == "z"
    assert plays.scored[0] == 0
    assert plays.scored[-1] == 1


@pytest.mark.parametrize("kind", ["parquet", "csv", "jsonl"])
def test_blocks_do_not_show(kind: str, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = plays_of(WRITERS[kind](path, ROWS))
    monkeypatch.setattr(table_blocks, "ROWS_A_BLOCK", 3)
    monkeypatch.setattr(table_blocks, "_BYTES_A_BLOCK", 64)
    cut = plays_of(path)
    assert told(cut) == told(whole)
    assert np.array_equal(cut.rewards, whole.rewards)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([True, False, True], [1, 0, 1]),
        (["true", "False", ""], [1, 0, 0]),
        (["1", "0", "1.0"], [1, 0, 1]),
        ([1.0, 0.0, None], [1, 0, 0]),
        (["yes", "n", "Y"], [1, 0, 1]),
    ],
)
@pytest.mark.parametrize("kind", ["parquet", "jsonl"])
def test_what_is_scored_may_be_said_in_many_ways(
    kind: str, words: list[Any], expected: list[int], path: Path
) -> None:
    rows = [{"user": 1, "item": 2, "ts": AT_S, "scored": each} for each in words]
    plays = plays_of(WRITERS[kind](path, rows))
    assert plays.scored is not None
    assert plays.scored.tolist() == expected


def test_a_word_that_is_neither_yes_nor_no_is_an_error(path: Path) -> None:
    rows = [{"user": 1, "item": 2, "ts": AT_S, "scored": "perhaps"}]
    with pytest.raises(HistoryError, match="neither yes nor no: 'perhaps'"):
        plays_of(write_parquet(path, rows))


def test_of_two_files_only_that_with_the_column_is_scored(tmp_path: Path) -> None:
    train = write_csv(tmp_path / "1.csv", [{"user": 1, "item": 2, "ts": AT_S}])
    test = write_csv(tmp_path / "2.csv", [{"user": 1, "item": 3, "ts": AT_S, "scored": 1}])
    plays = plays_of(train, test)
    assert plays.scored is not None
    assert plays.scored.tolist() == [False, True]


def test_artist_and_title_are_the_track_else_an_id_column_is(path: Path) -> None:
    names = {"user": 1, "ts": AT_S, "artist": "Nina", "title": "Sinnerman"}
    by_id = plays_of(write_parquet(path, [{**names, "track_id": 4}, {**names, "track_id": 5}]))
    assert by_id.track_ids == [track_id_of("Nina", "Sinnerman")]
    assert by_id.artist_ids == [artist_id_of("Nina")]
    without_artist = [{**names, "artist": None, "track_id": each} for each in (4, 5)]
    assert plays_of(write_parquet(path, without_artist)).track_ids == ["4", "5"]
    others = [names, {**names, "artist": "nina ", "title": "SINNERMAN"}, {**names, "artist": None}]
    by_name = plays_of(write_parquet(path, others))
    assert by_name.tracks.tolist() == [0, 0, 1]
    events = events_of(path)
    assert by_name.track_ids == list(dict.fromkeys(event.track_id for event in events))


def test_a_title_column_of_whole_numbers_holds_ids(path: Path) -> None:
    rows = [{"user": 1, "artist": at, "track": 9, "ts": AT_S} for at in (3, 4)]
    plays = plays_of(write_csv(path, rows))
    assert plays.track_ids == ["9"]
    assert plays.artist_ids == ["3", "4"]


@pytest.mark.parametrize(
    ("column", "lengths", "expected"),
    [
        ("playtime", [15, 200, -1], [0.5, 1.0, 1.0]),
        ("playtime", [15_000, 200_000, 200_000], [0.5, 1.0, 1.0]),
        ("ms_played", [15_000, 200_000, None], [0.5, 1.0, 1.0]),
    ],
)
def test_what_was_heard_of_a_play_is_what_it_is_worth(
    column: str, lengths: list[Any], expected: list[float], path: Path
) -> None:
    rows = [{"user": 1, "item": 2, "ts": AT_S, column: each} for each in lengths]
    for kind in ("parquet", "jsonl"):
        assert plays_of(WRITERS[kind](path, rows)).rewards.tolist() == expected


def test_a_skip_counts_against_the_track(path: Path) -> None:
    row = {"user": 1, "item": 2, "ts": AT_S, "ms_played": 5_000}
    rows = [{**row, "reason_end": "fwdbtn"}, {**row, "reason_end": "trackdone"}]
    assert plays_of(write_parquet(path, rows)).rewards.tolist() == pytest.approx([-1, 1 / 6])


def test_exact_repeats_are_found_among_equal_times_only(path: Path) -> None:
    rows = [(1, 2, 0), (1, 2, 0), (1, 2, 60), (2, 2, 60), (1, 3, 60), (1, 2, 60), (1, 2, 0)]
    table = [{"user": u, "item": i, "ts": AT_S + at} for u, i, at in rows]
    plays = plays_of(write_parquet(path, table))
    assert is_repeated(plays).tolist() == [False, True, True, False, False, False, True]


def test_an_export_of_a_service_is_read_as_an_import_reads_it(path: Path) -> None:
    file = write_json(path, [a_spotify_row(), a_spotify_row(incognito_mode=True)])
    plays, report = read_plays([file], "ann")
    (event,) = events_of(file)
    assert told(plays) == [("ann", event.track_id, (event.listened_at or 0) // 1_000)]
    assert report.rows == 2
    assert report.ignored.total() == 1


def test_whose_plays_they_are_has_to_be_told_somewhere(path: Path) -> None:
    file = write_csv(path, [{"item": 1, "ts": AT_S}])
    with pytest.raises(HistoryError, match="--listener"):
        plays_of(file)
    assert told(plays_of(file, listener="ann")) == [("ann", "1", AT_S)]


@pytest.mark.parametrize("content", ["user,item,ts\n", "[]", ""])
def test_a_table_without_rows_has_no_plays_or_says_that_it_is_empty(
    content: str, path: Path
) -> None:
    write(path, content)
    if content:
        assert len(plays_of(path)) == 0
    else:
        with pytest.raises(HistoryError, match="is empty"):
            plays_of(path)


def test_columns_that_are_missing_are_named(path: Path) -> None:
    with pytest.raises(HistoryError, match="user, ts"):
        plays_of(write_parquet(path, [{"user": 1, "ts": AT_S}]))
    write(path, path.read_bytes()[:-20])
    with pytest.raises(HistoryError, match="damaged Parquet"):
        plays_of(path)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (pa.string(), ["7", "8"]),
        (pa.large_string(), ["7", "8"]),
        (pa.dictionary(pa.int32(), pa.string()), ["7", "8"]),
        (pa.binary(), ["7", "8"]),
        (pa.uint64(), ["7", "8"]),
        (pa.float64(), ["7", "8"]),
        (pa.decimal128(19, 0), ["7", "8"]),
        (pa.list_(pa.int64()), []),
        (pa.bool_(), []),
        (pa.null(), []),
    ],
    ids=str,
)
def test_ids_may_have_any_type_that_a_column_of_ids_has(
    kind: pa.DataType, expected: list[str], path: Path
) -> None:
    values: list[Any] = [7, 8]
    if pa.types.is_list(kind):
        values = [[7], [8]]
    elif pa.types.is_boolean(kind) or pa.types.is_null(kind):
        values = [True, False] if pa.types.is_boolean(kind) else [None, None]
    elif kind in (pa.string(), pa.large_string(), pa.binary()) or pa.types.is_dictionary(kind):
        values = ["7", "8"]
    ids = pa.array(values).cast(kind) if values[0] is not None else pa.nulls(2)
    pq.write_table(pa.table({"user": ids, "item": ["x", "y"], "ts": [AT_S, AT_S + 1]}), path)
    plays, report = read_plays([path])
    assert plays.listener_ids == expected
    assert len(plays) + report.bad == 2


def test_odd_ids_are_ids(path: Path) -> None:
    ids = [2**62, -1, 0, "00", " 1", "ü" * 300, 1.0, '"']
    write(path, "".join(json.dumps({"user": e, "item": e, "ts": AT_S}) + "\n" for e in ids))
    plays = plays_of(path)
    assert plays.listener_ids == [str(2**62), "-1", "0", "00", "1", "ü" * 300, '"']
    assert plays.listeners.tolist() == [0, 1, 2, 3, 4, 5, 4, 6]
