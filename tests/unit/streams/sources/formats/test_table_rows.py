import time
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.support.histories import (
    NOW_MS,
    bad_rows_of,
    events_of,
    write,
    write_json,
    write_lines,
)
from topics.errors import HistoryError
from topics.identity import artist_id_of, track_id_of
from topics.listening_event import ListeningEvent

AT_S = 1_421_163_674


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plays.csv"


def only(path: Path) -> ListeningEvent:
    (event,) = events_of(path)
    return event


@pytest.mark.parametrize(
    "told",
    [
        "1421163674",
        "1421163674.0",
        "1421163674000",
        "1421163674000000",
        "1421163674000000000",
        "2015-01-13T15:41:14Z",
        "2015-01-13 15:41:14",
        "2015-01-13 15:41:14 UTC",
        "2015-01-13T16:41:14+01:00",
    ],
)
def test_a_time_is_understood_in_any_unit(path: Path, told: str) -> None:
    assert only(write(path, f"track,ts\nso what,{told}\n")).listened_at == AT_S * 1_000


def test_a_time_without_a_zone_is_utc_wherever_it_is_read(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, "track,ts\nso what,2015-01-13 15:41:14\n")
    with monkeypatch.context() as elsewhere:
        elsewhere.setenv("TZ", "Pacific/Auckland")
        time.tzset()
        listened_at = only(path).listened_at
    time.tzset()
    assert listened_at == AT_S * 1_000


def test_a_time_of_another_unit_than_the_others_of_its_column_is_read(path: Path) -> None:
    write(path, f"track,ts\na,{AT_S}\nb,{AT_S + 1}\nc,{AT_S * 1_000 + 7}\nd,120\n")
    at_ms = [event.listened_at for event in events_of(path)]
    assert at_ms == [AT_S * 1_000, AT_S * 1_000 + 7, AT_S * 1_000 + 1_000]
    assert bad_rows_of(path)[0][0] == 5


@pytest.mark.parametrize(
    ("column", "told", "ms"),
    [
        ("playtime", "274", 274_000),
        ("seconds_played", "274.5", 274_500),
        ("ms_played", "274", 274),
        ("msPlayed", "274", 274),
    ],
)
def test_a_length_of_play_has_the_unit_of_its_name(
    path: Path, column: str, told: str, ms: int
) -> None:
    assert only(write(path, f"track,ts,{column}\nx,{AT_S},{told}\n")).ms_played == ms


def test_a_duration_has_the_unit_of_most_rows(path: Path) -> None:
    rows = "".join(f"t{each},{AT_S},{each}\n" for each in (5_000, 200_000, 180_000))
    write(path, f"track,ts,duration\n{rows}")
    assert {event.duration_ms for event in events_of(path)} == {5_000, 200_000, 180_000}


@pytest.mark.parametrize("told", ["", "-1"])
def test_a_length_that_nobody_knows_stays_unknown(path: Path, told: str) -> None:
    assert only(write(path, f"track,ts,playtime\nx,{AT_S},{told}\n")).ms_played is None


def test_the_listener_column_counts_before_the_one_named_unless_it_is_empty(path: Path) -> None:
    write(path, f"user,track,ts\nnina,x,{AT_S}\n,y,{AT_S}\n")
    assert [event.listener_id for event in events_of(path)] == ["nina", "ann"]
    assert bad_rows_of(path, listener_id=None) == [(3, "listener_id is empty")]


def test_without_any_listener_one_is_asked_for(path: Path) -> None:
    write(path, f"track,ts\nx,{AT_S}\n")
    with pytest.raises(HistoryError, match="--listener"):
        events_of(path, listener_id=None)


def test_tracks_go_by_artist_and_title_where_both_are_told(path: Path) -> None:
    event = only(write(path, f"Artist Name,Title,Album,Date\nNina,Sinnerman,P,{AT_S}\n"))
    assert event.track_id == track_id_of("Nina", "Sinnerman")
    assert event.artist_id == artist_id_of("Nina")
    assert event.release_name == "P"


def test_tracks_go_by_their_own_id_otherwise(path: Path) -> None:
    event = only(write(path, f"song_id,artist_id,ts\n16,4,{AT_S}\n"))
    assert (event.track_id, event.artist_id) == ("history:16", "history:4")
    assert event.source_track_id == "16"


def test_a_table_without_time_is_an_error_that_names_its_columns(path: Path) -> None:
    table = pa.table({"user": ["a"], "song": ["b"], "rating": [5]})
    pq.write_table(table, path)
    with pytest.raises(HistoryError, match=r"has the columns user, song, rating.*and a time"):
        events_of(path)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"x,soon", "listened_at is not a time: 'soon'"),
        (b"x,", "listened_at is missing"),
        (b"x,nan", "listened_at is missing"),
        (b"x", "has 1 field, the header 2"),
        (b"x,1,2", "has 3 fields, the header 2"),
        (b",1421163674", "no track: neither an id nor a name"),
        (b"a\x00b,1421163674", "track_id: holds a NUL character or broken UTF-8"),
        (b"a\xff,1421163674", "holds a NUL character or broken UTF-8"),
        (b"y" * 1_025 + b",1421163674", "track_id is longer than 512 characters"),
        (b"x,1033430399", "listened_at 2002-09-30T23:59:59Z is before 2002-10-01"),
        (b"x,99999999999999999999999", "listened_at is not a time: '99999999999999999999999'"),
        (f"x,{NOW_MS // 1_000 + 601}".encode(), "listened_at: lies in the future"),
    ],
)
def test_a_wrong_line_is_told_and_the_others_are_kept(path: Path, line: bytes, reason: str) -> None:
    good = f"first,{AT_S}".encode(), f"last,{AT_S}".encode()
    write(path, b"\n".join([b"track,ts", good[0], line, good[1]]))
    assert bad_rows_of(path) == [(3, reason)]
    assert [event.track_name for event in events_of(path)] == ["first", "last"]


def test_ten_minutes_ahead_are_clocks_that_differ(path: Path) -> None:
    assert only(write(path, f"track,ts\nx,{NOW_MS // 1_000 + 600}\n")).listened_at is not None


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_fields_may_be_divided_otherwise_and_quoted(path: Path, delimiter: str) -> None:
    header = delimiter.join(["\ufefftrack", "ts"])
    end = "" if delimiter == "\t" else "\n"  # a tab-separated row is one line
    write(path, f'{header}\r\n"a{delimiter}""b""{end}c"{delimiter}{AT_S}\r\n')
    assert only(path).track_name == f'a{delimiter}"b"{end}c'


def test_a_quote_that_is_never_closed_costs_its_own_row_and_no_other(path: Path) -> None:
    many = [f"t{each}" for each in range(20_000)]
    lines = "".join(f"{each},{AT_S}\n" for each in many)
    write(path, f'track,ts\nfirst,{AT_S}\n"open,{AT_S}\n{lines}')
    assert bad_rows_of(path) == [(3, "has a quote that is never closed")]
    assert [event.track_name for event in events_of(path)] == ["first", *many]


def test_a_quote_that_one_row_opens_and_the_next_closes_does_not_make_one_play_of_both(
    path: Path,
) -> None:
    write(path, f'track,user,ts\n"a,ann,{AT_S}\nb",bob,{AT_S}\nc,cid,{AT_S}\n')
    assert bad_rows_of(path) == [(2, "has a quote that is never closed")]
    assert [(event.track_name, event.listener_id) for event in events_of(path)] == [
        ('b"', "bob"),
        ("c", "cid"),
    ]


def test_two_open_quotes_do_not_make_one_row_of_what_lies_between(path: Path) -> None:
    write(path, f'track,user,ts\n"a,ann,{AT_S}\n"b,bob,{AT_S}\nc,"cid",{AT_S}\n')
    assert [row for row, _ in bad_rows_of(path)] == [2, 3]
    assert only(path).track_name == "c"


def test_a_line_without_end_is_one_bad_row(path: Path) -> None:
    write(path, b"track,ts\n" + b"x" * 3_000_000 + f"\nlast,{AT_S}\n".encode())
    assert bad_rows_of(path) == [(2, "is longer than 1,048,576 bytes")]
    assert only(path).track_name == "last"


def test_json_lines_need_not_all_have_the_same_keys(tmp_path: Path) -> None:
    path = write_lines(
        tmp_path / "plays.jsonl",
        [{"timeMs": AT_S * 1_000, "track": "a"}, {"track": "b", "artist": "x", "timeMs": 1}, 7],
    )
    with path.open("ab") as file:
        file.write(b'{"track": \n{"timeMs": 1421163674000, "track": "b", "artist": "x"}')
    assert [row for row, _ in bad_rows_of(path)] == [3, 4, 2]
    assert [event.artist_name for event in events_of(path)] == [None, "x"]


def test_an_array_of_objects_is_a_table(tmp_path: Path) -> None:
    path = write_json(tmp_path / "plays.json", [{"item_id": 7, "timestamp": AT_S, "user_id": 3}])
    assert (only(path).track_id, only(path).listener_id) == ("history:7", "3")


def test_parquet_times_and_missing_cells_are_understood(tmp_path: Path) -> None:
    when = datetime(2015, 1, 13, 15, 41, 14, tzinfo=UTC)
    table = pa.table(
        {
            "user_id": pa.array([4, 4, None]),
            "song_id": pa.array([16.0, None, 16.0]),
            "ts": pa.array([when, when, when], pa.timestamp("us", "UTC")),
            "playtime": pa.array([274, 1, 1]),
        }
    )
    path = tmp_path / "plays.parquet"
    pq.write_table(table, path)
    event, other = events_of(path)
    assert (event.listener_id, event.track_id) == ("4", "history:16")
    assert (event.listened_at, event.ms_played) == (AT_S * 1_000, 274_000)
    assert other.listener_id == "ann"
    assert [row for row, _ in bad_rows_of(path)] == [2]


def test_parquet_that_was_cut_off_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "plays.parquet"
    pq.write_table(pa.table({"user": ["a"], "song_id": [1], "ts": [AT_S]}), path)
    write(path, path.read_bytes()[:-20])
    with pytest.raises(HistoryError, match="damaged Parquet file"):
        events_of(path)


def test_parquet_values_of_other_types_cost_at_most_their_own_rows(tmp_path: Path) -> None:
    nanoseconds = pa.array([AT_S * 10**9 + 1, 2**62], pa.timestamp("ns"))
    table = pa.table(
        {
            "user": pa.array([b"ann", b"\xff"]),
            "track": ["x", "y"],
            "ts": nanoseconds,
            "duration": pa.array([200, 1], pa.duration("s")),
        }
    )
    path = tmp_path / "plays.parquet"
    pq.write_table(table, path)
    event = only(path)
    assert (event.listener_id, event.listened_at, event.duration_ms) == (
        "ann",
        AT_S * 1000,
        200_000,
    )
    assert [row for row, _ in bad_rows_of(path)] == [2]


def test_of_parquet_columns_with_one_name_the_first_counts(tmp_path: Path) -> None:
    path = tmp_path / "plays.parquet"
    columns = [pa.array(["x"]), pa.array([Decimal(AT_S)]), pa.array([7])]
    pq.write_table(pa.table(columns, names=["track", "ts", "ts"]), path)
    assert only(path).listened_at == AT_S * 1_000
