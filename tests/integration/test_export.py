"""An export holds every event but those of the erased, and importing it adds each once."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow.parquet as pq
import pytest

from streams.kafka.log_reader import LogReader
from tests.conftest import KAFKA_LIBS
from tests.support.events import START_MS, a_stream, an_event
from tests.support.station import Station, StationHere, wait_until
from topics.listening_event import EventKind, ListeningEvent

EVENTS = 10_000
GONE, KEEN = "listener-7", "listener-8"
EXIT_ERROR = 3
LATEST_MS = START_MS + EVENTS * 1_000


def all_kinds() -> list[ListeningEvent]:
    """What a stream of plays does not have: other kinds, full fields, and what does not count."""
    full = an_event(
        listener_id=KEEN,
        track_id="whole",
        artist_id="nina",
        artist_name="Nina",
        track_name="Sinnerman 🎧",
        release_name="Pastel Blues",
        source_track_id="spotify:track:1",
        listened_at=LATEST_MS + 10,
        ms_played=600_000,
        duration_ms=622_000,
        reason_end="trackdone",
        context="a playlist",
        recommendation_id="first/7",
    )
    later = [
        an_event(listener_id=KEEN, kind=kind, listened_at=LATEST_MS + 20 + at)
        for at, kind in enumerate((EventKind.LOVE, EventKind.HATE, EventKind.CLEAR))
    ]
    conflict = full.model_copy(update={"track_id": "another"})
    foreign_id = an_event(event_id="no uuid", listener_id=KEEN, listened_at=LATEST_MS + 90)
    return [full, full, conflict, *later, foreign_id]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station whose log has every kind of event, and a listener who was erased."""
    station = StationHere(tmp_path_factory.mktemp("one") / "home", KAFKA_LIBS)
    station.up()
    station.start("sequencer")
    erased = an_event(listener_id=GONE, kind=EventKind.ERASE, listened_at=LATEST_MS, track_id=None)
    stream = a_stream(EVENTS)
    for _ in range(4):
        station.produce(islice(stream, EVENTS // 4))
        settle(station)
    station.produce([erased, *all_kinds()])
    settle(station)
    yield station
    station.close()


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Station]:
    """An empty installation."""
    station = StationHere(tmp_path / "other", KAFKA_LIBS)
    station.up()
    station.start("sequencer")
    yield station
    station.close()


def settle(station: Station) -> None:
    """Waits until every event is in the log."""
    wait_until(station.status, lambda found: found["lag"]["events"] == 0)


def log_end(station: Station) -> int:
    with LogReader(station.addresses.kafka) as log:
        return log.bounds().end


def exported(station: Station, path: Path, *options: str) -> list[dict[str, Any]]:
    done = station.run("export", "--to", str(path), *options)
    assert done.returncode == 0, done.stderr
    return rows_in(path)


def rows_in(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


def event_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ListeningEvent.model_fields)


def test_an_export_has_each_event_with_its_place_and_verdict(one: Station, tmp_path: Path) -> None:
    rows = exported(one, tmp_path / "all.jsonl")
    plays = [each for each in a_stream(EVENTS) if each.listener_id != GONE]
    by_id = {row["event_id"]: row for row in rows if row["verdict"] == "applied"}
    for each in [*plays, all_kinds()[0]]:
        assert event_of(by_id[each.event_id]) == tuple(each.model_dump(mode="json").values())
    counts = [row["verdict"] for row in rows]
    kinds = len(all_kinds())
    assert counts.count("applied") == len(plays) + kinds - 2
    assert (counts.count("duplicate"), counts.count("refused")) == (1, 1)
    places = [(row["source_topic"], row["source_partition"], row["source_offset"]) for row in rows]
    assert len({*places}) == len(rows)
    assert {topic for topic, _, _ in places} == {"listening-events"}
    offsets = [row["log_offset"] for row in rows]
    assert offsets == sorted(offsets)


def test_nothing_of_an_erased_listener_is_exported(one: Station, tmp_path: Path) -> None:
    gone = sum(each.listener_id == GONE for each in a_stream(EVENTS))
    found = one.json("export", "--to", str(tmp_path / "all.parquet"))
    assert found["left_out_erased"] == gone > 0
    rows = rows_in(tmp_path / "all.parquet")
    assert found["rows"] == len(rows) == EVENTS - gone + len(all_kinds())
    assert GONE not in {row["listener_id"] for row in rows}
    assert "ERASE" not in {row["kind"] for row in rows}


@pytest.mark.parametrize("name", ["all.parquet", "all.jsonl", "all.jsonl.zst"])
def test_an_export_that_is_imported_elsewhere_gives_the_same_events(
    name: str, one: Station, other: Station, tmp_path: Path
) -> None:
    done = one.json("export", "--to", str(tmp_path / name))
    first = other.json("import", str(tmp_path / name))
    assert (first["sent"], first["bad"]) == (done["verdicts"]["applied"], 0)
    assert first["ignored"] == {"did not count where it was exported": 2}
    settle(other)
    before = log_end(other)
    assert other.json("import", str(tmp_path / name))["sent"] == 0
    assert log_end(other) == before
    here = [row for row in exported(one, tmp_path / "here.jsonl") if row["verdict"] == "applied"]
    there = exported(other, tmp_path / "there.jsonl")
    assert {row["verdict"] for row in there} == {"applied"}
    assert sorted(map(event_of, there), key=str) == sorted(map(event_of, here), key=str)


def test_what_else_a_player_said_is_imported_and_exported(
    one: Station, other: Station, tmp_path: Path
) -> None:
    row = next(each for each in exported(one, tmp_path / "one.jsonl") if each["kind"] == "LISTEN")
    assert row["additional_info"] is None
    row |= {"event_id": str(uuid.uuid4()), "additional_info": '{"rating": 5, "tags": ["日本"]}'}
    (tmp_path / "told.jsonl").write_bytes(orjson.dumps(row))
    assert other.json("import", str(tmp_path / "told.jsonl"))["sent"] == 1
    settle(other)
    [found] = exported(other, tmp_path / "there.parquet")
    assert (event_of(found), found["additional_info"]) == (event_of(row), row["additional_info"])


def test_an_export_that_is_imported_where_it_came_from_adds_nothing_to_the_model(
    one: Station, tmp_path: Path
) -> None:
    rows = exported(one, tmp_path / "some.parquet", "--listener", KEEN)
    applied = sum(row["verdict"] == "applied" for row in rows)
    before = exported(one, tmp_path / "before.jsonl")
    assert one.json("import", str(tmp_path / "some.parquet"))["sent"] == applied
    settle(one)
    after = exported(one, tmp_path / "after.jsonl")[len(before) :]
    assert [row["verdict"] for row in after] == ["duplicate"] * applied


def test_a_selection_is_by_place_in_the_log_by_listener_and_by_time(
    one: Station, tmp_path: Path
) -> None:
    rows = exported(one, tmp_path / "all.jsonl")
    last = rows[-1]["log_offset"]
    middle = rows[len(rows) // 2]["log_offset"]
    part = exported(one, tmp_path / "a.jsonl", "--from-log", str(middle), "--to-log", str(last - 1))
    assert part == [row for row in rows if middle <= row["log_offset"] < last]
    now = datetime.now(UTC).isoformat()
    assert exported(one, tmp_path / "b.jsonl", "--to-log", now) == rows
    assert exported(one, tmp_path / "c.jsonl", "--from-log", "2020-01-01") == rows
    keen = exported(one, tmp_path / "d.jsonl", "--listener", KEEN)
    assert keen == [row for row in rows if row["listener_id"] == KEEN]
    found = exported(
        one, tmp_path / "e.jsonl", "--since", "2023-11-14T22:20Z", "--until", "2023-11-14T22:30Z"
    )
    begin = START_MS - START_MS % 60_000 + 7 * 60_000
    assert found == [row for row in rows if begin <= row["listened_at"] < begin + 600_000]
    assert exported(one, tmp_path / "f.parquet", "--listener", "nobody") == []


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--to", "a.csv"], "unknown ending"),
        (["--to", "a.jsonl", "--from-log", "100000"], "outside of the log"),
        (["--to", "a.jsonl", "--to-log", "-1"], "outside of the log"),
        (["--to", "a.jsonl", "--from-log", "2099-01-01"], "later than the last record"),
        (["--to", "a.jsonl", "--to-log", "2099-01-01"], "is in the future"),
        (["--to", "a.jsonl", "--to-log", "2020-01-01"], "earlier than the first record"),
        (["--to", "a.jsonl", "--since", "yesterday"], "'yesterday' is no time"),
        (["--to", "nowhere/a.jsonl"], "cannot be written: No such file"),
    ],
)
def test_what_cannot_be_exported_is_said_in_words(
    options: list[str], why: str, one: Station, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    done = one.run("export", *options)
    assert done.returncode == EXIT_ERROR
    assert why in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_rows_that_somebody_changed_are_bad_rows_and_nobody_is_erased_by_a_file(
    one: Station, tmp_path: Path
) -> None:
    [row] = exported(one, tmp_path / "a.jsonl", "--listener", KEEN)[:1]
    changes = [{"kind": "ERASE"}, {"listener_id": "*everyone*"}, {"listener_id": None}, {"kind": 3}]
    lines = [json.dumps(row | change) for change in changes]
    (tmp_path / "changed.jsonl").write_text("\n".join(lines))
    done = one.run("import", str(tmp_path / "changed.jsonl"))
    assert done.returncode == EXIT_ERROR
    assert done.stderr.count("left out") == len(changes)


def test_a_packed_export_that_is_cut_off_is_said(one: Station, tmp_path: Path) -> None:
    one.run("export", "--to", str(tmp_path / "whole.jsonl.zst"))
    content = (tmp_path / "whole.jsonl.zst").read_bytes()
    (tmp_path / "cut.jsonl.zst").write_bytes(content[: len(content) // 2])
    done = one.run("import", str(tmp_path / "cut.jsonl.zst"))
    assert done.returncode == EXIT_ERROR
    assert "damaged or cut off" in done.stderr


def test_republish_is_import_for_files_and_a_replay_for_dead_letters(
    one: Station, other: Station, tmp_path: Path
) -> None:
    rows = exported(one, tmp_path / "some.parquet", "--listener", KEEN)
    applied = sum(row["verdict"] == "applied" for row in rows)
    assert other.json("republish", str(tmp_path / "some.parquet"))["sent"] == applied
    assert other.json("import", str(tmp_path / "some.parquet"))["sent"] == 0
    other.produce_raw(b"poison", key=b"ann")
    settle(other)
    found = other.json("republish", "dead-letters", "--dry-run")
    assert found == other.json("deadletters", "replay", "--dry-run")
    assert found["letters"] == 1
    for wrong in (
        ["dead-letters", "a.csv"],
        ["dead-letters", "--listener", "ann"],
        ["a.csv", "--dry-run"],
    ):
        refused = other.run("republish", *wrong)
        assert refused.returncode == EXIT_ERROR
        assert "one after the other" in refused.stderr
