"""One song from two services is one track; one retry is one event."""

import uuid
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from topics.identity import artist_id_of, event_id_of, event_key_of, normalised, track_id_of

MBID = "F1D2D2F9-24E9-4A1B-9B3F-0242AC120002"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Björk", "BJÖRK", id="case"),
        pytest.param("Bj\u00f6rk", "Bjo\u0308rk", id="composed or not"),
        pytest.param(" The  Knife\t", "the knife", id="blanks"),
        pytest.param("Ｐｅｒｆｕｍｅ", "Perfume", id="full width"),
        pytest.param("ﬁne", "fine", id="ligature"),
        pytest.param("Die Straße", "DIE STRASSE", id="sharp s"),
        pytest.param("a\u00a0b", "a b", id="no-break space"),
        pytest.param("\u0390", "\u0390".upper(), id="Greek with two accents"),
    ],
)
def test_spellings_of_one_name_are_one(one: str, other: str) -> None:
    assert normalised(one) == normalised(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Beyonce", "Beyoncé"), ("!!!", "???"), ("AC/DC", "ACDC"), ("東京", "京都")]
)
def test_names_that_differ_stay_apart(one: str, other: str) -> None:
    assert normalised(one) != normalised(other)


@given(text=st.text())
def test_a_normalised_name_is_its_own_normal_form(text: str) -> None:
    assert normalised(normalised(text)) == normalised(text)


def test_a_track_is_the_same_whoever_knows_its_recording() -> None:
    track_id = track_id_of("Björk", "Jóga", recording_mbid=MBID, source="x", source_track_id="y")
    assert track_id == track_id_of("Björk", "Jóga")


def test_a_track_without_names_is_its_recording() -> None:
    track_id = track_id_of(None, "Jóga", recording_mbid=MBID, source="x", source_track_id="y")
    assert track_id == MBID.lower()


def test_a_track_of_two_services_is_one_by_artist_and_title() -> None:
    one = track_id_of("Björk", "Jóga", source="spotify", source_track_id="abc")
    other = track_id_of("BJÖRK ", "jóga", source="deezer", source_track_id="123")
    assert one == other == str(uuid.UUID(one))


@pytest.mark.parametrize("artist", [None, "", "  "])
def test_without_both_names_a_track_is_what_its_source_calls_it(artist: str | None) -> None:
    assert track_id_of(artist, "Jóga", source="deezer", source_track_id="1") == "deezer:1"


def test_a_track_that_nothing_names_has_no_id() -> None:
    assert track_id_of(None, "Jóga", source="deezer") is None


def test_names_do_not_flow_into_each_other() -> None:
    assert track_id_of("a b", "c") != track_id_of("a", "b c")
    assert artist_id_of("a") != track_id_of("a", "a")


def test_ids_are_the_same_on_every_machine_for_ever() -> None:
    assert track_id_of("Nina Simone", "Sinnerman") == "dfb27fc9-c646-5b78-ba9e-e18b6171ae6c"
    assert artist_id_of("Nina Simone") == "7eb66892-e338-55e6-a22f-07f97303d8a8"
    assert event_id_of("s", "l", "t", 1, None) == "b3d48377-b47b-58e9-b867-30697d313e80"


A_PLAY: dict[str, Any] = {
    "source": "spotify_export",
    "listener_id": "ann",
    "track_id": "t",
    "listened_at": 1_700_000_000_000,
    "ms_played": 1_000,
    "ordinal": 0,
}


def test_a_play_imported_twice_is_one_event() -> None:
    assert event_id_of(**A_PLAY) == event_id_of(**A_PLAY)


@pytest.mark.parametrize(
    "change",
    [
        {"source": "lastfm"},
        {"listener_id": "bob"},
        {"track_id": "u"},
        {"listened_at": 1_700_000_000_001},
        {"listened_at": None},
        {"ms_played": 1_001},
        {"ms_played": None},
        {"ms_played": 0},
        {"ordinal": 1},
    ],
    ids=str,
)
def test_plays_that_differ_in_anything_are_two_events(change: dict[str, Any]) -> None:
    assert event_id_of(**A_PLAY) != event_id_of(**A_PLAY | change)


@given(st.lists(st.text(st.characters(exclude_characters="\x00", codec="utf-8")), min_size=6))
def test_fields_of_an_event_do_not_flow_into_each_other(texts: list[str]) -> None:
    plays = {
        (a, b, c) for (a, b), (_, c) in zip(pairwise(texts), pairwise(texts[1:]), strict=False)
    }
    assert len({event_id_of(*play, None, None) for play in plays}) == len(plays)


@given(event_id=st.uuids())
def test_a_uuid_is_its_own_key_in_either_case(event_id: uuid.UUID) -> None:
    assert event_key_of(str(event_id)) == event_key_of(str(event_id).upper()) == event_id.bytes


@pytest.mark.parametrize(
    "event_id",
    [
        pytest.param("", id="empty"),
        pytest.param("ジョン", id="not ASCII"),
        pytest.param("0000000000000000000000000000000a", id="without hyphens"),
        pytest.param("00000000-0000-0000-0000-00000000000g", id="not hexadecimal"),
        pytest.param("00000000-00000000-0000-0000-0000000a", id="hyphens elsewhere"),
        pytest.param("00000000-0000 0000 0000 00000000000a", id="blanks for hyphens"),
        pytest.param("00000000-0000-0000-0000-0000 000000a", id="a blank inside"),
        pytest.param("{0000000-0000-0000-0000-00000000000a", id="a brace"),
    ],
)
def test_any_other_id_is_hashed_to_16_bytes(event_id: str) -> None:
    key = event_key_of(event_id)
    assert len(key) == 16
    assert not key.startswith(bytes(4))


@given(st.sets(st.text(max_size=40), min_size=2))
def test_different_ids_have_different_keys(event_ids: set[str]) -> None:
    assert len({event_key_of(each) for each in event_ids}) == len(event_ids)
