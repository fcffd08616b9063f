"""A producer in another language: its events are read, and land where Python's do."""

import re
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.admin import AdminClient, NewTopic

from topics.catalogue import LISTENING_EVENTS
from topics.codecs import Decoder, encode
from topics.listening_event import EventKind, ListeningEvent, invalid_events
from topics.partitioning import partition_of
from topics.schemas import avro_folder, current

PROJECT = Path(__file__).parent / "java_producer"
PARTITIONS = 12
BUILD_TIMEOUT_S = 240
BROKER_TIMEOUT_S = 30
ACKNOWLEDGED = re.compile(r"([0-9a-f-]{36}) (\d+) (\d+)")
"""Event id, partition, offset; Maven adds colour codes between the lines."""
LISTENERS = [
    "ann",
    "björk-fan",
    "ジョン・スミス",
    "🎧🎶",
    "Ünïcödé with blanks",
    "nai\u0308ve",
    "0",
    "x" * 512,
    "5e3ad0c2-6f3b-5d0a-9d0e-0c6f1d2b7a41",
    *(f"listener-{at}" for at in range(12)),
]


class Place(NamedTuple):
    """Where the broker put an event."""

    event_id: str
    partition: int
    offset: int


@pytest.fixture(scope="module")
def topic(kafka: str) -> Iterator[str]:
    """A topic with as many partitions as in production."""
    admin = AdminClient({"bootstrap.servers": kafka})
    name = f"java-{uuid.uuid4().hex}"
    created = admin.create_topics([NewTopic(name, PARTITIONS, 1)])
    created[name].result(BROKER_TIMEOUT_S)
    yield name
    admin.delete_topics([name])[name].result(BROKER_TIMEOUT_S)


@pytest.fixture(scope="module")
def from_java(kafka: str, topic: str, tmp_path_factory: pytest.TempPathFactory) -> list[Place]:
    """One event of every listener, produced by Java."""
    contract = avro_folder() / "ListeningEvent.avsc"
    arguments = [kafka, topic, str(contract), str(current("ListeningEvent").schema_id)]
    command = [
        *("mvn", "--quiet", "--batch-mode", "--file", str(PROJECT / "pom.xml")),
        f"-Dbuild.folder={tmp_path_factory.mktemp('java')}",
        f"-Dexec.args={' '.join(map(quoted, arguments))}",
        *("compile", "exec:java"),
    ]
    lines = "".join(f"{listener_id}\n" for listener_id in LISTENERS).encode()
    done = subprocess.run(
        command, input=lines, capture_output=True, timeout=BUILD_TIMEOUT_S, check=False
    )
    assert done.returncode == 0, done.stdout.decode() + done.stderr.decode()
    found = ACKNOWLEDGED.findall(done.stdout.decode())
    return [Place(event_id, int(partition), int(offset)) for event_id, partition, offset in found]


def quoted(argument: str) -> str:
    """An argument for Maven, which splits at blanks."""
    return f'"{argument}"'


@pytest.fixture(scope="module")
def from_python(kafka: str, topic: str, from_java: list[Place]) -> list[Place]:
    """One event of every listener, produced by confluent-kafka after Java's."""
    producer = Producer({"bootstrap.servers": kafka, "partitioner": "murmur2_random"})
    places: dict[str, Place] = {}

    def delivered(error: Any, message: Message) -> None:
        assert error is None
        key, partition, offset = message.key(), message.partition(), message.offset()
        assert isinstance(key, bytes)
        assert partition is not None
        assert offset is not None
        places[key.decode()] = Place("", partition, offset)

    for listener_id in LISTENERS:
        event = ListeningEvent(
            event_id="e", listener_id=listener_id, kind=EventKind.LISTEN, source="python"
        )
        value = encode("ListeningEvent", event.model_dump())
        producer.produce(topic, value, listener_id.encode(), on_delivery=delivered)
    assert producer.flush(BROKER_TIMEOUT_S) == 0
    return [places[listener_id] for listener_id in LISTENERS]


def read(kafka: str, topic: str, place: Place) -> Message:
    """The record at `place`."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "unused"})
    try:
        consumer.assign([TopicPartition(topic, place.partition, place.offset)])
        found = consumer.poll(BROKER_TIMEOUT_S)
    finally:
        consumer.close()
    assert found is not None
    assert found.error() is None
    return found


def test_an_event_of_a_java_producer_is_read_with_the_contract(
    kafka: str, topic: str, from_java: list[Place]
) -> None:
    decoder = Decoder(LISTENING_EVENTS.contracts)
    for listener_id, place in zip(LISTENERS[:4], from_java, strict=False):
        message = read(kafka, topic, place)
        expected = dict.fromkeys(ListeningEvent.model_fields) | {
            "event_id": place.event_id,
            "listener_id": listener_id,
            "kind": "LISTEN",
            "source": "java",
            "artist_name": "Björk",
            "track_name": "Jóga",
            "listened_at": 1_700_000_000_000,
            "ms_played": 305_000,
        }
        assert message.key() == listener_id.encode()
        assert decoder.decode(message.value()) == ("ListeningEvent", expected)
        assert invalid_events([expected]) == {}


def test_a_listeners_events_from_java_and_python_share_a_partition(
    from_java: list[Place], from_python: list[Place]
) -> None:
    java = [place.partition for place in from_java]
    assert java == [place.partition for place in from_python]
    assert java == [partition_of(listener_id, PARTITIONS) for listener_id in LISTENERS]
    assert len(set(java)) > PARTITIONS // 2


def test_within_a_partition_the_event_that_was_sent_first_stands_first(
    from_java: list[Place], from_python: list[Place]
) -> None:
    pairs = zip(from_java, from_python, strict=True)
    assert all(java.offset < python.offset for java, python in pairs)
