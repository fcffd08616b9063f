"""A station with MongoDB and an HTTP service, for tests that ask the service and kill it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
from confluent_kafka import Consumer, TopicPartition

from infra.daemon import free_port
from infra.embedded_servers import Addresses, EmbeddedServers
from streams.kafka.topic_facts import bounds_of
from tests.support.station import REPOSITORY, WAIT_S, Station, wait_until
from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder

PERSON = "me"
"""The person who asks."""


class ServiceStation(Station):
    """Kafka, Redis and MongoDB, and services that are started and killed like workers."""

    def __init__(self, home: Path, kafka_libs: Path) -> None:
        super().__init__(home, kafka_libs)
        self.servers = EmbeddedServers(home, kafka_libs=kafka_libs, fast_start=True)
        self.port = free_port(0)
        self.services: list[subprocess.Popen[bytes]] = []
        self.http = httpx.Client(
            base_url=f"http://127.0.0.1:{self.port}",
            timeout=WAIT_S,
        )

    def up(self) -> Addresses:
        """Starts the servers, creates the topics, and adds the person who asks."""
        addresses = super().up()
        added = self.run("people", "add", PERSON)
        assert added.returncode == 0, added.stderr
        token = self.json("tokens", "create", PERSON)["token"]
        self.http.headers["Authorization"] = f"Token {token}"
        return addresses

    def serve(self, **environment: str) -> "subprocess.Popen[bytes]":
        """Starts a service, and waits until it answers."""
        with (self.home / "logs" / "serve.log").open("ab") as log:
            service = subprocess.Popen(
                [sys.executable, "-m", "streams.cli", "serve", "--port", str(self.port)],
                cwd=REPOSITORY,
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.services.append(service)
        wait_until(self._answers, bool)
        return service

    def _answers(self) -> bool:
        try:
            return self.http.get("/1/validate-token").status_code < httpx.codes.BAD_REQUEST
        except httpx.TransportError:
            return False

    def kill(self, service: "subprocess.Popen[bytes]") -> None:
        """Sends SIGKILL to a service."""
        service.kill()
        service.wait(WAIT_S)

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
        for service in self.services:
            if service.poll() is None:
                self.kill(service)
        self.http.close()
        super().close()
