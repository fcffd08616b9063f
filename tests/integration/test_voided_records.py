"""Records of the learning-log that no reader can read are declared void, and everybody goes on."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from confluent_kafka import Producer

from streams.archive.backup import backup
from streams.kafka.client_settings import client_settings
from streams.kafka.log_reader import LogReader
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.station import Station, StationHere, wait_until
from topics.catalogue import LEARNING_LOG
from topics.codecs import MAGIC

TIMEOUT_S = 30.0
BATCH_ID = 1_000_000_001
DAMAGED = bytes([MAGIC]) + BATCH_ID.to_bytes(4, "big") + b"typed into the wrong window"
PART = 100


@pytest.fixture
def station(tmp_path: Path) -> Iterator[Station]:
    """A running sequencer, with a log that has records."""
    with closing(StationHere(tmp_path / "home", KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        yield station


def fed(station: Station, upto: int) -> None:
    """Produces the next events of the stream, and waits until they are published."""
    station.produce(list(a_stream(upto))[upto - PART :])
    station.wait_applied(upto)


def log_end(station: Station) -> int:
    with LogReader(station.addresses.kafka) as log:
        return log.bounds().end


def written(station: Station, value: bytes, **settings: str) -> Producer:
    """Writes one record to the log, as a foreign producer does."""
    producer = Producer(client_settings(station.addresses.kafka) | settings)
    if settings:
        producer.init_transactions(TIMEOUT_S)
        producer.begin_transaction()
    producer.produce(LEARNING_LOG.name, value, partition=0)
    assert producer.flush(TIMEOUT_S) == 0
    return producer


def halted(station: Station) -> str:
    """What a recommender says that cannot read the next record."""
    recommender = station.start("recommender")
    assert recommender.process.wait(90.0) == 3
    return recommender.text()


def finding(station: Station) -> dict[str, str]:
    found = station.json("doctor")["findings"]
    return next(each for each in found if each["check"] == "unreadable records")


def arguments_of(command: str) -> list[str]:
    words = command.split("echotune ")[1].split(" --why", maxsplit=1)[0].split()
    return [*words, "--why", "a console producer"]


def test_one_command_passes_a_damaged_record_for_every_reader_and_deletes_nothing(
    station: Station, tmp_path: Path
) -> None:
    recommender = station.start("recommender")
    fed(station, PART)
    place = log_end(station)
    written(station, DAMAGED)
    assert recommender.process.wait(90.0) == 3
    station.produce(list(a_stream(2 * PART))[PART:])
    assert f"echotune topics void learning-log 0 {place} --why WHY" in recommender.text()
    said = finding(station)
    assert said["level"] == "broken"
    assert f"record {place} cannot be read" in said["says"]
    void = arguments_of(said["remedy"])
    assert station.run("topics", "void", "learning-log", "0", "1", "--why", "x").returncode == 3
    declared = station.json(*void)["void"]
    assert [(each["first_offset"], each["last_offset"]) for each in declared] == [(place, place)]
    assert station.json(*void)["void"] == []

    station.start("recommender")
    status = station.wait_applied(2 * PART)
    assert status["recommender"]["counts"]["stray_in_log"] == 1
    assert finding(station)["level"] == "ok"
    assert station.verify()["equal"]
    assert station.json("verify", "--deep")["kept"]
    exported = station.json("export", "--to", str(tmp_path / "plays.parquet"))
    assert exported["rows"] == 2 * PART
    backup(station.addresses.kafka, tmp_path / "backup", lambda *_: None)
    with closing(StationHere(tmp_path / "other", KAFKA_LIBS)) as other:
        other.up()
        assert other.json("restore", str(tmp_path / "backup"), "--prove")["equal"]
    history = json.loads(station.run("generations", "history", "--json").stdout)
    assert history[-1]["says"] == f"learning-log/0/{place} is void"


def test_the_gap_of_a_foreign_transaction_is_declared_void_and_backed_up(
    station: Station, tmp_path: Path
) -> None:
    recommender = station.start("recommender")
    fed(station, PART)
    place = log_end(station)
    aborting = {"transactional.id": "somebody"}
    written(station, DAMAGED, **aborting).abort_transaction(TIMEOUT_S)
    station.produce(list(a_stream(2 * PART))[PART:])
    assert recommender.process.wait(90.0) == 3
    assert f"echotune topics void learning-log 0 {place} --why WHY" in recommender.text()
    [declared] = station.json(*arguments_of(finding(station)["remedy"]))["void"]
    assert (declared["first_offset"], declared["last_offset"]) == (place, place + 1)
    station.start("recommender")
    status = wait_until(station.status, lambda it: it["applied"] == 2 * PART)
    assert status["recommender"]["counts"]["stray_in_log"] == 2
    station.wait_applied(2 * PART)
    assert station.verify()["equal"]
    backup(station.addresses.kafka, tmp_path / "backup", lambda *_: None)
    with closing(StationHere(tmp_path / "other", KAFKA_LIBS)) as other:
        other.up()
        assert other.json("restore", str(tmp_path / "backup"), "--prove")["equal"]


def test_a_record_that_a_newer_version_may_have_written_is_void_only_by_name(
    station: Station,
) -> None:
    place = log_end(station)
    newer = bytes([MAGIC]) + (1_000_000_999).to_bytes(4, "big") + b"?"
    written(station, newer)
    assert "Upgrade this worker" in halted(station)
    void = ("topics", "void", "learning-log", "0", str(place), "--why", "x")
    refused = station.run(*void)
    assert refused.returncode == 3
    assert "--not-newer" in refused.stderr
    assert len(station.json(*void, "--not-newer")["void"]) == 1
    station.start("recommender")
    fed(station, PART)
