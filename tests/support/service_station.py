"""A station with an HTTP service and one person, for tests that ask the service and kill it."""

from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition

from infra.daemon import free_port
from infra.embedded_servers import Addresses
from streams.kafka.topic_facts import bounds_of
from tests.support.documented_answers import check
from tests.support.served_station import ServedStation
from tests.support.station import WAIT_S, Worker
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder

PERSON = "me"
"""The person who asks."""


class ServiceStation(ServedStation):
    """A station whose services are started and killed at one port, and one person who asks."""

    def __init__(self, home: Path, kafka_libs: Path) -> None:
        super().__init__(home, kafka_libs)
        self.port = free_port(0)
        self.services: list[Worker] = []
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=WAIT_S,
            event_hooks={"response": [check]},
        )

    def up(self) -> Addresses:
        """Starts the servers, creates the topics, and adds the person who asks."""
        addresses = super().up()
        self.http.headers["Authorization"] = f"Token {self.person(PERSON).token}"
        return addresses

    def serve(self, *options: str, **environment: str) -> Worker:
        """Starts a service, and waits until it answers."""
        self.services.append(super().serve("--port", str(self.port), *options, **environment))
        return self.services[-1]

    def post(self, path: str, body: Any) -> None:
        """Posts a body, which has to be taken."""
        answer = self.http.post(path, json=body)
        assert (answer.status_code, answer.json().get("status")) == (200, "ok"), answer.text

    def events(self) -> list[dict[str, Any]]:
        """Every event in `listening-events`."""
        consumer = Consumer({"bootstrap.servers": self.addresses.kafka, "group.id": "nobody"})
        decoder, found = Decoder(LISTENING_EVENTS.contracts), []
        partitions = range(self.settings.partitions)
        for partition, bounds in bounds_of(
            self.addresses.kafka, LISTENING_EVENTS.name, partitions
        ).items():
            consumer.assign([TopicPartition(LISTENING_EVENTS.name, partition, bounds.start)])
            count = bounds.end - bounds.start
            records = consumer.consume(count, WAIT_S) if count else []
            found += [decoder.decode(record.value())[1] for record in records]
        consumer.close()
        return found

    def listens(self) -> list[dict[str, Any]]:
        """The person's listens, newest first, as the service gives them."""
        found = self.http.get(f"/1/user/{PERSON}/listens", params={"count": 1_000}).json()
        return list(found["payload"]["listens"])

    def close(self) -> None:
        """Stops all processes."""
        self.http.close()
        super().close()
