"""The verdict itself: it reports events that are lost, doubled, changed or out of order."""

from collections.abc import Callable

import pytest

from streams.sequencing.batching import BatchOrigin, batches_of
from streams.sequencing.validation import accept
from tests.support.learning_log import SOURCE
from tests.support.naive_fold import NaiveFold
from tests.support.records import ARecord
from tests.support.verdict import check_acknowledged, check_applied, rows_of
from tests.support.workload import Delivery, Rates, What, Workload
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder
from topics.control_records import SourceAdded
from topics.learning_log import LogRecord, decode_log_record

EVENTS = 400
NOW_MS = 1_800_000_000_000
Deliveries = list[Delivery]


def a_log(delivered: Deliveries) -> list[LogRecord]:
    """The log of these deliveries, in batches of 50."""
    records = [ARecord(at, each.value, timestamp=NOW_MS) for at, each in enumerate(delivered)]
    log: list[LogRecord] = [SourceAdded(SOURCE.topic_id, "listening-events")]
    for start in range(0, len(records), 50):
        chunk = records[start : start + 50]
        accepted = accept(chunk, Decoder(LISTENING_EVENTS.contracts))
        origin = BatchOrigin(SOURCE, 1, "me", "1")
        for value in batches_of(accepted, origin, start, chunk[-1].offset):
            log.append(decode_log_record(value, len(log)))
    return log


def judge(delivered: Deliveries, log: list[LogRecord]) -> None:
    """The verdict of a fault test on a log that should contain the delivered events."""
    acknowledged = {(0, at): delivery for at, delivery in enumerate(delivered)}
    check_acknowledged(acknowledged, rows_of(log))
    check_applied(acknowledged, NaiveFold({"model": "popularity"}, 1_024).fold(log))


@pytest.fixture
def delivered() -> Deliveries:
    """A workload with every kind of record."""
    deliveries = [*Workload(1, listeners=20).take(EVENTS)]
    assert {each.what for each in deliveries} == set(What)
    return deliveries


def test_a_log_that_holds_all_of_it_is_fine(delivered: Deliveries) -> None:
    judge(delivered, a_log(delivered))


def test_a_workload_follows_from_its_seed() -> None:
    assert [*Workload(5).take(300)] == [*Workload(5).take(300)]
    assert [*Workload(5).take(300)] != [*Workload(6).take(300)]


def without_the_end(log: list[LogRecord]) -> list[LogRecord]:
    return log[:-1]


def without_a_batch(log: list[LogRecord]) -> list[LogRecord]:
    return [*log[:3], *log[4:]]


@pytest.mark.parametrize(
    ("change", "word"), [(without_the_end, "LOST"), (without_a_batch, "is missing before")]
)
def test_lost_events_are_named(
    delivered: Deliveries, change: Callable[[list[LogRecord]], list[LogRecord]], word: str
) -> None:
    with pytest.raises(AssertionError, match=word):
        judge(delivered, change(a_log(delivered)))


def test_an_event_that_the_log_holds_as_another_one_is_named(delivered: Deliveries) -> None:
    swapped = [delivered[1], delivered[0], *delivered[2:]]
    with pytest.raises(AssertionError, match="CHANGED"):
        judge(swapped, a_log(delivered))


def test_a_listeners_events_out_of_order_are_named() -> None:
    rates = Rates(again=0, near=0, late=0, poison=0)
    backwards = [*reversed([*Workload(1, listeners=20, rates=rates).take(EVENTS)])]
    with pytest.raises(AssertionError, match="OUT OF ORDER"):
        judge(backwards, a_log(backwards))


def test_a_play_that_counts_twice_is_named(delivered: Deliveries) -> None:
    log = a_log(delivered)
    naive = NaiveFold({"model": "popularity"}, 1_024).fold(log)
    naive.learnt.append(naive.learnt[-1])
    with pytest.raises(AssertionError, match="2 TIMES"):
        check_applied({(0, at): delivery for at, delivery in enumerate(delivered)}, naive)


def test_a_play_that_never_counts_is_named(delivered: Deliveries) -> None:
    naive = NaiveFold({"model": "popularity"}, 1_024).fold(a_log(delivered))
    del naive.learnt[0]
    with pytest.raises(AssertionError, match="0 TIMES"):
        check_applied({(0, at): delivery for at, delivery in enumerate(delivered)}, naive)
