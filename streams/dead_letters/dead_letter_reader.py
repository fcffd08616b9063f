"""Reads dead letters for people."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from confluent_kafka import Message

from streams.kafka.partition_reader import PartitionReader
from topics.catalogue import DEAD_LETTERS

SHOWN_MAX, INDEXED_MAX = 100_000, 1_000_000
"""So many of the newest are looked at, by people and by what keeps some bytes of each."""


@dataclass(frozen=True)
class DeadLetter:
    """A rejected record: its bytes unchanged, and what its headers say."""

    headers: dict[str, str]
    value: bytes | None
    rejected_at: int
    """When it was written, ms."""

    @property
    def origin(self) -> str:
        """Where it came from: topic/partition/offset."""
        return "/".join(
            self.headers.get(f"origin_{part}", "?") for part in ("topic", "partition", "offset")
        )

    @property
    def recorded_at(self) -> int:
        """When the broker got what was rejected, ms; 0 where the letter does not say."""
        told = self.headers.get("origin_timestamp", "")
        return int(told) if told.isdecimal() else 0

    @property
    def reason(self) -> str:
        """Name of the reason."""
        return self.headers.get("reason", "?")

    @property
    def error(self) -> str:
        """What is wrong in words."""
        return self.headers.get("error", "")

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names, without the bytes."""
        size = None if self.value is None else len(self.value)
        return {"origin": self.origin, **self.headers, "bytes": size, "at": self.rejected_at}


def dead_letters(kafka: str, last: int = SHOWN_MAX) -> list[DeadLetter]:
    """The newest `last` dead letters, oldest first; raises `ServerError` while Kafka is away."""
    return newest_of(each_letter(kafka, last), last)


def newest_of(letters: Iterable[DeadLetter], last: int) -> list[DeadLetter]:
    """The newest `last` of `letters`, oldest first; no more than those are held at once."""
    in_order = enumerate(letters)
    found = nlargest(last, in_order, key=lambda each: (each[1].rejected_at, each[0]))
    return [letter for _, letter in reversed(found)]


def each_letter(kafka: str, last: int) -> Iterator[DeadLetter]:
    """The newest `last` dead letters of each partition, one partition after the other.

    Raises `ServerError` while Kafka is away.
    """
    group = "echotune-dead-letter-reader"
    with PartitionReader(kafka, group, DEAD_LETTERS.name, skips_deleted=True) as reader:
        for partition in reader.partitions():
            start, end = reader.bounds(partition)
            yield from map(_letter, reader.read(partition, max(start, end - last), end))


def _letter(message: Message) -> DeadLetter:
    headers = {name: (value or b"").decode(errors="replace") for name, value in _headers(message)}
    return DeadLetter(headers, message.value(), message.timestamp()[1])


def _headers(message: Message) -> list[tuple[str, bytes | None]]:
    return list(message.headers() or [])
