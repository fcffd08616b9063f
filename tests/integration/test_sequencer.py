"""The sequencer on a real Kafka: poison, limits, offsets and logs that somebody meddled with."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from confluent_kafka import ConsumerGroupTopicPartitions, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.cli.topics import apply_topics
from streams.dead_letters.dead_letter_reader import dead_letters
from streams.kafka.client_settings import client_settings
from streams.kafka.topic_facts import bounds_of
from tests.conftest import KAFKA_LIBS
from tests.support.coverage_audit import audited
from tests.support.events import a_stream, an_event
from tests.support.log_cutting import cut_tail
from tests.support.records import POISON
from tests.support.station import Station, wait_until
from topics.catalogue import LEARNING_LOG, LISTENING_EVENT_BYTES_MAX, LISTENING_EVENTS

PARTITIONS = range(4)
GROUP = "echotune-sequencer"
TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station with both workers, for tests that leave it whole."""
    station = Station(tmp_path_factory.mktemp("sequencer") / "home", KAFKA_LIBS)
    station.up()
    station.start("sequencer")
    station.start("recommender")
    yield station
    station.close()


def sequenced(station: Station) -> None:
    """Waits until everything produced is covered by the log."""
    ends = bounds_of(station.addresses.kafka, LISTENING_EVENTS.name, PARTITIONS)
    covered = sum(bounds.end for bounds in ends.values())
    wait_until(lambda: audited(station.addresses.kafka)["covered"], lambda found: found == covered)


def test_a_sequencer_that_joins_two_others_reads_partitions_too(shared: Station) -> None:
    more = [shared.start("sequencer")]
    wait_until(lambda: owned(shared), lambda found: sorted(map(len, found)) == [2, 2])
    more.append(shared.start("sequencer"))
    wait_until(lambda: owned(shared), lambda found: sorted(map(len, found)) == [1, 1, 2])
    for each in more:
        assert each.stop() == 0
    wait_until(lambda: owned(shared), lambda found: max(map(len, found)) == len(PARTITIONS))


def owned(station: Station) -> list[list[str]]:
    """The partitions that each sequencer reads, by its status."""
    return [sorted(each["partitions"]) for each in station.status()["sequencers"]]


def test_poison_between_good_events_loses_none_of_them_and_keeps_its_bytes(
    shared: Station,
) -> None:
    before = len(dead_letters(shared.addresses.kafka))
    good = list(a_stream(60, listeners=6))
    for event, value in zip(good, [*POISON.values()] * 4, strict=False):
        shared.produce([event])
        shared.produce_raw(value, key=event.listener_id.encode(), flush=False)
    shared.flush()
    sequenced(shared)

    letters = dead_letters(shared.addresses.kafka)[before:]
    now_valid = {"in the future"}  # the broker's time is far beyond that of the fixed test data
    expected = [v for name, v in POISON.items() if name not in now_valid]
    assert {each.value for each in letters} == set(expected)
    counts = audited(shared.addresses.kafka)
    assert counts["rejected"] >= len(letters) > 0
    assert counts["rows"] + counts["rejected"] == counts["covered"]


def test_a_record_without_key_is_an_event_and_one_without_value_a_dead_letter(
    shared: Station,
) -> None:
    rows = audited(shared.addresses.kafka)["rows"]
    shared.produce_raw(None, key=None)
    shared.produce([an_event(listener_id="nobody's key", track_id="t")])
    sequenced(shared)
    assert audited(shared.addresses.kafka)["rows"] == rows + 1
    assert dead_letters(shared.addresses.kafka)[-1].reason == "null_value"


def test_the_largest_record_the_topic_takes_becomes_a_dead_letter_whole(shared: Station) -> None:
    producer = Producer(
        {
            "bootstrap.servers": shared.addresses.kafka,
            "message.max.bytes": 2 * LISTENING_EVENT_BYTES_MAX,
            "linger.ms": 0,
        }
    )
    errors: list[object] = []
    framing = LISTENING_EVENT_BYTES_MAX - _largest_value(producer, errors)
    assert errors[-1] is None
    assert 0 < framing < 200
    sequenced(shared)
    [largest] = [
        each
        for each in dead_letters(shared.addresses.kafka)
        if each.value is not None and len(each.value) == LISTENING_EVENT_BYTES_MAX - framing
    ]
    assert largest.value == b"\x07" * (LISTENING_EVENT_BYTES_MAX - framing)


def _largest_value(producer: Producer, errors: list[object]) -> int:
    """Sends ever smaller values of rubbish until one is taken; returns its size."""
    size = LISTENING_EVENT_BYTES_MAX
    while True:
        producer.produce(
            LISTENING_EVENTS.name,
            b"\x07" * size,
            partition=0,
            on_delivery=lambda error, _: errors.append(error),
        )
        producer.flush(TIMEOUT_S)
        if errors[-1] is None:
            return size
        size -= 1


def test_group_offsets_set_forward_by_hand_lose_nothing(station: Station) -> None:
    recommender = station.start("recommender")
    sequencer = station.start("sequencer")
    station.produce(a_stream(200))
    station.wait_applied(200)
    sequencer.stop()
    station.produce(list(a_stream(500))[200:])
    _move_group(station, to_end=True)
    station.start("sequencer")

    station.wait_applied(500)
    assert audited(station.addresses.kafka)["rows"] == 500
    assert station.verify()["equal"]
    assert recommender.process.poll() is None


def _move_group(station: Station, *, to_end: bool) -> None:
    ends = bounds_of(station.addresses.kafka, LISTENING_EVENTS.name, PARTITIONS)
    offsets = [
        TopicPartition(LISTENING_EVENTS.name, at, bounds.end if to_end else bounds.start)
        for at, bounds in ends.items()
    ]
    admin = AdminClient(client_settings(station.addresses.kafka))
    wanted = [ConsumerGroupTopicPartitions(GROUP, offsets)]
    deadline = time.monotonic() + TIMEOUT_S
    while True:  # the group may still have a member that is about to leave
        try:
            admin.alter_consumer_group_offsets(wanted)[GROUP].result(TIMEOUT_S)
            return
        except Exception:
            assert time.monotonic() < deadline
            time.sleep(0.5)


def test_a_source_topic_made_anew_halts_until_somebody_adopts_it(station: Station) -> None:
    station.start("recommender")
    station.start("sequencer")
    station.produce(a_stream(100))
    station.wait_applied(100)
    admin = AdminClient(client_settings(station.addresses.kafka))
    admin.delete_topics([LISTENING_EVENTS.name])[LISTENING_EVENTS.name].result(TIMEOUT_S)
    wait_until(
        lambda: admin.list_topics(timeout=TIMEOUT_S).topics,
        lambda found: LISTENING_EVENTS.name not in found,
    )
    apply_topics(station.settings, station.addresses)
    station.produce(list(a_stream(150))[100:])

    wait_until(station.status, lambda found: any(each["halted"] for each in found["sequencers"]))
    assert audited(station.addresses.kafka)["rows"] == 100
    station.run("topics", "adopt")
    wait_until(station.status, lambda found: found["applied"] == 150)
    assert station.verify()["equal"]


def test_a_log_that_a_power_cut_robbed_of_its_last_thousand_records_heals(
    station: Station,
) -> None:
    station.environment |= {"ECHOTUNE_CHUNK_RECORDS_MAX": "1", "ECHOTUNE_SNAPSHOTS_KEPT": "100"}
    sequencer, recommender = station.start("sequencer"), station.start("recommender")
    stream = list(a_stream(1_600))
    station.produce(stream[:300])
    station.wait_applied(300)
    wait_until(station.status, lambda found: found["recommender"]["snapshot_offset"] > 0)
    station.produce(stream[300:])
    station.wait_applied(1_600)
    before = bounds_of(station.addresses.kafka, LEARNING_LOG.name, [0])[0].end

    station.servers.kill("kafka")
    sequencer.kill()
    recommender.kill()
    end = cut_tail(_partition(station), 1_000)
    station.servers.start("kafka")
    assert (
        bounds_of(station.addresses.kafka, LEARNING_LOG.name, [0])[0].end == end <= before - 1_000
    )
    station.start("sequencer")
    station.start("recommender")

    station.wait_applied(1_600)
    assert audited(station.addresses.kafka)["rows"] == 1_600
    assert station.verify()["equal"]


def _partition(station: Station) -> Path:
    return station.home / "kafka" / "data" / f"{LEARNING_LOG.name}-0"
