"""Each start that a player reports is one play, whose length is what was heard of it."""

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.serving.playback import (
    JITTER_MS,
    PAUSE_MAX_MS,
    SETTLES_MS,
    SILENCE_MS,
    EndReason,
    Play,
    PlaybackState,
    PlayedTrack,
    Report,
    settled,
)

T0 = 1_780_000_000_000
LONG_AFTER = T0 + 10 * PAUSE_MAX_MS
A = PlayedTrack("a", "Nina", "Sinnerman", duration_ms=200_000)
B = PlayedTrack("b", "Nina", "Feeling Good", duration_ms=180_000)
UNKNOWN = PlayedTrack("u", "Nina", "Unknown")
TRACKS = {"a": A, "b": B, "u": UNKNOWN}


def reports(text: str, **more: object) -> list[Report]:
    """Reports such as `a starting 0 @0`: track, state, position and time in s (`?`: unknown)."""
    return [_report(each.strip(), more) for each in text.split(",")]


def _report(text: str, more: dict[str, object]) -> Report:
    track, state, position, at = text.split()
    position_ms = -1 if position == "?" else round(float(position) * 1_000)
    at_ms = T0 + round(float(at.removeprefix("@")) * 1_000)
    report = Report(at_ms, PlaybackState(state), position_ms, TRACKS[track])
    return report._replace(**more)  # type: ignore[arg-type]


def plays(said: list[Report]) -> list[Play]:
    """All plays of reports that came when they were made, long after the last one."""
    return settled({each: each.at for each in said}, LONG_AFTER).plays


def heard(said: list[Report]) -> list[tuple[str, float, str]]:
    """Track, seconds and end of each play that counts."""
    return [
        (each.track.track_id, each.ms_played / 1_000, each.reason_end)
        for each in plays(said)
        if each.counts
    ]


DONE, SKIPPED, STOPPED, EXPIRED = EndReason


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("a starting 0 @0, a playing 0 @1, a stopped 200 @201", [("a", 200, DONE)]),
        ("a starting 0 @0, a stopped 195.5 @196", [("a", 195.5, DONE)]),
        ("a starting 0 @0, a playing 0 @0, a stopped 12 @12", [("a", 12, STOPPED)]),
        (
            "a starting 0 @0, a playing 0 @0, a stopped 12 @12, b starting 0 @13, b stopped 3 @16",
            [("a", 12, SKIPPED), ("b", 3, STOPPED)],
        ),
        (
            "a starting 0 @0, a playing 0 @0, b starting 0 @7, b playing 0 @7, b stopped 180 @187",
            [("a", 7, SKIPPED), ("b", 180, DONE)],
        ),
        (
            "a starting 0 @0, a stopped 12 @12, b starting 0 @60, b stopped 30 @90",
            [("a", 12, STOPPED), ("b", 30, STOPPED)],
        ),
        ("a starting 0 @0, a playing 0 @0, a starting 0 @10, a stopped 20 @30",
         [("a", 10, STOPPED), ("a", 20, STOPPED)]),
        ("a starting 0 @0, a starting 0 @1, a stopped 20 @21", [("a", 20, STOPPED)]),
        ("a starting 0 @0, a stopped 20 @20, a stopped 20 @21", [("a", 20, STOPPED)]),
        ("a starting 0 @0, a playing 0 @0, a paused 30 @30, a playing 30 @330, a stopped 50 @350",
         [("a", 50, STOPPED)]),
        ("a starting 0 @0, a playing 0 @0, a paused 30 @30, a playing 90 @330, a stopped 99 @339",
         [("a", 39, STOPPED)]),
        ("a starting 0 @0, a playing ? @0, a paused ? @30, a playing ? @330, a stopped ? @350",
         [("a", 50, STOPPED)]),
        ("a starting 0 @0, a playing 0 @0, a playing 150 @10, a stopped 160 @20",
         [("a", 22, STOPPED)]),
        ("a starting 0 @0, a playing 0 @0, a playing 60 @60, a playing 10 @61, a stopped 20 @71",
         [("a", 71, STOPPED)]),
        ("a starting 0 @0, a playing 0 @0, a playing 190 @190, a stopped 0 @200",
         [("a", 200, DONE)]),
        ("a starting 0 @0, a playing 0 @0, a playing 60 @60, a expired 60 @80",
         [("a", 60, EXPIRED)]),
        ("a starting 0 @0, a playing 0 @0, a playing 60 @60", [("a", 60, EXPIRED)]),
        ("a starting 0 @0, a playing 0 @0, b starting 0 @9999, b stopped 20 @10019",
         [("b", 20, STOPPED)]),
        ("a starting 0 @0, a playing ? @0, a stopped ? @20", [("a", 20, STOPPED)]),
        ("a playing 3 @3, a playing 13 @13, a stopped 20 @20", [("a", 20, STOPPED)]),
        ("a playing 100 @0, a stopped 120 @20", [("a", 20, STOPPED)]),
        ("u starting 0 @0, u playing 0 @0, b starting 0 @12, b stopped 20 @32",
         [("u", 12, SKIPPED), ("b", 20, STOPPED)]),
        ("u starting 0 @0, u playing 0 @0, b starting 0 @99, b stopped 20 @119",
         [("u", 99, STOPPED), ("b", 20, STOPPED)]),
        ("a starting 0 @0, a playing 0 @0, b starting 0 @20, a stopped 20 @21, b stopped 5 @25",
         [("a", 20, SKIPPED), ("b", 5, STOPPED)]),
        ("a starting 0 @0, a playing 9 @9, b starting 0 @10, a playing 10 @11, b stopped 5 @15",
         [("a", 10, SKIPPED), ("b", 5, STOPPED)]),
        ("a starting 0 @0, b starting 0 @5, b stopped 5 @10", [("b", 5, STOPPED)]),
        ("a starting 0 @0, a stopped 0 @5", []),
        ("a stopped 20 @20", []),
        ("a paused 20 @20", []),
    ],
)  # fmt: skip
def test_a_play_is_as_long_as_what_was_heard(
    said: str, expected: list[tuple[str, float, str]]
) -> None:
    assert heard(reports(said)) == expected


def test_a_faster_rate_hears_more_in_the_same_time() -> None:
    said = reports("a starting 0 @0, a playing 0 @0, a stopped 60 @30", rate=2.0)
    assert heard(said) == [("a", 60, STOPPED)]
    assert heard([each._replace(rate=1.0) for each in said]) == [("a", 32, STOPPED)]


def test_what_a_player_calls_completed_is_done_wherever_it_was() -> None:
    said = reports("u starting 0 @0, u playing 0 @0, u stopped 0 @90")
    said[-1] = said[-1]._replace(completed=True)
    assert heard(said) == [("u", 90, DONE)]


def test_reports_for_what_plays_now_alone_are_no_play() -> None:
    assert not heard(reports("a starting 0 @0, a playing 0 @0, a stopped 99 @99", only_now=True))


def test_a_play_begins_when_it_was_started_however_long_it_paused() -> None:
    said = "a starting 0 @0, a playing 0 @2, a paused 9 @11, a playing 9 @500, a stopped 99 @590"
    assert [each.started_at for each in plays(reports(said))] == [T0]
    missing = "a playing 3 @3, a stopped 99 @99"
    assert [each.started_at for each in plays(reports(missing))] == [T0]


def test_sessions_tell_starts_apart_however_their_times_overlap() -> None:
    one = reports("a starting 0 @0, a playing 5 @5, a stopped 8 @14", session="one")
    two = reports("a starting 0 @9, a playing 5 @14, a stopped 20 @29", session="two")
    found = plays([*one, *two])
    assert [(each.session, each.ms_played) for each in found] == [("one", 8_000), ("two", 20_000)]


def test_an_ended_play_waits_for_late_reports_and_an_open_one_for_its_player() -> None:
    said = reports("a starting 0 @0, a playing 0 @0")
    received = dict.fromkeys(said, T0)
    open_until = T0 + A.duration_ms + SILENCE_MS
    assert settled(received, open_until - 1) == ([], [], 0, open_until)
    assert len(settled(received, open_until).plays) == 1
    stop = reports("a stopped 20 @20")[0]
    received[stop] = T0 + 20_000
    waits_until = T0 + 20_000 + SETTLES_MS
    assert settled(received, waits_until - 1) == ([], [], 0, waits_until)
    found = settled(received, waits_until)
    assert (len(found.plays), set(found.done), found.until) == (1, set(received), stop.at)
    assert found.due_at is None


def test_the_next_start_settles_a_play_and_keeps_its_own_reports() -> None:
    said = reports("a starting 0 @0, a playing 0 @0, b starting 0 @20, b playing 0 @20")
    received = {each: each.at for each in said}
    found = settled(received, T0 + 20_000 + SETTLES_MS)
    assert [each.track for each in found.plays] == [A]
    assert set(found.done) == set(said[:2])
    assert found.until == said[2].at - 1
    assert found.due_at == T0 + 20_000 + B.duration_ms + SILENCE_MS


def test_an_end_without_a_start_waits_for_it_and_is_forgotten_in_the_end() -> None:
    stop, start = reports("a stopped 20 @20")[0], reports("a starting 0 @0")[0]
    received = {stop: T0 + 20_000}
    assert settled(received, T0 + 30_000).due_at == T0 + 20_000 + PAUSE_MAX_MS
    assert settled(received, T0 + 20_000 + PAUSE_MAX_MS).done == [stop]
    both = settled({**received, start: T0 + 31_000}, T0 + 31_000 + SETTLES_MS)
    assert [each.ms_played for each in both.plays] == [20_000]


ANY = st.lists(
    st.builds(
        Report,
        at=st.integers(0, 900).map(lambda s: T0 + s * 1_000),
        state=st.sampled_from(PlaybackState),
        position_ms=st.integers(-1, 200).map(lambda s: s * 1_000 if s >= 0 else -1),
        track=st.sampled_from([A, B, UNKNOWN]),
        rate=st.sampled_from([0.5, 1.0, 2.0]),
        session=st.sampled_from(["", "one", "two"]),
    ),
    max_size=25,
)


@given(said=ANY, order=st.randoms(use_true_random=False))
def test_neither_order_nor_repetition_of_reports_changes_a_play(
    said: list[Report], order: Random
) -> None:
    shuffled = said * 2
    order.shuffle(shuffled)
    assert plays(shuffled) == plays(said)


@given(said=ANY)
def test_nothing_is_heard_faster_than_its_time_passes_and_every_report_is_used_up(
    said: list[Report],
) -> None:
    found = settled({each: each.at for each in said}, LONG_AFTER)
    assert found.due_at is None
    assert set(found.done) == set(said)
    assert len(found.done) == len(set(said))
    for play in found.plays:
        assert 0 <= play.ms_played <= 900_000 * 2 + 30_000 + len(said) * JITTER_MS
    sessions = [each.session for each in found.plays if each.session]
    assert len(sessions) == len(set(sessions))
