"""The simulated twin of `IdempotentProducer`: records may fail, arrive late, or arrive twice."""

from dataclasses import dataclass, field
from typing import Any

from streams.kafka.idempotent_producer import Report
from tests.simulation.broker import later
from tests.simulation.edge import Edge
from topics.catalogue import LEARNING_LOG

REFUSED, UNKNOWN, TWICE, OVERTAKES = 0.01, 0.01, 0.01, 0.01


@dataclass
class Sender:
    """One librdkafka producer: records of a topic are written in order."""

    landing_s: dict[str, float] = field(default_factory=dict)
    reporting_s: dict[str, float] = field(default_factory=dict)
    cuts: int = 0
    is_purged: bool = False


class SimulatedProducer:
    """Sends records over the network; the delivery reports arrive later, or never."""

    def __init__(self, edge: Edge) -> None:
        self._edge = edge
        self._sender = Sender(cuts=edge.broker.cuts)

    async def produce(
        self, topic: str, report: Report, *, on_too_large: object = None, **message: Any
    ) -> None:
        """See `IdempotentProducer.produce`; no record is too large."""
        edge = self._edge
        edge.may_die(f"before a record for {topic}")
        sender, now_s = self._sender, edge.loop.time()
        lands_s = max(sender.landing_s.get(topic, 0.0), now_s + edge.delay(f"a record for {topic}"))
        sender.landing_s[topic] = lands_s
        later(edge.loop, lands_s - now_s, self._land, sender, topic, report, message)
        edge.may_die(f"after a record for {topic}")

    def renew(self) -> None:
        """See `IdempotentProducer.renew`."""
        self._sender.is_purged = True
        self._sender = Sender(cuts=self._edge.broker.cuts)

    # -- at the broker ---------------------------------------------------------------------------

    def _land(self, sender: Sender, topic: str, report: Report, message: Any) -> None:
        """A record arrives, unless its producer ended before sending it."""
        edge, place = self._edge, f"{self._edge.name} {topic}"
        is_gone = sender.is_purged or not edge.process.is_alive
        if is_gone and edge.chance.number(f"{place}, of a producer that went") < 0.5:
            self._report(sender, topic, report, None)
        elif self._is_fatal(sender, topic) or edge.chance.strikes("refusal", place, REFUSED):
            edge.note(edge.name, f"a record for {topic} is refused")
            self._report(sender, topic, report, None)
        else:
            self._keep(sender, topic, report, message)

    def _is_fatal(self, sender: Sender, topic: str) -> bool:
        """Whether the log lost acknowledged records, on which an idempotent producer fails."""
        return topic == LEARNING_LOG.name and sender.cuts < self._edge.broker.cuts

    def _keep(self, sender: Sender, topic: str, report: Report, message: Any) -> None:
        edge, place = self._edge, f"{self._edge.name} {topic}"
        offset: int | None = self._append(topic, message)
        if edge.chance.strikes("repetition", place, TWICE):
            edge.note(edge.name, f"a record lands twice in {topic}")
            self._append(topic, message)
        if edge.chance.strikes("wrong report", place, UNKNOWN):
            edge.note(edge.name, f"record {offset} of {topic} is said to have failed")
            offset = None
        self._report(sender, topic, report, offset)

    def _append(self, topic: str, message: Any) -> int:
        broker = self._edge.broker
        if topic == LEARNING_LOG.name:
            return broker.append(broker.log, message["value"])
        broker.letters.setdefault(message["key"], []).append(message["value"])
        return 0

    def _report(self, sender: Sender, topic: str, report: Report, offset: int | None) -> None:
        edge, place = self._edge, f"{self._edge.name} report of {topic}"
        now_s = edge.loop.time()
        reports_s = max(
            sender.reporting_s.get(topic, 0.0), now_s + edge.delay(f"report of {topic}")
        )
        if edge.chance.strikes("disorder", place, OVERTAKES):
            reports_s = now_s
        sender.reporting_s[topic] = reports_s
        edge.loop.call_at(reports_s, self._tell, report, offset, context=edge.process.context)

    def _tell(self, report: Report, offset: int | None) -> None:
        self._edge.may_die("before a report")
        report(offset)
