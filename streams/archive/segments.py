"""The files of a backup: Avro object container files of Kafka records, compressed with Zstandard.

Any Avro tool reads them after `zstd -d`. A file holds records without a gap in their offsets.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from io import BytesIO
from typing import Any, NamedTuple

import cramjam
from confluent_kafka import Message
from fastavro import parse_schema, reader, writer
from fastavro.schema import SchemaParseException, UnknownType

from topics.errors import ArchiveError

SEGMENT_BYTES_MAX = 64 * 1024 * 1024
"""Uncompressed bytes of records in one file, about: a file is made and read in memory."""
LEVEL, LEVEL_MERGED = 3, 9
"""Levels of Zstandard: of a new file, and of one that takes the place of several smaller ones."""
_SYNC_EVERY_BYTES = 1024 * 1024
_DAMAGE = (
    *(ArithmeticError, AttributeError, EOFError, LookupError, MemoryError, TypeError, ValueError),
    *(cramjam.DecompressionError, SchemaParseException, UnknownType),
)
"""What decoders raise for bytes that no encoder has written."""
_SCHEMA = parse_schema(
    {
        "type": "record",
        "name": "ArchivedRecord",
        "namespace": "echotune.archive",
        "doc": "A Kafka record; timestamp is the broker's append time in ms since 1970.",
        "fields": [
            {"name": "offset", "type": "long"},
            {"name": "timestamp", "type": "long"},
            {"name": "key", "type": ["null", "bytes"]},
            {"name": "value", "type": ["null", "bytes"]},
            {
                "name": "headers",
                "type": {
                    "type": "array",
                    "items": {
                        "type": "record",
                        "name": "Header",
                        "fields": [
                            {"name": "name", "type": "string"},
                            {"name": "value", "type": ["null", "bytes"]},
                        ],
                    },
                },
            },
        ],
    }
)


class ArchivedRecord(NamedTuple):
    """A record as Kafka has it; `timestamp` is in ms since 1970."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...] = ()

    @classmethod
    def of_message(cls, message: Message) -> "ArchivedRecord":
        """The record that a consumer has read."""
        return cls(
            message.offset(),
            message.timestamp()[1],
            message.key(),
            message.value(),
            tuple(message.headers() or ()),
        )

    @property
    def identity(self) -> str:
        """Equal for records that are equal in every respect."""
        return hashlib.sha256(repr(tuple(self)).encode()).hexdigest()

    @property
    def bytes_about(self) -> int:
        """Approximate size, in bytes."""
        return 32 + len(self.key or b"") + len(self.value or b"")


def encoded(records: Sequence[ArchivedRecord], level: int = LEVEL) -> bytes:
    """The content of a file with these records."""
    plain = BytesIO()
    writer(plain, _SCHEMA, map(_as_avro, records), sync_interval=_SYNC_EVERY_BYTES)
    return bytes(cramjam.zstd.compress(plain.getvalue(), level=level))


def decoded(content: bytes, name: str) -> Iterator[ArchivedRecord]:
    """The records of the file `name`; raises `ArchiveError` if it is damaged."""
    try:
        for each in reader(BytesIO(bytes(cramjam.zstd.decompress(content)))):
            yield _of_avro(each)
    except _DAMAGE as error:
        raise ArchiveError(f"{name} is damaged: {error}.", "Use another copy of it.") from error


def in_segments(
    records: Iterable[ArchivedRecord], bytes_max: int = SEGMENT_BYTES_MAX
) -> Iterator[list[ArchivedRecord]]:
    """The records in portions of about `bytes_max`, one for each file."""
    portion: list[ArchivedRecord] = []
    size = 0
    for each in records:
        portion.append(each)
        size += each.bytes_about
        if size >= bytes_max:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def first_to_merge(sizes: Sequence[int], most: int) -> int:
    """From which of the files on, by their sizes, all should become one; the last one: none.

    A file is merged with those behind it once they are as large as it is, like the digits of a
    binary counter. So there are few files, and a record is written anew only as often as the
    number of backups has digits.

    >>> first_to_merge([9, 4, 2, 1, 1], most=50), first_to_merge([9, 4, 2, 1], most=50)
    (1, 3)
    >>> first_to_merge([9, 4, 2, 1, 1], most=5)
    2
    """
    at, size = len(sizes) - 1, sum(sizes[-1:])
    while at > 0 and sizes[at - 1] <= size and size + sizes[at - 1] <= most:
        at -= 1
        size += sizes[at]
    return at


def _as_avro(record: ArchivedRecord) -> dict[str, Any]:
    headers = [{"name": name, "value": value} for name, value in record.headers]
    return {**record._asdict(), "headers": headers}


def _of_avro(fields: Any) -> ArchivedRecord:
    headers = tuple((each["name"], each["value"]) for each in fields["headers"])
    return ArchivedRecord(**{**fields, "headers": headers})
