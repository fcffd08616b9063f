"""Whatever histories hold: formats agree, overlaps add nothing, damage stays an error or a row."""

import tempfile
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import example, given, settings
from hypothesis import strategies as st

from streams.sources.history.history import HistoryRow
from streams.sources.history.play_sorter import PlaySorter
from streams.sources.plays import Play
from tests.support.histories import (
    a_listen,
    a_spotify_row,
    events_of,
    rows_of,
    write,
    write_json,
    write_lines,
    write_zip,
)
from topics.errors import HistoryError

AT_S = 1_421_163_674
KEYS = ("user_id", "song_id", "ts", "playtime")
PLAYS = st.lists(
    st.fixed_dictionaries(
        {
            "user_id": st.integers(0, 2),
            "song_id": st.integers(0, 3),
            "ts": st.integers(AT_S, AT_S + 4),
            "playtime": st.integers(0, 2),
        }
    ),
    min_size=1,
    max_size=30,
)


def folder() -> Any:
    return tempfile.TemporaryDirectory()


def ids_of(*paths: Path) -> list[str]:
    return [event.event_id for event in events_of(*paths, listener_id=None)]


def plays_in(*paths: Path) -> set[tuple[Any, ...]]:
    return {
        (event.listener_id, event.track_id, event.listened_at)
        for event in events_of(*paths, listener_id=None)
    }


@settings(max_examples=30, deadline=None)
@given(PLAYS)
def test_a_table_is_the_same_events_in_any_format(plays: list[dict[str, int]]) -> None:
    with folder() as name:
        lines = write_lines(Path(name) / "a.jsonl", plays)
        array = write_json(Path(name) / "a.json", plays)
        text = "".join(",".join(str(play[key]) for key in KEYS) + "\n" for play in plays)
        table = write(Path(name) / "a.csv", f"{','.join(KEYS)}\n{text}")
        parquet = Path(name) / "a.parquet"
        pq.write_table(pa.Table.from_pylist(plays), parquet)
        assert events_of(lines) == events_of(array) == events_of(table) == events_of(parquet)
        assert len(set(ids_of(lines))) == len(plays)


@settings(max_examples=50, deadline=None)
@given(PLAYS, st.data())
def test_exports_that_overlap_are_as_many_events_as_their_union(
    plays: list[dict[str, int]], data: st.DataObject
) -> None:
    until = data.draw(st.integers(0, len(plays)))
    since = data.draw(st.integers(0, until))
    apart = [play | {"ts": AT_S + 120 * (play["ts"] - AT_S)} for play in plays]
    by_time = sorted(apart, key=lambda play: play["ts"])
    with folder() as name:
        whole = write_lines(Path(name) / "whole.jsonl", by_time)
        parts = [
            write_json(Path(name) / f"{each}.json", rows)
            for each, rows in enumerate([by_time[:until], by_time[since:]])
        ]
        together = ids_of(*parts)
        assert len(together) == len(set(together))
        assert set(together) <= set(ids_of(parts[0])) | set(ids_of(parts[1]))
        assert set(together) <= set(ids_of(whole))
        assert plays_in(*parts) == plays_in(whole)
        assert ids_of(whole, *parts) == ids_of(whole)


@given(st.lists(st.integers(0, 9)), st.integers(1, 5))
def test_sorting_in_any_memory_is_sorting(times: list[int], in_memory: int) -> None:
    plays = [Play(at, 0, row, "test", "ann") for row, at in enumerate(times)]
    with PlaySorter(in_memory) as sorter:
        for play in plays:
            sorter.add(play)
        assert list(sorter.in_order()) == sorted(plays)


FILES = {
    "spotify.json": orjson.dumps([a_spotify_row(), a_spotify_row(ms_played=3)]),
    "listens.jsonl": orjson.dumps(a_listen()) + b"\n" + orjson.dumps(a_listen(listened_at=1)),
    "plays.csv": b"user,track,artist,ts,duration\nann,a,b,1421163674,5\nann,a,b,1421163999,5\n",
    "pages.json": orjson.dumps([{"track": [{"name": "x", "date": {"uts": "1421163674"}}]}]),
}


def content_of(name: str) -> bytes:
    with folder() as made:
        if name == "export.zip":
            return write_zip(Path(made) / name, FILES).read_bytes()
        if name == "plays.parquet":
            pq.write_table(pa.table({"song_id": [1, 2], "ts": [AT_S, AT_S]}), f"{made}/{name}")
            return (Path(made) / name).read_bytes()
    return FILES[name]


def read_or_error(path: Path) -> list[HistoryRow] | HistoryError:
    try:
        return rows_of(path)
    except HistoryError as error:
        return error


DAMAGE = st.lists(
    st.tuples(st.floats(0, 1, exclude_max=True), st.binary(max_size=3), st.integers(0, 3)),
    min_size=1,
    max_size=3,
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from([*FILES, "export.zip", "plays.parquet"]), DAMAGE)
def test_damage_is_a_bad_row_or_an_error_that_people_can_read(
    name: str, damage: list[tuple[float, bytes, int]]
) -> None:
    content = content_of(name)
    for share, put, cut in damage:
        at = int(share * len(content))
        content = content[:at] + put + content[at + cut :]
    with folder() as made:
        path = write(Path(made) / name, content)
        result = read_or_error(path)
        if isinstance(result, HistoryError):
            assert str(path) in result.message
            assert result.remedy
        else:
            assert result == rows_of(path)


@settings(max_examples=200, deadline=None)
@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["track_metadata", "ts", "artist", "user"]), inner)
        ),
        max_leaves=8,
    ),
    st.sampled_from(sorted(a_spotify_row())),
    st.sampled_from(["listened_at", "track_metadata"]),
)
@example(2**64 - 1, "conn_country", "listened_at")
def test_a_value_of_any_shape_costs_no_other_row(value: Any, key: str, listen_key: str) -> None:
    try:
        spotify = orjson.dumps([a_spotify_row(), a_spotify_row(**{key: value})])
        listens = orjson.dumps(a_listen()) + b"\n" + orjson.dumps(a_listen(**{listen_key: value}))
    except (TypeError, ValueError):
        return
    with folder() as made:
        assert len(rows_of(write(Path(made) / "a.json", spotify))) == 2
        assert len(rows_of(write(Path(made) / "b.jsonl", listens))) == 2
