"""`echotune topics apply` on a real cluster, and what it leaves if it dies."""

from contextlib import closing
from pathlib import Path

import pytest

from streams.cli import topics
from streams.kafka.log_reader import LogReader
from tests.conftest import KAFKA_LIBS
from tests.support.station import Station
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
