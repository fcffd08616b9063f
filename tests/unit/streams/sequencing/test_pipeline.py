"""Which chunks may be acknowledged, and when: never one whose predecessor is not in the log."""

from hypothesis import given
from hypothesis import strategies as st

from streams.sequencing.pipeline import ChunkInFlight, Pipeline, ReportOutcome


def launched(pipeline: Pipeline, *lasts: int) -> list[ChunkInFlight]:
    """Chunks of one batch each."""
    return [pipeline.add(last, 1, f"chunk to {last}") for last in lasts]


def acknowledged(pipeline: Pipeline) -> list[int]:
    return [flight.to_offset for flight in pipeline.acknowledgeable()]


def test_chunks_are_acknowledged_in_their_order() -> None:
    pipeline = Pipeline(epoch=1, position=0)
    first, second = launched(pipeline, 9, 19)
    assert pipeline.report_batch(first, 5) is ReportOutcome.WRITTEN
    assert acknowledged(pipeline) == [9]
    assert pipeline.report_batch(second, 6) is ReportOutcome.WRITTEN
    assert acknowledged(pipeline) == [19]
    assert pipeline.next_to_acknowledge == 20


def test_each_chunk_begins_where_the_one_before_ended() -> None:
    pipeline = Pipeline(epoch=1, position=5)
    first, second = launched(pipeline, 9, 30)
    assert (first.from_offset, second.from_offset) == (5, 10)


def test_after_a_failed_report_nothing_of_the_epoch_is_acknowledged() -> None:
    pipeline = Pipeline(epoch=1, position=0)
    first, second = launched(pipeline, 9, 19)
    assert pipeline.report_batch(first, None) is ReportOutcome.BROKEN
    assert pipeline.report_batch(second, 7) is ReportOutcome.STALE
    assert acknowledged(pipeline) == []
    assert pipeline.next_to_acknowledge == 0


def test_a_chunk_waits_for_all_its_batches_and_dead_letters() -> None:
    pipeline = Pipeline(epoch=1, position=0)
    flight = pipeline.add(9, 3, "chunk")
    pipeline.report_batch(flight, 1)
    pipeline.report_letter(flight, written=True)
    assert acknowledged(pipeline) == []
    pipeline.report_batch(flight, 2)
    assert acknowledged(pipeline) == [9]


def test_a_dead_letter_that_fails_breaks_the_epoch_too() -> None:
    pipeline = Pipeline(epoch=1, position=0)
    flight = pipeline.add(9, 2, "chunk")
    assert pipeline.report_letter(flight, written=False) is ReportOutcome.BROKEN
    assert pipeline.report_batch(flight, 1) is ReportOutcome.STALE


def test_a_log_offset_that_is_not_above_the_last_one_means_that_the_log_was_cut() -> None:
    pipeline = Pipeline(epoch=1, position=0)
    first, second = launched(pipeline, 9, 19)
    pipeline.report_batch(first, 50)
    assert pipeline.report_batch(second, 50) is ReportOutcome.BROKEN
    assert acknowledged(pipeline) == []


def test_a_report_of_an_earlier_assignment_acknowledges_nothing() -> None:
    earlier = Pipeline(epoch=1, position=0)
    [flight] = launched(earlier, 9)
    regained = Pipeline(epoch=2, position=0)
    launched(regained, 9)
    assert regained.report_batch(flight, 5) is ReportOutcome.STALE
    assert regained.report_letter(flight, written=True) is ReportOutcome.STALE
    assert acknowledged(regained) == []


@given(st.lists(st.integers(1, 3), min_size=1, max_size=8), st.data())
def test_whatever_the_order_of_reports_an_acknowledged_chunk_is_whole_and_so_are_all_before_it(
    sizes: list[int], data: st.DataObject
) -> None:
    pipeline = Pipeline(epoch=1, position=0)
    in_flight = [pipeline.add(at, size, at) for at, size in enumerate(sizes)]
    waiting = [flight for flight in in_flight for _ in range(flight.reports_due)]
    log_offset, done = 0, []
    for flight in data.draw(st.permutations(waiting)):
        log_offset += data.draw(st.sampled_from([1, 1, 1, 0]))
        pipeline.report_batch(flight, log_offset)
        done += acknowledged(pipeline)
        assert done == list(range(len(done)))
        assert all(in_flight[at].reports_due == 0 for at in done)
