"""Lists follow from the state alone, each listener's in exactly one shard."""

import numpy as np

from streams.folding.fold import Fold
from streams.lists.list_maker import ListMaker
from streams.lists.list_shape import ListShape
from tests.support.learning_log import a_batch, a_fold, a_history, an_event, batches, folded
from topics.control_records import LogEpochStarted
from topics.partitioning import partition_of
from topics.recommendation_list import EVERYONE


def a_maker(fold: Fold, shard: int = 0, shards: int = 1, k: int = 5) -> ListMaker:
    return ListMaker(fold, "first", shard=shard, shards=shards, shape=ListShape(k))


def everybody(fold: Fold) -> np.ndarray:
    return fold.changes.after(-1)


def test_a_list_says_who_it_is_for_and_as_of_what_it_was_made() -> None:
    fold = folded(a_fold(), [LogEpochStarted(2, "cut"), a_batch(an_event(minute=3))])
    [made] = a_maker(fold, shard=0).lists(everybody(fold))
    assert (made.listener_id, made.generation, made.shard) == ("ann", "first", 0)
    assert (made.log_epoch, made.as_of) == (2, 1)
    assert made.event_time == an_event(minute=3)["listened_at"]


def test_a_list_is_what_the_model_would_recommend() -> None:
    fold = folded(a_fold("fast"), batches(a_history(100), 10))
    for made in a_maker(fold).lists(everybody(fold)):
        ranked = fold.ranker.recommend(made.listener_id, 5)
        assert list(made.items) == ranked


def test_the_same_state_gives_the_same_bytes() -> None:
    log = batches(a_history(100), 10)
    folds = [folded(a_fold("fast"), log) for _ in range(2)]
    first, second = ([each.encoded() for each in a_maker(f).lists(everybody(f))] for f in folds)
    assert first == second


def test_a_short_catalogue_gives_a_short_list() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event(track_id="t2", minute=9))])
    [made] = a_maker(fold, k=20).lists(everybody(fold))
    assert {track_id for track_id, *_ in made.items} == {"t1", "t2"}


def test_nobody_gets_no_list() -> None:
    assert a_maker(a_fold()).lists(everybody(a_fold())) == []


def test_who_was_erased_since_they_were_asked_for_gets_no_list() -> None:
    fold = folded(a_fold(), [a_batch(an_event("ann"), an_event("bob"))])
    asked = everybody(fold)
    fold.apply(1, a_batch(an_event("ann", None, kind="ERASE", minute=9), from_offset=2))
    assert [made.listener_id for made in a_maker(fold).lists(asked)] == ["bob"]


def test_every_listener_belongs_to_exactly_one_shard() -> None:
    fold = folded(a_fold(), batches(a_history(60, listeners=30), 10))
    owned = [a_maker(fold, shard, 3).of_this_shard(everybody(fold)) for shard in range(3)]
    assert sorted(np.concatenate(owned).tolist()) == everybody(fold).tolist()
    for shard, codes in enumerate(owned):
        names = [str(fold.listeners.value(code)) for code in codes.tolist()]
        assert names
        assert {partition_of(name, 3) for name in names} == {shard}


def test_who_was_erased_since_they_changed_is_nobodys() -> None:
    fold = folded(a_fold(), [a_batch(an_event(), an_event("bob"))])
    both = everybody(fold)
    folded(fold, [a_batch(an_event("ann", None, kind="ERASE", minute=9), from_offset=2)])
    for shards in (1, 2):
        own = [a_maker(fold, shard, shards).of_this_shard(both) for shard in range(shards)]
        assert [fold.listeners.value(code) for code in np.concatenate(own)] == ["bob"]


def test_everyones_list_is_what_an_unknown_listener_would_get() -> None:
    fold = folded(a_fold("fast"), batches(a_history(100), 10))
    made = a_maker(fold).fallback_list()
    assert made.listener_id == EVERYONE
    ranked = [track_id for track_id, *_ in made.items]
    assert ranked == [each.item for each in fold.ranker.recommend("nobody", 5)]
    assert len(ranked) == 5
