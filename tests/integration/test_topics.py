"""`echotune topics apply` on a real cluster, and what it leaves if it dies."""

from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.cli import topics
from streams.kafka.client_settings import client_settings
from streams.kafka.log_reader import LogReader
from tests.conftest import KAFKA_LIBS
from tests.support.station import Station
from topics.catalogue import CATALOGUE
from topics.control_records import LogEpochStarted
from topics.learning_log import decode_log_record


def test_a_log_whose_maker_died_before_its_first_record_gets_it_at_the_next_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object) -> None:
        raise KeyboardInterrupt

    with closing(Station(tmp_path / "home", KAFKA_LIBS)) as station:
        station.servers.up()
        with monkeypatch.context() as patch:
            patch.setattr(topics, "write_control", die)
            with pytest.raises(KeyboardInterrupt):
                topics.apply_topics(station.settings, station.addresses)
        for _ in range(2):
            topics.apply_topics(station.settings, station.addresses)
        with LogReader(station.addresses.kafka) as log:
            records = [decode_log_record(value, at) for at, value in log.records(0, 0)]
            assert log.bounds().end == 1
    assert [type(record) for record in records] == [LogEpochStarted]


def refusal(station: Station, topic: str, at_ms: int) -> object:
    """Why a topic does not take a record of this time; None if it does."""
    reports: list[object] = []
    producer = Producer(client_settings(station.addresses.kafka))
    producer.produce(
        *(topic, b"a record", b"a key"),
        timestamp=at_ms,
        on_delivery=lambda error, _: reports.append(error),
    )
    assert producer.flush(90.0) == 0
    return reports[0]


def test_topics_take_records_whatever_the_writer_s_clock_says(
    tmp_path: Path,
) -> None:
    with closing(Station(tmp_path / "home", KAFKA_LIBS)) as station:
        station.up()
        in_years = 2_000_000_000_000
        for topic in CATALOGUE:
            assert refusal(station, topic.name, in_years) is None, topic.name
