"""The sequencer with a producer and a consumer that do as told, so that races are facts."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from faust.types import TP

from streams.agents import sequence
from streams.agents.sequence import Sequencer, SequencerIdentity
from streams.heartbeats.fold_position import FoldPosition
from streams.kafka.idempotent_producer import Report
from streams.kafka.topic_facts import Bounds
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from streams.registry.writer_schemas import WriterSchemas
from streams.sequencing import circuit_breaker
from streams.sequencing.start_positions import Cluster, Source
from tests.support.records import ARecord, a_value
from topics.catalogue import DEAD_LETTERS, LEARNING_LOG, LISTENING_EVENTS
from topics.codecs import Decoder
from topics.learning_batch import LearningBatch, SourcePartition
from topics.learning_log import decode_log_record

TOPIC_ID = b"n" * 16
PAUSE_S = 0.02
TP0 = TP("listening-events", 0)
SOURCE = Source("listening-events", TOPIC_ID, 4)


@dataclass
class Sent:
    """A record handed to the producer, not yet reported."""

    topic: str
    report: Report
    value: bytes


@dataclass
class AProducer:
    """Keeps what it is given until a test says what became of it."""

    sent: list[Sent] = field(default_factory=list)
    renewed: int = 0

    async def produce(self, topic: str, report: Report, **message: Any) -> None:
        if message.get("value") and topic == LEARNING_LOG.name and not self._is_batch(message):
            report(0)  # control records land at once
            return
        self.sent.append(Sent(topic, report, message["value"]))

    @staticmethod
    def _is_batch(message: dict[str, Any]) -> bool:
        return isinstance(decode_log_record(message["value"], 0), LearningBatch)

    def renew(self) -> None:
        self.renewed += 1

    def land(self, at: int, log_offset: int | None) -> None:
        """The broker took the record (None: it did not)."""
        self.sent[at].report(log_offset)

    @property
    def batches(self) -> list[LearningBatch]:
        """What was sent to the log."""
        values = [each.value for each in self.sent if each.topic == LEARNING_LOG.name]
        return [decode_log_record(value, 0) for value in values]  # type: ignore[misc]


@dataclass
class AMessage:
    """A chunk as Faust hands it over."""

    tp: TP
    value: list[ARecord]
    to_offset: int | None = None
    """The last offset that it covers, if that is not its last record's."""

    @property
    def offset(self) -> int:
        return self.value[-1].offset if self.to_offset is None else self.to_offset


@dataclass
class AConsumer:
    """Notes what is acknowledged."""

    acked: list[int] = field(default_factory=list)
    began_again: int = 0
    paused: set[TP] = field(default_factory=set)
    has_moved: bool = False

    def restart_from_positions(self) -> None:
        self.began_again += 1

    def is_current(self, message: AMessage) -> bool:
        return not self.has_moved

    def ack(self, message: AMessage) -> bool:
        self.acked.append(message.offset)
        return True

    def pause(self, tp: TP) -> None:
        self.paused.add(tp)

    def resume(self, tp: TP) -> None:
        self.paused.discard(tp)


class Desk:
    """A sequencer between the two."""

    def __init__(self, registry: MemorySchemaRegistry | None = None) -> None:
        self.schemas = WriterSchemas(registry)
        self.producer = AProducer()
        self.consumer = AConsumer()
        self.stopped: list[BaseException] = []
        self.now_s = 0.0
        self.sequencer = Sequencer(
            SequencerIdentity("s1", "0.1.0"),
            self.producer,  # type: ignore[arg-type]
            Decoder(LISTENING_EVENTS.contracts, self.schemas.lookup),
            self.stopped.append,
            schemas=self.schemas,
            clock=lambda: self.now_s,
        )

    async def begin(self, committed: int = 0, fold: FoldPosition | None = None) -> dict[TP, int]:
        cluster = Cluster(SOURCE, {TP0: committed}, {TP0: Bounds(0, 10_000)}, log_end=1)
        known = FoldPosition(0, {SourcePartition(TOPIC_ID, 0): committed}, {SOURCE.name: TOPIC_ID})
        return await self.sequencer.begin(self.consumer, cluster, fold or known)

    async def hear(self, first: int, last: int, *, poison: bool = False) -> None:
        """A chunk of source offsets `first` to `last`."""
        values = [b"poison" if poison else a_value(minute=-at) for at in range(first, last + 1)]
        records = [ARecord(first + at, value) for at, value in enumerate(values)]
        await self.sequencer.sequence(AMessage(TP0, records))


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A sequencer that begins its next epoch at once after a broken one, and pauses shortly."""
    monkeypatch.setattr(sequence, "BROKEN_PAUSE_FIRST_S", 0.0)
    monkeypatch.setattr(circuit_breaker, "PAUSE_FIRST_S", PAUSE_S)
    return Desk()


async def test_several_chunks_are_on_their_way_and_each_is_acknowledged_by_its_own_report(
    desk: Desk,
) -> None:
    await desk.begin()
    for first in (0, 10, 20):
        await desk.hear(first, first + 9)
    assert len(desk.producer.sent) == 3
    desk.producer.land(0, 5)
    assert desk.consumer.acked == [9]
    desk.producer.land(1, 6)
    desk.producer.land(2, 7)
    assert desk.consumer.acked == [9, 19, 29]


async def test_a_chunk_covers_the_offsets_behind_its_records_and_may_have_no_records_at_all(
    desk: Desk,
) -> None:
    await desk.begin()
    await desk.sequencer.sequence(AMessage(TP0, [ARecord(0, a_value())], to_offset=4))
    await desk.sequencer.sequence(AMessage(TP0, [], to_offset=9))
    covers = [
        (each.from_offset, each.to_offset, len(each.offsets)) for each in desk.producer.batches
    ]
    assert covers == [(0, 4, 1), (5, 9, 0)]
    desk.producer.land(0, 5)
    desk.producer.land(1, 6)
    assert desk.consumer.acked == [4, 9]


async def test_where_chunk_n_fails_and_the_next_lands_neither_is_acknowledged_and_both_come_again(
    desk: Desk,
) -> None:
    await desk.begin()
    await desk.hear(0, 9)
    await desk.hear(10, 19)
    desk.producer.land(0, None)
    desk.producer.land(1, 6)
    assert desk.consumer.acked == []
    assert desk.producer.renewed == 1

    await desk.begin()
    await desk.hear(0, 19)
    desk.producer.land(2, 7)
    assert desk.consumer.acked == [19]
    assert (desk.producer.batches[-1].from_offset, desk.producer.batches[-1].to_offset) == (0, 19)


async def test_a_partition_lost_and_regained_with_reports_in_flight_hears_none_of_them(
    desk: Desk,
) -> None:
    await desk.begin()
    await desk.hear(0, 9)
    desk.sequencer.end_epoch()
    await desk.begin()
    await desk.hear(0, 4)
    desk.producer.land(0, 5)
    assert desk.consumer.acked == []
    desk.producer.land(1, 6)
    assert desk.consumer.acked == [4]
    assert desk.producer.batches[0].assignment_epoch < desk.producer.batches[1].assignment_epoch


async def test_a_chunk_that_comes_after_its_partition_went_is_left_alone(desk: Desk) -> None:
    await desk.begin()
    desk.sequencer.end_epoch()
    await desk.hear(0, 9)
    assert desk.producer.sent == []


async def test_a_chunk_that_was_fetched_before_the_positions_moved_is_left_alone(
    desk: Desk,
) -> None:
    await desk.begin()
    desk.consumer.has_moved = True
    await desk.hear(0, 9)
    assert desk.producer.sent == []
    assert desk.sequencer.counts["stale_chunks"] == 1


async def test_a_chunk_of_nothing_but_poison_becomes_letters_and_coverage(desk: Desk) -> None:
    await desk.begin()
    await desk.hear(0, 2, poison=True)
    topics = [each.topic for each in desk.producer.sent]
    assert topics == [DEAD_LETTERS.name] * 3 + [LEARNING_LOG.name]
    [batch] = desk.producer.batches
    assert (len(batch), batch.from_offset, batch.to_offset) == (0, 0, 2)
    for at in range(4):
        assert desk.consumer.acked == []
        desk.producer.land(at, at)
    assert desk.consumer.acked == [2]


async def test_a_chunk_begins_where_the_last_one_ended_though_offsets_are_missing(
    desk: Desk,
) -> None:
    await desk.begin()
    await desk.hear(0, 9)
    await desk.hear(15, 19)
    assert [batch.from_offset for batch in desk.producer.batches] == [0, 10]


async def test_a_consumer_that_goes_back_by_itself_is_not_believed(desk: Desk) -> None:
    await desk.begin(committed=50)
    with pytest.raises(Exception, match="unexpectedly went back to 40"):
        await desk.hear(40, 60)
    assert desk.producer.sent == []


async def test_a_topic_made_anew_under_its_name_halts_until_it_is_adopted(desk: Desk) -> None:
    other = FoldPosition(0, {}, {SOURCE.name: b"o" * 16})
    await desk.begin(fold=other)
    assert desk.sequencer.status()["halted"]
    adopted = FoldPosition(1, {}, {SOURCE.name: TOPIC_ID})
    desk.sequencer.follow(adopted)
    assert not desk.sequencer.status()["halted"]
    assert desk.consumer.began_again == 1


async def test_a_log_that_lost_its_tail_is_sent_it_again(desk: Desk) -> None:
    await desk.begin()
    await desk.hear(0, 9)
    desk.producer.land(0, 5)
    assert desk.consumer.acked == [9]
    cut = FoldPosition(5, {SourcePartition(TOPIC_ID, 0): 0}, {SOURCE.name: TOPIC_ID})
    desk.sequencer.follow(cut)
    desk.sequencer.recover_lost_rows()
    assert desk.consumer.began_again == 1
    assert await desk.begin(committed=10, fold=cut) == {TP0: 0}


async def test_a_fold_that_keeps_up_makes_nothing_go_back(desk: Desk) -> None:
    await desk.begin()
    await desk.hear(0, 9)
    desk.producer.land(0, 5)
    for as_of, folded in ((4, 0), (5, 10)):
        covered = {SourcePartition(TOPIC_ID, 0): folded}
        position = FoldPosition(as_of, covered, {SOURCE.name: TOPIC_ID})
        desk.sequencer.follow(position)
        desk.sequencer.recover_lost_rows()
    assert desk.consumer.began_again == 0


async def test_a_source_whose_introduction_the_log_lost_is_introduced_again(desk: Desk) -> None:
    await desk.begin()
    nameless = FoldPosition(1, {SourcePartition(TOPIC_ID, 0): 0}, {})
    desk.sequencer.follow(nameless)
    desk.sequencer.recover_lost_rows()
    assert desk.consumer.began_again == 1
    await desk.begin(fold=nameless)
    desk.sequencer.follow(FoldPosition(2, {}, {SOURCE.name: TOPIC_ID}))
    desk.sequencer.recover_lost_rows()
    assert desk.consumer.began_again == 1


async def test_too_much_poison_holds_its_partition_and_skips_no_row(desk: Desk) -> None:
    await desk.begin()
    await desk.hear(0, 199, poison=True)
    assert desk.consumer.paused == {TP0}
    await desk.hear(200, 209)
    assert desk.producer.batches[-1].to_offset == 199
    desk.now_s += PAUSE_S
    await asyncio.sleep(2 * PAUSE_S)
    assert desk.producer.batches[-1].to_offset == 209
    assert desk.consumer.paused == set()


async def test_a_partition_whose_timer_came_too_early_goes_on_all_the_same(desk: Desk) -> None:
    await desk.begin()
    await desk.hear(0, 199, poison=True)
    await desk.hear(200, 209)
    desk.now_s += PAUSE_S - 0.0003  # a timer of whole milliseconds
    await asyncio.sleep(2 * PAUSE_S)
    assert desk.consumer.paused == {TP0}
    desk.now_s += 0.0003
    await asyncio.sleep(2 * PAUSE_S)
    assert desk.producer.batches[-1].to_offset == 209
    assert desk.consumer.paused == set()


async def test_an_epoch_that_ends_in_a_pause_leaves_no_partition_held_and_no_timer(
    desk: Desk,
) -> None:
    await desk.begin()
    await desk.hear(0, 199, poison=True)
    await desk.hear(200, 209)
    desk.sequencer.end_epoch()
    assert desk.consumer.paused == set()
    desk.now_s += PAUSE_S
    await asyncio.sleep(2 * PAUSE_S)
    assert desk.producer.batches[-1].to_offset == 199


async def test_rows_in_a_wrong_partition_are_counted_and_sequenced(desk: Desk) -> None:
    await desk.begin()
    values = [a_value(listener_id=f"listener-{at}") for at in range(40)]
    records = [ARecord(at, value) for at, value in enumerate(values)]
    await desk.sequencer.sequence(AMessage(TP0, records))
    assert 0 < desk.sequencer.counts["misplaced"] < 40
    assert desk.sequencer.counts["rows"] == 40


async def test_a_report_that_cannot_be_understood_stops_the_worker(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.begin()
    await desk.hear(0, 9)

    def fails(_: AMessage) -> bool:
        raise RuntimeError("what is this")

    monkeypatch.setattr(desk.consumer, "ack", fails)
    desk.producer.land(0, 5)
    assert [str(error) for error in desk.stopped] == ["what is this"]
