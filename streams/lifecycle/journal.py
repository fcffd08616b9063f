"""Reads the journal `model-lifecycle`, and appends to it with compare-and-set by order.

Kafka has no conditional append. So a writer reads the journal to its end, appends a record that
names what it knew, reads on to its own record, and finds out whether that one was valid.
"""

import os
import pwd
import secrets
import socket
import threading
import time
from collections.abc import Callable
from importlib.metadata import version
from math import inf
from typing import Any, NamedTuple, Self

from confluent_kafka import Message

from streams.kafka.cluster import prefixed
from streams.kafka.log_writer import append
from streams.kafka.voided_records import journal_reader
from streams.lifecycle.lifecycle import Entry, Lifecycle
from streams.lists.serving_plan import Plan
from topics.catalogue import MODEL_LIFECYCLE
from topics.errors import SettingsError
from topics.lifecycle import (
    JournalRecord,
    decode_journal_record,
    encode_journal_record,
    key_of,
)

SAID_CHARACTERS_MAX = 1_000
"""Longest reason, and longest name of who gives it."""
_COMPARED_EVERY = 20
"""Every so many reads the last record is compared, even if the journal has not grown."""


def operation(why: str, who: str = "") -> dict[str, Any]:
    """The fields that every record has, for a new operation of this user.

    Raises `SettingsError` for a text that is too long: the journal keeps it for ever.
    """
    return {
        "operation_id": secrets.token_bytes(16),
        "who": _kept(who or this_user(), "The name of who does it (ECHOTUNE_WHO)"),
        "why": _kept(why, "The reason"),
        "made_with": version("echotune"),
    }


def _kept(text: str, what: str) -> str:
    """The text, with `?` for bytes that are no UTF-8."""
    if len(text) > SAID_CHARACTERS_MAX:
        raise SettingsError(
            f"{what} has {len(text):,} characters; the journal keeps up to "
            f"{SAID_CHARACTERS_MAX:,}.",
            "Say it shorter.",
        )
    return text.encode(errors="replace").decode()


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
        self._reader = journal_reader(kafka)
        self._next = self._reads = 0
        self._last: tuple[int, int, bytes] | None = None
        self._lock = threading.Lock()
        self.lifecycle = Lifecycle()
        self.as_of = -inf
        """When the newest complete read began (`time.monotonic`): what was written before is known.
        """

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        self._reader.close()

    @property
    def prefix(self) -> str:
        """What the names of this installation begin with."""
        return prefixed(self._kafka, "")

    @property
    def plan(self) -> Plan:
        """The plan, as far as the journal is known."""
        return self.lifecycle.plan

    def read(self) -> Lifecycle:
        """Reads to the journal's end. A journal that lost its tail is read from its start."""
        with self._lock:
            return self._read()

    def _read(self) -> Lifecycle:
        began_at = time.monotonic()
        start, end = self._reader.bounds(0)
        self._reads += 1
        if end != self._next or self._reads % _COMPARED_EVERY == 0:
            self._catch_up(start, end)
        self.as_of = began_at
        return self.lifecycle

    def _catch_up(self, start: int, end: int) -> None:
        """Reads on from the last known record, or everything if that is no longer there."""
        messages = list(self._reader.read(0, max(start, self._next - 1), end))
        lifecycle = self.lifecycle
        if self._last is not None and (not messages or _identity(messages.pop(0)) != self._last):
            lifecycle, messages = Lifecycle(), list(self._reader.read(0, start, end))
        records = [_decoded(each) for each in messages]  # all can be read, or none is taken
        for message, record in zip(messages, records, strict=True):
            if record is not None:
                lifecycle.apply(message.offset(), message.timestamp()[1], record)
            self._last = _identity(message)
        self._next, self.lifecycle = end, lifecycle  # another one is seen only when it is whole

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


def _identity(message: Message) -> tuple[int, int, bytes]:
    return message.offset(), message.timestamp()[1], message.value()


def _decoded(message: Message) -> JournalRecord | None:
    return decode_journal_record(message.value(), message.offset())


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
