"""What other people's programs write: an import and an evaluation read the same plays of it."""

import json
import zipfile
from itertools import islice
from pathlib import Path
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from streams.sources.columnar.play_reader import read_plays
from streams.sources.formats import json_stream
from streams.sources.formats.inner_array import begin_of_array
from streams.sources.formats.json_stream import keys_of_objects
from streams.sources.history.history import Skipped, look_at
from tests.support.histories import (
    NOW_MS,
    a_listen,
    a_spotify_row,
    bad_rows_of,
    events_of,
    ignored_of,
    read,
    rows_of,
    write,
    write_json,
    write_lines,
    write_zip,
)
from topics.errors import HistoryError
from topics.identity import track_id_of

AT_S = 1_700_000_000
MBID = "7d1f1b7a-1111-4a47-a5c4-3a2f7f6c9d10"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plays"


NOTHING = ["None", "null", "NaN", "nan", "N/A", "\\N", "-", "", " "]
NOTHING += ["(null)", "#REF!", "<unknown>", "\u200b", "\u00a0", " \ufeff"]


@pytest.mark.parametrize("nothing", NOTHING)
def test_a_word_for_nothing_is_no_value_in_any_column(path: Path, nothing: str) -> None:
    lines = [f"One,Song A,{AT_S},{nothing},{nothing},{nothing}"]
    lines += [f"Two,Song B,{AT_S + 300},{nothing},{nothing},{nothing}"]
    write(path, "\n".join(["artist,track,uts,mbid,user,album", *lines]))
    events = read(path)
    assert [event.track_id for event in events] == [
        track_id_of("One", "Song A"),
        track_id_of("Two", "Song B"),
    ]
    assert {(event.listener_id, event.release_name) for event in events} == {("ann", None)}


def test_what_is_no_uuid_is_no_mbid(path: Path) -> None:
    rows = [f",Song A,{AT_S},unknown", f",Song B,{AT_S + 300},unknown", f",,{AT_S + 600},{MBID}"]
    write(path, "\n".join(["artist,track,uts,track_mbid", *rows]))
    assert [event.track_id for event in read(path)] == ["history:Song A", "history:Song B", MBID]


@pytest.mark.parametrize(
    ("column", "told", "ms"),
    [
        ("duration", "3:05", 185_000),
        ("duration", "1:02:03", 3_723_000),
        ("ms_played", "90000.5", 90_000),
        ("ms_played", "long", None),
        ("duration", str(10**15), None),
        ("ms_played", "inf", None),
    ],
)
def test_an_optional_length_never_costs_the_play(
    path: Path, column: str, told: str, ms: int | None
) -> None:
    (event,) = read(write(path, f"artist,track,uts,{column}\na,b,{AT_S},{told}\n"))
    assert (event.duration_ms if column == "duration" else event.ms_played) == ms


def test_a_decimal_comma_is_read(path: Path) -> None:
    (event,) = read(write(path, f"artist;track;uts;ms_played\na;b;{AT_S};90000,5\n"))
    assert event.ms_played == 90_000


@pytest.mark.parametrize(
    "told",
    [
        "14 Nov 2023 22:13",
        "14 Nov 2023, 22:13",
        "Nov 14, 2023, 10:13 PM",
        "November 14, 2023, 22:13 GMT",
        "14.11.2023 22:13",
        "2023/11/14 22:13",
    ],
)
def test_times_as_people_write_them_are_read(path: Path, told: str) -> None:
    (event,) = read(write(path, f'artist,track,date\na,b,"{told}"\n'))
    assert event.listened_at == 1_699_999_980_000


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("date,uts", f'"14 Nov 2023, 22:13",{AT_S}'),
        ("date,utc_time", "2023-11-14T23:13:20,2023-11-14T22:13:20Z"),
        ("timestamp,uts", f"yesterday,{AT_S}"),
        ("created_at,played_at", f"2024-01-01T00:00:00Z,{AT_S}"),
    ],
)
def test_of_several_time_columns_the_best_is_read(path: Path, header: str, row: str) -> None:
    (event,) = read(write(path, f"artist,track,{header}\na,b,{row}\n"))
    assert event.listened_at == AT_S * 1_000


@pytest.mark.parametrize(
    "content",
    [
        "One,Album,Song,14 Nov 2023 22:13\n",
        f'Artist;Album;AlbumId;Track;Date#nina\n"One";"Album";"";"Song";"{AT_S}000"\n',
        f"\n\nartist,track,uts\nOne,Song,{AT_S}\n",
        f"sep=;\nartist;track;uts\nOne;Song;{AT_S}\n",
        f"artist;track;uts\r\n\r\nOne;Song;{AT_S}\r\n",
    ],
)
def test_what_common_exporters_write_is_read(path: Path, content: str) -> None:
    (event,) = read(write(path, content))
    assert (event.artist_name, event.track_name) == ("One", "Song")


@pytest.mark.parametrize(
    ("header", "row"),
    [
        ("user_id,username,artist,track,uts", f",ann,a,b,{AT_S}"),
        ("user,artist,album_artist,track,uts", f"ann,,a,b,{AT_S}"),
        ("user,artist,track_name,title,uts", f"ann,a,NaN,b,{AT_S}"),
    ],
)
def test_of_several_columns_an_empty_one_is_passed_over(path: Path, header: str, row: str) -> None:
    (event,) = read(write(path, f"{header}\n{row}\n"), listener_id=None)
    assert (event.listener_id, event.artist_name, event.track_name) == ("ann", "a", "b")


def test_a_listener_may_be_named_in_the_header(path: Path) -> None:
    (event,) = read(write(path, f"Artist,Track,Date#nina\na,b,{AT_S}\n"), listener_id=None)
    assert event.listener_id == "nina"


def test_a_column_without_a_meaning_names_no_listener(path: Path) -> None:
    write(path, f"Artist,Track,Date,Count#nina\na,b,{AT_S},3\n")
    with pytest.raises(HistoryError, match="does not name a listener"):
        events_of(path, listener_id=None)
    with pytest.raises(HistoryError, match="does not name a listener"):
        read_plays([path])


SCROBBLE = {
    "time": AT_S,
    "duration": 180,
    "track": {"artists": ["Miles Davis", "Gil Evans"], "title": "Solea", "length": 730},
}
KOITO_LISTEN = {
    "listened_at": "2023-11-14T22:13:20Z",
    "track": {
        "mbid": None,
        "aliases": [{"alias": "SOLEA"}, {"alias": "Solea", "is_primary": True}],
    },
    "album": {"aliases": []},
    "artists": [{"aliases": [{"alias": "Miles Davis"}]}, {"aliases": [{"alias": "Gil Evans"}]}],
}
LASTFM_TRACK = {
    "artist": {"#text": "Miles Davis, Gil Evans"},
    "name": "Solea",
    "album": {"#text": ""},
    "date": {"uts": str(AT_S)},
}
ROW = {"artist": "Miles Davis, Gil Evans", "track": "Solea", "date": AT_S * 1_000}
LISTEN = {
    "listened_at": AT_S,
    "track_metadata": {"artist_name": "Miles Davis, Gil Evans", "track_name": "Solea"},
}


@pytest.mark.parametrize(
    "content",
    [
        {"maloja": {"export_time": AT_S}, "scrobbles": [SCROBBLE]},
        [SCROBBLE],
        {"version": "1", "user": "ann", "listens": [KOITO_LISTEN]},
        {"recenttracks": {"track": [LASTFM_TRACK], "@attr": {"page": "1"}}},
        [{"recenttracks": {"track": LASTFM_TRACK}}],
        [LASTFM_TRACK],
        {"username": "ann", "scrobbles": [ROW]},
        {"payload": {"count": 1, "listens": [LISTEN], "user_id": "ann"}},
        {"listen_type": "import", "payload": [LISTEN]},
    ],
    ids=str,
)
@pytest.mark.parametrize("indent", [None, 2])
def test_an_array_of_plays_is_read_whatever_object_is_around_it(
    path: Path, content: Any, indent: int | None
) -> None:
    (event,) = read(write(path, json.dumps(content, indent=indent)))
    assert (event.artist_name, event.track_name) == ("Miles Davis, Gil Evans", "Solea")
    assert event.listened_at == AT_S * 1_000


def test_a_second_array_of_an_object_is_not_left_out_in_silence(path: Path) -> None:
    write(path, json.dumps({"2023": [ROW], "2024": [ROW]}))
    with pytest.raises(HistoryError, match="more than one array"):
        rows_of(path)


def test_of_an_object_with_thousands_of_arrays_only_a_few_are_looked_at() -> None:
    looked_at: list[int] = []

    def holds_none(array: bytes) -> bool:
        looked_at.append(len(array))
        return False

    text = json.dumps({str(at): [{"b": 1}] for at in range(8_000)}).encode()
    assert begin_of_array(text, holds_none) is None
    assert 0 < len(looked_at) * max(looked_at) < len(text)


@pytest.mark.parametrize("begin", [b"[{", b"{"])
def test_a_long_text_of_quotes_is_looked_at_once(begin: bytes) -> None:
    quotes = b'\\"' * 30_000
    head = begin + b'"artist": "A", "track": "B", "ts": 1, "x": "' + quotes
    tokens = list(islice(json_stream._KEYS_AND_BRACKETS.finditer(head), 1_000))
    lone = [each.start() for each in tokens if each[0] == b'"']
    assert lone[0] == head.index(quotes) - 1  # where whoever reads them stops
    assert keys_of_objects(head, ("[]", ""), 8) == {"artist", "track", "ts", "x"}


def test_rows_of_spotify_are_read_one_on_each_line(path: Path) -> None:
    rows = [a_spotify_row(), a_spotify_row(ts="2024-03-01T21:15:30Z")]
    assert len(read(write_lines(path, rows))) == len(rows)


def test_the_log_of_a_portable_player_has_plays_and_skips(path: Path) -> None:
    lines = [
        "#AUDIOSCROBBLER/1.1",
        "#TZ/UNKNOWN",
        "#CLIENT/Rockbox",
        f"Miles Davis\tSketches\tSolea\t5\t730\tL\t{AT_S}\t{MBID}",
        f"Miles Davis\tSketches\tSaeta\t4\t300\tS\t{AT_S + 800}\t",
        f"Miles Davis\t\tNo MBID\t\t\tL\t{AT_S + 900}",
        "Miles Davis\tcut off",
        f"Miles\xff\tX\tY\t\t\tL\t{AT_S + 1_000}\t",
    ]
    write(path, "\r\n".join(lines).encode("latin1"))
    assert [event.track_name for event in read(path)] == ["Solea", "No MBID"]
    assert ignored_of(path) == ["a track that was skipped"]
    assert [row for row, _ in bad_rows_of(path)] == [7, 8]


def test_a_quote_that_is_open_in_a_tab_separated_row_is_a_character(path: Path) -> None:
    titles = ['"Open', '7" Mix', '"Said" Twice']
    rows = "".join(f"One\t{title}\t{AT_S + 300 * at}\n" for at, title in enumerate(titles))
    events = read(write(path, f"artist\ttrack\tuts\n{rows}"))
    assert [event.track_name for event in events] == titles


def test_an_open_quote_in_a_csv_makes_no_play_of_two_rows(path: Path) -> None:
    write(path, f'artist,track,uts\nOne,"Open,{AT_S}\nTwo,7" Mix,{AT_S}\nThree,c,{AT_S}\n')
    assert {event.artist_name for event in read(path)} >= {"Three"}
    assert all("\n" not in (event.track_name or "") for event in events_of(path))


@pytest.mark.parametrize(
    ("key", "artist", "told"),
    [
        ("artists", "One", "One"),
        ("Artist Name(s)", "One", "One"),
        ("artist", ["One", "Two"], "One, Two"),
        ("artist", {"name": "One"}, "One"),
        ("artists", [{"name": "One"}, {"name": "Two"}], "One, Two"),
    ],
)
def test_an_artist_is_read_whatever_its_shape(path: Path, key: str, artist: Any, told: str) -> None:
    rows = [{key: artist, "track": "Same", "ts": AT_S}]
    rows += [{key: "Another", "track": "Same", "ts": AT_S + 300}]
    first, second = read(write_lines(path, rows))
    assert first.artist_name == told
    assert first.track_id != second.track_id


def test_a_row_that_is_no_utf8_costs_itself(path: Path) -> None:
    write(path, b"artist,track,uts\nB\xe4nd,S\xf6ng,1700000000\nOne,Song,1700000300\n")
    assert [event.artist_name for event in read(path)] == ["One"]
    assert [row for row, _ in bad_rows_of(path)] == [2]


@pytest.mark.parametrize("name", [b"artist", b"track"])
def test_a_file_in_which_no_name_is_utf8_has_bad_rows_only(path: Path, name: bytes) -> None:
    good = b"track" if name == b"artist" else b"artist"
    assert not read(write(path, b"%s,%s,uts\nB\xe4nd,Song,1700000000\n" % (name, good)))
    assert [row for row, _ in bad_rows_of(path)] == [2]


def test_a_kind_of_row_that_cannot_be_read_is_no_play(path: Path) -> None:
    rows = b"a,b,1700000000,l\xf6ve\na,c,1700000300,play\na,d,1700000600,love\n"
    assert [event.track_name for event in read(write(path, b"artist,track,uts,type\n" + rows))] == [
        "c"
    ]


def test_a_type_of_release_is_no_kind_of_row(path: Path) -> None:
    rows = f"a,b,{AT_S},album\na,c,{AT_S + 300},single\na,d,{AT_S + 600},EP\n"
    assert len(read(write(path, f"artist,track,uts,type\n{rows}"))) == 3


def test_what_is_scored_has_to_be_readable(path: Path) -> None:
    write(path, b"user,artist,track,uts,scored\nann,a,b,1700000000,\xe4\n")
    with pytest.raises(HistoryError, match="neither yes nor no: a text that cannot be read"):
        read_plays([path])


def test_of_several_lengths_the_first_that_is_known_counts(path: Path) -> None:
    header = "artist,track,uts,ms_played,playtime,duration_ms,duration"
    rows = f"a,b,{AT_S},180000,,240000,\na,c,{AT_S + 300},,200,,240\na,d,{AT_S + 600},9,200,99,1\n"
    events = read(write(path, f"{header}\n{rows}"))
    lengths = [(event.ms_played, event.duration_ms) for event in events]
    assert lengths == [(180_000, 240_000), (200_000, 240_000), (9, 99)]
    rewards = read_plays([path], "ann")[0].rewards.tolist()
    path.write_text(f"artist,track,uts,ms_played,duration_ms\n{_with_lengths(lengths)}")
    assert rewards == read_plays([path], "ann")[0].rewards.tolist()


def _with_lengths(lengths: list[tuple[int | None, int | None]]) -> str:
    return "".join(
        f"a,{at},{AT_S + 300 * at},{ms_played},{duration_ms}\n"
        for at, (ms_played, duration_ms) in enumerate(lengths)
    )


def test_an_id_that_cannot_be_kept_costs_no_play_that_has_names(path: Path) -> None:
    rows = [{"artist": "a", "track": "b", "ts": AT_S, "track_id": "9" * 2_000}]
    (event,) = read(write_lines(path, rows))
    assert event.source_track_id is None


@pytest.mark.parametrize(
    "value",
    [
        b"[" * 5_000 + b"]" * 5_000,
        b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
        b"9" * 6_000,
        b"1e99999999999999999999",
        b"-" + b"9" * 30,
        b"NaN",
    ],
)
@pytest.mark.parametrize("key", [b"ts", b"ms_played", b"other"])
def test_a_hostile_value_costs_at_most_its_row(path: Path, key: bytes, value: bytes) -> None:
    good = b'{"artist": "One", "track": "Song", "ts": 1700000000}'
    hostile = b'{"artist": "Two", "track": "T", "ts": 1700000300, "%s": %s}' % (key, value)
    for content in (b"[%s, %s]" % (hostile, good), b"%s\n%s\n" % (good, hostile)):
        assert "One" in [event.artist_name for event in read(write(path, content))]


def test_arrays_that_follow_one_another_and_commas_after_lines_are_read(path: Path) -> None:
    row = b'{"artist": "One", "track": "Song", "ts": 1700000000}'
    other = row.replace(b"00}", b"99}")
    for content in (b"[%s]\n[%s]" % (row, other), b"%s,\n%s,\n" % (row, other)):
        assert len(read(write(path, content))) == 2


def test_text_after_an_array_is_named(path: Path) -> None:
    write(path, b'[{"artist": "One", "track": "Song", "ts": 1700000000}] done')
    with pytest.raises(HistoryError, match="text follows the end of the array: 'done'"):
        events_of(path)


def test_love_and_other_rows_are_no_plays(path: Path) -> None:
    kinds = ["scrobble", "love", "unlove", "scrobble"]
    rows = [
        {"artist": "One", "track": "Song", "timeMs": (AT_S + 300 * at) * 1_000, "event": kind}
        for at, kind in enumerate(kinds)
    ]
    assert len(read(write_lines(path, rows))) == 2
    assert ignored_of(path) == ["is 'love', not a play", "is 'unlove', not a play"]


@pytest.mark.parametrize("value", [5, [], {}, "x" * 2_000, "\x00", True])
def test_an_optional_value_of_an_export_never_costs_the_play(path: Path, value: Any) -> None:
    optional = ("reason_end", "master_metadata_album_album_name", "username")
    for key in optional:
        assert len(read(write_json(path, [a_spotify_row(**{key: value})]))) == 1
    metadata = a_listen()["track_metadata"]
    for key in ("release_name", "recording_msid", "additional_info", "mbid_mapping"):
        listen = a_listen(track_metadata=metadata | {key: value})
        assert len(read(write_lines(path, [listen]))) == 1
    for key in ("album", "@attr", "mbid"):
        assert len(read(write_json(path, [{"track": [a_scrobble(**{key: value})]}]))) == 1
    assert len(read(write_json(path, [an_activity(titleUrl=value)]))) == 1


def a_scrobble(**changes: Any) -> dict[str, Any]:
    return {"artist": {"#text": "a"}, "name": "b", "date": {"uts": str(AT_S)}} | changes


@pytest.mark.parametrize(
    "changes",
    [
        {"listened_at": None, "timestamp": AT_S},
        {"listened_at": AT_S * 1_000},
        {"listened_at": "2023-11-14T22:13:20Z"},
    ],
)
def test_a_listen_has_the_first_time_that_can_be_read(path: Path, changes: Any) -> None:
    (event,) = read(write_lines(path, [a_listen(**changes)]))
    assert event.listened_at == AT_S * 1_000


def test_a_time_that_cannot_be_read_is_named(path: Path) -> None:
    write_lines(path, [a_listen(listened_at=None)])
    assert bad_rows_of(path)[0][1] == "listened_at is missing"
    write_json(path, [{"track": [a_scrobble(date={"uts": "", "#text": ""})]}])
    assert bad_rows_of(path)[0][1] == "date is missing"


def test_a_scrobble_without_seconds_has_the_time_in_words(path: Path) -> None:
    scrobble = a_scrobble(date={"#text": "14 Nov 2023, 22:13"})
    (event,) = read(write_json(path, [{"track": [scrobble]}]))
    assert event.listened_at == (AT_S - 20) * 1_000


def test_a_line_that_is_no_utf8_and_an_empty_object_are_called_so(path: Path) -> None:
    write(path, b'{"artist": "B\xf6rk", "track": "a", "ts": 1700000000}\n')
    assert bad_rows_of(path)[0][1] == "is no UTF-8"
    write(path, b"[" + b"{}," * 1_100 + b'{"artist": "a", "track": "b", "ts": 1700000000}]')
    assert bad_rows_of(path)[0][1] == "is an empty object"


def an_activity(**changes: Any) -> dict[str, Any]:
    return {
        "header": "YouTube Music",
        "title": "Watched A Song",
        "titleUrl": "https://music.youtube.com/watch?v=a",
        "subtitles": [{"name": "A Band - Topic"}],
        "time": "2023-11-14T22:13:20.000Z",
    } | changes


def test_of_youtubes_history_only_music_is_read(path: Path) -> None:
    rows = [
        an_activity(),
        an_activity(header="YouTube", title="Watched How to Swim"),
        an_activity(title="Searched for songs"),
        an_activity(details=[{"name": "From Google Ads"}]),
        an_activity(subtitles=None),
    ]
    (event,) = read(write_json(path, rows))
    assert (event.artist_name, event.track_name) == ("A Band", "A Song")
    assert len(set(ignored_of(path))) == 4


def test_plays_of_two_services_are_one_whoever_knew_an_mbid(tmp_path: Path) -> None:
    starts = [1_709_324_130 + 600 * at for at in range(5)]
    listens = [a_listen(listened_at=start) for start in starts]
    for listen in listens[::2]:
        more = listen["track_metadata"] | {"mbid_mapping": {"recording_mbid": MBID}}
        listen["track_metadata"] = more
    ends = [
        f"2024-03-01T{20 + (15 + 10 * at) // 60}:{(15 + 10 * at) % 60:02}:33Z" for at in range(5)
    ]
    spotify = [a_spotify_row(ts=end, ms_played=3_000) for end in ends]
    write_lines(tmp_path / "in" / "listens.jsonl", listens)
    write_json(tmp_path / "in" / "Streaming_History_Audio_1.json", spotify)
    events = read(tmp_path / "in")
    assert len(events) == 5
    assert len({event.track_id for event in events}) == 1


def test_two_tables_of_one_life_are_learnt_once(tmp_path: Path) -> None:
    rows = [f"One,Song {at},{AT_S + 400 * at}" for at in range(3)]
    later = [f"One,Song {at},{AT_S + 400 * at + 40}" for at in range(3)]
    one = write(tmp_path / "in" / "a.csv", "\n".join(["artist,track,uts", *rows]))
    other = write(tmp_path / "in" / "b.csv", "\n".join(["artist,track,uts", *later]))
    assert len(read(tmp_path / "in")) == 3
    assert len(read(one, other)) == 3
    assert events_of(one)[0].source != events_of(other)[0].source


def test_two_tables_of_exactly_the_same_plays_are_learnt_once(tmp_path: Path) -> None:
    rows = f"artist,track,uts\na,b,{AT_S}\na,b,{AT_S}\na,c,{AT_S + 300}\n"
    write(tmp_path / "all" / "old.csv", rows)
    write(tmp_path / "all" / "new.csv", f"{rows}a,d,{AT_S + 600}\n")
    titles = ["b", "b", "c", "d"]
    assert [event.track_name for event in events_of(tmp_path / "all", listener_id="ann")] == titles
    assert len(read_plays([tmp_path / "all"], "ann")[0]) == len(titles)


def test_a_song_played_twice_within_a_minute_stays_two_plays_of_one_file(path: Path) -> None:
    assert len(read(write(path, f"artist,track,uts\na,b,{AT_S}\na,b,{AT_S + 30}\n"))) == 2


def skipped_in(*paths: Path) -> list[str]:
    return [str(row) for row in rows_of(*paths) if isinstance(row, Skipped)]


def test_what_was_not_read_of_an_archive_is_named(tmp_path: Path) -> None:
    rows = orjson.dumps([{}, a_spotify_row()])
    archive = write_zip(
        tmp_path / "a.zip",
        {
            "ReadMeFirst.pdf": b"%PDF-1.7",
            "Streaming_History_Audio_1.json": rows,
            "Streaming_History_Audio_2.json": rows.decode().encode("utf-32"),
            "Userdata.json": b'{"name": "x"}',
        },
    )
    assert len(read(archive)) == 1
    (said,) = skipped_in(archive)
    assert "Streaming_History_Audio_2.json is UTF-32 text" in said


@pytest.mark.parametrize(
    "broken", [b"PAR1PAR1", b'[{"user": "a", "artist": "a", "track": "z", "ts": 1700000000},']
)
def test_a_table_that_is_broken_costs_no_other_of_its_folder(tmp_path: Path, broken: bytes) -> None:
    write(tmp_path / "all" / "a", broken)
    write(tmp_path / "all" / "b.csv", f"artist,track,uts\na,b,{AT_S}\n")
    assert "b" in [event.track_name for event in read(tmp_path / "all")]
    (skipped,) = read_plays([tmp_path / "all"], "ann")[1].skipped
    assert str(tmp_path / "all" / "a") in skipped


def test_a_wrong_word_for_scored_is_an_error_in_a_folder_too(tmp_path: Path) -> None:
    write(tmp_path / "all" / "a.csv", f"user,artist,track,uts,scored\nu,a,b,{AT_S},maybe\n")
    with pytest.raises(HistoryError, match="neither yes nor no"):
        read_plays([tmp_path / "all"])


def test_a_file_that_cannot_be_read_costs_no_other_of_its_folder(tmp_path: Path) -> None:
    good = orjson.dumps([a_spotify_row()])
    (tmp_path / "in").mkdir()
    write_zip(tmp_path / "in" / "a.zip", {"Streaming_History_Audio_1.json": good})
    write_zip(tmp_path / "in" / "b.zip", {"Userdata.json": b"{}"})
    write(tmp_path / "in" / "c.7z", b"7z\xbc\xaf\x27\x1c" + b"\x00" * 20)
    write(tmp_path / "in" / "endsong_1.json", good[:-30])
    assert len(read(tmp_path / "in")) == 1
    said = skipped_in(tmp_path / "in")
    assert [name for name in ("b.zip", "c.7z", "endsong_1.json") if name in " ".join(said)] == [
        "b.zip",
        "c.7z",
        "endsong_1.json",
    ]


def test_a_page_of_plays_in_an_archive_is_named(tmp_path: Path) -> None:
    rows = orjson.dumps([a_spotify_row()])
    members = {
        "watch-history.html": b"<html>",
        "my_history.xml": b"<?xml ?>",
        "about.html": b"<html>",
    }
    archive = write_zip(tmp_path / "a.zip", {**members, "endsong_1.json": rows})
    assert len(read(archive)) == 1
    page, document = skipped_in(archive)
    assert "watch-history.html is a web page" in page
    assert "my_history.xml is an XML document" in document


TABLE = b"user,track,ts\n"


@pytest.mark.parametrize(
    ("head", "said"),
    [
        (b"7z\xbc\xaf\x27\x1c", "is a 7-Zip archive. Unpack it"),
        (b"Rar!\x1a\x07\x00", "is a RAR archive. Unpack it"),
        (b"\xfd7zXZ\x00", "is packed with xz"),
        (b"BZh91AY", "is packed with bzip2"),
        (b"\x28\xb5\x2f\xfd", "is packed with Zstandard"),
        (b"SQLite format 3\x00", "is an SQLite database"),
        (b"x" * 257 + b"ustar\x00", "is a tar archive"),
        (b"plays.csv\x00".ljust(257, b"\x00") + b"ustar\x00" + TABLE, "is a tar archive"),
        (b"\xff\x06\x00\x00sNaPpY" + TABLE, "is packed with Snappy"),
        (b"LZIP\x01", "is packed with lzip"),
        (b"FEA1", "is a Feather file. Save it as Parquet"),
        ("user,track,ts".encode("utf-32"), "is UTF-32 text"),
        (TABLE.replace(b"\n", b"\r") + b"ann,a,1", "lines end in carriage returns only"),
        (b"\xef\xbb\xbf<?xml version='1.0'?>", "is an XML document"),
        (b"\n <!doctype HTML>", "is a web page"),
    ],
)
def test_a_file_of_a_known_other_kind_is_called_by_its_name(
    path: Path, head: bytes, said: str
) -> None:
    write(path, head + b"\x00" * 40)
    for reader in (events_of, read_plays):
        with pytest.raises(HistoryError) as caught:
            reader(*([path] if reader is events_of else [[path]]))
        assert said in str(caught.value)


def test_a_spreadsheet_is_no_archive(path: Path) -> None:
    write_zip(path, {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<x/>"})
    with pytest.raises(HistoryError, match=r"is a spreadsheet .*Save it as CSV"):
        events_of(path)


def test_an_archive_packed_in_an_unknown_way_is_said_to_be_unpacked(path: Path) -> None:
    write_zip(path, {"Streaming_History_Audio_1.json": orjson.dumps([a_spotify_row()])})
    content = bytearray(path.read_bytes())
    for signature, offset in ((zipfile.stringFileHeader, 8), (zipfile.stringCentralDir, 10)):
        at = content.index(signature) + offset
        content[at : at + 2] = b"\x09\x00"  # Deflate64
    write(path, bytes(content))
    with pytest.raises(HistoryError, match=r"cannot be read: .*Unpack it and import its folder"):
        events_of(path)


def test_days_of_parquet_are_their_first_moments(path: Path) -> None:
    days = pa.array([19_675, 19_676], pa.int32()).cast(pa.date32())
    pq.write_table(pa.table({"artist": ["a", "a"], "track": ["b", "c"], "date": days}), path)
    assert [event.listened_at for event in read(path)] == [1_699_920_000_000, 1_700_006_400_000]


@pytest.mark.parametrize("name", [b"tr\xffck", b"tra\xc3k"])
def test_a_parquet_file_whose_column_names_are_no_utf8_is_damaged(path: Path, name: bytes) -> None:
    pq.write_table(pa.table({"user": ["ann"], "track": ["So What"], "ts": [AT_S]}), path)
    write(path, path.read_bytes().replace(b"track", name))
    with pytest.raises(HistoryError, match="is a damaged Parquet file"):
        rows_of(path)
    with pytest.raises(HistoryError, match="is a damaged Parquet file"):
        read_plays([path])


def test_values_of_parquet_that_python_has_not_cost_their_rows(path: Path) -> None:
    tracks = pa.array([b"B\xf6rk", b"b"]).view(pa.string())
    columns = {"artist": ["a", "a"], "track": tracks, "ts": [AT_S, AT_S + 300]}
    pq.write_table(pa.table(columns), path)
    assert [event.track_name for event in read(path)] == ["b"]
    days = pa.array([2**31 - 1, 19_783], pa.date32())
    pq.write_table(pa.table({"artist": ["a", "a"], "track": ["z", "b"], "date": days}), path)
    assert [event.track_name for event in read(path)] == ["b"]


def test_a_device_without_a_clock_states_the_time_in_another_field(path: Path) -> None:
    rows = [a_spotify_row(ts="1970-01-01T00:05:00Z", offline_timestamp=at)
            for at in (AT_S, AT_S * 1_000 + 300_000, None)]  # fmt: skip
    events = read(write_json(path, rows))
    assert [event.listened_at for event in events] == [AT_S * 1_000, AT_S * 1_000 + 300_000]
    assert bad_rows_of(path) == [(3, "listened_at 1970-01-01T00:01:40Z is before 2002-10-01")]


def test_days_of_a_spreadsheet_are_no_times_for_anyone(path: Path) -> None:
    assert read(write(path, "artist,track,date\na,b,45352.4166\na,c,45352.42\n")) == []


def test_no_row_may_be_of_the_listener_who_stands_for_all(path: Path) -> None:
    write(path, f"user,artist,track,uts\n*everyone*,a,b,{AT_S}\n")
    assert events_of(path) == []
    assert "stands for all" in bad_rows_of(path)[0][1]


def test_a_look_says_why_no_row_is_a_play(path: Path) -> None:
    write(path, "artist,track,uts\na,b,yesterday\n")
    with pytest.raises(HistoryError, match=r"No row is a play.*not a time: 'yesterday'"):
        look_at([path], "ann")
    look_at([write(path, f"artist,track,uts\na,b,{NOW_MS // 1_000}\na,b,x\n")], "ann")


@pytest.mark.parametrize("listener", ["x" * 513, "*everyone*"])
def test_a_listener_whom_no_event_may_name_costs_the_row(path: Path, listener: str) -> None:
    write(path, f"user,track_id,ts\n{listener},a,{AT_S}\nbob,b,{AT_S}\n")
    assert [event.listener_id for event in read(path)] == ["bob"]


def test_an_id_of_a_track_that_is_too_long_costs_the_row_and_one_of_an_artist_costs_itself(
    path: Path,
) -> None:
    long = "x" * 600
    write(path, f"user,track_id,artist_id,ts\nann,{long},b,{AT_S}\nbob,c,{long},{AT_S}\n")
    assert [(event.listener_id, event.artist_id) for event in read(path)] == [("bob", None)]


def test_a_damaged_file_of_a_zip_is_named_and_the_others_are_read(path: Path) -> None:
    rows = [f"user,track_id,ts\n{name},{name},{AT_S}\n" for name in ("ann", "bob")]
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in zip(["a.csv", "b.csv"], rows, strict=True):
            archive.writestr(name, text)
    content = path.read_bytes()
    write(path, content.replace(b"ann,ann,17", b"ann,eve,17"))
    assert [event.listener_id for event in read(path)] == ["bob"]
    assert [str(row) for row in rows_of(path) if isinstance(row, Skipped)] == [
        f"{path}: a.csv cannot be read: Bad CRC-32 for file 'a.csv'. "
        "Copy or export it again: it may be cut off."
    ]


@pytest.mark.parametrize("kind", ["csv", "json", "parquet"])
def test_that_no_column_of_artists_was_understood_is_said(path: Path, kind: str) -> None:
    row = {"title": "Home", "performed by": "Ann", "ts": AT_S}
    if kind == "csv":
        write(path, f"title,performed by,ts\nHome,Ann,{AT_S}\n")
    elif kind == "json":
        write_json(path, [row])
    else:
        pq.write_table(pa.Table.from_pylist([row]), path)
    read(path)
    said = "no artist column was understood (others: performed by)"
    assert [
        said in str(row) for row in rows_of(path, listener_id="ann") if isinstance(row, Skipped)
    ] == [True]
    assert [said in why for why in read_plays([path], "ann")[1].skipped] == [True]


UTF_16 = ["utf-16", "utf-16-le", "utf-16-be"]
SONGS = ["Sinnerman", "Ö", "夜に駆ける", "🎵"]


@pytest.mark.parametrize("codec", UTF_16)
@pytest.mark.parametrize("kind", ["csv", "tsv", "json lines", "spotify", "listenbrainz"])
def test_utf_16_is_read_as_utf_8_is(tmp_path: Path, codec: str, kind: str) -> None:
    rows = [("Nina", song, AT_S + 600 * at) for at, song in enumerate(SONGS)]
    match kind:
        case "csv" | "tsv":
            mark = "," if kind == "csv" else "\t"
            text = "\n".join(
                mark.join(map(str, each)) for each in [("artist", "track", "uts"), *rows]
            )
        case "json lines":
            text = "\n".join(
                orjson.dumps({"artist": a, "track": t, "uts": at}).decode() for a, t, at in rows
            )
        case "spotify":
            text = orjson.dumps(
                [
                    {"endTime": f"2023-11-14 2{at}:13", "artistName": a, "trackName": t}
                    | {"msPlayed": 200_000}
                    for at, (a, t, _) in enumerate(rows)
                ]
            ).decode()
        case _:
            listens = [
                {"listened_at": at, "track_metadata": {"artist_name": a, "track_name": t}}
                for a, t, at in rows
            ]
            text = "\n".join(orjson.dumps(each).decode() for each in listens)
    plain = read(write(tmp_path / "plain", text.encode()))
    assert [event.track_name for event in plain] == SONGS
    found = read(write(tmp_path / "wide", text.encode(codec)))
    assert [each.model_copy(update={"source": ""}) for each in found] == [
        each.model_copy(update={"source": ""}) for each in plain
    ]
    archive = write_zip(tmp_path / "a.zip", {"my history": text.encode(codec)})
    assert [each.track_name for each in read(archive)] == SONGS


def test_a_broken_character_of_utf_16_costs_its_row_alone(path: Path) -> None:
    rows = [f"Nina,Song {at},{AT_S + 600 * at}" for at in range(40_000)]
    text = "\n".join(["artist,track,uts", *rows]) + "\n"
    whole = text.encode("utf-16-le").replace(
        "Song 20000".encode("utf-16-le"), b"\x00\xd8" + "ong 20000".encode("utf-16-le")
    )
    write(path, whole + b"\x41")
    assert len(read(path)) == len(rows) - 1


# -- Windows-1252 ----------------------------------------------------------------------------------

ACCENTS = ["Björk", "Sigur Rós", "Motörhead", "Beyoncé – live", "A-ha"]
NOTED = "as UTF-8, but as Windows-1252: its names are no UTF-8"


def in_csv(artists: list[str], header: str = "artist;track;uts") -> str:
    rows = [f"{artist};Song {at};{AT_S + 600 * at}" for at, artist in enumerate(artists)]
    return "\n".join([header, *rows]) + "\n"


@pytest.mark.parametrize("kind", ["csv", "json", "lines", "zip"])
def test_a_history_in_windows_1252_is_read_and_that_is_said_once(path: Path, kind: str) -> None:
    rows = [{"artist": each, "track": f"Song {at}", "uts": AT_S + 600 * at}
            for at, each in enumerate(ACCENTS)]  # fmt: skip
    text = {
        "json": json.dumps(rows, ensure_ascii=False),
        "lines": "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
    }.get(kind, in_csv(ACCENTS, "Künstler;Titel;Datum")).encode("cp1252")
    if kind == "zip":
        write_zip(path, {"plays.csv": text})
    else:
        write(path, text)
    assert [event.artist_name for event in read(path)] == ACCENTS
    said = [str(row) for row in rows_of(path) if isinstance(row, Skipped)]
    assert [NOTED in each for each in said] == [True]
    assert read_plays([path], "ann")[1].skipped == said


def test_a_byte_that_windows_1252_does_not_have_costs_its_row(path: Path) -> None:
    write(path, in_csv([*ACCENTS, "x"]).encode("cp1252").replace(b"x;", b"\x81\x8d;"))
    assert [event.artist_name for event in read(path)] == ACCENTS
    assert [row for row, _ in bad_rows_of(path)] == [7]


def test_a_row_of_utf_8_in_windows_1252_is_read_as_what_it_is(path: Path) -> None:
    text = in_csv(ACCENTS).encode("cp1252").replace("Rós".encode("cp1252"), "Rós".encode())
    assert [event.artist_name for event in read(write(path, text))] == ACCENTS


@pytest.mark.parametrize(
    "text",
    [
        in_csv(["Björk"] * 3).encode() + in_csv(["Motörhead"] * 3).encode("cp1252"),
        in_csv(["Björk"] * 30).encode() + in_csv(["Motörhead"] * 40).encode("cp1252"),
        in_csv(["Björk", *["One"] * 9]).encode("cp1252"),
        in_csv(["Кино", "Сплин", "Аквариум"]).encode("cp1251"),
    ],
)
def test_rows_that_are_no_utf_8_by_accident_or_of_another_script_are_bad_rows(
    path: Path, text: bytes
) -> None:
    broken = sum(b"\xc3" not in row and not row.isascii() for row in text.splitlines())
    read(write(path, text))
    found = [reason for _, reason in bad_rows_of(path) if "UTF-8" in reason]
    assert len(found) == broken
    assert [row for row in rows_of(path) if isinstance(row, Skipped)] == []


def test_a_long_text_without_rows_is_looked_at_in_pieces(path: Path) -> None:
    row = {"artist": "A", "track": "Motörhead", "note": "Motörhead " * 15_000}
    rows = [{"uts": AT_S + 600 * at} | row for at in range(15)]
    for codec, count in (("utf-8", 0), ("cp1252", 1)):
        write(path, json.dumps(rows, ensure_ascii=False).encode(codec))
        assert len(read(path)) == len(rows)
        assert len([row for row in rows_of(path) if isinstance(row, Skipped)]) == count
