from pathlib import Path
from typing import Any

import orjson
import pytest

from streams.sources.formats.spotify_export import AUDIOBOOK, PODCAST, PRIVATE
from tests.support.histories import (
    STOPPED_MS,
    a_spotify_row,
    bad_rows_of,
    events_of,
    ignored_of,
    read,
    write,
    write_json,
    write_zip,
)
from topics.errors import HistoryError
from topics.identity import artist_id_of, track_id_of
from topics.listening_event import ListeningEvent


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "Streaming_History_Audio_2024.json"


def event_of(path: Path, **changes: Any) -> ListeningEvent:
    (event,) = events_of(write_json(path, [a_spotify_row(**changes)]))
    return event


def test_a_play_began_its_length_before_it_stopped(path: Path) -> None:
    assert event_of(path, ms_played=200_000).listened_at == STOPPED_MS - 200_000


def test_a_play_keeps_its_names_ids_length_and_end(path: Path) -> None:
    event = event_of(path, reason_end="fwdbtn")
    assert event.track_id == track_id_of("Miles Davis", "So What")
    assert event.artist_id == artist_id_of("Miles Davis")
    assert event.release_name == "Kind of Blue"
    assert event.source_track_id == "spotify:track:4vLYewWIvqHfKtJDk8c8tq"
    assert (event.ms_played, event.duration_ms) == (200_000, None)
    assert (event.reason_end, event.source) == ("fwdbtn", "spotify_export")


def test_no_address_of_the_listener_leaves_the_file(path: Path) -> None:
    event = event_of(path, ip_addr="198.51.100.7", ip_addr_decrypted="198.51.100.7")
    assert "198.51.100.7" not in event.model_dump_json()


def test_plays_of_a_moment_are_kept(path: Path) -> None:
    assert event_of(path, ms_played=0, reason_end="fwdbtn").ms_played == 0


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"spotify_episode_uri": "spotify:episode:1", "episode_name": "One"}, PODCAST),
        ({"audiobook_uri": "spotify:show:1", "audiobook_title": "Emma"}, AUDIOBOOK),
    ],
)
def test_what_is_no_music_is_ignored(path: Path, changes: dict[str, Any], reason: str) -> None:
    no_track = {"spotify_track_uri": None, "master_metadata_track_name": None}
    rows = [a_spotify_row(**no_track | changes), a_spotify_row()]
    assert ignored_of(write_json(path, rows)) == [reason]
    assert len(events_of(path)) == 1


def test_private_sessions_are_ignored(path: Path) -> None:
    flags = {"private": True, "public": False, "before there were any": None}
    rows = [
        a_spotify_row(incognito_mode=flag, master_metadata_track_name=name)
        for name, flag in flags.items()
    ]
    assert ignored_of(write_json(path, rows)) == [PRIVATE]
    assert [event.track_name for event in events_of(path)] == ["public", "before there were any"]


def test_a_track_without_names_goes_by_spotifys_id(path: Path) -> None:
    event = event_of(path, master_metadata_track_name=None, master_metadata_album_artist_name=None)
    assert event.track_id == "spotify:track:4vLYewWIvqHfKtJDk8c8tq"


def test_a_row_of_nothing_at_all_is_bad(path: Path) -> None:
    nothing = a_spotify_row(spotify_track_uri=None, master_metadata_track_name=None)
    assert bad_rows_of(write_json(path, [nothing])) == [(1, "no track: neither an id nor a name")]


@pytest.mark.parametrize(
    "changes",
    [
        {"ts": None},
        {"ts": "soon"},
        {"ts": True},
        {"master_metadata_track_name": "x" * 1_025},
        {"master_metadata_track_name": "a\x00b"},
    ],
)
def test_a_wrong_row_is_told_and_the_others_are_kept(path: Path, changes: dict[str, Any]) -> None:
    write_json(path, [a_spotify_row(), a_spotify_row(**changes), a_spotify_row()])
    assert [row for row, _ in bad_rows_of(path)] == [2]
    assert len(events_of(path)) == 2


def test_bytes_that_are_no_utf8_cost_only_their_row(path: Path) -> None:
    rows = [a_spotify_row(master_metadata_track_name=name) for name in ("first", "XX", "third")]
    write(path, orjson.dumps(rows).replace(b"XX", b"\xff\xc3"))
    assert bad_rows_of(path) == [(2, "track_name: holds a NUL character or broken UTF-8")]
    assert sorted(event.track_name or "" for event in events_of(path)) == ["first", "third"]


def test_letters_that_a_read_cuts_in_two_stay_whole(path: Path) -> None:
    rows = [a_spotify_row(master_metadata_track_name="ø" * 999) for _ in range(100)]
    write_json(path, rows)
    assert {event.track_name for event in events_of(path)} == {"ø" * 999}


def test_older_files_name_the_listener_themselves(path: Path) -> None:
    write_json(path, [a_spotify_row(username="nina")])
    assert events_of(path, listener_id=None)[0].listener_id == "nina"
    assert events_of(path, listener_id="ann")[0].listener_id == "ann"


def test_without_any_listener_one_is_asked_for(path: Path) -> None:
    write_json(path, [a_spotify_row()])
    with pytest.raises(HistoryError, match=r"does not name a listener.*--listener"):
        events_of(path, listener_id=None)


def test_a_file_that_was_cut_off_is_an_error_that_says_where(path: Path) -> None:
    write(path, orjson.dumps([a_spotify_row()] * 10)[:-500])
    with pytest.raises(HistoryError, match="no whole JSON after element 9"):
        events_of(path)


def test_a_zip_holds_many_files_and_others_beside_them(tmp_path: Path) -> None:
    folder = "Spotify Extended Streaming History"
    video = a_spotify_row(ts="2024-03-01T23:00:00Z", master_metadata_track_name="Film")
    archive = write_zip(
        tmp_path / "my_spotify_data.zip",
        {
            f"{folder}/ReadMeFirst.pdf": b"%PDF-1.7 ...",
            f"{folder}/Streaming_History_Audio_2024_1.json": orjson.dumps([a_spotify_row()]),
            f"{folder}/Streaming_History_Video_2024.json": orjson.dumps([video]),
            f"{folder}/Streaming_History_Audio_2025_2.json": b"[]",
        },
    )
    assert [event.track_name for event in events_of(archive)] == ["So What", "Film"]


def test_the_account_data_tell_minutes_and_names(tmp_path: Path) -> None:
    row = {"endTime": "2024-03-01 20:15", "artistName": "Miles Davis", "trackName": "So What"}
    podcast = {"endTime": "2024-03-01 20:15", "podcastName": "P", "episodeName": "E"}
    rows = [row | {"msPlayed": 200_000}, podcast | {"msPlayed": 1}]
    path = write_json(tmp_path / "StreamingHistory_music_0.json", rows)
    (event,) = events_of(path)
    assert event.listened_at == STOPPED_MS - 30_000 - 200_000
    assert event.track_id == track_id_of("Miles Davis", "So What")
    assert event.source == "spotify_account"
    assert ignored_of(path) == [PODCAST]


@pytest.mark.parametrize(
    "uri",
    ["spotify:track:4vLYewWIvqHfKtJDk8c8tq", "4vLYewWIvqHfKtJDk8c8tq",
     "https://open.spotify.com/track/4vLYewWIvqHfKtJDk8c8tq?si=1",
     "https://open.spotify.com/intl-de/track/4vLYewWIvqHfKtJDk8c8tq"],
)  # fmt: skip
def test_a_data_set_that_shortens_the_names_of_fields_is_the_same_events(
    tmp_path: Path, uri: str
) -> None:
    row = a_spotify_row()
    short = {key: row[key] for key in ("ms_played", "reason_end", "skipped")}
    short |= {"spotify_track_uri": uri, "timestamp": row["ts"], "track_name": "So What"}
    short |= {"artist_name": "Miles Davis", "album_name": "Kind of Blue"}
    expected = read(write_json(tmp_path / "export.json", [row]))
    assert read(write_json(tmp_path / "short.json", [short])) == expected
    text = ",".join(short) + "\n" + ",".join(str(each or "") for each in short.values()) + "\n"
    assert read(write(tmp_path / "short.csv", text)) == expected
