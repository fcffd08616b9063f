"""From an accepted chunk to batches: contiguous coverage, each of them small enough."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.sequencing.batching import ROWS_A_BATCH_MAX, BatchOrigin, batches_of
from streams.sequencing.validation import Accepted, accept
from tests.support.learning_log import SOURCE
from tests.support.records import ARecord, a_value
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.errors import LogError
from topics.learning_batch import LearningBatch
from topics.learning_log import decode_log_record

ORIGIN = BatchOrigin(SOURCE, 3, "sequencer-1", "0.1.0")
DECODER = Decoder(LISTENING_EVENTS.contracts)


def a_chunk(good: list[bool], first: int = 0) -> Accepted:
    """A chunk of rows and poison."""
    return accept(
        [
            ARecord(first + at, a_value(minute=-at) if is_good else b"poison")
            for at, is_good in enumerate(good)
        ],
        DECODER,
    )


def decoded(accepted: Accepted, first: int, last: int, bytes_max: int) -> list[LearningBatch]:
    """The batches of a chunk, as the fold reads them."""
    found = [
        decode_log_record(value, 0)
        for value in batches_of(accepted, ORIGIN, first, last, bytes_max)
    ]
    assert all(isinstance(each, LearningBatch) for each in found)
    return found  # type: ignore[return-value]


@given(st.lists(st.booleans(), min_size=1, max_size=60), st.integers(2_000, 20_000))
def test_batches_cover_every_offset_once_whatever_is_poison_and_wherever_they_are_cut(
    good: list[bool], bytes_max: int
) -> None:
    first, last = 100, 100 + len(good) - 1
    batches = decoded(a_chunk(good, first), first, last, bytes_max)
    covered = [at for each in batches for at in range(each.from_offset, each.to_offset + 1)]
    assert covered == list(range(first, last + 1))
    rows = [int(at) for each in batches for at in each.offsets]
    assert rows == [first + at for at, is_good in enumerate(good) if is_good]
    rejected = [at for each in batches for at, _ in each.rejected]
    assert rejected == [first + at for at, is_good in enumerate(good) if not is_good]


def test_a_chunk_of_nothing_but_poison_still_moves_the_coverage() -> None:
    [batch] = decoded(a_chunk([False] * 5), 0, 4, 10**6)
    assert (len(batch), batch.from_offset, batch.to_offset) == (0, 0, 4)


def test_a_chunk_that_ends_in_poison_covers_the_poison() -> None:
    [batch] = decoded(a_chunk([True, False]), 0, 1, 10**6)
    assert (batch.to_offset, batch.rejected) == (1, [(1, "bad_magic")])


def test_offsets_between_chunks_that_hold_no_record_are_covered() -> None:
    [batch] = decoded(a_chunk([True], first=7), 3, 7, 10**6)
    assert (batch.from_offset, batch.offsets.tolist()) == (3, [7])


def test_a_batch_has_no_more_rows_than_its_limit() -> None:
    batches = decoded(a_chunk([True] * (ROWS_A_BATCH_MAX + 1)), 0, ROWS_A_BATCH_MAX, 10**9)
    assert len(batches) > 1
    assert sum(map(len, batches)) == ROWS_A_BATCH_MAX + 1
    assert max(map(len, batches)) <= ROWS_A_BATCH_MAX


def test_every_encoded_batch_is_within_the_size_limit() -> None:
    values = batches_of(a_chunk([True] * 100), ORIGIN, 0, 99, 4_000)
    assert max(map(len, values)) <= 4_000


def test_an_event_that_can_never_fit_says_what_to_raise() -> None:
    with pytest.raises(LogError, match=r"max\.message\.bytes"):
        list(batches_of(a_chunk([True]), ORIGIN, 0, 0, 10))
