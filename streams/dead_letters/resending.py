"""Resends dead letters (DLQ redrive) to their topic, each once, after the cause has been fixed.

The log is authoritative for what was rejected, and the source topic for what was resent: a resent
record has its origin in a header. A replay may therefore be killed at any point and repeated. A
letter that this version would reject again is not sent.

Letters are read three times and never collected: memory is bounded regardless of their number.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.dead_letters.dead_letter_reader import INDEXED_MAX, DeadLetter, each_letter
from streams.dead_letters.letter_index import Known, LetterIndex, origin_of
from streams.dead_letters.origins import ORIGIN_HEADER, OnOffset, rejected_origins, sent_origins
from streams.producers.event_producer import EventProducer
from streams.sequencing.validation import accept
from topics.codecs import Decoder, Headers
from topics.rejection import Rejected

_TO_SEND = Known.REJECTED | Known.JUDGED | Known.TO_SEND

Letters = Callable[[], Iterable[DeadLetter]]
"""Reads all letters, from the first again with each call."""


class Fate:
    """What happens to a dead letter. The names are stable, because scripts read them."""

    SENT = "sent"
    SENT_BEFORE = "sent_before"
    NOT_REJECTED = "not_rejected"
    """The log does not reject its origin: a resend could count the event twice."""
    AMBIGUOUS = "ambiguous"
    """Two letters of one origin have different bytes: the topic was recreated."""
    WOULD_BE_REJECTED = "would_be_rejected"
    CUT = "cut"
    """It holds only the beginning of its bytes; the source has all of them, until retention."""
    WITHOUT_TIME = "without_time"
    """It has no listened_at, so that it would become an event of the present."""


class Replayed(NamedTuple):
    """A record to be resent."""

    origin: str
    key: bytes
    value: bytes
    headers: dict[str, bytes]


@dataclass
class Plan:
    """What happens to all letters, and why some would be rejected again."""

    fates: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, Any]:
        """JSON values with stable names."""
        return {
            "letters": self.fates.total(),
            "fates": dict(sorted(self.fates.items())),
            "would_be_rejected": dict(sorted(self.reasons.items())),
        }


@dataclass
class _Record:
    """A dead letter as the record that the sequencer would read if it was sent now."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


class DeadLetterReplay:
    """A replay of `letters`, which are read once for each step; only an index of them is kept.

    The caller marks in `index` which origins the log rejects and which were resent before.
    """

    def __init__(self, letters: Letters, decoder: Decoder, now_ms: int) -> None:
        self._letters = letters
        self._decoder = decoder
        self._now_ms = now_ms
        self.index = LetterIndex(letters())

    def plan(self) -> Plan:
        """Decides for each letter whether it is sent."""
        plan = Plan()
        for each in self._letters():
            if self.index.known(each) is Known.REJECTED:
                self._judge(each, plan)
        for known, origins in self.index.counted():
            if (fate := _fate(known)) is not None:
                plan.fates[fate] += origins
        plan.fates[Fate.NOT_REJECTED] += self.index.foreign
        plan.fates = +plan.fates
        return plan

    def _judge(self, letter: DeadLetter, plan: Plan) -> None:
        judged = _judged(letter, self._decoder, self._now_ms)
        known = Known.JUDGED
        if isinstance(judged, Replayed):
            known |= Known.TO_SEND
        elif isinstance(judged, Rejected):
            plan.reasons[str(judged.reason)] += 1
            plan.fates[Fate.WOULD_BE_REJECTED] += 1
        else:
            plan.fates[Fate.WITHOUT_TIME] += 1
        self.index.mark(filter(None, [origin_of(letter)]), known)

    def records(self) -> Iterator[Replayed]:
        """The records that the plan sends, each once."""
        for each in self._letters():
            if self.index.known(each) == _TO_SEND:
                judged = _judged(each, self._decoder, self._now_ms)
                self.index.mark(filter(None, [origin_of(each)]), Known.SENT)
                if isinstance(judged, Replayed):
                    yield judged


def _fate(known: Known) -> str | None:
    """The fate of an origin; None if its letter was already counted in `_judge`."""
    if Known.SENT in known:
        return Fate.SENT_BEFORE
    if Known.REJECTED not in known:
        return Fate.NOT_REJECTED
    if Known.AMBIGUOUS in known:
        return Fate.AMBIGUOUS
    if Known.CUT in known:
        return Fate.CUT
    return Fate.SENT if Known.TO_SEND in known else None


def _judged(letter: DeadLetter, decoder: Decoder, now_ms: int) -> Replayed | Rejected | None:
    """The record to send, or why it would be rejected; None if it has no listened_at."""
    headers = letter.record_headers
    judged = accept([_Record(0, now_ms, None, letter.value, headers.items())], decoder)
    for _, rejected in judged.rejected:
        return rejected
    assert letter.value is not None
    written = decoder.decode(letter.value, headers.items())
    if isinstance(written, Rejected) or written[1]["listened_at"] is None:
        return None
    key = judged.rows[0].event["listener_id"].encode()
    return Replayed(letter.origin, key, letter.value, headers)


def replay_of(
    kafka: str,
    decoder: Decoder,
    now_ms: int,
    on_offset: OnOffset,
    *,
    wanted: Callable[[DeadLetter], bool] = lambda _: True,
) -> DeadLetterReplay:
    """A replay of all dead letters that are `wanted`; their rejection and resends are marked."""
    replay = DeadLetterReplay(
        lambda: filter(wanted, each_letter(kafka, INDEXED_MAX)), decoder, now_ms
    )
    if replay.index.since_ms is not None:
        replay.index.mark(rejected_origins(kafka, on_offset), Known.REJECTED)
        replay.index.mark(sent_origins(kafka, replay.index.since_ms), Known.SENT)
    return replay


def send(replay: DeadLetterReplay, producer: EventProducer) -> None:
    """Sends the planned records; all of them are acknowledged when this returns."""
    for each in replay.records():
        origin = {ORIGIN_HEADER: each.origin.encode()}
        producer.resend(each.key, each.value, each.headers | origin)
    producer.flush()
