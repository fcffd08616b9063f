"""Tables of cells by chance: an import and an evaluation read the same plays of them.

Left out are what documentation excepts: times that begin at zero, and a session as the listener.
"""

import csv
import io
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.histories import read, write, write_json, write_lines

AT_S = 1_709_287_200
NOTHING = [None, "", "-", "NaN", "none", "\u200b", "x" * 1_100, "a\x00b", "Unknown Artist"]
TIMES = [AT_S, f"{AT_S}000", AT_S * 10**6, f"{AT_S},5", "2024-03-01 10:00:00", "14/03/2024 10:00",
         "2024-03-01T10:00:30Z", "01 Mar 2024, 10:00", "soon", 4 * 10**9, True,
         f"'{AT_S}", '="2024-03-01 10:00"', "1.7E+09", "1.709287200E+09"]  # fmt: skip
NAMES = [
    "One",
    "one ",
    "1979",
    1979,
    "['One', 'Two']",
    "Ünï",
    "a,b",
    'q"x',
    5.5,
    '="One"',
    "'@One",
    "'Til",
    "One - Two",
]
LENGTHS = [180_000, 180, "3:05", 180_000.7, "PT3M", -1, "long", "'180", '="3:05"', "1.8E+05"]
ZONES = ["Europe/Berlin", "CET", "+01:00", "-300", 60, "-0500", "5.5", "Mars", "IST", "'UTC"]
KINDS = ["track", "play", "love", "Episode", "album"]
FLAGS = [True, False, "true", 0, 1]
COLUMNS = {
    "artist": NAMES, "track": NAMES, "title": NAMES, "name": NAMES, "album": NAMES,
    "uts": TIMES, "date": TIMES, "played_at": TIMES, "end_time": TIMES, "created_at": TIMES,
    "user": ["ann", "bob", 5, "*everyone*"], "ms_played": LENGTHS, "duration": LENGTHS,
    "type": KINDS, "media_type": KINDS, "event": KINDS, "playing_now": FLAGS, "is_podcast": FLAGS,
    "track_description": NAMES, "tz": ZONES, "utc_offset": ZONES, "skipped": FLAGS,
    "reason_end": ["fwdbtn", "SKIP", "done"],
    "track_mbid": ["7d1f1b7a-1111-4a47-a5c4-3a2f7f6c9d10", "nan", "x"], "foo": NAMES,
}  # fmt: skip
WRITERS = ["csv", "tsv", "jsonl", "json", "parquet"]


@st.composite
def tables(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Rows with a track, a time, and other columns."""
    names = [draw(st.sampled_from(["track", "title", "name", "track_description"])), "artist",
             draw(st.sampled_from(["uts", "date", "end_time"]))]  # fmt: skip
    names += draw(st.lists(st.sampled_from(sorted(COLUMNS)), max_size=4))
    row = st.fixed_dictionaries(
        {name: st.sampled_from([*COLUMNS[name] * 3, *NOTHING]) for name in dict.fromkeys(names)}
    )
    return draw(st.lists(row, min_size=1, max_size=6))


def write_table(path: Path, kind: str, rows: list[dict[str, Any]]) -> Path:
    if kind == "jsonl":
        return write_lines(path, rows)
    if kind == "json":
        return write_json(path, rows)
    if kind == "parquet":
        texts = [{key: None if cell is None else str(cell) for key, cell in row.items()}
                 for row in rows]  # fmt: skip
        pq.write_table(pa.Table.from_pylist(texts), path)
        return path
    text = io.StringIO()
    table = csv.writer(text, delimiter="," if kind == "csv" else "\t")
    table.writerow(rows[0])
    table.writerows([row[name] for name in rows[0]] for row in rows)
    return write(path, text.getvalue())


@given(tables(), st.sampled_from(WRITERS))
@settings(max_examples=150, deadline=None)
def test_an_import_and_an_evaluation_read_the_same_plays(
    rows: list[dict[str, Any]], kind: str
) -> None:
    with TemporaryDirectory() as folder:
        read(write_table(Path(folder) / "plays", kind, rows))


MOMENTS = st.lists(st.tuples(st.integers(0, 1), st.sampled_from([0, 0, 5, 30, 400])), max_size=4)


@given(st.lists(MOMENTS.filter(bool), min_size=2, max_size=3))
@settings(max_examples=40, deadline=None)
def test_plays_that_stand_several_times_in_several_tables_are_the_same_for_both(
    tables: list[list[tuple[int, int]]],
) -> None:
    with TemporaryDirectory() as folder:
        read(*(
            write_lines(
                Path(folder) / f"{at}.jsonl",
                [{"artist": "A", "track": f"S{song}", "ts": AT_S + s} for song, s in table],
            )
            for at, table in enumerate(tables)
        ))  # fmt: skip
