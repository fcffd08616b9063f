"""Answers of Spotify's Web API to `recently-played`, as people save them."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.histories import (
    STOPPED,
    STOPPED_MS,
    a_spotify_row,
    bad_rows_of,
    ignored_of,
    read,
    write,
    write_json,
    write_lines,
)


def an_item(**changes: Any) -> dict[str, Any]:
    track = {
        "album": {"name": "Kind of Blue", "artists": [{"name": "Miles Davis"}], "images": []},
        "artists": [{"name": "Miles Davis", "type": "artist"}, {"name": "Bill Evans"}],
        "duration_ms": 545_000,
        "is_local": False,
        "name": "So What",
        "type": "track",
        "uri": "spotify:track:4vLYewWIvqHfKtJDk8c8tq",
    }
    return {"track": track | changes, "played_at": STOPPED, "context": None}


@pytest.mark.parametrize(
    "content",
    [
        json.dumps({"items": [an_item()], "next": None, "cursors": {"after": "1"}, "limit": 50}),
        json.dumps({"href": "https://example.org", "items": [an_item()]}, indent=2),
        json.dumps([an_item()]),
        json.dumps(an_item()) + "\n",
    ],
)
def test_a_play_began_the_length_of_its_track_before_it_was_over(
    tmp_path: Path, content: str
) -> None:
    (event,) = read(write(tmp_path / "recent.json", content))
    assert (event.listened_at, event.duration_ms) == (STOPPED_MS - 545_000, 545_000)
    assert (event.ms_played, event.source) == (None, "spotify_api")
    assert event.artist_name == "Miles Davis, Bill Evans"
    assert (event.track_name, event.release_name) == ("So What", "Kind of Blue")


def test_an_answer_with_the_markets_of_each_track_is_recognised(tmp_path: Path) -> None:
    markets = [f"{at:02}" for at in range(185)]
    track: dict[str, Any] = {"album": {"available_markets": markets, "name": "Kind of Blue"}}
    track |= {"artists": [{"name": "Miles Davis"}], "available_markets": markets}
    track |= {key: value for key, value in an_item()["track"].items() if key not in track}
    answer = {"items": [{"track": track, "played_at": STOPPED, "context": None}] * 2}
    events = read(write(tmp_path / "recent.json", json.dumps(answer, indent=2)))
    assert {event.listened_at for event in events} == {STOPPED_MS - 545_000}


def test_a_play_in_the_api_and_in_an_export_counts_once(tmp_path: Path) -> None:
    artists = [{"name": "Miles Davis"}]
    recent = write_json(tmp_path / "recent.json", [an_item(artists=artists)])
    export = write_json(tmp_path / "export.json", [a_spotify_row(ms_played=545_000)])
    assert len(read(recent, export)) == 1


def test_an_episode_is_no_music_and_an_unknown_length_costs_no_play(tmp_path: Path) -> None:
    rows = [an_item(type="episode"), an_item(duration_ms=None), an_item() | {"track": None}]
    rows.append(an_item() | {"played_at": "soon"})
    path = write_lines(tmp_path / "recent.jsonl", rows)
    (event,) = read(path)
    assert event.listened_at == STOPPED_MS
    assert ignored_of(path) == ["a podcast, not music"]
    assert sorted(bad_rows_of(path)) == [
        (3, "no track: neither an id nor a name"),
        (4, "played_at is not a time: 'soon'"),
    ]


def test_items_are_the_same_plays_with_a_column_for_each_field(tmp_path: Path) -> None:
    track = an_item()["track"]
    names = ["track.name", "track.duration_ms", "track.uri", "track.album.name", "track.artists"]
    cells = [track["name"], track["duration_ms"], track["uri"], track["album"]["name"]]
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(["", "played_at", *names, "context"])
    table.writerow([0, STOPPED, *cells, track["artists"], ""])
    table.writerow([1, "soon", *cells, track["artists"], ""])
    path = write(tmp_path / "recent.csv", text.getvalue())
    assert read(path) == read(write_json(tmp_path / "recent.json", [an_item()]))
    assert bad_rows_of(path) == [(3, "played_at is not a time: 'soon'")]
