"""Which records the log rejects, and which of them were sent to their topic again."""

from collections.abc import Callable, Iterator

from confluent_kafka import Consumer, KafkaException, TopicPartition

from streams.dead_letters.letter_index import Origin, parsed_origin
from streams.folding.log_account import LogAccount
from streams.kafka.client_settings import client_settings
from streams.kafka.log_reader import LogReader
from streams.kafka.partition_reader import each_message, is_end
from topics.catalogue import LISTENING_EVENTS
from topics.errors import ServerError
from topics.learning_log import decode_log_record

ORIGIN_HEADER = "replayed_origin"
"""Of a record that was sent again: where it was rejected, as topic/partition/offset."""
_TIMEOUT_S = 10.0

OnOffset = Callable[[int, int], object]


def rejected_origins(kafka: str, on_offset: OnOffset) -> Iterator[Origin]:
    """Origins of all that the log rejects; `on_offset` gets (offset, last offset) on the way."""
    account = LogAccount()
    with LogReader(kafka) as reader:
        start, end = reader.bounds()
        for offset, value in reader.records(start, end - 1):
            counted = account.note(offset, decode_log_record(value, offset))
            on_offset(offset, end - 1)
            if counted is not None:
                partition = counted.batch.source.partition
                yield from ((counted.source_name, partition, at) for at, _ in counted.rejected)


def sent_origins(kafka: str, since_ms: int) -> Iterator[Origin]:
    """Origins of what was replayed already, all of it after `since_ms` by the broker's clock."""
    consumer = Consumer(
        client_settings(kafka)
        | {
            "group.id": "echotune-replay-reader",
            "enable.auto.commit": False,
            "auto.offset.reset": "error",
            "enable.partition.eof": True,
        }
    )
    try:
        told = map(parsed_origin, _sent(consumer, since_ms))
        yield from (each for each in told if each is not None)
    except KafkaException as error:
        raise ServerError(
            f"{LISTENING_EVENTS.name} cannot be read: {error}.", "Is Kafka up?"
        ) from (error)
    finally:
        consumer.close()


def _sent(consumer: Consumer, since_ms: int) -> Iterator[str]:
    topic = consumer.list_topics(LISTENING_EVENTS.name, timeout=_TIMEOUT_S)
    for partition in topic.topics[LISTENING_EVENTS.name].partitions:
        place = TopicPartition(LISTENING_EVENTS.name, partition, since_ms)
        _, end = consumer.get_watermark_offsets(place, timeout=_TIMEOUT_S)
        [first] = consumer.offsets_for_times([place], timeout=_TIMEOUT_S)
        if 0 <= first.offset < end:
            yield from _origins_between(consumer, first, end)


def _origins_between(consumer: Consumer, first: TopicPartition, end: int) -> Iterator[str]:
    consumer.assign([first])
    for message in each_message(consumer):
        if is_end(message):
            if message.partition() == first.partition:
                return  # before `end`, where the marker of a transaction is the last record
            continue
        origin = dict(message.headers() or []).get(ORIGIN_HEADER)
        if origin is not None:
            yield str(origin, "utf-8", "replace")
        if message.offset() + 1 >= end:
            return
