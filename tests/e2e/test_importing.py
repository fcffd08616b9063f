"""Listening history: each row once, however often it is imported, and bad files by name."""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.conftest import KAFKA_LIBS
from tests.support.histories import a_spotify_row, write, write_lines, write_zip
from tests.support.runs import Home
from tests.support.station import Station, wait_until

ROWS = 30_000
EXIT_ERROR = 3
SOME_BYTES = 40_000
"""Of the ledger: a few thousand rows were acknowledged."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """One EchoTune for all tests here: each imports listeners of its own."""
    with closing(Station(tmp_path_factory.mktemp("importing"), KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        yield station


def a_history(path: Path, listener: str, rows: int, first: int = 0) -> Path:
    """A CSV file of plays, rows `first` to `first + rows` of a life."""
    lines = [
        f"{listener}-{at % 20},artist {at % 50},title {at % 300},{1_600_000_000 + at * 200}"
        for at in range(first, first + rows)
    ]
    path.write_text("\n".join(["listener,artist,track,listened_at", *lines]) + "\n")
    return path


def applied(station: Station) -> int:
    return int(station.status()["applied"] or 0)


def learnt(station: Station, before: int, rows: int) -> None:
    """Waits until exactly `rows` more than `before` are in the model, and nothing is on its way."""
    station.wait_applied(before + rows)


def test_what_was_imported_before_is_not_sent_again(station: Station, tmp_path: Path) -> None:
    before = applied(station)
    this_year = a_history(tmp_path / "this_year.csv", "yearly", 500)
    next_year = a_history(tmp_path / "next_year.csv", "yearly", 700)
    first, again, more = (
        station.json("import", str(path)) for path in (this_year, this_year, next_year)
    )
    assert (first["sent"], first["already_there"]) == (500, 0)
    assert (again["sent"], again["already_there"]) == (0, 500)
    assert (more["sent"], more["already_there"]) == (200, 500)
    learnt(station, before, 700)


def test_an_import_killed_half_way_and_started_again_brings_every_row_once(
    station: Station, tmp_path: Path
) -> None:
    before = applied(station)
    path = a_history(tmp_path / "long.csv", "killed", ROWS)
    begun = Home(station.home).begin("import", str(path))
    ledgers = station.home / "imports"
    wait_until(
        lambda: sum(each.stat().st_size for each in ledgers.rglob("*") if each.is_file()),
        lambda acknowledged_bytes: acknowledged_bytes > SOME_BYTES,
    )
    begun.kill()
    assert begun.wait() == -9, "it was done before it was killed"
    again = station.json("import", str(path))
    assert again["sent"] + again["already_there"] == ROWS
    assert again["sent"] > 0
    learnt(station, before, ROWS)


def test_a_wrong_row_is_named_with_its_line_and_the_rest_is_imported(
    station: Station, tmp_path: Path
) -> None:
    before = applied(station)
    path = a_history(tmp_path / "damaged.csv", "damaged", 10)
    lines = path.read_text().splitlines()
    lines[5] = "damaged-4,artist,title,last Tuesday"
    path.write_text("\n".join(lines) + "\n")
    done = station.run("import", str(path))
    assert done.returncode == 0
    assert "damaged.csv" in done.stderr
    assert "6" in done.stderr.split("left out:")[1].splitlines()[0]
    assert "1 bad row" in done.stderr
    learnt(station, before, 9)


def test_an_import_that_reads_no_play_fails_and_says_each_reason_once(
    station: Station, tmp_path: Path
) -> None:
    rows = "".join(f"me,artist,title,{day}day\n" for day in ("Mon", "Tues", "Fri"))
    path = write(tmp_path / "bad.csv", f"user,artist,track,timestamp\n{rows}")
    done = station.run("import", str(path))
    assert done.returncode == EXIT_ERROR
    assert "left out 3 rows" in done.stderr
    assert done.stderr.count("is not a time") == 1
    assert "import done" not in done.stderr


def test_the_name_of_all_listeners_is_refused_before_anything_is_sent(
    station: Station, tmp_path: Path
) -> None:
    path = a_history(tmp_path / "one.csv", "someone", 3)
    done = station.run("import", str(path), "--listener", "*everyone*")
    assert done.returncode == EXIT_ERROR
    assert "stands for all listeners" in done.stderr


def a_half_written_zip(folder: Path) -> Path:
    export = {"Streaming_History_Audio_2024.json": json.dumps([a_spotify_row()] * 100).encode()}
    path = write_zip(folder / "my_spotify_data.zip", export)
    return write(path, path.read_bytes()[:-40])


def an_unknown_format(folder: Path) -> Path:
    return write(folder / "poem.txt", "O rose, thou art sick!\n")


def a_missing_file(folder: Path) -> Path:
    return folder / "nowhere.csv"


def one_persons_file(folder: Path) -> Path:
    row = {"track": "t", "artist": "a", "listened_at": 1_600_000_000}
    return write_lines(folder / "mine.jsonl", [row])


@pytest.mark.parametrize(
    ("a_file", "said"),
    [
        (a_half_written_zip, "Copy or export it again"),
        (an_unknown_format, "poem.txt"),
        (a_missing_file, "Check the path"),
        (one_persons_file, "--listener"),
    ],
)
def test_a_file_that_cannot_be_imported_is_said_in_words(
    station: Station, tmp_path: Path, a_file: Callable[[Path], Path], said: str
) -> None:
    path = a_file(tmp_path)
    done = station.run("import", str(path))
    assert done.returncode == EXIT_ERROR
    assert path.name in done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
