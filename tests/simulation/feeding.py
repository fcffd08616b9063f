"""Listening events as producers send them: repeated, late, out of order, lost, malformed."""

import asyncio
from collections.abc import Callable

from faust.types import TP

from tests.simulation.broker import Broker
from tests.simulation.chance import Chance, Fault
from tests.support.events import START_MS
from tests.support.workload import PLAY_MS, Delivery, Rates, What, Workload
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import encode
from topics.identity import event_key_of
from topics.listening_event import EventKind, ListeningEvent
from topics.partitioning import partition_of

EVENTS = (16, 40)
LISTENERS, TRACKS = 5, 12
RATES = Rates(again=0.08, near=0.05, late=0.06, poison=0.08)
ERASED = "eve"
"""A listener who is sometimes erased, and plays again."""
EVENTS_BY_ERASED, ASKS = 0.1, 0.35
UNACKNOWLEDGED, VACANT = 0.04, 0.1


class Feeder:
    """Appends to the sources and keeps what the broker acknowledged."""

    def __init__(self, chance: Chance, broker: Broker, note: Callable[[str, str], None]) -> None:
        self._chance = chance
        self._broker = broker
        self._note = note
        self._workload = Workload(chance.seed, LISTENERS, TRACKS, RATES)
        self._erased = 0
        self.acknowledged: dict[tuple[int, int], Delivery] = {}
        self.fresh: set[tuple[str, int]] = set()
        """(listener, number) of the plays that the broker has."""

    async def feed(self, seconds: float) -> None:
        """Appends events over `seconds`."""
        count = int(self._chance.between("events", *EVENTS))
        for number, delivery in enumerate(self._workload.take(count)):
            await asyncio.sleep(self._chance.between("next event", 0.0, 1.9 * seconds / count))
            if self._chance.number("told by the erased") < EVENTS_BY_ERASED:
                event = self._by_erased()
            else:
                event = delivery
            if self._chance.happens(Fault("event", "feeder", number)):
                self._send(event)

    def _send(self, delivery: Delivery) -> None:
        if self._chance.strikes("lost write", "feeder", UNACKNOWLEDGED):
            return
        tp = TP(
            LISTENING_EVENTS.name, partition_of(delivery.listener_id, len(self._broker.sources))
        )
        key = delivery.listener_id.encode()
        offset = self._broker.append(self._broker.sources[tp], delivery.value, key)
        self._note(
            "producer",
            f"{delivery.what.value} {delivery.listener_id}#{delivery.number} at {tp[1]}/{offset}",
        )
        if delivery.what in (What.FRESH, What.LATE):
            self.fresh.add((delivery.listener_id, delivery.number))
        if self._chance.strikes("marker", "feeder", VACANT):
            self._broker.append_vacant(self._broker.sources[tp])
        if not self._chance.strikes("lost answer", "feeder", UNACKNOWLEDGED):
            self.acknowledged[tp.partition, offset] = delivery

    def _by_erased(self) -> Delivery:
        self._erased += 1
        asks = self._chance.number("asks to be erased") < ASKS
        event = ListeningEvent(
            event_id=f"{ERASED}/{self._erased}",
            listener_id=ERASED,
            kind=EventKind.ERASE if asks else EventKind.LISTEN,
            source="navidrome",
            track_id=None if asks else f"track-{self._erased % TRACKS}",
            listened_at=START_MS + self._erased * PLAY_MS,
        )
        value = encode("ListeningEvent", event.model_dump(mode="json"))
        return Delivery(What.FRESH, ERASED, -1, event_key_of(event.event_id), value)
