"""The state is a fold over the log: what counts, what is refused, when two states are equal."""

from collections import Counter
from collections.abc import Callable
from itertools import cycle
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.folding.fold import Fold, merged_changes
from streams.folding.fold_state import Count
from tests.support.learning_log import (
    BEGAN_MS,
    MINUTE_MS,
    SOURCE,
    a_batch,
    a_fold,
    a_history,
    an_event,
    batches,
    folded,
)
from topics.control_records import LogEpochStarted, SourceAdded, SourceTruncated, StrayRecord
from topics.errors import LogError
from topics.learning_batch import SourcePartition
from topics.listening_event import EventFields


def counted(fold: Fold) -> dict[str, int]:
    return {name: count for name, count in fold.counts.items() if count and name != Count.BATCHES}


def newest_of(fold: Fold, listener_id: str) -> int:
    code = fold.listeners.encode_many([listener_id])
    return int(fold.changes.newest(code)[0])


def best_of(fold: Fold, listener_id: str) -> str:
    return str(fold.ranker.recommend(listener_id, 1)[0].item)


# -- the order of the log ------------------------------------------------------------------------


def test_a_record_that_was_folded_before_changes_nothing() -> None:
    fold = folded(a_fold(), [a_batch(an_event())])
    before = fold.digest()
    assert not len(fold.apply(0, a_batch(an_event("bob"), from_offset=1)).listeners)
    assert fold.digest() == before


def test_a_hole_in_the_log_is_an_error_and_changes_nothing() -> None:
    fold = folded(a_fold(), [a_batch(an_event())])
    before = fold.digest()
    with pytest.raises(LogError, match="has no record 1; the next one is 2"):
        fold.apply(2, a_batch(an_event("bob"), from_offset=1))
    assert fold.digest() == before


# -- coverage ------------------------------------------------------------------------------------


def test_rows_that_were_covered_before_are_not_learnt_again() -> None:
    first, second, third = (an_event(track_id=name, minute=at) for at, name in enumerate("abc"))
    fold = folded(a_fold(), [a_batch(first, second), a_batch(second, third, from_offset=1)])
    assert counted(fold) == {Count.APPLIED: 3}


@pytest.mark.parametrize(("from_offset", "why"), [(3, "batches_ahead"), (0, "batches_repeated")])
def test_a_batch_that_does_not_follow_is_ignored_and_counted(from_offset: int, why: str) -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event(minute=9))])
    changed = fold.apply(1, a_batch(an_event("bob"), from_offset=from_offset))
    assert not len(changed.listeners)
    assert counted(fold) == {Count.APPLIED: 2, why: 1}


def test_a_batch_of_nothing_but_rejected_rows_moves_the_coverage() -> None:
    poison = a_batch(to_offset=4, rejected=[(at, "undecodable") for at in range(5)])
    fold = folded(a_fold(), [poison, a_batch(an_event(), from_offset=5)])
    assert counted(fold) == {Count.REJECTED: 5, Count.APPLIED: 1}


def test_offsets_that_the_source_left_empty_are_counted_as_vacant() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), to_offset=9, rejected=[(5, "undecodable")])])
    assert counted(fold) == {Count.APPLIED: 1, Count.REJECTED: 1, Count.VACANT: 8}


def test_of_a_batch_known_in_part_only_new_rejected_rows_are_counted() -> None:
    fold = folded(
        a_fold(),
        [
            a_batch(an_event(), to_offset=1, rejected=[(1, "undecodable")]),
            a_batch(to_offset=2, rejected=[(1, "undecodable"), (2, "undecodable")]),
        ],
    )
    assert counted(fold) == {Count.APPLIED: 1, Count.REJECTED: 2}


def test_every_covered_row_is_applied_rejected_or_a_duplicate() -> None:
    play = an_event()
    fold = folded(
        a_fold(),
        [
            a_batch(play, play, an_event(minute=0.5, source="lastfm"), an_event(minute=5)),
            a_batch(
                an_event(event_id=play["event_id"], minute=7),
                an_event("bob", None, kind="ERASE", minute=20),
                an_event("bob", minute=10),
                from_offset=4,
                to_offset=7,
                rejected=[(7, "invalid")],
            ),
        ],
    )
    outcomes = (Count.APPLIED, Count.REJECTED, Count.DUPLICATE)
    assert [fold.counts[each] for each in outcomes] == [3, 3, 2]
    assert sum(fold.counts[each] for each in outcomes) == fold.coverage.next[SOURCE]


def test_rows_of_a_topic_made_again_wait_until_it_is_adopted() -> None:
    again = SourcePartition(b"n" * 16, 0)
    name = "listening-events"
    fold = folded(a_fold(), [SourceAdded(SOURCE.topic_id, name), SourceAdded(again.topic_id, name)])
    folded(fold, [a_batch(an_event(), source=again)])
    assert counted(fold) == {"batches_not_adopted": 1}
    adopted = SourceAdded(again.topic_id, name, adopted=True)
    folded(fold, [adopted, a_batch(an_event(), source=again)])
    assert fold.applied == 1


def test_rows_that_the_source_lost_are_counted_as_missed() -> None:
    fold = folded(a_fold(), [SourceTruncated(SOURCE.topic_id, 0, log_start=7)])
    assert counted(fold) == {Count.MISSED: 7}
    assert folded(fold, [a_batch(an_event(), from_offset=7)]).applied == 1


def test_a_log_epoch_never_goes_back() -> None:
    assert folded(a_fold(), [LogEpochStarted(3, "cut"), LogEpochStarted(2, "old")]).log_epoch == 3


# -- duplicates ----------------------------------------------------------------------------------


def test_the_same_event_is_learnt_once() -> None:
    fold = folded(a_fold(), [a_batch(an_event()), a_batch(an_event(), from_offset=1)])
    assert counted(fold) == {Count.APPLIED: 1, Count.DUPLICATE: 1}


def test_the_same_play_under_another_id_is_learnt_once() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event(event_id="another"))])
    assert counted(fold) == {Count.APPLIED: 1, Count.DUPLICATE: 1}


@pytest.mark.parametrize(
    "change",
    [{"minute": 1}, {"track_id": "t2"}, {"ms_played": 5}, {"kind": "LOVE"}],
    ids=lambda change: next(iter(change)),
)
def test_the_same_event_id_with_other_content_is_a_conflict_and_rejected(
    change: dict[str, Any],
) -> None:
    once = an_event(event_id="one")
    fold = folded(a_fold(), [a_batch(once, an_event(**({"event_id": "one"} | change)))])
    assert counted(fold) == {Count.APPLIED: 1, Count.CONFLICT: 1, Count.REJECTED: 1}


def test_the_same_event_id_of_another_listener_is_another_event() -> None:
    fold = folded(a_fold(), [a_batch(an_event(event_id="one"), an_event("bob", event_id="one"))])
    assert counted(fold) == {Count.APPLIED: 2}


@pytest.mark.parametrize(
    ("minute", "source", "verdict"),
    [
        (1, "lastfm", Count.DUPLICATE),
        (-1, "lastfm", Count.DUPLICATE),
        (1.001, "lastfm", Count.APPLIED),
        (1, "navidrome", Count.APPLIED),
    ],
)
def test_a_play_seen_by_two_scrobblers_within_a_minute_is_learnt_once(
    minute: float, source: str, verdict: str
) -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event(minute=minute, source=source))])
    assert Counter(counted(fold)) == Counter([Count.APPLIED, verdict])


def test_a_love_beside_its_listen_is_not_a_duplicate() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event(kind="LOVE"))])
    assert counted(fold) == {Count.APPLIED: 2}


# -- listeners -----------------------------------------------------------------------------------


def test_only_listeners_with_a_new_event_have_changed() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event("bob"))])
    changed = fold.apply(1, a_batch(an_event(), an_event("cid"), from_offset=2))
    assert [fold.listeners.value(code) for code in changed.listeners.tolist()] == ["cid"]
    assert [fold.listeners.value(code) for code in fold.changes.after(0).tolist()] == ["cid"]
    assert len(fold.changes.after(-1)) == 3


def test_a_late_event_does_not_move_the_newest_time() -> None:
    fold = folded(a_fold(), [a_batch(an_event(minute=60), an_event(track_id="t2", minute=5))])
    assert fold.applied == 2
    assert newest_of(fold, "ann") == BEGAN_MS + 60 * MINUTE_MS


def habits() -> list[EventFields]:
    """Twenty others, of whom each goes on from `a` to `after-a` and from `b` to `after-b`."""
    pairs = [("a", "after-a"), ("b", "after-b")] * 10
    return [
        an_event(f"other-{at}", track, minute=step)
        for at, pair in enumerate(pairs)
        for step, track in enumerate(pair)
    ]


def test_a_late_event_does_not_move_the_context() -> None:
    taught = [a_batch(*habits())]
    live = a_batch(an_event(track_id="a", minute=600), from_offset=40)
    late = a_batch(an_event(track_id="b", minute=300), from_offset=41)
    fold = folded(a_fold("fast"), [*taught, live])
    assert best_of(fold, "ann") == "after-a"
    assert best_of(folded(fold, [late]), "ann") == "after-a"
    in_time = a_batch(an_event(track_id="b", minute=601), from_offset=42)
    assert best_of(folded(fold, [in_time]), "ann") == "after-b"


def test_a_history_behind_a_live_listener_still_teaches_what_follows_what() -> None:
    live = an_event("ann", "elsewhere", minute=100_000)
    history = [
        an_event("ann", track, minute=10 * at + step)
        for at in range(10)
        for step, track in enumerate(("a", "after-a"))
    ]
    fold = folded(a_fold("fast"), [a_batch(live, *history)])
    folded(fold, [a_batch(an_event("bob", "a", minute=100_001), from_offset=21)])
    assert best_of(fold, "bob") == "after-a"


def test_now_playing_moves_the_context_and_counts_no_play() -> None:
    fold = folded(a_fold("fast"), [a_batch(*habits())])
    plays = fold.quality.events
    now = an_event(track_id="b", kind="NOW_PLAYING", minute=600)
    folded(fold, [a_batch(now, from_offset=40)])
    assert best_of(fold, "ann") == "after-b"
    assert fold.quality.events == plays


# -- erasure -------------------------------------------------------------------------------------


def an_erasure(listener_id: str = "ann", minute: float = 100) -> EventFields:
    return an_event(listener_id, None, kind="ERASE", minute=minute)


def test_an_erased_listener_leaves_no_trace_of_their_name() -> None:
    play = an_event("ann-the-unforgotten", "t1")
    fold = folded(a_fold(), [a_batch(play, an_erasure("ann-the-unforgotten"))])
    kept = str(fold.summary()).encode() + b"".join(a.tobytes() for a in fold.state().values())
    assert b"ann-the-unforgotten" not in kept
    assert fold.listeners.code("ann-the-unforgotten") == -1


def test_an_erased_listener_is_said_so_that_their_list_goes() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event("bob"))])
    changed = fold.apply(1, a_batch(an_erasure(), from_offset=2))
    assert changed.erased == ("ann",)
    assert [fold.listeners.value(code) for code in fold.changes.after(-1).tolist()] == ["bob"]


def test_plays_from_before_an_erasure_are_refused_and_later_ones_welcome() -> None:
    late, next_day = an_event(minute=99, track_id="t2"), an_event(minute=1500)
    fold = folded(a_fold(), [a_batch(an_event(), an_erasure(), late, next_day)])
    assert counted(fold) == {
        Count.APPLIED: 3,
        Count.ERASURES: 1,
        Count.REJECTED: 1,
        Count.ERASED: 1,
    }
    assert newest_of(fold, "ann") == next_day["listened_at"]


def test_an_erasure_that_is_delivered_again_leaves_what_was_played_since() -> None:
    again, next_day = an_erasure(minute=100), an_event(minute=1_500)
    fold = folded(a_fold(), [a_batch(an_event(), again, next_day, again)])
    assert fold.listeners.code("ann") >= 0
    assert (fold.counts[Count.ERASURES], fold.counts[Count.DUPLICATE]) == (1, 1)
    assert fold.applied == 3


def test_rows_before_and_behind_an_erasure_keep_their_order_in_a_batch() -> None:
    rows = [an_event(minute=1), an_erasure(minute=2), an_event(minute=3), an_erasure(minute=4)]
    at_once = folded(a_fold(), [a_batch(*rows)])
    assert at_once.listeners.code("ann") == -1
    assert counted(at_once) == {Count.APPLIED: 4, Count.ERASURES: 2}


# -- equal states --------------------------------------------------------------------------------


def test_a_loaded_state_goes_on_like_the_one_that_was_saved() -> None:
    log = batches([*a_history(150), an_erasure("listener-3", 9_000)], 10)
    whole = folded(a_fold("fast"), log)
    half = folded(a_fold("fast"), log[:8])
    other = a_fold("fast")
    other.load(half.summary(), half.state())
    assert other.digest() == half.digest()
    assert folded(other, log[8:]).digest() == whole.digest()
    assert other.summary() == whole.summary()


def test_repetitions_in_the_log_change_nothing_but_what_is_counted() -> None:
    log = batches(a_history(60), 10)
    once = folded(a_fold("fast"), log)
    twice = folded(a_fold("fast"), [each for batch in log for each in (batch, batch)])
    assert twice.counts["batches_repeated"] == 6
    assert twice.ranker.digest() == once.ranker.digest()
    assert twice.applied == once.applied == 60


@pytest.mark.parametrize(
    "change",
    [
        lambda fold: fold.counts.update([Count.MISSED]),
        lambda fold: fold.coverage.next.update({SOURCE: 99}),
        lambda fold: fold.erasures.erase("bob", 1, 0),
        lambda fold: fold.duplicates.forget(0),
        lambda fold: fold.listeners.forget("ann"),
        lambda fold: fold.ranker.learn_one("ann", "t1"),
        lambda fold: fold.baseline.learn_one("ann", "t1"),
        lambda fold: fold.quality.ranks.__setitem__(0, 9),
        lambda fold: fold.changes.rows()["newest"].__setitem__(0, 9),
    ],
    ids=[
        *[
            "counts",
            "next",
            "erased",
            "duplicates",
            "listeners",
            "model",
            "baseline",
            "quality",
            "newest",
        ]
    ],
)
def test_a_state_that_differs_anywhere_has_another_digest(
    change: Callable[[Fold], None],
) -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event("bob"))])
    before = fold.digest()
    change(fold)
    assert fold.digest() != before


def test_asking_changes_nothing() -> None:
    fold = folded(a_fold("fast"), batches(a_history(30), 10))
    before = fold.digest()
    fold.ranker.recommend("listener-1", 20)
    fold.ranker.recommend("nobody", 20)
    fold.changes.after(-1)
    assert fold.digest() == before


RECORDS = [
    SourceAdded(SOURCE.topic_id, "listening-events"),
    *batches(a_history(60), 7),
    a_batch(an_event("ann", minute=3), from_offset=30),
    a_batch(an_event("bob", minute=4), an_erasure("listener-1"), an_event("bob"), from_offset=60),
    LogEpochStarted(7, "a test"),
    a_batch(an_erasure("listener-2"), an_erasure("listener-3"), from_offset=63),
    a_batch(to_offset=66, from_offset=65, rejected=[(65, "malformed"), (66, "malformed")]),
    *(a_batch(event, from_offset=67 + at) for at, event in enumerate(a_history(40)[20:])),
    SourceTruncated(SOURCE.topic_id, 0, 200),
    a_batch(an_event("late", minute=99), from_offset=200),
]


@given(sizes=st.lists(st.integers(1, 9), min_size=1))
def test_records_folded_together_or_one_by_one_are_the_same(sizes: list[int]) -> None:
    alone, together_, records = a_fold(), a_fold(), [*enumerate(RECORDS)]
    for size in cycle(sizes):
        if not records:
            break
        some, records = records[:size], records[size:]
        expected = merged_changes([alone.apply(*each) for each in some])
        change = together_.apply_many(some)
        for found, wanted in zip(change, expected, strict=True):
            np.testing.assert_array_equal(found, wanted)
        assert together_.digest() == alone.digest()
    assert alone.offset == len(RECORDS) - 1


def test_stray_records_are_counted_and_change_nothing_else() -> None:
    log = batches(a_history(30), 10)
    strays = [StrayRecord("x"), *log[:1], StrayRecord("y"), *log[1:]]
    found, clean = folded(a_fold(), strays), folded(a_fold(), log)
    assert found.counts.pop("stray_in_log") == 2
    assert found.counts == clean.counts
    assert found.ranker.digest() == clean.ranker.digest()
