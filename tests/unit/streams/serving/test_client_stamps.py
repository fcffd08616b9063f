"""Clients say when a play was in their own ways; what begins here is always its start."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serving.client_stamps import (
    NO_LENGTH_BELOW_MS,
    Stamp,
    client_stamps,
    known_duration_ms,
    stamp_of,
    start_ms,
)
from topics.errors import SettingsError
from topics.listening_event import PLAY_LENGTH_MAX_MS

START, HALF, END = Stamp
AT_MS = 1_760_000_400_000
ANYTHING = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


@pytest.mark.parametrize(
    ("said", "stamp"),
    [
        (("Mopidy-Listenbrainz", "Mopidy", "Mopidy-Listenbrainz/0.3.0 Mopidy/3.4.1"), END),
        ((None, None, "Mopidy-Listenbrainz/0.3.0 Mopidy/3.4.1 CPython/3.11.2"), END),
        ((None, "Mopidy", None), END),
        (("listenbrainz-mpd", "Mopidy", None), START),
        ((None, None, "attohttpc/0.28.5"), HALF),
        (("", "", "attohttpc/0.28.5"), HALF),
        (("a client of its own", None, "attohttpc/0.28.5"), START),
        (("rescrobbled", "Spotify", None), HALF),
        (("mopidyish", None, None), START),
        (("listenbrainz-mpd", "MPD", "listenbrainz-mpd/2.6.0"), START),
        ((None, "Supysonic", "python-requests/2.34.2"), START),
        ((None, None, None), START),
        ((7, ["Mopidy"], {"Mopidy": 1}), START),
    ],
)
def test_who_a_client_is_says_which_moment_it_stamps(
    said: tuple[Any, Any, Any], stamp: Stamp
) -> None:
    assert stamp_of(*said) is stamp


def test_a_setting_changes_the_table_and_adds_to_it() -> None:
    table = client_stamps(" Mopidy = START ,kodi=end,, listenbrainz-mpd=half")
    assert stamp_of("Mopidy-Listenbrainz", "Mopidy", None, table) is START
    assert stamp_of("kodi", None, None, table) is END
    assert stamp_of("listenbrainz-mpd", None, None, table) is HALF
    assert stamp_of(None, None, "attohttpc/0.28.5", table) is HALF
    assert stamp_of(None, None, "attohttpc/0.28.5", client_stamps("rescrobbled=end")) is END


def test_of_two_names_the_longer_one_counts() -> None:
    table = client_stamps("mopidy-scrobbler=half")
    assert stamp_of("Mopidy-Scrobbler 2", None, None, table) is HALF
    assert stamp_of("Mopidy-Listenbrainz", None, None, table) is END


@pytest.mark.parametrize("wrong", ["mopidy", "mopidy=middle", "=end", "mopidy=end,x"])
def test_a_setting_that_cannot_be_read_is_an_error_with_a_remedy(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"ECHOTUNE_CLIENT_STAMPS") as raised:
        client_stamps(wrong)
    assert "mopidy=end,rescrobbled=half" in raised.value.remedy


@pytest.mark.parametrize(
    ("duration_ms", "stamp", "before_ms"),
    [
        (210_000, START, 0),
        (210_000, HALF, 105_000),
        (210_000, END, 210_000),
        (44_000, HALF, 22_000),
        (3_600_000, HALF, 240_000),
        (3_600_000, END, 3_600_000),
        (None, HALF, 0),
        (None, END, 0),
    ],
)
def test_a_play_began_so_long_before_its_stamp(
    duration_ms: int | None, stamp: Stamp, before_ms: int
) -> None:
    assert start_ms(AT_MS, duration_ms, stamp) == AT_MS - before_ms


@pytest.mark.parametrize(
    ("duration", "duration_ms", "media_player", "known"),
    [
        pytest.param(None, 210_000, "MPD", 210_000, id="milliseconds"),
        pytest.param(210, None, None, 210_000, id="seconds"),
        pytest.param(210.4996, None, None, 210_500, id="a fraction of seconds"),
        pytest.param("210", None, None, 210_000, id="seconds as a text"),
        pytest.param(None, "210000", None, 210_000, id="milliseconds as a text"),
        pytest.param(1, 210_000, None, 210_000, id="both: milliseconds"),
        pytest.param(None, 40, "Supysonic", 40_000, id="seconds of Supysonic"),
        pytest.param(None, 3_599, "Supysonic", 3_599_000, id="an hour of Supysonic, nearly"),
        pytest.param(None, 210_000, "Supysonic", 210_000, id="milliseconds of Supysonic"),
        pytest.param(None, 40, "MPD", None, id="too short for milliseconds"),
        pytest.param(40, 40, "MPD", 40_000, id="too short for milliseconds beside seconds"),
        pytest.param(None, NO_LENGTH_BELOW_MS, "MPD", NO_LENGTH_BELOW_MS, id="the shortest"),
        pytest.param(None, 40.5, "MPD", 40, id="short, but measured"),
        pytest.param(0, 0, None, None, id="nothing"),
        pytest.param(-3, -210_000, None, None, id="less than nothing"),
        pytest.param(None, PLAY_LENGTH_MAX_MS, None, PLAY_LENGTH_MAX_MS, id="24 days"),
        pytest.param(None, PLAY_LENGTH_MAX_MS + 1, None, None, id="more than 24 days"),
        pytest.param(float("nan"), float("inf"), None, None, id="no numbers"),
        pytest.param("3:30", "long", None, None, id="other texts"),
        pytest.param(True, [210_000], None, None, id="other types"),
        pytest.param(None, 10**400, None, None, id="too large for a float"),
    ],
)
def test_a_length_is_known_or_none(
    duration: Any, duration_ms: Any, media_player: str | None, known: int | None
) -> None:
    assert known_duration_ms(duration, duration_ms, media_player) == known


@given(ANYTHING, ANYTHING, ANYTHING)
def test_whatever_is_sent_is_a_length_within_bounds_or_unknown(
    duration: Any, duration_ms: Any, media_player: Any
) -> None:
    known = known_duration_ms(duration, duration_ms, media_player)
    assert known is None or 0 < known <= PLAY_LENGTH_MAX_MS
    assert stamp_of(duration, duration_ms, media_player) in Stamp
