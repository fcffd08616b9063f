"""Events with a known expected outcome: numbered per listener, with faults at stated rates.

Everything follows from the seed. A play is delivered once (`FRESH`), repeated with the same bytes
(`AGAIN`, a duplicate), reported once by another scrobbler, too (`NEAR`, a near duplicate), or
delivered long after its time (`LATE`). Between them are values that are no events (`POISON`).
"""

import random
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import NamedTuple

from tests.support.events import START_MS
from tests.support.records import POISON
from topics.codecs import encode
from topics.identity import event_key_of
from topics.listening_event import EventKind, ListeningEvent

PLAY_MS = 4 * 60_000
REPEATED_AMONG = 500
"""Number of newest plays from which a repetition is chosen."""
NOT_POISON = {"in the future"}
"""Valid by the broker's clock, which is far ahead of the test data."""
_POISON = [value for name, value in POISON.items() if name not in NOT_POISON]


class What(Enum):
    """Expected outcome: the first two are applied once; the last becomes a dead letter."""

    FRESH = "fresh"
    LATE = "late"
    AGAIN = "again"
    NEAR = "near"
    POISON = "poison"


class Delivery(NamedTuple):
    """A record to produce; `number` counts the fresh events of its listener from 0."""

    what: What
    listener_id: str
    number: int
    event_key: bytes
    value: bytes | None


@dataclass(frozen=True)
class Rates:
    """Shares of all records."""

    again: float = 0.03
    near: float = 0.01
    late: float = 0.03
    poison: float = 0.01


@dataclass
class Workload:
    """An endless stream of `Delivery`; the same seed gives the same stream."""

    seed: int
    listeners: int = 200
    tracks: int = 2_000
    rates: Rates = Rates()
    delivered: int = 0
    _chance: random.Random = field(init=False)
    _newest: deque[ListeningEvent] = field(init=False)
    _unmasked: list[ListeningEvent] = field(init=False)
    """Of the newest plays those that no other scrobbler has reported."""
    _numbers: dict[str, int] = field(default_factory=dict)
    _late: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)
        self._newest = deque(maxlen=REPEATED_AMONG)
        self._unmasked = []

    def take(self, events: int) -> Iterator[Delivery]:
        """The next `events` records."""
        for _ in range(events):
            self.delivered += 1
            yield self._next()

    def _next(self) -> Delivery:
        rates = self.rates
        weights = [rates.again, rates.near, rates.late, rates.poison]
        whats = [What.AGAIN, What.NEAR, What.LATE, What.POISON, What.FRESH]
        [what] = self._chance.choices(whats, [*weights, 1 - sum(weights)])
        if what is What.NEAR and self._unmasked:
            return self._near(self._unmasked.pop(self._chance.randrange(len(self._unmasked))))
        if what is What.AGAIN and self._newest:
            return self._again(self._chance.choice(self._newest))
        if what is What.POISON:
            return Delivery(what, self._listener(), -1, b"", self._rubbish())
        return self._play(late=what is What.LATE)

    def _listener(self) -> str:
        return f"listener-{min(self._chance.randrange(self.listeners) for _ in range(2))}"

    def _play(self, *, late: bool) -> Delivery:
        listener_id = self._listener()
        number = self._numbers[listener_id] = self._numbers.get(listener_id, -1) + 1
        at_ms = START_MS + number * PLAY_MS
        if late and number:
            before = self._late[listener_id] = self._late.get(listener_id, 0) + 1
            at_ms = START_MS - before * PLAY_MS
        event = ListeningEvent(
            event_id=f"{self.seed}/{listener_id}/{number}",
            listener_id=listener_id,
            kind=EventKind.LISTEN,
            source="navidrome",
            track_id=f"track-{int(self.tracks * self._chance.random() ** 2)}",
            listened_at=at_ms,
            ms_played=self._chance.choice([None, 9_000, 200_000]),
        )
        if late and number:
            return _delivery(What.LATE, event, number)
        self._newest.append(event)
        self._unmasked = [*self._unmasked[1 - REPEATED_AMONG :], event]
        return _delivery(What.FRESH, event, number)

    def _again(self, event: ListeningEvent) -> Delivery:
        return _delivery(What.AGAIN, event, _number_of(event))

    def _near(self, event: ListeningEvent) -> Delivery:
        near = {
            "event_id": f"{event.event_id}/lastfm/{self.delivered}",
            "source": "lastfm",
            "listened_at": int(event.listened_at or 0) + self._chance.randrange(-59_000, 59_000),
        }
        return _delivery(What.NEAR, event.model_copy(update=near), _number_of(event))

    def _rubbish(self) -> bytes | None:
        if self._chance.random() < 0.5:
            return self._chance.randbytes(self._chance.randrange(1, 200))
        return self._chance.choice(_POISON)

    def poison(self, records: int) -> Iterator[Delivery]:
        """Only poison messages, with the key of one listener, so that all go to one partition."""
        for _ in range(records):
            self.delivered += 1
            yield Delivery(What.POISON, "listener-0", -1, b"", self._rubbish())


def _number_of(event: ListeningEvent) -> int:
    return int(event.event_id.rpartition("/")[2])


def _delivery(what: What, event: ListeningEvent, number: int) -> Delivery:
    value = encode("ListeningEvent", event.model_dump(mode="json"))
    return Delivery(what, event.listener_id, number, event_key_of(event.event_id), value)


def quiet(rates: Rates = Rates()) -> Rates:
    """`rates` without poison messages, for tests that must not open the circuit breaker."""
    return replace(rates, poison=0.0)
