"""Exports of many services, rows that are no plays, and times as programs write them."""

import json
from datetime import date, time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.sources.columnar.play_reader import read_plays
from tests.support.histories import (
    STOPPED_MS,
    a_spotify_row,
    bad_rows_of,
    events_of,
    ignored_of,
    read,
    write,
    write_json,
    write_lines,
)
from topics.identity import track_id_of

AT_S = 1_700_000_000
AT_MS = AT_S * 1_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plays"


# -- Spotify ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "ms"),
    [(None, None), (1_234.6, 1_235), ("200000", 200_000), (-1, None), (True, None), (10**12, None),
     ("", None), ("1:00", 60_000)],
)  # fmt: skip
def test_a_length_of_spotify_never_costs_the_play(path: Path, told: Any, ms: int | None) -> None:
    (event,) = read(write_json(path, [a_spotify_row(ms_played=told)]))
    assert (event.ms_played, event.listened_at) == (ms, STOPPED_MS - (ms or 0))
    row = {"endTime": "2024-03-01 20:15", "artistName": "A", "trackName": "B", "msPlayed": told}
    (event,) = read(write_json(path, [row]))
    assert (event.ms_played, event.listened_at) == (ms, STOPPED_MS - 30_000 - (ms or 0))


def test_a_title_that_is_a_number_is_a_title(path: Path) -> None:
    (event,) = read(write_json(path, [a_spotify_row(master_metadata_track_name=1979)]))
    assert event.track_name == "1979"


@pytest.mark.parametrize("at", [STOPPED_MS // 1_000, STOPPED_MS, "2024-03-01 20:15:30 UTC"])
def test_the_end_of_a_play_is_read_in_any_notation(path: Path, at: Any) -> None:
    (event,) = read(write_json(path, [a_spotify_row(ts=at)]))
    assert event.listened_at == STOPPED_MS - 200_000


@pytest.mark.parametrize("kind", ["csv", "parquet", "lines"])
def test_spotify_rows_are_the_same_events_in_any_file(tmp_path: Path, kind: str) -> None:
    rows = [a_spotify_row(), a_spotify_row(ms_played=1, incognito_mode=True)]
    rows += [a_spotify_row(spotify_track_uri=None, master_metadata_track_name=None,
                           spotify_episode_uri="spotify:episode:1")]  # fmt: skip
    expected = read(write_json(tmp_path / "export.json", rows))
    path = tmp_path / "other"
    if kind == "csv":
        lines = [",".join(rows[0])]
        lines += [
            ",".join("" if each is None else str(each) for each in row.values()) for row in rows
        ]
        write(path, "\n".join(lines))
    elif kind == "parquet":
        pq.write_table(pa.Table.from_pylist(rows), path)
    else:
        write_lines(path, rows)
    assert read(path) == expected
    assert sorted(ignored_of(path)) == ["a podcast, not music", "a private session"]


def test_account_data_are_the_same_events_in_any_file(tmp_path: Path) -> None:
    row = {"endTime": "2024-03-01 20:15", "artistName": "A", "trackName": "B", "msPlayed": 9}
    expected = read(write_json(tmp_path / "a.json", [row]))
    assert read(write_lines(tmp_path / "a.jsonl", [row])) == expected
    text = "\n".join([",".join(row), ",".join(map(str, row.values()))])
    assert read(write(tmp_path / "a.csv", text)) == expected


# -- names that stand for none ---------------------------------------------------------------------


@pytest.mark.parametrize(
    "artist", ["Unknown Artist", "<unknown>", "[Unknown Artist]", "Unbekannter Künstler", "unknown"]
)
def test_an_artist_that_a_player_does_not_know_is_none(path: Path, artist: str) -> None:
    (event,) = read(write(path, f"artist,track,uts\n{artist},Song A,{AT_S}\n"))
    assert (event.artist_name, event.artist_id, event.track_name) == (None, None, "Song A")


def test_unknown_tracks_are_not_one_track(path: Path) -> None:
    row = {"endTime": "2024-03-01 20:15", "msPlayed": 9}
    unknown = {"artistName": "Unknown Artist", "trackName": "Unknown Track"}
    known = {"artistName": "A", "trackName": "B"}
    assert [event.track_name for event in read(write_json(path, [row | unknown, row | known]))] == [
        "B"
    ]
    assert bad_rows_of(path) == [(1, "no track: neither an id nor a name")]
    write(path, f"artist,track,uts\nUnknown Artist,Unknown,{AT_S}\nJacob,Unknown,{AT_S}\n")
    assert [event.track_id for event in read(path)] == [track_id_of("Jacob", "Unknown")]


# -- rows that are no plays ------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["media_type", "item_type", "type", "content_type", "kind"])
@pytest.mark.parametrize(
    "other", ["podcast", "Episode", "video", "audiobook", "Movie", "Podcast Episode", "TV-Show"]
)
def test_what_is_no_music_is_not_learnt(path: Path, column: str, other: str) -> None:
    rows = f"a,b,{AT_S},track\na,c,{AT_S + 300},{other}\na,d,{AT_S + 600},Audio\n"
    events = read(write(path, f"artist,track,uts,{column}\n{rows}"))
    assert [event.track_name for event in events] == ["b", "d"]
    assert ignored_of(path) == [f"is {other!r}, not a play"]


def test_each_column_of_kinds_may_say_that_a_row_is_no_play(path: Path) -> None:
    header = "artist,track,uts,event_type,media_type,playing_now,is_podcast"
    told = ["play,audio,,", "love,audio,,", "play,movie,,", "play,audio,true,", "play,audio,0,1"]
    rows = "".join(f"a,t{at},{AT_S + 300 * at},{each}\n" for at, each in enumerate(told))
    (event,) = read(write(path, f"{header}\n{rows},,x,,,,\n"))
    assert event.track_name == "t0"
    assert [row for row, _ in bad_rows_of(path)] == [7]


@pytest.mark.parametrize("flag", [True, 1, "true", "yes"])
def test_what_is_playing_now_is_no_play(path: Path, flag: Any) -> None:
    rows = [{"artist": "a", "track": "b", "ts": AT_S + at, "playing_now": now}
            for at, now in enumerate([flag, False, None])]  # fmt: skip
    assert len(read(write_lines(path, rows))) == 2
    assert ignored_of(path) == ["playing now, not yet a play"]
    pq.write_table(pa.Table.from_pylist([{**row, "playing_now": row["playing_now"] == flag}
                                         for row in rows]), path)  # fmt: skip
    assert len(read(path)) == 2
    listen = {"playing_now": flag, "track_metadata": {"artist_name": "a", "track_name": "b"}}
    assert read(write_lines(path, [listen])) == []
    assert ignored_of(path) == ["playing now, not yet a play"]


# -- times -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "told",
    [
        "Tue, 14 Nov 2023 22:13:20 +0000",
        "Tue, 14 Nov 2023 22:13:20 GMT",
        "Tue, 14 Nov 2023 17:13:20 EST",
        "Tuesday, 14-Nov-23 22:13:20 UTC",
        "Tue Nov 14 22:13:20 2023",
        "Tue Nov 14 23:13:20 CET 2023",
        "Tue Nov 14 2023 23:13:20 GMT+0100 (Central European Standard Time)",
        "14 November 2023 at 23:13:20 GMT+1",
        "14-Nov-2023 22:13:20",
        "14/Nov/2023:22:13:20 +0000",
        "2023-11-14 23:13:20 CET",
        "2023-11-14 23:13:20 +0100",
        "2023-11-14 22:13:20 +0000 UTC",
        "2023-11-14T23:13:20+01:00[Europe/Berlin]",
        "2023-11-14 17:13:20 America/New_York",
        "2023-W46-2T22:13:20Z",
        "2023-11-14 10:13:20 PM",
        "Nov 14, 2023, 10:13:20\u202fPM",
        "14. November 2023, 22:13:20",
        "14 novembre 2023 à 22:13:20",
        "14 de noviembre de 2023 22:13:20",
        "2023年11月14日 22:13:20",
        "14.11.2023 22:13:20",
        "11/14/2023 10:13:20 PM",
        "14/11/2023 22:13:20",
        "2023/11/14 22:13:20",
        "20231114T221320Z",
        "20231114221320",
        f"{AT_S}",
        f"{AT_S}000",
        f"{AT_S}000000",
        f"{AT_S}000000000",
        f"{AT_S}.4e0",
    ],
)
def test_a_time_is_read_in_every_notation_that_means_one_moment(path: Path, told: str) -> None:
    (event,) = read(write(path, f'artist;track;date\na;b;"{told}"\n'))
    assert (event.listened_at or 0) // 1_000 == AT_S


@pytest.mark.parametrize(
    "told", ["2023-11-14 13:00 AM", "14 Nov 2023 0:30 PM", "05/11/2023 10:00", "31.02.2023 10:00",
             "2023-11-14 22:13 IST", "2023-13-01", "14 Nov 2023 25:00", "now", "12:30"]
)  # fmt: skip
def test_a_time_that_contradicts_itself_or_may_be_two_moments_is_bad(path: Path, told: str) -> None:
    rows = f"a;b;{told}\na;c;2023-11-14 22:13:20\n"
    assert [event.track_name for event in read(write(path, f"artist;track;date\n{rows}"))] == ["c"]


def test_a_column_of_dates_says_whether_the_day_is_first(path: Path) -> None:
    rows = "a;b;05/11/2023 10:00\na;c;14/11/2023 10:00\n"
    at_ms = [event.listened_at for event in read(write(path, f"artist;track;date\n{rows}"))]
    assert at_ms == [1_699_178_400_000, 1_699_956_000_000]
    rows = "a;b;11/05/2023 10:00\na;c;11/14/2023 10:00\n"
    assert at_ms == [event.listened_at for event in read(write(path, f"artist;track;date\n{rows}"))]


def test_dates_of_eight_digits_are_days(path: Path) -> None:
    rows = "a,b,20231114\na,c,20231115\n"
    events = read(write(path, f"artist,track,Date Played\n{rows}"))
    assert [event.listened_at for event in events] == [1_699_920_000_000, 1_700_006_400_000]


@pytest.mark.parametrize("units", [(1, 1_000), (1_000, 1), (1, 10**9), (10**6, 1_000)])
def test_each_number_is_read_in_the_unit_in_which_it_is_a_time(
    path: Path, units: tuple[int, int]
) -> None:
    rows = [(AT_S + 300 * at) * units[at % 3 == 2] for at in range(6)]
    lines = "".join(f"a,t{at},{each}\n" for at, each in enumerate(rows))
    events = read(write(path, f"artist,track,uts\n{lines}"))
    assert [event.listened_at for event in events] == [AT_MS + 300_000 * at for at in range(6)]


# -- services --------------------------------------------------------------------------------------

SERVICES = {
    "Deezer": (
        "Song Title,Artist,ISRC,Album Title,IP Address,Listening Time,Platform Name,Date",
        "Solea,Miles Davis,USX,Sketches,192.0.2.1,180,web,2023-11-14 22:13:20",
    ),
    "Apple Music": (
        "Artist Name,Song Name,Album Name,Event Type,Media Type,Item Type,"
        "Event Start Timestamp,Event End Timestamp,Event Received Timestamp,"
        "Play Duration Milliseconds,Media Duration In Milliseconds,End Reason Type",
        "Miles Davis,Solea,Sketches,PLAY_END,AUDIO,ITUNES_STORE_CONTENT,"
        ",2023-11-14T22:16:20Z,2023-11-15T01:00:00Z,180000,733000,NATURAL_END_OF_TRACK",
    ),
    "Tidal": (
        "artist_name,track_title,entry_date,stream_duration_ms,product_type",
        "Miles Davis,Solea,2023-11-14 22:13:20,180000,TRACK",
    ),
    "Amazon Music": (
        "Timestamp,Title,Artist Name,Album Name,ASIN,Consumption Duration In Seconds",
        "2023-11-14T22:13:20Z,Solea,Miles Davis,Sketches,B0001,180",
    ),
    "Pandora": (
        "Artist,Song/Track Title,Album,Timestamp,Listening Time Seconds",
        "Miles Davis,Solea,Sketches,2023-11-14 22:13:20 UTC,180",
    ),
    "Tautulli": (
        "date,started,stopped,user,media_type,title,parent_title,grandparent_title,play_duration",
        f"{AT_S},{AT_S},{AT_S + 180},ann,track,Solea,Sketches,Miles Davis,180",
    ),
    "Jellyfin": (
        "DateCreated,UserId,ItemId,ItemType,ItemName,PlaybackMethod,PlayDuration,Artist",
        "2023-11-14 22:13:20.1234567,ann,8f,Audio,Solea,DirectPlay,180,Miles Davis",
    ),
    "a list of names": (
        "name,artist,album,date,ms_played",
        "Solea,Miles Davis,Sketches,2023-11-14 22:13:20,180000",
    ),
}


@pytest.mark.parametrize("service", SERVICES)
def test_the_columns_of_a_service_are_understood(path: Path, service: str) -> None:
    (event,) = read(write(path, "\r\n".join(["\ufeff" + SERVICES[service][0],
                                              SERVICES[service][1], ""])))  # fmt: skip
    assert event.track_id == track_id_of("Miles Davis", "Solea")
    assert ((event.listened_at or 0) // 1_000, event.ms_played) == (AT_S, 180_000)


def test_tables_without_a_header_are_read(path: Path) -> None:
    lines = [f"{AT_S + at}\tSolea\tMiles Davis\tSketches\t\t\t" for at in (0, 300)]
    events = read(write(path, "\n".join(lines)))
    assert [event.track_id for event in events] == [track_id_of("Miles Davis", "Solea")] * 2
    lines = [f"2023-11-14 22:13:20.5\tu1\ti{kind}\t{kind}\tMiles - Solea\tDirect\tWeb\tFox\t180"
             for kind in ("Audio", "Movie")]  # fmt: skip
    (event,) = read(write(path, "\n".join(lines)), listener_id=None)
    assert (event.listener_id, event.source_track_id, event.ms_played) == ("u1", "iAudio", 180_000)


def test_a_track_may_be_an_object_with_its_artist(path: Path) -> None:
    track = {"title": "Solea", "artist": {"name": "Miles Davis"}, "album": {"title": "Sketches"}}
    funkwhale = {"id": 1, "user": {"username": "ann"}, "track": track}
    results = [funkwhale | {"creation_date": "2023-11-14T22:13:20Z"}]
    (event,) = read(write_json(path, [{"count": 1}][:0] + results), listener_id=None)
    assert (event.listener_id, event.listened_at) == ("ann", AT_MS)
    assert (event.track_id, event.release_name) == (track_id_of("Miles Davis", "Solea"), "Sketches")
    spotify = {"name": "Solea", "artists": [{"name": "Miles Davis"}], "duration_ms": 733_000}
    (event,) = read(write_lines(path, [{"track": spotify, "played_at": "2023-11-14T22:13:20Z"}]))
    assert (event.track_id, event.duration_ms) == (track_id_of("Miles Davis", "Solea"), 733_000)


def test_tracks_of_lastfm_are_read_one_on_each_line(path: Path) -> None:
    track = {"artist": {"#text": "Miles Davis"}, "name": "Solea", "date": {"uts": str(AT_S)}}
    now = {**track, "@attr": {"nowplaying": "true"}}
    (event,) = read(write_lines(path, [track, now]))
    assert (event.track_id, event.listened_at) == (track_id_of("Miles Davis", "Solea"), AT_MS)


@pytest.mark.parametrize(
    "title",
    ["Watched Solea", "Solea angesehen", "Vous avez regardé Solea", "Has visto Solea",
     "Hai guardato Solea", "Assistiu a Solea", "Solea bekeken", "Solea を視聴しました",
     "Просмотрено: «Solea»", "Watched\u00a0Solea"],
)  # fmt: skip
@pytest.mark.parametrize("channel", ["Miles Davis - Topic", "Miles Davis – Thema", "Miles Davis"])
def test_takeout_is_read_in_the_language_of_the_account(
    path: Path, title: str, channel: str
) -> None:
    row = {"header": "YouTube Music", "title": title, "subtitles": [{"name": channel}]}
    (event,) = read(write_json(path, [row | {"time": "2023-11-14T22:13:20.123Z"}]))
    assert event.track_id == track_id_of("Miles Davis", "Solea")


def test_a_title_in_quotes_keeps_them(path: Path) -> None:
    row = {"header": "YouTube Music", "title": 'Watched "Heroes"', "subtitles": [{"name": "Bowie"}]}
    (event,) = events_of(write_json(path, [row | {"time": "2023-11-14T22:13:20Z"}]))
    assert event.track_name == '"Heroes"'


# -- plays that two files report -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length_s", "apart_s", "plays"), [(240, 200, 1), (240, 300, 2), (None, 59, 1), (None, 90, 2)]
)
@pytest.mark.parametrize("kinds", ["tables", "table and service"])
def test_a_play_that_another_scrobbler_stamped_at_its_end_is_the_same_play(
    tmp_path: Path, length_s: int | None, apart_s: int, plays: int, kinds: str
) -> None:
    length = "" if length_s is None else str(length_s)
    one = write(tmp_path / "one.csv", f"artist,track,uts,duration\na,b,{AT_S},{length}\n")
    other = tmp_path / "other"
    if kinds == "tables":
        write(other, f"artist,track,uts\nA,B,{AT_S + apart_s}\n")
    else:
        names = {"artist_name": "A", "track_name": "B"}
        write_lines(other, [{"listened_at": AT_S + apart_s, "track_metadata": names}])
    assert len(read(one, other)) == len(read(other, one)) == plays


def test_each_play_is_in_the_other_file_once(tmp_path: Path) -> None:
    one = "".join(f"a,b,{AT_S + 50 * at}\n" for at in range(3))
    other = "".join(f"a,b,{AT_S + 50 * at + 5}\n" for at in range(4))
    paths = [
        write(tmp_path / name, f"artist,track,uts\n{rows}")
        for name, rows in (("one.csv", one), ("other.csv", other))
    ]
    assert len(read(*paths)) == 4


def test_a_play_whose_equal_one_was_masked_is_not_lost(tmp_path: Path) -> None:
    one = write(tmp_path / "one.csv", f"artist,track,uts\na,b,{AT_S + 60}\n")
    rows = f"a,b,{AT_S}\na,b,{AT_S + 60}\n"
    other = write(tmp_path / "other.csv", f"artist,track,uts\n{rows}")
    for paths in ((one, other), (other, one)):
        assert [event.listened_at for event in read(*paths)] == [AT_MS, AT_MS + 60_000]


def test_a_play_that_breaks_a_bound_is_bad_in_each_file(tmp_path: Path) -> None:
    text = f"artist,track,uts\na,{'x' * 1_100},{AT_S}\na,b,{AT_S}\n"
    paths = [write(tmp_path / name, text) for name in ("one.csv", "other.csv")]
    assert len(read(*paths)) == 1
    assert len(bad_rows_of(*paths)) == 2


TIMES = st.dictionaries(st.integers(0, 9), st.sampled_from(["", "30", "600"]), max_size=6)


@given(TIMES, TIMES)
@settings(max_examples=40, deadline=None)
def test_an_import_and_an_evaluation_find_the_same_plays_in_two_tables(
    one: dict[int, str], other: dict[int, str]
) -> None:
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / "one.csv", Path(folder) / "other.csv"]
        for path, plays in zip(paths, (one, other), strict=True):
            rows = [f"a,b,{AT_S + 20 * at},{length}\n" for at, length in plays.items()]
            write(path, "".join(["artist,track,uts,duration\n", *rows]))
        read(*paths)


@pytest.mark.parametrize("listener", ["none", "-", "nan"])
def test_a_listener_who_is_called_like_nothing_is_a_listener(path: Path, listener: str) -> None:
    (event,) = read(write(path, f"artist,track,uts\na,b,{AT_S}\n"), listener_id=listener)
    assert event.listener_id == listener
    listen = {"user_name": "-", "listened_at": AT_S,
              "track_metadata": {"artist_name": "a", "track_name": "b"}}  # fmt: skip
    (event,) = read(write_lines(path, [listen]), listener_id=listener)
    assert event.listener_id == listener


def test_a_session_is_no_listener_where_one_is_given(path: Path) -> None:
    (event,) = read(write(path, f"session,artist,track,uts\nx,a,b,{AT_S}\n"))
    assert event.listener_id == "ann"


@pytest.mark.parametrize("kind", ["json", "parquet"])
def test_a_name_beside_an_artist_is_the_title(path: Path, kind: str) -> None:
    rows = [{"name": "Solea", "artist": "Miles Davis", "ts": AT_S}]
    if kind == "json":
        write_json(path, rows)
    else:
        pq.write_table(pa.Table.from_pylist(rows), path)
    (event,) = read(path)
    assert event.track_id == track_id_of("Miles Davis", "Solea")


def test_an_id_that_no_event_may_contain_is_unknown(path: Path) -> None:
    rows = [{"track_id": "a\x00b", "title": title, "ts": AT_S} for title in ("Solea", "a\x00b")]
    (event,) = read(write_json(path, rows))
    assert event.track_name == "Solea"


@pytest.mark.parametrize(
    "header", ["Künstler;Titel;Datum", "Artiste;Titre;Date", "Artista;Canción;Fecha"]
)
def test_columns_may_be_named_in_other_languages(path: Path, header: str) -> None:
    (event,) = read(write(path, f"{header}\nMiles Davis;Solea;14.11.23 22:13:20\n"))
    assert event.track_id == track_id_of("Miles Davis", "Solea")
    assert event.listened_at == AT_MS


def test_invisible_letters_around_a_name_are_none_of_it(path: Path) -> None:
    (event,) = read(write(path, f"artist,track,uts\n\u200bMiles Davis\ufeff,Solea,{AT_S}\n"))
    assert event.track_id == track_id_of("Miles Davis", "Solea")


def test_days_and_clocks_of_a_parquet_file_are_one_time(path: Path) -> None:
    row = {"artist": "a", "track": "b", "date": date(2023, 11, 14), "time": time(22, 13, 20)}
    pq.write_table(pa.Table.from_pylist([row]), path)
    assert [event.listened_at for event in read(path)] == [AT_MS]


def test_takeout_whose_headers_are_translated_goes_by_its_links(path: Path) -> None:
    row = {"title": "Has visto Solea", "titleUrl": "https://music.youtube.com/watch?v=x",
           "subtitles": [{"name": "Miles Davis"}], "time": "2023-11-14T22:13:20Z"}  # fmt: skip
    headers = ["YouTube Música", "YouTube"]
    (event,) = read(write_json(path, [row | {"header": header} for header in headers]))
    assert event.track_id == track_id_of("Miles Davis", "Solea")


# -- a time zone in a column of its own ------------------------------------------------------------


@pytest.mark.parametrize("column", ["timezone", "tz", "utc_offset", "Time Zone"])
@pytest.mark.parametrize(
    ("zone", "local"),
    [
        ("Europe/Berlin", "2023-11-14 23:13:20"),
        ("europe/berlin", "14 Nov 2023, 23:13:20"),
        ("+01:00", "20231114T231320"),
        ("UTC+1", "20231114231320"),
        ("CET", "2023-W46-2T23:13:20"),
        ("60", "2023-11-14 23:13:20"),
        ("1", "2023-11-14 23:13:20"),
        ("3600", "2023-11-14 23:13:20"),
        ("-300", "2023-11-14 17:13:20"),
        ("-0500", "2023-11-14 17:13:20"),
        ("'-05:00", "2023-11-14 17:13:20"),
        ("5.5", "2023-11-15 03:43:20"),
        ("Etc/GMT+5", "2023-11-14 17:13:20"),
        ("Japan", "15/11/2023 07:13:20"),
        ("", "2023-11-14 22:13:20"),
    ],
)
def test_a_local_time_is_in_the_zone_of_its_row(
    path: Path, column: str, zone: str, local: str
) -> None:
    write(path, f"artist;track;date;{column}\na;b;{local};{zone}\n")
    (event,) = read(path)
    assert event.listened_at == AT_MS


@pytest.mark.parametrize(
    ("column", "told"),
    [
        ("uts", f"{AT_S}"),
        ("date", "2023-11-14T22:13:20Z"),
        ("date", "2023-11-14 17:13:20 -0500"),
        ("utc_time", "2023-11-14 22:13:20"),
    ],
)
def test_a_time_that_states_its_zone_is_in_no_other(path: Path, column: str, told: str) -> None:
    write(path, f"artist,track,{column},timezone\na,b,{told},Europe/Berlin\n")
    (event,) = read(path)
    assert event.listened_at == AT_MS


def test_a_zone_follows_summer_time_and_differs_between_rows(path: Path) -> None:
    rows = "a,b,2023-07-14 12:00,CET\na,c,2023-07-14 12:00,America/New_York\n"
    first, second = read(write(path, f"artist,track,date,tz\n{rows}"))
    hours = [((each.listened_at or 0) // 3_600_000) % 24 for each in (first, second)]
    assert hours == [10, 16]


@pytest.mark.parametrize("zone", ["Mars", "IST", "+25:00", "1234567"])
def test_a_local_time_in_a_zone_that_is_not_known_is_no_time(path: Path, zone: str) -> None:
    write(path, f"artist,track,date,tz\na,b,2023-11-14 22:13:20,{zone}\na,c,{AT_S},{zone}\n")
    assert [event.track_name for event in read(path)] == ["c"]
    assert bad_rows_of(path) == [(2, f"listened_at is in a time zone that is not known: '{zone}'")]


def test_the_end_of_a_play_and_a_day_with_a_clock_are_in_the_zone_of_their_row(path: Path) -> None:
    write(path, "artist,track,end_time,ms_played,tz\na,b,2023-11-14 23:13:20,20000,+01:00\n")
    assert [event.listened_at for event in read(path)] == [AT_MS - 20_000]
    write(path, "artist,track,date,time,tz\na,b,14/11/2023,11:13:20 PM,Europe/Berlin\n")
    assert [event.listened_at for event in read(path)] == [AT_MS]


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
@pytest.mark.parametrize(("own_zone", "ms"), [(None, AT_MS - 3_600_000), ("UTC", AT_MS)])
def test_a_parquet_time_without_a_zone_is_in_that_of_its_row(
    path: Path, unit: str, own_zone: str | None, ms: int
) -> None:
    times = pa.array([AT_MS], pa.timestamp("ms", own_zone)).cast(pa.timestamp(unit, own_zone))
    names = {"artist": ["a"], "track": ["b"], "tz": ["Europe/Berlin"]}
    pq.write_table(pa.table({**names, "played_at": times}), path)
    assert [event.listened_at for event in read(path)] == [ms]


# -- skips -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("column", ["skipped", "was_skipped", "skip", "isSkipped"])
@pytest.mark.parametrize("flag", [True, 1, "true", "yes", "1"])
def test_a_flag_of_a_skip_counts_as_the_reason_of_spotify_does(
    path: Path, column: str, flag: Any
) -> None:
    lengths = [5_000, 200_000, None, 5_000, 5_000]
    flags = [flag, flag, flag, None, 0]
    rows = [
        {"artist": "a", "track": f"t{at}", "ts": AT_S + 300 * at, "ms_played": played, column: told}
        for at, (played, told) in enumerate(zip(lengths, flags, strict=True))
    ]
    events = read(write_lines(path, rows))
    assert [event.reason_end for event in events] == ["skipped", "skipped", None, None]
    assert ignored_of(path) == ["a track that was skipped"]
    rewards = read_plays([path], "ann")[0].rewards.tolist()
    assert (rewards[0], rewards[1]) == (-1, 1)
    assert min(rewards[2:]) > 0


def test_the_reason_of_an_end_counts_before_a_flag(path: Path) -> None:
    rows = f"a,b,{AT_S},5000,trackdone,true\na,c,{AT_S + 300},5000,,true\n"
    events = read(write(path, f"artist,track,uts,ms_played,reason_end,skipped\n{rows}"))
    assert [event.reason_end for event in events] == ["trackdone", "skipped"]
    told = read_plays([path], "ann")[0].rewards.tolist()
    assert told[0] > 0 > told[1]
    spotify = [a_spotify_row(ms_played=5_000, reason_end=None, skipped=True)]
    assert [event.reason_end for event in read(write_json(path, spotify))] == ["skipped"]


@pytest.mark.parametrize(
    ("reason", "end"),
    [
        ("TRACK_SKIPPED_FORWARDS", "skipped"),
        ("Skip", "skipped"),
        ("skip-next", "skipped"),
        ("fwdbtn", "fwdbtn"),
        ("NATURAL_END_OF_TRACK", "NATURAL_END_OF_TRACK"),
    ],
)
def test_a_reason_that_is_a_skip_by_its_word_is_one(path: Path, reason: str, end: str) -> None:
    write(path, f"artist,track,uts,ms_played,End Reason Type\na,b,{AT_S},5000,{reason}\n")
    assert [event.reason_end for event in read(path)] == [end]
    (reward,) = read_plays([path], "ann")[0].rewards.tolist()
    assert (reward == -1) is (end in {"skipped", "fwdbtn"})


@pytest.mark.parametrize("told", ["1.70E+09", "1.7e12", "1,7E+12", "'1.70000000E+09", "2E9"])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_time_that_a_spreadsheet_has_rounded_is_no_time(
    path: Path, told: str, quote: str
) -> None:
    whole = f"{AT_S / 1e9:.9f}e+9"
    rows = f"{quote}a{quote};b;{told}\na;c;{whole}\n"
    (event,) = read(write(path, f"artist;track;uts\n{rows}"))
    assert (event.track_name, event.listened_at) == ("c", AT_MS)
    assert bad_rows_of(path) == [
        (2, f"listened_at has lost its last digits in a spreadsheet: {told!r}")
    ]


def test_records_of_other_networks_name_their_time_and_artist_their_own_way(path: Path) -> None:
    teal = {"artists": [{"artistName": "Nina"}], "trackName": "Sinnerman", "playedTime": AT_S}
    track = {"title": "Sinnerman", "user": {"username": "Nina"}}
    cloud = {"collection": [{"played_at": AT_MS, "track": track}], "next_href": None}
    for content in ([teal], cloud):
        (event,) = read(write(path, json.dumps(content)))
        assert (event.artist_name, event.listened_at) == ("Nina", AT_MS)


# -- an artist and a title in one text -------------------------------------------------------------


def test_a_description_of_a_track_tells_its_artist_and_its_title(path: Path) -> None:
    rows = f"Nina - Sinnerman (Live),{AT_S},1\nUntitled,{AT_S + 300},2\n,{AT_S + 600},\n"
    first, second = read(write(path, f"Track Description,uts,Track Identifier\n{rows}"))
    assert (first.track_id, first.artist_name) == (track_id_of("Nina", "Sinnerman (Live)"), "Nina")
    assert (second.track_id, second.artist_name) == ("history:2", None)
    assert [row for row, _ in bad_rows_of(path)] == [4]
    rows = f"Nina - Sinnerman,Nina,{AT_S}\n"
    (event,) = read(write(path, f"Track Description,artist,uts\n{rows}"))
    assert (event.artist_name, event.track_name) == ("Nina", "Sinnerman")


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ("Nina, Al - Sinnerman (Pastel Blues)", ("Nina, Al", "Sinnerman", "Pastel Blues")),
        ("Nina - Go (Live) (Hits (2000))", ("Nina", "Go (Live)", "Hits (2000)")),
        ("Nina - A - B (C)", ("Nina", "A - B", "C")),
        ("Not Known - Sinnerman (Not Known)", (None, "Sinnerman", None)),
    ],
)
def test_jellyfin_reports_an_artist_a_title_and_an_album_in_one_text(
    path: Path, told: str, names: tuple[str | None, ...]
) -> None:
    cells = [
        "2023-11-14 22:13:20.1234567",
        "u",
        "i1",
        "Audio",
        told,
        "DirectPlay",
        "Web",
        "x",
        "200",
    ]
    (event,) = read(write(path, "\t".join(cells) + "\n"))
    assert (event.artist_name, event.track_name, event.release_name) == names
    assert (event.listener_id, event.ms_played) == ("u", 200_000)
