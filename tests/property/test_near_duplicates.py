"""Several scrobblers report one player: each play counts once, in whatever order reports arrive."""

import random
from collections.abc import Sequence
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from streams.folding.deduplication_window import DeduplicationWindow, Verdict
from tests.support.learning_log import BEGAN_MS, a_batch, a_fold, an_event
from tests.support.naive_fold import NaiveFold
from tests.support.window_entries import entries
from topics.listening_event import EventFields

SECOND_MS = 1_000
LISTENERS, TRACKS, SOURCES = 2, 2, ("navidrome", "lastfm", "rescrobbled")


# -- the compiled rule and its naive twin ----------------------------------------------------------


def an_event_by_chance(chance: random.Random, told: Sequence[EventFields]) -> EventFields:
    """A play among few, or a KEEP of an earlier one."""
    if told and chance.random() < 0.1:
        kept = chance.choice(told)
        return {**kept, "kind": "KEEP", "event_id": f"keep {kept['event_id']} {len(told) % 3}"}
    if told and chance.random() < 0.05:
        return chance.choice(told)
    return an_event(
        f"l{chance.randrange(LISTENERS)}",
        f"t{chance.randrange(TRACKS)}",
        chance.choice([0.25, 1, 2]) * chance.randrange(40),
        source=chance.choice(SOURCES),
        duration_ms=chance.choice([None, 44_000, 210_000, 10**7]),
        event_id=f"e{len(told)}",
    )


@given(st.integers(0, 2**32), st.sampled_from([16, 64, 1024]))
@settings(max_examples=60, deadline=None)
def test_plays_close_to_each_other_are_judged_as_by_the_naive_twin(seed: int, window: int) -> None:
    chance, told = random.Random(seed), list[EventFields]()
    for _ in range(300):
        told.append(an_event_by_chance(chance, told))
    naive = NaiveFold({"model": "popularity"}, window).fold([a_batch(*told)])
    fold = a_fold(duplicate_window=window)
    fold.apply(0, a_batch(*told))
    assert fold.summary() == naive.summary()
    assert fold.digest() == naive.digest()


# -- counts ----------------------------------------------------------------------------------------


def reports(
    plays: int, length_s: int, offsets_s: Sequence[float], jitter: random.Random
) -> list[list[tuple[Any, ...]]]:
    """For each source, the plays of one track on repeat; each source stamps them `offset` later."""
    return [
        [
            (
                1_000 * source + play,
                0,
                0,
                BEGAN_MS + int((play * length_s + offset + jitter.randrange(3)) * SECOND_MS),
                source,
                True,
                0,
                length_s * SECOND_MS,
            )
            for play in range(plays)
        ]
        for source, offset in enumerate(offsets_s)
    ]


def counted(rows: Sequence[tuple[Any, ...]]) -> int:
    verdicts = DeduplicationWindow(1024).classify(entries(rows))
    assert set(verdicts.tolist()) <= {Verdict.NEW, Verdict.MASKED}
    return int((verdicts == Verdict.NEW).sum())


def interleaved(queues: Sequence[Sequence[Any]], chance: random.Random) -> list[Any]:
    """Each queue in its order, mixed by chance."""
    places = [at for at, queue in enumerate(queues) for _ in queue]
    chance.shuffle(places)
    rest = [iter(queue) for queue in queues]
    return [next(rest[at]) for at in places]


SHARES = st.sampled_from([0.0, 0.5, 1.0])
LENGTHS = st.sampled_from([44, 105, 210, 560])


@given(st.integers(1, 8), LENGTHS, SHARES, SHARES, st.randoms(use_true_random=False))
@settings(max_examples=300, deadline=None)
def test_repeats_that_two_scrobblers_saw_count_once_each(
    plays: int, length_s: int, one: float, other: float, chance: random.Random
) -> None:
    queues = reports(plays, length_s, [one * length_s, other * length_s], chance)
    assert counted(interleaved(queues, chance)) == plays


@given(st.integers(1, 8), LENGTHS, SHARES, SHARES, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_whoever_tells_it_later_may_tell_it_in_any_order(
    plays: int, length_s: int, one: float, other: float, chance: random.Random
) -> None:
    first, later = reports(plays, length_s, [one * length_s, other * length_s], chance)
    chance.shuffle(later)
    assert counted([*first, *later]) == plays
    assert counted([*later, *first]) == plays


@given(st.integers(1, 8), LENGTHS, SHARES, st.randoms(use_true_random=False))
@settings(max_examples=200, deadline=None)
def test_what_a_scrobbler_missed_counts_by_the_other_one(
    plays: int, length_s: int, share: float, chance: random.Random
) -> None:
    whole, other = reports(plays, length_s, [0, share * length_s], chance)
    seen = [each for each in other if chance.random() < 0.6]
    assert counted(interleaved([whole, seen], chance)) == plays


@given(st.integers(1, 8), LENGTHS, st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_repeats_that_one_scrobbler_saw_count_each(
    plays: int, length_s: int, chance: random.Random
) -> None:
    [alone] = reports(plays, length_s, [0], chance)
    chance.shuffle(alone)
    assert counted(alone) == plays
