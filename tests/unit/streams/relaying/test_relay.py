"""A relay lets live listens pass that count at other services, once, and never in a circle."""

from dataclasses import replace

import pytest

from streams.listens.listen_history import Listen
from streams.relaying.relay import (
    OWN_SOURCE,
    RECENT_MAX,
    Relay,
    guard_of,
    relay_id_of,
    submission_of_listens,
)

LISTEN = Listen(
    listener_id="ada",
    event_key="k",
    track_id="t",
    listened_at=1_780_000_000_000,
    recorded_at=1_780_000_100_000,
    recording_msid="m",
    artist_name="Nina Simone",
    track_name="Sinnerman",
    duration_ms=200_000,
    source="listenbrainz:navidrome",
)
RELAY = Relay("ada@host", "ada", "http://host", "secret", since=0)


@pytest.mark.parametrize(
    ("source", "passes"),
    [
        ("listenbrainz:navidrome", True),
        ("listenbrainz", True),
        ("playback:tempo", True),
        ("listenbrainz_export", False),
        ("spotify_export", False),
        ("simulator", False),
        (OWN_SOURCE, False),
        ("", False),
    ],
)
def test_what_players_submit_passes_and_imports_do_not(source: str, passes: bool) -> None:
    assert RELAY.passes(LISTEN._replace(source=source)) is passes


def test_a_person_chooses_sources() -> None:
    only = replace(RELAY, only=("listenbrainz:navidrome", "spotify_export"))
    assert only.passes(LISTEN)
    assert only.passes(LISTEN._replace(source="spotify_export"))
    assert not only.passes(LISTEN._replace(source="listenbrainz:mpd"))
    assert not replace(RELAY, without=("listenbrainz:navidrome",)).passes(LISTEN)
    assert not replace(RELAY, only=(OWN_SOURCE,)).passes(LISTEN._replace(source=OWN_SOURCE))


@pytest.mark.parametrize(
    ("ms_played", "duration_ms", "passes"),
    [
        (None, 200_000, True),
        (100_000, 200_000, True),
        (99_999, 200_000, False),
        (240_000, 3_600_000, True),
        (200_000, None, False),
        (240_000, None, True),
        (0, 200_000, False),
    ],
)
def test_a_skip_is_no_listen_of_another_service(
    ms_played: int | None, duration_ms: int | None, passes: bool
) -> None:
    listen = LISTEN._replace(ms_played=ms_played, duration_ms=duration_ms)
    assert RELAY.passes(listen) is passes


def test_what_was_delivered_lately_and_what_has_no_name_does_not_pass() -> None:
    assert not replace(RELAY, recent=(guard_of(LISTEN),)).passes(LISTEN)
    assert replace(RELAY, recent=(guard_of(LISTEN),)).passes(LISTEN._replace(recording_msid="n"))
    assert not RELAY.passes(LISTEN._replace(artist_name=None))
    assert RECENT_MAX > 0


def test_a_submission_has_what_is_known_and_says_who_relays_it() -> None:
    listen = LISTEN._replace(ms_played=150_000, recording_mbid="b", release_name="Pastel Blues")
    assert submission_of_listens([listen, LISTEN]) == {
        "listen_type": "import",
        "payload": [
            {
                "listened_at": 1_780_000_000,
                "track_metadata": {
                    "artist_name": "Nina Simone",
                    "track_name": "Sinnerman",
                    "release_name": "Pastel Blues",
                    "additional_info": {
                        "submission_client": "EchoTune relay",
                        "original_submission_client": "navidrome",
                        "duration_ms": 200_000,
                        "duration_played": 150,
                        "recording_mbid": "b",
                    },
                },
            },
            {
                "listened_at": 1_780_000_000,
                "track_metadata": {
                    "artist_name": "Nina Simone",
                    "track_name": "Sinnerman",
                    "additional_info": {
                        "submission_client": "EchoTune relay",
                        "original_submission_client": "navidrome",
                        "duration_ms": 200_000,
                    },
                },
            },
        ],
    }


def test_a_relay_is_named_after_its_person_and_place() -> None:
    assert relay_id_of("ada", "https://api.listenbrainz.org") == "ada@api.listenbrainz.org"
    assert relay_id_of("ada", "http://h:42010/lb/1/") == "ada@h:42010/lb"
