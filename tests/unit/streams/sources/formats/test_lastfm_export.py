import json
from pathlib import Path
from typing import Any

from streams.sources.formats.lastfm_export import PLAYING_NOW
from tests.support.histories import bad_rows_of, events_of, ignored_of, write, write_json
from topics.identity import track_id_of


def a_track(**changes: Any) -> dict[str, Any]:
    return {
        "name": "So What",
        "mbid": "",
        "artist": {"#text": "Miles Davis", "mbid": ""},
        "album": {"#text": "Kind of Blue", "mbid": ""},
        "date": {"uts": "1709324130", "#text": "01 Mar 2024, 20:15"},
    } | changes


def test_plays_of_all_pages_are_read(tmp_path: Path) -> None:
    pages = [{"track": [a_track(), a_track(name="Blue in Green")]}, {"track": a_track()}]
    first, _, last = events_of(write_json(tmp_path / "a.json", pages))
    assert first.listened_at == 1_709_324_130_000
    assert first.track_id == last.track_id == track_id_of("Miles Davis", "So What")
    assert (first.release_name, first.source) == ("Kind of Blue", "lastfm_export")


def test_extended_pages_name_the_artist_otherwise(tmp_path: Path) -> None:
    track = a_track(artist={"name": "Miles Davis", "mbid": ""}, loved="1")
    (event,) = events_of(write_json(tmp_path / "a.json", [{"track": [track]}]))
    assert event.artist_name == "Miles Davis"


def test_what_is_playing_now_is_no_play_yet(tmp_path: Path) -> None:
    now = a_track(**{"@attr": {"nowplaying": "true"}})
    del now["date"]
    path = write_json(tmp_path / "a.json", [{"track": [now, a_track()]}])
    assert ignored_of(path) == [PLAYING_NOW]
    assert len(events_of(path)) == 1


def test_a_wrong_track_is_told_and_the_others_are_kept(tmp_path: Path) -> None:
    pages = [{"track": [a_track(date=None), a_track()]}, {"track": None}]
    path = write_json(tmp_path / "a.json", pages)
    assert [row for row, _ in bad_rows_of(path)] == [1, 3]
    assert len(events_of(path)) == 1


def test_what_is_playing_now_is_no_play_in_an_answer_of_the_api_either(tmp_path: Path) -> None:
    now = a_track(**{"@attr": {"nowplaying": "true"}})
    del now["date"]
    for answer in ({"recenttracks": {"track": [now, a_track()]}}, [now, a_track()]):
        path = write(tmp_path / "a.json", json.dumps(answer))
        assert len(events_of(path)) == 1
        assert (ignored_of(path), bad_rows_of(path)) == ([PLAYING_NOW], [])
