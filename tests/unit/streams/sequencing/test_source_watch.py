"""What the folds say of the source that is sequenced."""

import pytest

from streams.heartbeats.fold_position import FoldPosition
from streams.sequencing.source_watch import SourceWatch
from streams.sequencing.start_positions import Source, TopicPartition
from topics.learning_batch import SourcePartition

NEW, OLD = b"n" * 16, b"o" * 16
TP0, TP1 = TopicPartition("listening-events", 0), TopicPartition("listening-events", 1)


def a_watch() -> SourceWatch:
    """Two partitions read from 0, while the log ends at 5."""
    watch = SourceWatch()
    watch.source = Source("listening-events", NEW, 2)
    watch.begin_epoch({TP0: 0, TP1: 0}, log_end=5)
    return watch


def a_heartbeat(as_of: int, *folded: int) -> FoldPosition:
    """Folds that know the source, and its partitions up to `folded`."""
    positions = {SourcePartition(NEW, at): offset for at, offset in enumerate(folded)}
    return FoldPosition(as_of, positions, {"listening-events": NEW})


@pytest.mark.parametrize(
    ("topic_ids", "is_foreign"),
    [
        ({}, False),
        ({"another": OLD}, False),
        ({"listening-events": NEW}, False),
        ({"listening-events": OLD}, True),
    ],
)
def test_a_source_is_foreign_while_the_folds_take_another_topic_for_it(
    topic_ids: dict[str, bytes], is_foreign: bool
) -> None:
    watch = a_watch()
    watch.fold = FoldPosition(3, {}, topic_ids)
    assert watch.is_foreign is is_foreign


@pytest.mark.parametrize(
    ("as_of", "folded", "lost"),
    [
        (6, (0, 0), []),  # the folds have not come so far
        (7, (10, 0), []),
        (7, (0, 0), [TP0]),  # they went past the chunk without having seen it
        (8, (10, 0), [TP1]),
        (8, (0, 0), [TP0, TP1]),
    ],
)
def test_what_the_folds_went_past_without_seeing_it_is_lost(
    as_of: int, folded: tuple[int, int], lost: list[TopicPartition]
) -> None:
    watch = a_watch()
    watch.acknowledged(TP0, to_offset=9, log_offset=7)
    watch.acknowledged(TP1, to_offset=9, log_offset=8)
    watch.fold = a_heartbeat(as_of, *folded)
    assert watch.lost(0.0, {TP0: 10, TP1: 10}) == lost


def test_only_partitions_that_are_asked_for_are_judged() -> None:
    watch = a_watch()
    watch.acknowledged(TP0, to_offset=9, log_offset=7)
    watch.fold = a_heartbeat(8, 0, 0)
    assert watch.lost(0.0, {TP1: 0}) == []


@pytest.mark.parametrize(
    ("fold", "is_lost"),
    [
        (a_heartbeat(9), False),
        (FoldPosition(3, {}, {}), False),
        (FoldPosition(4, {}, {}), True),
    ],
)
def test_an_introduction_is_lost_once_the_folds_went_past_it_and_do_not_know_the_source(
    fold: FoldPosition, is_lost: bool
) -> None:
    watch = a_watch()
    watch.fold = fold
    assert watch.is_introduction_lost(0.0) is is_lost
