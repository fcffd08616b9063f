"""Reads which records the log rejects, and which of them were resent to their topic."""

from collections.abc import Callable, Iterator

from streams.dead_letters.letter_index import Origin, parsed_origin
from streams.folding.log_account import LogAccount
from streams.kafka.log_reader import LogReader
from streams.kafka.partition_reader import PartitionReader
from topics.catalogue import LISTENING_EVENTS

ORIGIN_HEADER = "replayed_origin"
"""Header of a resent record: the origin of the rejected one, as topic/partition/offset."""

OnOffset = Callable[[int, int], object]


def rejected_origins(kafka: str, on_offset: OnOffset) -> Iterator[Origin]:
    """Origins of all rejected records; `on_offset` is called with (offset, last offset)."""
    account = LogAccount()
    with LogReader(kafka) as reader:
        start, end = reader.bounds()
        for offset, record in reader.decoded(start, end - 1):
            counted = account.note(offset, record)
            on_offset(offset, end - 1)
            if counted is not None:
                partition = counted.batch.source.partition
                yield from ((counted.source_name, partition, at) for at, _ in counted.rejected)


def sent_origins(kafka: str, since_ms: int) -> Iterator[Origin]:
    """Origins of the records that were already resent, at or after `since_ms` (broker's clock).

    Raises `ServerError` while Kafka is unavailable.
    """
    topic = LISTENING_EVENTS.name
    with PartitionReader(kafka, "echotune-replay-reader", topic, skips_undecodable=True) as reader:
        parsed = map(parsed_origin, _sent(reader, since_ms))
        yield from (each for each in parsed if each is not None)


def _sent(reader: PartitionReader, since_ms: int) -> Iterator[str]:
    for partition in reader.partitions():
        end = reader.bounds(partition).end
        first = reader.offset_at(partition, since_ms)
        if first is not None:
            for message in reader.read(partition, first, end):
                origin = dict(message.headers() or []).get(ORIGIN_HEADER)
                if origin is not None:
                    yield str(origin, "utf-8", "replace")
