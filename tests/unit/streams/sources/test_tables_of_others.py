"""Tables that programs write in their own ways: headers, quotes, lists, wrappers, two columns."""

import json
from pathlib import Path
from typing import Any

import pytest

from streams.sources.columnar.play_reader import read_plays
from tests.support.histories import (
    bad_rows_of,
    events_of,
    ignored_of,
    read,
    rows_of,
    write,
    write_json,
)
from topics.errors import HistoryError
from topics.identity import track_id_of
from topics.listening_event import ListeningEvent

AT_S = 1_700_000_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plays"


@pytest.mark.parametrize(
    "begin", ["# exported on a day\n", "My scrobbles\n\n", "sep=,\n", "#,,\nUser: ann,,\n", "\n \n"]
)
def test_lines_before_the_header_are_passed_over(path: Path, begin: str) -> None:
    (event,) = read(write(path, f"{begin}artist,track,uts\nOne,Song,{AT_S}\n"))
    assert event.track_id == track_id_of("One", "Song")


def test_a_file_without_a_header_in_its_first_lines_says_how_it_begins(path: Path) -> None:
    write(path, "\n".join(["a note"] * 12 + ["artist,track,uts", f"One,Song,{AT_S}"]))
    with pytest.raises(HistoryError, match="begins with 'a note'"):
        events_of(path)


@pytest.mark.parametrize("blank", [",,", " , , ", "", "   "])
@pytest.mark.parametrize("quote", ["", '"'])
def test_a_row_without_any_cell_is_no_row(path: Path, blank: str, quote: str) -> None:
    rows = f"{quote}One{quote},Song,{AT_S}\n{blank}\nTwo,Song,{AT_S + 300}\n{blank}"
    assert len(read(write(path, f"artist,track,uts\n{rows}"))) == 2
    assert bad_rows_of(path) == []


@pytest.mark.parametrize(
    ("written", "title"),
    [
        (r'"The \"Best\" Song"', 'The "Best" Song'),
        (r'"Ends \"here\""', 'Ends "here"'),
        ('"The ""Best"" Song"', 'The "Best" Song'),
        ('"Back\\"', "Back\\"),
        (' "Spaced, quoted"', "Spaced, quoted"),
        ("AC\\DC", "AC\\DC"),
    ],
)
def test_a_quote_within_a_field_is_read_as_it_was_written(
    path: Path, written: str, title: str
) -> None:
    write(path, f"artist,track,uts\nOne,{written},{AT_S}\nTwo,Song,{AT_S + 300}\n")
    assert [event.track_name for event in read(path)] == [title, "Song"]


@pytest.mark.parametrize(
    "artist", ["['Miles Davis', 'Gil Evans']", '["Miles Davis", "Gil Evans"]',
               "[{'id': 1, 'name': 'Miles Davis'}, {'name': 'Gil Evans'}]"]
)  # fmt: skip
def test_a_list_of_artists_that_was_written_as_a_text_is_joined(path: Path, artist: str) -> None:
    (event,) = read(write(path, f"artists\ttrack\tuts\n{artist}\tSolea\t{AT_S}\n"))
    assert event.artist_name == "Miles Davis, Gil Evans"


@pytest.mark.parametrize("artist", ["[dunkelbunt]", "['" + "[" * 900, "['a' * 10**9]", "[]x"])
def test_a_name_in_brackets_is_a_name(path: Path, artist: str) -> None:
    (event,) = read(write_json(path, [{"artist": artist, "track": "Song", "ts": AT_S}]))
    assert event.artist_name == artist


@pytest.mark.parametrize(
    ("day", "clock"),
    [
        ("2023-11-14", "22:13:20"),
        ("14.11.2023", "22:13:20"),
        ("14/11/2023", "10:13:20 PM"),
        ("14 Nov 2023", "22:13:20.5"),
    ],
)
def test_a_day_and_a_time_of_day_in_two_columns_are_one_time(
    path: Path, day: str, clock: str
) -> None:
    rows = f"One,Song,{day},{clock}\nTwo,Song,{day},\n"
    first, second = read(write(path, f"artist,track,Date,Time\n{rows}"))
    assert ((first.listened_at or 0) // 1_000, (second.listened_at or 0) // 1_000) == (
        1_699_920_000,
        AT_S,
    )


def test_values_that_a_database_wraps_are_read(path: Path) -> None:
    times: list[Any] = [{"$date": "2023-11-14T22:13:20Z"}]
    times.append({"$date": {"$numberLong": "1700000300000"}})
    played = {"$numberInt": "9"}
    rows = [
        {"artist": "One", "track": f"Song {at}", "played_at": told, "ms_played": played}
        for at, told in enumerate(times)
    ]
    events = read(write_json(path, rows))
    assert [event.listened_at for event in events] == [AT_S * 1_000, AT_S * 1_000 + 300_000]
    assert {event.ms_played for event in events} == {9}


@pytest.mark.parametrize(
    ("told", "ms"),
    [("3m 5s", 185_000), ("185 s", 185_000), ("PT3M5.5S", 185_500), ("1h 2m", 3_720_000),
     ("3 min", 180_000), ("00:03:05", 185_000), ("PT", None), ("s", None), ("3 minims", None)],
)  # fmt: skip
def test_a_length_in_words_is_read(path: Path, told: str, ms: int | None) -> None:
    (event,) = read(write(path, f"artist,track,uts,duration\na,b,{AT_S},{told}\n"))
    assert event.duration_ms == ms


def test_a_text_that_is_too_long_is_called_so(path: Path) -> None:
    write(path, f"artist,track,uts\nOne,{'x' * 1_100},{AT_S}\n")
    assert bad_rows_of(path) == [(2, "track_name is longer than 1,024 characters")]
    assert read_plays([path], "ann")[1].bad == 1


def test_tracks_beside_their_times_are_no_pages_of_lastfm(path: Path) -> None:
    track = {"name": "Solea", "artists": [{"name": "Miles Davis"}]}
    items = [{"track": track, "played_at": "2023-11-14T22:13:20Z", "context": None}]
    (event,) = read(write_json(path, items))
    assert event.track_id == track_id_of("Miles Davis", "Solea")


def test_an_artist_of_lastfm_may_be_a_text(path: Path) -> None:
    track = {"artist": "Miles Davis", "name": "Solea", "date": {"uts": str(AT_S)}}
    (event,) = read(write_json(path, [track]))
    assert event.track_id == track_id_of("Miles Davis", "Solea")


def test_a_pinned_recording_is_no_play(path: Path) -> None:
    names = {"artist_name": "a", "track_name": "b"}
    pin = {"created": AT_S, "pinned_until": AT_S + 9, "track_metadata": names}
    assert read(write_json(path, [pin, {"listened_at": AT_S, "track_metadata": names}]))
    assert ignored_of(path) == ["a recording that was pinned, not a play"]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"\xef\xbb\xbf \n", "is empty"),
        (b"\x7fELF\x02\x01\x01\x00\x03\x00", "is no text, and no archive or table that is known"),
    ],
)
def test_what_holds_no_text_is_called_so_and_not_shown(
    path: Path, content: bytes, said: str
) -> None:
    write(path, content)
    for reader in (lambda: events_of(path), lambda: read_plays([path], "ann")):
        with pytest.raises(HistoryError, match=said) as caught:
            reader()
        assert "ELF" not in str(caught.value)


# -- cells that a spreadsheet was made to take for texts -------------------------------------------


@pytest.mark.parametrize("guarded", ['="{}"', "'{}", '"=""{}"""'])
@pytest.mark.parametrize("told", [f"{AT_S}", "2023-11-14T22:13:20", "2023-11-14 22:13:20"])
def test_a_time_that_a_spreadsheet_takes_for_a_text_is_read(
    path: Path, guarded: str, told: str
) -> None:
    played = guarded.format("9000")
    write(path, f"artist,track,date,ms_played\nOne,Song,{guarded.format(told)},{played}\n")
    (event,) = read(path)
    assert (event.listened_at, event.ms_played) == (AT_S * 1_000, 9_000)


def test_a_day_and_a_clock_that_a_spreadsheet_takes_for_texts_are_one_time(path: Path) -> None:
    write(path, 'artist,track,date,time\nOne,Song,="14/11/2023",="22:13:20"\n')
    (event,) = read(path)
    assert event.listened_at == AT_S * 1_000


@pytest.mark.parametrize(
    ("written", "title"),
    [
        ('="Song"', "Song"),
        ('"=""The ""Best"" Song"""', 'The "Best" Song'),
        ("'+44", "+44"),
        ("'@home", "@home"),
        ("'Til Tuesday", "'Til Tuesday"),
        ("'39", "'39"),
        ("=Equals", "=Equals"),
    ],
)
def test_a_name_that_a_spreadsheet_takes_for_a_text_is_the_name(
    path: Path, written: str, title: str
) -> None:
    (event,) = read(write(path, f'artist,track,uts\n="One",{written},{AT_S}\n'))
    assert (event.artist_name, event.track_name) == ("One", title)


def test_ids_that_a_spreadsheet_takes_for_texts_are_the_ids(path: Path) -> None:
    mbid = "7d1f1b7a-1111-4a47-a5c4-3a2f7f6c9d10"
    for guarded in (f"'{mbid}", f'="{mbid}"'):
        (event,) = read(write(path, f"track_mbid,uts\n{guarded},{AT_S}\n"))
        assert event.track_id == mbid
    (event,) = read(write(path, f'track_id,uts,user\n="t1",{AT_S},="bob"\n'))
    assert (event.track_id, event.listener_id) == ("history:t1", "bob")


# -- rows by their id or their time ----------------------------------------------------------------

KEYED = [{"artist": "One", "track": f"Song {at}", "ts": AT_S + 300 * at} for at in range(3)]


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("keys", [["12345", "7", "8"], ["-Na", 'x "}{"', "ü"]])
def test_rows_by_their_id_are_rows(
    path: Path, indent: int | None, wrapped: bool, keys: list[str]
) -> None:
    rows: dict[str, Any] = {"version": 3, **dict(zip(keys, KEYED, strict=True)), "count": 3}
    rows = {"app": {"name": "x", "listens": rows}} if wrapped else rows
    events = read(write(path, json.dumps(rows, indent=indent)))
    assert [event.track_name for event in events] == ["Song 0", "Song 1", "Song 2"]


@pytest.mark.parametrize("key", [f"{AT_S}", f"{AT_S}000", "2023-11-14T22:13:20Z"])
def test_the_key_of_a_row_may_be_its_time(path: Path, key: str) -> None:
    names = {"artist": "One", "track": "Song"}
    events = read(write(path, json.dumps({key: names})))
    assert [event.listened_at for event in events] == [AT_S * 1_000]
    events = read(write(path, json.dumps({key: names | {"played_at": AT_S + 60}})))
    assert [event.listened_at for event in events] == [AT_S * 1_000 + 60_000]


def test_rows_of_a_service_by_their_id_are_of_that_service(path: Path) -> None:
    names = {"artist_name": "One", "track_name": "Song"}
    listens = {"a": {"listened_at": AT_S, "track_metadata": names}}
    (event,) = read(write(path, json.dumps(listens)))
    assert (event.source, event.track_id) == ("listenbrainz_export", track_id_of("One", "Song"))


def test_many_rows_by_their_id_are_read_a_portion_at_a_time(path: Path) -> None:
    text = "x" * 50_000
    rows = {str(at): KEYED[0] | {"ts": AT_S + 300 * at, "note": text} for at in range(40)}
    assert len(read(write(path, json.dumps(rows)))) == len(rows)


def test_what_is_no_row_among_rows_by_their_id_is_a_bad_row_and_an_end_is_missed(
    path: Path,
) -> None:
    write(path, json.dumps({"a": KEYED[0], "b": [1], "c": {}, "d": KEYED[1]}))
    assert len(read(path)) == 2
    assert [row for row, _ in bad_rows_of(path)] == [2, 3]
    for cut in (1, 9, 60):
        write(path, json.dumps({"a": KEYED[0], "b": KEYED[1]})[:-cut])
        with pytest.raises(HistoryError, match="is no whole JSON after element"):
            events_of(path)


def test_more_rows_elsewhere_in_an_object_are_not_left_out_in_silence(path: Path) -> None:
    write(path, json.dumps({"users": {"ann": {"a": KEYED[0]}, "bob": {"b": KEYED[1]}}}))
    with pytest.raises(HistoryError, match="more than one array"):
        events_of(path)


# -- objects one after another, and rows in an object of their own ---------------------------------


@pytest.mark.parametrize("begin", ["", "\ufeff", "\n"])
def test_objects_that_follow_one_another_over_several_lines_are_rows(
    path: Path, begin: str
) -> None:
    text = begin + "\n".join(json.dumps(row, indent=2) for row in KEYED)
    assert len(read(write(path, text))) == len(KEYED)
    names = {"artist_name": "One", "track_name": "Song"}
    listens = [{"listened_at": AT_S + 600 * at, "track_metadata": names} for at in range(2)]
    text = begin + "\n".join(json.dumps(each, indent=2) for each in listens)
    assert {event.source for event in read(write(path, text))} == {"listenbrainz_export"}
    with pytest.raises(HistoryError, match="ends within the array"):
        events_of(write(path, text[:-9]))


@pytest.mark.parametrize("key", ["_source", "value", "node", "record", "doc"])
def test_a_row_in_an_object_of_its_own_is_a_row(path: Path, key: str) -> None:
    rows: list[Any] = [{"_id": str(at), "score": 1.5, key: row} for at, row in enumerate(KEYED)]
    lines = "\n".join(map(json.dumps, rows))
    for text in (json.dumps(rows), lines, json.dumps({"data": {"x": {"records": rows}}})):
        assert len(read(write(path, text))) == len(KEYED)


def test_a_value_beside_a_play_is_no_row(path: Path) -> None:
    rows = [row | {"value": {"time": 5, "title": "x"}} for row in KEYED]
    assert [event.track_name for event in read(write_json(path, rows))] == [
        "Song 0", "Song 1", "Song 2"
    ]  # fmt: skip


def test_of_objects_in_an_array_none_is_left_out_for_the_first(path: Path) -> None:
    rows = [{"a": row} for row in KEYED]
    with pytest.raises(HistoryError, match="no listening history that is known"):
        events_of(write(path, json.dumps({"rows": rows})))


def test_a_bracket_that_closes_nothing_ends_no_file(path: Path) -> None:
    row = json.dumps(KEYED[0])
    for text in (f"[{row}, 1}}, 2]", f"[{row}, }}]", f"[{row}}}]"):
        rows = rows_of(write(path, text))
        assert any(isinstance(each, ListeningEvent) for each in rows)
        assert len(rows) <= 3
    assert len(rows_of(write(path, f'{{"a": {row}, "b": ], "c": }}'))) == 1
    with pytest.raises(HistoryError, match="is no whole JSON"):
        rows_of(write(path, f'{{"a": {row}, "b"}}'))
