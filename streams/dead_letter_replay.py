"""Sends dead letters to their topic again, once each, when what was wrong has been mended.

The log decides what was rejected, and the source topic itself what was sent again: a replayed
record names its origin in a header. So it is safe to be killed in the middle, and to be called
again. A letter that this version would reject again stays where it is.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from streams.acceptance import accept
from streams.dead_letter_origins import ORIGIN_HEADER, OnOffset, rejected_origins, sent_origins
from streams.dead_letter_reading import DeadLetter, each_letter
from streams.producing import EventProducer
from topics.codecs import Decoder
from topics.rejection import Rejected

LETTERS_MAX = 1_000_000
"""So many of the newest dead letters of a partition are looked at."""


class Fate:
    """What becomes of a dead letter; stable names, scripts read them."""

    SENT = "sent"
    SENT_BEFORE = "sent_before"
    NOT_REJECTED = "not_rejected"
    """The log has another word on its origin: it is not to be counted twice."""
    AMBIGUOUS = "ambiguous"
    """Two letters of one origin with other bytes: the topic was made anew under its name."""
    WOULD_BE_REJECTED = "would_be_rejected"
    WITHOUT_TIME = "without_time"
    """It would be an event of now: what does not say when it was counts when it comes, or never."""


class Replayed(NamedTuple):
    """A record to be sent again."""

    origin: str
    key: bytes
    value: bytes


@dataclass
class Plan:
    """What is to be sent, what became of all letters, and why some would be rejected again."""

    to_send: list[Replayed] = field(default_factory=list)
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
    """A dead letter as the sequencer would meet it, were it sent now."""

    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def planned(
    letters: Iterable[DeadLetter],
    *,
    rejected: Collection[str],
    sent: Collection[str],
    decoder: Decoder,
    now_ms: int,
) -> Plan:
    """What to do with `letters`; `rejected` and `sent` are origins."""
    plan = Plan()
    for origin, values in _by_origin(letters).items():
        fate = Fate.SENT
        if origin in sent:
            fate = Fate.SENT_BEFORE
        elif origin not in rejected:
            fate = Fate.NOT_REJECTED
        elif len(values) > 1:
            fate = Fate.AMBIGUOUS
        else:
            fate = _judged(plan, origin, *values, decoder=decoder, now_ms=now_ms)
        plan.fates[fate] += 1
    return plan


def _by_origin(letters: Iterable[DeadLetter]) -> dict[str, set[bytes | None]]:
    """A letter is written at least once: the same one again is no other one."""
    found: dict[str, set[bytes | None]] = {}
    for each in letters:
        found.setdefault(each.origin, set()).add(each.value)
    return found


def _judged(plan: Plan, origin: str, value: bytes | None, *, decoder: Decoder, now_ms: int) -> str:
    judged = accept([_Record(0, now_ms, None, value)], decoder)
    for _, rejected in judged.rejected:
        plan.reasons[str(rejected.reason)] += 1
        return Fate.WOULD_BE_REJECTED
    assert value is not None
    written = decoder.decode(value)
    if isinstance(written, Rejected) or written[1]["listened_at"] is None:
        return Fate.WITHOUT_TIME
    plan.to_send.append(Replayed(origin, judged.rows[0].event["listener_id"].encode(), value))
    return Fate.SENT


def plan_replay(
    kafka: str,
    decoder: Decoder,
    now_ms: int,
    on_offset: OnOffset,
    *,
    wanted: Callable[[DeadLetter], bool] = lambda _: True,
) -> Plan:
    """Looks at all dead letters that are `wanted`."""
    letters = [each for each in each_letter(kafka, LETTERS_MAX) if wanted(each)]
    if not letters:
        return Plan()
    return planned(
        letters,
        rejected=rejected_origins(kafka, {each.origin for each in letters}, on_offset),
        sent=sent_origins(kafka, min(each.recorded_at for each in letters)),
        decoder=decoder,
        now_ms=now_ms,
    )


def send(plan: Plan, producer: EventProducer) -> None:
    """Sends what is planned; all of it is acknowledged when this returns."""
    for each in plan.to_send:
        producer.send_again(each.key, each.value, {ORIGIN_HEADER: each.origin.encode()})
    producer.flush()
