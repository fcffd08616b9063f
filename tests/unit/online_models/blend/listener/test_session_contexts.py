"""Session contexts, by event time alone."""

from online_models.blend.listener import session_contexts as module
from online_models.blend.listener.session_contexts import BREAK_MS, CONTEXT, NO_CODE
from tests.support.compiled import called, records
from tests.support.rankers import MINUTE_MS, START_MS, Row, a_ranker

ANN, BOB = 0, 1
clear_context, is_late, advance, advance_late, start_playing, tracks_before = map(
    called,
    (
        module.clear_context,
        module.is_late,
        module.advance,
        module.advance_late,
        module.start_playing,
        module.tracks_before,
    ),
)


def test_the_last_three_tracks_are_known_newest_first() -> None:
    contexts = records(CONTEXT, 2)
    for track in (1, 2, 3, 4):
        advance(contexts[ANN], track, START_MS + track)
    assert tracks_before(contexts[ANN], NO_CODE) == (4, 3, 2)
    assert tracks_before(contexts[BOB], NO_CODE) == (NO_CODE, NO_CODE, NO_CODE)


def test_a_break_ends_the_session_but_the_tracks_stay_known() -> None:
    contexts = records(CONTEXT, 1)
    advance(contexts[ANN], 1, START_MS)
    advance(contexts[ANN], 2, START_MS + BREAK_MS)
    assert contexts[ANN]["linked"] == 2
    advance(contexts[ANN], 3, START_MS + 2 * BREAK_MS + 1)
    assert contexts[ANN]["linked"] == 1
    assert tracks_before(contexts[ANN], NO_CODE) == (3, 2, 1)


def test_only_what_is_older_than_the_newest_is_late() -> None:
    contexts = records(CONTEXT, 1)
    assert not is_late(contexts[ANN], 0)
    advance(contexts[ANN], 1, START_MS)
    assert is_late(contexts[ANN], START_MS - 1)
    assert not is_late(contexts[ANN], START_MS)


def test_a_late_event_does_not_move_the_context() -> None:
    contexts = records(CONTEXT, 1)
    advance(contexts[ANN], 1, START_MS)
    advance_late(contexts[ANN], 2, START_MS - 1)
    assert tracks_before(contexts[ANN], NO_CODE) == (1, NO_CODE, NO_CODE)
    assert contexts[ANN]["newest_ms"] == START_MS


def test_late_events_follow_each_other_in_order_within_half_an_hour() -> None:
    contexts = records(CONTEXT, 1)
    advance(contexts[ANN], 1, START_MS + 10**9)
    assert advance_late(contexts[ANN], 2, START_MS) == NO_CODE
    assert advance_late(contexts[ANN], 3, START_MS + BREAK_MS) == 2
    assert advance_late(contexts[ANN], 4, START_MS + 2 * BREAK_MS + 1) == NO_CODE
    assert advance_late(contexts[ANN], 5, START_MS) == NO_CODE


def test_a_playing_track_is_the_last_track_until_it_is_played() -> None:
    contexts = records(CONTEXT, 1)
    advance(contexts[ANN], 1, START_MS)
    start_playing(contexts[ANN], 2, START_MS + 1)
    assert tracks_before(contexts[ANN], NO_CODE) == (2, 1, NO_CODE)
    advance(contexts[ANN], 2, START_MS + 2)
    assert tracks_before(contexts[ANN], NO_CODE) == (2, 1, NO_CODE)


def test_a_play_does_not_follow_its_own_announcement() -> None:
    contexts = records(CONTEXT, 1)
    advance(contexts[ANN], 1, START_MS)
    start_playing(contexts[ANN], 2, START_MS + 1)
    assert tracks_before(contexts[ANN], 2) == (1, NO_CODE, NO_CODE)
    assert tracks_before(contexts[ANN], 3) == (2, 1, NO_CODE)


def test_a_late_announcement_is_ignored_and_moves_no_time() -> None:
    contexts = records(CONTEXT, 1)
    advance(contexts[ANN], 1, START_MS)
    start_playing(contexts[ANN], 2, START_MS - 1)
    assert tracks_before(contexts[ANN], NO_CODE)[0] == 1
    start_playing(contexts[ANN], 2, START_MS + 10**9)
    assert not is_late(contexts[ANN], START_MS)


def test_a_cleared_context_equals_an_unused_one_and_the_others_stay() -> None:
    contexts = records(CONTEXT, 2)
    for listener in (ANN, BOB):
        advance(contexts[listener], 1, START_MS)
        advance_late(contexts[listener], 2, START_MS - 1)
        start_playing(contexts[listener], 3, START_MS)
    clear_context(contexts[ANN])
    assert contexts[ANN] == records(CONTEXT, 1)[0]
    assert tracks_before(contexts[BOB], NO_CODE)[0] == 3


def test_a_history_imported_behind_a_live_listener_is_learnt_and_changes_no_context() -> None:
    live = [Row("ann", "live", at_ms=START_MS + 10**9)]
    imported = [
        Row("ann", item, at_ms=START_MS + at * MINUTE_MS) for at, item in enumerate("abc" * 5)
    ]
    model = a_ranker("last_transition", live + imported)
    assert model.recommend("ann", 1)[0].reason == "popular"
    taught = a_ranker("last_transition", [*live, *imported, Row("bob", "a", at_ms=START_MS)])
    best = taught.recommend("bob", 1)[0]
    assert (best.item, best.reason) == ("b", "transition")


def test_a_skip_moves_the_context_and_adds_no_shared_count() -> None:
    plays = [Row("ann", item, at_ms=START_MS + at) for at, item in enumerate("abab")]
    model = a_ranker("fast", [*plays, Row("bob", "b", y=-1.0, at_ms=START_MS)])
    assert model.recommend("bob", 1)[0].item == "a"
    assert a_ranker("fast", [Row("bob", "b", y=-1.0)]).recommend("ann") == []
