"""Records that no dead letter can hold: they are cut, and nothing waits for them."""

import time
from collections.abc import Iterator
from contextlib import closing
from hashlib import sha256
from pathlib import Path

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin import ResourceType as Type

from streams.dead_letters.dead_letter_reader import DeadLetter, dead_letters
from streams.kafka.client_settings import client_settings
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.records import MIB
from tests.support.station import Station, StationHere, Worker, wait_until
from topics.catalogue import DEAD_LETTERS, LISTENING_EVENTS

TIMEOUT_S = 30.0
POISON_RECORDS = 4
"""One in each partition."""
HUGE = b"\x00" * 5 + b"echotune " * (20 * MIB // 9)
"""20 MiB that compress to a few kilobytes."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A running EchoTune."""
    with closing(StationHere(tmp_path_factory.mktemp("large"), KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        yield station


def produce(station: Station, *values: bytes, codec: str = "zstd") -> None:
    """Produces values in one batch."""
    producer = Producer(
        client_settings(station.addresses.kafka)
        | {
            "message.max.bytes": 512 * MIB,
            "batch.size": 512 * MIB,
            "linger.ms": 1_000,
            "compression.type": codec,
        }
    )
    errors: list[object] = []
    for value in values:
        producer.produce(
            LISTENING_EVENTS.name,
            value,
            key=b"ann",
            partition=0,
            on_delivery=lambda error, _: errors.append(error),
        )
    assert producer.flush(TIMEOUT_S) == 0
    assert {*errors} == {None}


def letters(station: Station, count: int) -> list[DeadLetter]:
    return wait_until(
        lambda: dead_letters(station.addresses.kafka), lambda found: len(found) == count
    )


def limit(station: Station, topic: str, most: int) -> None:
    """Sets the largest record that a topic takes."""
    entry = ConfigEntry("max.message.bytes", str(most), incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(Type.TOPIC, topic, incremental_configs=[entry])
    admin = AdminClient(client_settings(station.addresses.kafka))
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(TIMEOUT_S)


def test_a_record_that_no_letter_can_hold_is_cut_with_its_size_and_hash_and_the_rest_goes_on(
    station: Station,
) -> None:
    produce(station, HUGE)
    station.produce(a_stream(200))
    station.wait_applied(200)
    [letter] = letters(station, 1)
    assert letter.value is not None
    assert HUGE.startswith(letter.value)
    assert letter.headers["cut"] == "true"
    assert letter.headers["original_bytes"] == str(len(HUGE))
    assert letter.headers["original_sha256"] == sha256(HUGE).hexdigest()
    found = station.json("verify", "--deep")
    assert found["kept"], found["promises"]
    plan = station.json("deadletters", "replay", "--dry-run")
    assert plan["fates"] == {"cut": 1}


def test_a_batch_that_expands_beyond_the_bound_is_rejected_unread_and_the_rest_goes_on(
    station: Station,
) -> None:
    before = len(dead_letters(station.addresses.kafka))
    applied = station.status()["applied"]
    produce(station, *[bytes(50 * MIB)] * 3)
    for codec in ("gzip", "lz4"):
        produce(station, bytes(100 * MIB), codec=codec)
    station.produce(list(a_stream(applied + 100))[applied:])
    station.wait_applied(applied + 100)
    found = letters(station, before + 5)[before:]
    assert {each.reason for each in found} == {"too_large"}
    assert {each.headers["cut"] for each in found} == {"true"}
    assert max(map(resident_bytes, station.workers)) < 1024 * MIB
    deep = station.json("verify", "--deep")
    assert deep["kept"], deep["promises"]
    assert station.json("deadletters", "replay", "--dry-run")["fates"]


def resident_bytes(worker: Worker) -> int:
    """The most memory that a worker has had so far."""
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    [line] = [each for each in status.splitlines() if each.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("most", [20_000, 1_000, 100])
def test_a_topic_of_dead_letters_that_takes_less_than_the_events_holds_up_no_partition(
    station: Station, most: int
) -> None:
    limit(station, DEAD_LETTERS.name, most)
    before = len(dead_letters(station.addresses.kafka))
    applied = station.status()["applied"]
    check = station.json("topics", "check")["differences"]
    assert any("larger dead letters are cut" in line for line in check)
    for at in range(POISON_RECORDS):
        station.produce_raw(bytes([at]) * 50_000, key=b"ann", partition=at % 4)
    station.produce(list(a_stream(applied + 100))[applied:])
    station.wait_applied(applied + 100)
    letters = len(dead_letters(station.addresses.kafka)) - before
    assert letters == (POISON_RECORDS if most > 100 else 0)
    limit(station, DEAD_LETTERS.name, 2 * MIB)


def test_a_thousand_letters_that_no_size_fits_hold_up_nothing(station: Station) -> None:
    limit(station, DEAD_LETTERS.name, 100)
    wait_until(
        lambda: station.json("topics", "check")["differences"],
        lambda lines: any("larger dead letters are cut" in line for line in lines),
    )
    station.start("sequencer")  # it asks for the limit when it starts
    [former] = [each for each in station.workers[:1] if each.process.poll() is None]
    assert former.stop() == 0
    applied = station.status()["applied"]
    began = time.monotonic()
    for at in range(1_000):
        station.produce_raw(b"no event %d" % at, key=b"ann", flush=False)
    station.flush()
    station.produce(list(a_stream(applied + 100))[applied:])
    station.wait_applied(applied + 100)
    assert time.monotonic() - began < 60.0
    limit(station, DEAD_LETTERS.name, 2 * MIB)
