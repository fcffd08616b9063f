"""Transactions of other people's producers in `listening-events`: committed, aborted, left open."""

from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from typing import Any

import pytest
from confluent_kafka import Producer

from streams.kafka.client_settings import client_settings
from streams.kafka.topic_facts import bounds_of
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.station import Station, StationHere, wait_until
from topics.catalogue import (
    LEARNING_PROGRESS,
    LISTENING_EVENTS,
    MODEL_LIFECYCLE,
    RECOMMENDATIONS,
)
from topics.codecs import encode
from topics.listening_event import ListeningEvent
from topics.partitioning import partition_of

TIMEOUT_S = 30.0
OPEN_MAX_MS = 900_000
"""As long as the broker allows: a slow machine ends no transaction of a test."""
EACH = 5
CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A running EchoTune."""
    with closing(StationHere(tmp_path_factory.mktemp("transactions"), KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        yield station


@contextmanager
def a_transaction(station: Station, name: str, codec: str = "none") -> Iterator[Producer]:
    """A producer with an open transaction, which the caller commits or aborts, or leaves open."""
    producer = Producer(
        client_settings(station.addresses.kafka)
        | {
            "transactional.id": name,
            "compression.type": codec,
            "partitioner": "murmur2_random",
            "linger.ms": 20,
            "transaction.timeout.ms": OPEN_MAX_MS,
        }
    )
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    yield producer


def produce(producer: Producer, events: Iterable[ListeningEvent], **more: Any) -> None:
    for event in events:
        value = encode("ListeningEvent", event.model_dump(mode="json"))
        key = event.listener_id.encode()
        producer.produce(LISTENING_EVENTS.name, value, key=key, **more)
    assert producer.flush(TIMEOUT_S) == 0


def counted(station: Station) -> dict[str, int]:
    """What the log covers, after every promise was found kept."""
    found = station.json("verify", "--deep")
    assert found["kept"], found["promises"]
    return dict(found["log"])


def test_of_transactions_the_committed_are_learnt_and_lag_reaches_zero(station: Station) -> None:
    events = list(a_stream(2 * EACH * len(CODECS)))
    for at, codec in enumerate(CODECS):
        wanted = events[2 * EACH * at :][: 2 * EACH]
        with a_transaction(station, f"committing {codec}", codec) as producer:
            produce(producer, wanted[:EACH])
            producer.commit_transaction(TIMEOUT_S)
        with a_transaction(station, f"aborting {codec}", codec) as producer:
            produce(producer, wanted[EACH:])
            producer.abort_transaction(TIMEOUT_S)
    station.wait_applied(EACH * len(CODECS))
    log = counted(station)
    ends = bounds_of(station.addresses.kafka, LISTENING_EVENTS.name, range(4)).values()
    assert log["covered"] == sum(each.end for each in ends)
    assert (log["rows"], log["rejected"]) == (EACH * len(CODECS), 0)
    assert log["vacant"] > EACH * len(CODECS)


def test_a_transaction_that_stays_open_holds_its_partition_alone_and_is_named(
    station: Station,
) -> None:
    applied = station.status()["applied"]
    [sequencer, *_] = station.workers
    with a_transaction(station, "hanging") as producer:
        events = list(a_stream(900, listeners=20))[500:]
        produce(producer, events[:3], partition=0)
        [(place, bounds)] = bounds_of(station.addresses.kafka, LISTENING_EVENTS.name, [0]).items()
        first = bounds.end - 3
        assert sequencer.stop() == 0
        again = station.start("sequencer")
        others = [each for each in events[3:] if partition(each) != place]
        station.produce(others)
        station.wait_applied(applied + len(others))
        assert again.process.poll() is None

        said = wait_until(
            lambda: _finding(station, "transactions"), lambda it: it["level"] == "warning"
        )
        assert f"listening-events/0/{first}" in said["says"]
        assert (
            f"kafka-transactions.sh --bootstrap-server {station.addresses.kafka} abort "
            f"--topic listening-events --partition 0 --start-offset {first}"
        ) in said["remedy"]
        counted(station)
        producer.commit_transaction(TIMEOUT_S)
    station.wait_applied(applied + len(others) + 3)
    assert _finding(station, "transactions")["level"] == "ok"


OWN_TOPICS = (LEARNING_PROGRESS.name, MODEL_LIFECYCLE.name, RECOMMENDATIONS.name)


def test_open_transactions_in_topics_of_echotune_hide_no_heartbeat_and_no_plan(
    station: Station,
) -> None:
    producers = []
    for topic in OWN_TOPICS:
        with a_transaction(station, f"hanging in {topic}") as producer:
            producer.produce(topic, b"somebody else's", key=b"theirs", partition=0)
            assert producer.flush(TIMEOUT_S) == 0
            producers.append(producer)
    created = station.run("generations", "create", "second", "--why", "a test")
    assert created.returncode == 0, created.stderr
    station.start("recommender")  # a standby, which takes over
    next(each for each in station.workers if "recommender" in each.log.name).kill()
    applied = int(station.status()["applied"] or 0)
    station.produce(list(a_stream(920, listeners=20))[900:])
    wait_until(station.status, lambda it: (it["applied"] or 0) >= applied + 20)
    wait_until(lambda: station.status()["recommender"].get("publishing"), bool)
    wait_until(lambda: _finding(station, "heartbeats"), lambda it: it["level"] == "ok")
    said = _finding(station, "transactions")
    assert all(f"from {topic}/0/" in said["says"] for topic in OWN_TOPICS), said
    for producer in producers:
        producer.abort_transaction(TIMEOUT_S)
    counted(station)


def partition(event: ListeningEvent) -> int:
    return partition_of(event.listener_id, 4)


def _finding(station: Station, check: str) -> dict[str, str]:
    found = station.json("doctor")["findings"]
    return next(each for each in found if each["check"] == check)
