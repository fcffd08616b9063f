"""Weekly and daily playlists are made of a list, in the form that clients look for."""

from datetime import UTC, date, datetime

from streams.lists.list_store import StoredList
from streams.serving.made_playlists import (
    Patch,
    Period,
    current_periods,
    jspf,
    made_playlist,
    playlist_id_of,
)
from streams.tracks.track_catalogue import Track
from topics.recommendation_list import RecommendedTrack

NOW = datetime(2026, 11, 29, 13, tzinfo=UTC)
MONDAY, TODAY = date(2026, 11, 23), NOW.date()
TRACKS = {
    "a": Track(track_id="a", artist_name="A", track_name="One", source_track_ids=("x:mbid:m1",)),
    "b": Track(track_id="b", artist_name="A", track_name="One (live)", duration_ms=1_000),
    "c": Track(track_id="c", artist_name="A", track_name="Uno", source_track_ids=("y:mbid:m1",)),
}


def stored(*track_ids: str) -> StoredList:
    return StoredList([RecommendedTrack(each, 1.0, "own") for each in track_ids], 1, 41, 0, 0)


def made(patch: Patch, *track_ids: str, heard: tuple[str, ...] = ()) -> list[str]:
    playlist = made_playlist("ada", Period(patch, MONDAY), stored(*track_ids), heard, TRACKS, NOW)
    return [each["track_id"] for each in playlist["tracks"]] if playlist else []


def test_weeks_begin_on_monday_and_days_are_of_utc() -> None:
    assert [period.day for period in current_periods(NOW)] == [MONDAY, MONDAY, TODAY]


def test_jams_are_of_what_was_heard_and_exploration_of_the_rest() -> None:
    assert made(Patch.WEEKLY_JAMS, "a", "b", heard=("b",)) == ["b"]
    assert made(Patch.WEEKLY_EXPLORATION, "a", "b", heard=("b",)) == ["a"]
    assert made(Patch.DAILY_JAMS, "a", "b", heard=("b",)) == ["a", "b"]
    assert made(Patch.WEEKLY_JAMS, "a", "b") == ["a", "b"]
    assert made(Patch.WEEKLY_EXPLORATION, "a", heard=("a",)) == []


def test_a_recording_is_in_a_playlist_once_whatever_names_it_has() -> None:
    assert made(Patch.DAILY_JAMS, "a", "b", "c") == ["a", "b"]


def test_a_playlist_has_one_id_for_each_person_kind_and_period() -> None:
    ids = {
        playlist_id_of(name, Period(patch, day))
        for name in ("ada", "bob")
        for patch in Patch
        for day in (MONDAY, TODAY)
    }
    assert len(ids) == 12


def test_clients_find_what_they_look_for() -> None:
    period = Period(Patch.WEEKLY_JAMS, MONDAY)
    playlist = made_playlist("ada", period, stored("a", "b"), (), TRACKS, NOW)
    assert playlist is not None
    found = jspf(playlist, with_tracks=True)["playlist"]
    assert found["title"] == "Weekly Jams for ada, week of 2026-11-23 Mon"
    assert found["creator"] == "listenbrainz"
    assert found["identifier"].endswith(f"/playlist/{playlist['id']}")
    extension = found["extension"]["https://musicbrainz.org/doc/jspf#playlist"]
    metadata = extension["additional_metadata"]["algorithm_metadata"]
    assert metadata == {"source_patch": "weekly-jams"}
    identifiers = [each["identifier"] for each in found["track"]]
    assert identifiers == [["https://musicbrainz.org/recording/m1"], ["urn:echotune:track:b"]]
    assert jspf(playlist, with_tracks=False)["playlist"]["track"] == []
