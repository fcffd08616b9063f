"""Two scrobblers report one player: what counts once, what each masks, and how it is unmasked."""

import pytest

from streams.folding.fold import Fold
from streams.folding.fold_state import Count
from streams.folding.masked_plays import OTHERS, SHOWN_MAX
from tests.support.learning_log import a_batch, a_fold, an_event, folded
from topics.listening_event import EventFields

SECOND = 1 / 60
SONG_MS, SHORT_MS, LONG_MS = 210_000, 44_000, 3_600_000


def after(*events: EventFields) -> Fold:
    return folded(a_fold(), [a_batch(*events)])


def played(second: float, source: str = "navidrome", **more: object) -> EventFields:
    return an_event(minute=second * SECOND, source=source, **more)


@pytest.mark.parametrize(
    ("lengths_ms", "apart_s", "applied"),
    [
        pytest.param((None, None), 60, 1, id="a minute, where no length is known"),
        pytest.param((None, None), 61, 2, id="more than a minute, where no length is known"),
        pytest.param((SHORT_MS, SHORT_MS), 23, 1, id="half of a short track"),
        pytest.param((SHORT_MS, SHORT_MS), 60, 1, id="a minute, for a short track, too"),
        pytest.param((SHORT_MS, SHORT_MS), 61, 2, id="more than a minute, for a short track"),
        pytest.param((SONG_MS, None), 105, 1, id="half of a track whose length the first knows"),
        pytest.param((None, SONG_MS), 105, 1, id="half of a track whose length the second knows"),
        pytest.param((SONG_MS, SONG_MS), 211, 1, id="start and end, cut to seconds"),
        pytest.param((SONG_MS, SONG_MS), 216, 2, id="longer than the track"),
        pytest.param((SHORT_MS, SONG_MS), 211, 1, id="the longer of two lengths"),
        pytest.param((LONG_MS, LONG_MS), 600, 1, id="ten minutes of an hour"),
        pytest.param((LONG_MS, LONG_MS), 601, 2, id="more than ten minutes of an hour"),
        pytest.param((0, 0), 61, 2, id="a length of nothing"),
    ],
)
@pytest.mark.parametrize("sign", [1, -1], ids=["later", "earlier"])
def test_a_play_from_another_source_within_the_length_of_the_track_is_the_same_one(
    lengths_ms: tuple[int | None, int | None], apart_s: int, applied: int, sign: int
) -> None:
    one, other = lengths_ms
    fold = after(
        played(0, duration_ms=one), played(sign * apart_s, "rescrobbled", duration_ms=other)
    )
    assert fold.applied == applied
    assert fold.counts[Count.DUPLICATE] == 2 - applied
    assert fold.masked.by_source() == ({} if applied == 2 else {"rescrobbled": 1})


@pytest.mark.parametrize("length_ms", [None, SHORT_MS, SONG_MS, LONG_MS])
def test_a_short_track_on_repeat_of_one_source_counts_each_time(length_ms: int | None) -> None:
    assert after(*(played(44 * at, duration_ms=length_ms) for at in range(5))).applied == 5


def test_a_play_masks_one_play_of_each_other_source() -> None:
    fold = after(
        played(0),
        played(10, "lastfm"),
        played(20, "rescrobbled"),
        played(30, "lastfm"),
    )
    assert fold.applied == 2
    assert fold.masked.by_source() == {"lastfm": 1, "rescrobbled": 1}


def test_a_masked_play_moves_to_another_masker_if_that_leaves_room() -> None:
    later, earlier, first = played(61, "lastfm"), played(31, "lastfm"), played(1, "lastfm")
    fold = after(played(0), played(30), played(60), later, earlier, first)
    assert (fold.applied, fold.masked.by_source()) == (3, {"lastfm": 3})


def test_two_plays_of_one_source_at_one_time_are_one_even_if_another_source_masks_it() -> None:
    twice = (played(20, "lastfm"), played(20, "lastfm", event_id="another"))
    fold = after(played(0), *twice)
    assert (fold.applied, fold.masked.by_source()) == (1, {"lastfm": 1})


def test_another_listeners_play_is_never_the_same_one() -> None:
    fold = after(played(0), an_event("bob", minute=0.5, source="lastfm"))
    assert fold.applied == 2


# -- KEEP ------------------------------------------------------------------------------------------

MASKED = played(105, "rescrobbled", duration_ms=SONG_MS)
KEPT = {**MASKED, "kind": "KEEP", "event_id": "keep it"}


def test_a_masked_play_counts_from_its_keep_on() -> None:
    fold = after(played(0, duration_ms=SONG_MS), MASKED)
    changed = fold.apply(1, a_batch(KEPT, from_offset=2))
    assert len(changed.listeners) == 1
    assert fold.quality.state()["plays"].tolist()[0] == 2
    assert (fold.applied, fold.masked.by_source()) == (2, {})


@pytest.mark.parametrize(
    "again",
    [KEPT, {**KEPT, "event_id": "once more"}, MASKED, {**MASKED, "event_id": "sent anew"}],
    ids=["the keep", "another keep", "the play", "the play under another id"],
)
def test_what_was_kept_counts_once_whatever_comes_again(again: EventFields) -> None:
    fold = after(played(0, duration_ms=SONG_MS), MASKED, KEPT, again)
    assert (fold.applied, fold.masked.by_source()) == (2, {})


def test_a_keep_of_a_play_that_counts_changes_nothing() -> None:
    fold = after(played(0), {**played(0), "kind": "KEEP", "event_id": "keep it"})
    assert (fold.applied, fold.counts[Count.DUPLICATE]) == (1, 1)


def test_a_keep_whose_play_the_window_forgot_counts_as_a_play() -> None:
    assert after(played(0, duration_ms=SONG_MS), KEPT).applied == 2


def test_the_masker_of_a_kept_play_may_mask_the_next_one_of_that_source() -> None:
    fold = after(played(0, duration_ms=SONG_MS), MASKED, KEPT, played(3, "rescrobbled"))
    assert (fold.applied, fold.masked.by_source()) == (2, {"rescrobbled": 1})


def test_a_keep_from_before_an_erasure_is_refused() -> None:
    erase = an_event(track_id=None, kind="ERASE", minute=60)
    fold = after(played(0, duration_ms=SONG_MS), MASKED, erase, KEPT)
    assert fold.counts[Count.ERASED] == 1


# -- counts and snapshots --------------------------------------------------------------------------


def test_sources_beyond_a_bound_are_counted_together() -> None:
    fold = after(played(0), *(played(1, f"s{at}") for at in range(SHOWN_MAX + 3)))
    found = fold.masked.by_source()
    assert len(found) == SHOWN_MAX + 1
    assert found[OTHERS] == 3


def test_a_loaded_state_goes_on_as_the_saved_one() -> None:
    events = [played(0, duration_ms=SONG_MS), MASKED, played(30, "lastfm")]
    saved, loaded = after(*events), a_fold()
    loaded.load(saved.summary(), saved.state())
    assert loaded.digest() == saved.digest()
    rest = a_batch(KEPT, played(104, "lastfm"), from_offset=3)
    assert loaded.apply(1, rest).appended_at.tolist() == saved.apply(1, rest).appended_at.tolist()
    assert loaded.digest() == saved.digest()
    assert (loaded.applied, loaded.masked.by_source()) == (2, {"lastfm": 2})
