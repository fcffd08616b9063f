"""Reads the journal `model-lifecycle`, and appends to it with compare-and-set by order.

Kafka has no conditional append. So a writer reads the journal to its end, appends a record that
names what it knew, reads on to its own record, and finds out whether that one was valid.
"""

import os
import pwd
import secrets
import socket
import threading
from collections.abc import Callable
from importlib.metadata import version
from typing import Any, NamedTuple, Self

from confluent_kafka import Message

from streams.kafka.log_writer import append
from streams.kafka.partition_reader import PartitionReader
from streams.lifecycle.lifecycle import Entry, Lifecycle
from topics.catalogue import MODEL_LIFECYCLE
from topics.lifecycle import (
    JournalRecord,
    decode_journal_record,
    encode_journal_record,
    key_of,
)


def operation(why: str, who: str = "") -> dict[str, Any]:
    """The fields that every record has, for a new operation of this user."""
    return {
        "operation_id": secrets.token_bytes(16),
        "who": who or this_user(),
        "why": why,
        "made_with": version("echotune"),
    }


def this_user() -> str:
    """user@host."""
    try:
        name = pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        name = str(os.getuid())
    return f"{name}@{socket.gethostname()}"


class Journal:
    """The journal as this process knows it; every method blocks. Use as a context manager.

    Methods raise `ServerError` while Kafka is unavailable, and `LogError` for a record of a newer
    version.
    """

    def __init__(self, kafka: str) -> None:
        self._kafka = kafka
        self._reader = PartitionReader(kafka, "echotune-journal", MODEL_LIFECYCLE.name)
        self._next = 0
        self._lock = threading.Lock()
        self.lifecycle = Lifecycle()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._reader.close()

    def read(self) -> Lifecycle:
        """Reads to the journal's end. A journal that lost its tail is read from its start."""
        with self._lock:
            return self._read()

    def _read(self) -> Lifecycle:
        start, end = self._reader.bounds(0)
        known = self._next if end >= self._next else 0
        lifecycle = self.lifecycle if known else Lifecycle()  # nobody sees it half read
        first = max(start, known)
        if end > first:
            for message in self._reader.read(0, first, end):
                _take(lifecycle, message)
        self._next, self.lifecycle = max(known, end), lifecycle
        return lifecycle

    @property
    def end(self) -> int:
        """The offset after the last record that was read."""
        return self._next

    def append(self, make: Callable[[Lifecycle], JournalRecord]) -> "Appended":
        """Appends the record that `make` gives for the present lifecycle.

        The record is void if somebody else was faster, or the caller did not look whether it is
        valid.
        """
        record = make(self.read())
        offset = append(
            self._kafka,
            MODEL_LIFECYCLE.name,
            encode_journal_record(record),
            key=key_of(record),
            what=type(record).__name__,
            remedy="Is Kafka up? `echotune generations history` shows whether it was written.",
        )
        self.read()
        entries = self.lifecycle.history
        own = next(each for each in reversed(entries) if each.offset == offset)
        others = [each for each in entries if each.offset < offset and not each.void]
        return Appended(own, others[-1] if own.void and others else None)


def _take(lifecycle: Lifecycle, message: Message) -> None:
    offset = int(message.offset() or 0)
    record = decode_journal_record(message.value(), offset)
    if record is not None:
        lifecycle.apply(offset, message.timestamp()[1], record)


def read_lifecycle(kafka: str) -> Lifecycle:
    """The lifecycle as the journal has it now; raises what `Journal.read` does."""
    with Journal(kafka) as journal:
        return journal.read()


class Appended(NamedTuple):
    """A record that was appended; `faster` is the valid record before it, if it is void."""

    own: Entry
    faster: Entry | None

    @property
    def is_valid(self) -> bool:
        """Whether the record takes effect."""
        return not self.own.void
