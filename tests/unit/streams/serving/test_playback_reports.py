"""Reports are read as templates of webhooks write them, and what is wrong is named."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serving.playback import EndReason, Play, PlaybackState, PlayedTrack, Report
from streams.serving.playback_events import event_of_play
from streams.serving.playback_reports import listen_of, packed, report_of, unpacked
from streams.serving.submissions import SubmissionError
from topics.identity import track_id_of
from topics.listening_event import EARLIEST_LISTENED_AT_MS

NOW_MS = 1_790_000_000_000
MBID = "00000000-0000-4000-8000-000000000001"
TRACK = {"artist_name": "Nina Simone", "track_name": "Sinnerman"}
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=12,
)


def read(**more: Any) -> Report:
    """The report of a body with `more`."""
    return report_of({"state": "playing", "track": TRACK, **more}, NOW_MS)[1]


def test_a_report_needs_a_state_and_the_names_of_a_track_and_nothing_else() -> None:
    player, report = report_of({"state": "playing", "track": TRACK}, NOW_MS)
    track = PlayedTrack(track_id_of(*TRACK.values()) or "", *TRACK.values())
    assert (player, report) == ("", Report(NOW_MS, PlaybackState.PLAYING, -1, track))


def test_what_a_template_writes_as_text_and_in_ticks_is_understood() -> None:
    track = {**TRACK, "release_name": "", "duration_ticks": "6190000000", "recording_mbid": ""}
    report = read(state="Stopped", position_ticks="1234567", completed="True", track=track)
    assert report.state is PlaybackState.STOPPED
    assert (report.position_ms, report.track.duration_ms) == (123, 619_000)
    assert report.completed
    assert report.track.recording_mbid == ""


@pytest.mark.parametrize(
    "at",
    [1_780_000_000_000, "1780000000000", "2026-05-28T20:26:40Z", "2026-05-28T22:26:40.000+02:00"],
)
def test_a_time_may_be_a_number_or_a_text_with_a_zone(at: Any) -> None:
    assert read(at=at).at == 1_780_000_000_000


def test_a_clock_that_is_ahead_is_taken_for_now() -> None:
    assert read(at=NOW_MS + 300_000).at == NOW_MS


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"state": "humming"}, "state"),
        ({"state": None}, "state"),
        ({"track": "Sinnerman"}, "track"),
        ({"track": {"track_name": "Sinnerman"}}, "artist_name"),
        ({"rate": 0}, "rate"),
        ({"rate": 99}, "rate"),
        ({"at": "yesterday"}, "at is"),
        ({"at": "2026-05-28T22:26:40"}, "at is"),
        ({"at": 12}, "at is"),
        ({"at": NOW_MS + 3_600_000}, "at is"),
        ({"player": "x" * 201}, "player"),
        ({"session": 5}, "session"),
        ({"client": "a\x00b"}, "client"),
    ],
)
def test_what_is_wrong_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(SubmissionError, match=named):
        read(**wrong)


@given(JSON)
def test_nothing_but_a_report_is_read_and_nothing_else_breaks(body: Any) -> None:
    with pytest.raises(SubmissionError):
        report_of(body, NOW_MS)


@given(position=JSON, rate=JSON, at=JSON, mbid=JSON, completed=JSON)
def test_any_value_of_a_field_is_read_or_refused(
    position: Any, rate: Any, at: Any, mbid: Any, completed: Any
) -> None:
    track = {**TRACK, "recording_mbid": mbid, "duration_ms": position}
    try:
        report = read(position_ms=position, rate=rate, at=at, completed=completed, track=track)
    except SubmissionError:
        return
    assert unpacked(packed(report)) == report


def test_a_report_is_kept_as_it_is() -> None:
    report = read(position_ms=5, rate=1.5, session="s", client="c", ignore_scrobble=True)
    assert unpacked(packed(report)) == report
    assert packed(report) == packed(unpacked(packed(report)))
    assert orjson.loads(packed(report))


def test_what_plays_now_has_the_names_of_the_report() -> None:
    report = read(track={**TRACK, "duration_ms": 619_000, "recording_mbid": MBID}, client="tempo")
    listen = listen_of(report)
    assert (listen.artist_name, listen.track_name) == tuple(TRACK.values())
    assert (listen.duration_ms, listen.recording_mbid, listen.client) == (619_000, MBID, "tempo")


def a_play(**more: Any) -> Play:
    """A play of 12 s that was skipped."""
    track = PlayedTrack("t", "Nina", "Sinnerman", "Pastel Blues", 200_000, MBID)
    play = Play(track, 1_780_000_000_000, "", "Tempo 2", 12_000, EndReason.SKIPPED, counts=True)
    return play._replace(**more)


def test_an_event_says_how_much_was_heard_and_that_it_was_skipped() -> None:
    event = event_of_play("ada", "kitchen", a_play())
    assert (event.ms_played, event.duration_ms, event.reason_end) == (12_000, 200_000, "fwdbtn")
    assert (event.source, event.source_track_id) == ("playback:tempo-2", f"mbid:{MBID}")
    assert event.listened_at == 1_780_000_000_000


def test_the_id_of_a_play_follows_from_its_start_and_not_from_what_was_heard() -> None:
    def id_of(player: str = "kitchen", listener: str = "ada", **more: Any) -> str:
        return event_of_play(listener, player, a_play(**more)).event_id

    assert id_of() == id_of(ms_played=13_000, reason_end=EndReason.DONE, client="other")
    assert id_of(session="s") == id_of(session="s", started_at=1_780_000_000_500)
    others = [id_of(), id_of(started_at=5 * 10**11 + 10**12), id_of("bath"), id_of(listener="bob")]
    assert len({*others, id_of(session="s"), id_of(session="s2")}) == len(others) + 2


def test_a_play_that_began_before_the_earliest_time_is_an_event_of_that_time() -> None:
    track, began = read().track, EARLIEST_LISTENED_AT_MS - 30_000
    play = Play(track, began, "", "Tempo 2", 40_000, EndReason.DONE, counts=True)
    assert event_of_play("ann", "", play).listened_at == EARLIEST_LISTENED_AT_MS
