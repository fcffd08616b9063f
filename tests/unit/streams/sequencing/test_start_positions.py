"""Where a sequencer begins to read, and what the log is told before."""

import pytest
from faust.types import TP

from streams.heartbeats.fold_position import FoldPosition
from streams.kafka.topic_facts import Bounds
from streams.sequencing.start_positions import Cluster, Source, starting_positions
from topics.control_records import ControlRecord, SourceAdded, SourceTruncated
from topics.errors import LogError
from topics.learning_batch import SourcePartition

NEW, OLD = b"n" * 16, b"o" * 16
TP0 = TP("listening-events", 0)
SOURCE = Source("listening-events", NEW, 4)


class Log:
    """Remembers what was written."""

    def __init__(self) -> None:
        self.written: list[ControlRecord] = []

    async def write(self, control: ControlRecord) -> None:
        self.written.append(control)


def a_cluster(committed: int | None, start: int = 0, end: int = 1_000) -> Cluster:
    return Cluster(SOURCE, {TP0: committed}, {TP0: Bounds(start, end)}, log_end=7)


def a_fold(folded: int | None) -> FoldPosition:
    """A fold that knows the source; `folded` None: it has seen nothing of the partition."""
    known = {} if folded is None else {SourcePartition(NEW, 0): folded}
    return FoldPosition(as_of=3, next=known, topic_ids={SOURCE.name: NEW})


async def started(cluster: Cluster, fold: FoldPosition) -> tuple[int, list[ControlRecord]]:
    log = Log()
    positions = await starting_positions(cluster, fold, log.write)
    return positions[TP0], log.written


async def test_offsets_set_forward_by_hand_lose_to_what_the_fold_has_seen() -> None:
    assert await started(a_cluster(900), a_fold(100)) == (100, [])


async def test_offsets_set_back_are_read_again_and_masked_by_the_fold() -> None:
    assert await started(a_cluster(50), a_fold(100)) == (50, [])


async def test_without_any_offset_and_any_fold_a_new_source_is_read_from_its_beginning() -> None:
    assert await started(a_cluster(None), FoldPosition()) == (0, [SourceAdded(NEW, SOURCE.name)])


async def test_without_any_fold_the_committed_offset_counts() -> None:
    position, _ = await started(a_cluster(300), FoldPosition())
    assert position == 300


async def test_a_fold_that_has_seen_nothing_of_a_partition_wants_all_of_it() -> None:
    assert await started(a_cluster(300), a_fold(None)) == (0, [])


async def test_rows_that_the_source_lost_are_told_as_a_fact() -> None:
    truncated = SourceTruncated(NEW, 0, 400)
    assert await started(a_cluster(100, start=400), a_fold(100)) == (400, [truncated])


async def test_rows_that_were_folded_before_they_left_the_source_are_no_loss() -> None:
    assert await started(a_cluster(600, start=400), a_fold(600)) == (600, [])


async def test_a_topic_made_anew_is_introduced_by_its_new_id() -> None:
    fold = FoldPosition(as_of=3, next={}, topic_ids={SOURCE.name: OLD})
    _, written = await started(a_cluster(None), fold)
    assert written == [SourceAdded(NEW, SOURCE.name)]


async def test_a_source_that_ends_before_it_was_read_to_is_an_error_a_person_must_see() -> None:
    with pytest.raises(LogError, match="ends at 50, but 100 is to be read next"):
        await started(a_cluster(100, end=50), a_fold(100))
