"""Reads the topic of dead letters."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import nlargest
from typing import Any

from confluent_kafka import Message

from streams.kafka.partition_reader import PartitionReader
from topics.catalogue import DEAD_LETTERS
from topics.codecs import SCHEMA_HEADER

_HEX = re.compile("([0-9a-f]{2}){1,17}")
_SHA256 = re.compile("[0-9a-f]{64}")
SHOWN_MAX, INDEXED_MAX = 100_000, 1_000_000
"""Maximum number of the newest letters that are listed, and of those that are indexed."""


@dataclass(frozen=True)
class DeadLetter:
    """A rejected record: its unchanged bytes, and its headers."""

    headers: dict[str, str]
    value: bytes | None
    rejected_at: int
    """When the letter was written, ms."""

    @property
    def origin(self) -> str:
        """The origin of the rejected record: topic/partition/offset."""
        return "/".join(
            self.headers.get(f"origin_{part}", "?") for part in ("topic", "partition", "offset")
        )

    @property
    def recorded_at(self) -> int:
        """When the broker appended the rejected record, ms; 0 if the letter has no such time."""
        text = self.headers.get("origin_timestamp", "")
        return int(text) if text.isdecimal() else 0

    @property
    def reason(self) -> str:
        """Name of the reason."""
        return self.headers.get("reason", "?")

    @property
    def record_headers(self) -> dict[str, bytes]:
        """The rejected record's header that names its schema, if it has one."""
        text = self.headers.get("origin_schema_header", "")
        return {SCHEMA_HEADER: bytes.fromhex(text)} if _HEX.fullmatch(text) else {}

    @property
    def cut_sha256(self) -> str:
        """SHA-256 (hex) of the whole value if the letter holds only its beginning; else empty."""
        text = self.headers.get("original_sha256", "") if "cut" in self.headers else ""
        return text if _SHA256.fullmatch(text) else ""

    @property
    def error(self) -> str:
        """Description of the error."""
        return self.headers.get("error", "")

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names, without the bytes."""
        size = None if self.value is None else len(self.value)
        return {"origin": self.origin, **self.headers, "bytes": size, "at": self.rejected_at}


def dead_letters(kafka: str, last: int = SHOWN_MAX) -> list[DeadLetter]:
    """The newest `last` dead letters, oldest first; `ServerError` if Kafka is unavailable."""
    return newest_of(each_letter(kafka, last), last)


def newest_of(letters: Iterable[DeadLetter], last: int) -> list[DeadLetter]:
    """The newest `last` of `letters`, oldest first; never holds more than these in memory."""
    in_order = enumerate(letters)
    found = nlargest(last, in_order, key=lambda each: (each[1].rejected_at, each[0]))
    return [letter for _, letter in reversed(found)]


def each_letter(kafka: str, last: int) -> Iterator[DeadLetter]:
    """The newest `last` dead letters of each partition, one partition after the other.

    Raises `ServerError` while Kafka is unavailable.
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
