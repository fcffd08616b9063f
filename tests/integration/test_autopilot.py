"""The autopilot on real servers: it compares, promotes in steps, and rolls back what broke."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import orjson
import pytest
from confluent_kafka import Producer

from streams.lifecycle.journal import read_lifecycle
from streams.lifecycle.lifecycle import Lifecycle
from tests.conftest import KAFKA_LIBS
from tests.integration.test_generations import WHY, pointer
from tests.support.events import a_stream, now_ms
from tests.support.generations_station import GenerationsStation
from tests.support.learning_log import SOURCE, a_history
from tests.support.station import Station, StationHere, wait_until
from topics.catalogue import LEARNING_LOG
from topics.learning_batch import LearningBatch, SourceRow, columns_of
from topics.learning_log import encode_log_record
from topics.lifecycle import GenerationsCompared, ServingCause, ServingChanged

pytestmark = pytest.mark.timeout(900)
EVENTS = 600
FLOOD = 1_000
"""`second` is more than 500 records behind for minutes, and it has to be late in 40 looks."""
LOOKS_WITHIN_S = 240.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A poor model serves, and a better one has caught up beside it."""
    station = StationHere(tmp_path_factory.mktemp("autopilot") / "home", KAFKA_LIBS)
    station.up()
    station.start("sequencer")
    station.start("recommender", ECHOTUNE_MODEL="popularity")
    station.produce(a_stream(EVENTS))
    station.wait_applied(EVENTS)
    done = station.run("generations", "create", "second", "--model", "fast", "--start", *WHY)
    assert done.returncode == 0, done.stderr
    station.start("recommender", ECHOTUNE_GENERATION="second")
    assert station.json("generations", "wait", "second")["caught_up"]
    yield station
    station.close()


def lifecycle(station: Station) -> Lifecycle:
    return read_lifecycle(station.addresses.kafka)


def acts(station: Station) -> list[str]:
    """What the keeper did, in order."""
    found = []
    for entry in lifecycle(station).history:
        match entry.record:
            case GenerationsCompared(who="keeper") as compared:
                found.append(f"compared: {compared.verdict}")
            case ServingChanged(who="keeper", automatic=True) as changed if changed.expected >= 0:
                found.append(f"{changed.cause.lower()} {changed.stable} {changed.share}")
    return found


def test_an_armed_generation_is_compared_and_promoted_and_rolled_back_when_it_dies(
    pair: Station,
) -> None:
    keeper = pair.start("keeper")
    armed = ("promote", "second", "--auto", "--steps", "10", "--dwell", "2s")
    assert pair.run("generations", *armed, *WHY).returncode == 0
    wait_until(lambda: lifecycle(pair).plan.stable, lambda stable: stable == "second")
    assert acts(pair) == ["compared: better", "canary first 1000", "promoted second 0"]
    evidence = orjson.loads(lifecycle(pair).evidence)
    assert evidence["comparison"]["verdict"] == "better"
    assert all(each["ok"] for each in evidence["conditions"])
    wait_until(lambda: pointer(pair)["stable"], lambda stable: stable == "second")

    pair.workers[2].kill()  # and nobody starts it again
    wait_until(lambda: lifecycle(pair).plan.stable, lambda stable: stable == "first")
    assert acts(pair)[3:] == ["rolled_back first 0"]
    wait_until(lambda: pointer(pair)["stable"], lambda stable: stable == "first")
    (*_, entry) = lifecycle(pair).history
    assert isinstance(entry.record, ServingChanged)
    assert entry.record.cause is ServingCause.ROLLED_BACK
    assert "not heard: shard 0" in entry.record.why

    assert lifecycle(pair).autopilots == {}
    pair.start("recommender", ECHOTUNE_GENERATION="second")
    assert pair.json("generations", "wait", "second")["caught_up"]
    assert pair.run("generations", *armed, *WHY).returncode == 0  # only a person begins again
    wait_until(lambda: lifecycle(pair).plan.stable, lambda stable: stable == "second")
    assert acts(pair)[4:] == ["canary first 1000", "promoted second 0"]
    assert keeper.stop() == 0
    assert "Traceback" not in keeper.text()


@pytest.fixture
def late(tmp_path: Path) -> Iterator[GenerationsStation]:
    """`second` was promoted on an empty log, and learns two log records a second from now on."""
    with closing(GenerationsStation(tmp_path / "home", KAFKA_LIBS)) as station:
        station.up()
        station.recommend("first", ECHOTUNE_MODEL="popularity")
        create = ("generations", "create", "second", "--model", "popularity", "--start", "--force")
        station.done(*create, *WHY)
        station.recommend("second")
        assert station.json("generations", "wait", "second")["caught_up"]
        station.done("generations", "promote", "second", *WHY)
        station.done("generations", "promote", "second", "--auto", *WHY)
        station.recommend("second", ECHOTUNE_TEST_BREAK="learn slowly:2")
        assert station.json("generations", "wait", "second")["caught_up"]
        yield station


def append(station: Station, records: int) -> None:
    """Appends records of one event each, which arrived just now."""
    producer = Producer({"bootstrap.servers": station.addresses.kafka})
    for offset, event in enumerate(a_history(records)):
        strings, columns = columns_of([SourceRow(offset, now_ms(), event)], offset)
        batch = LearningBatch(SOURCE, offset, offset, strings, columns)
        producer.produce(LEARNING_LOG.name, encode_log_record(batch), partition=0)
    assert producer.flush(30.0) == 0


def test_a_generation_that_falls_behind_is_rolled_back_to_the_one_that_does_not(
    late: GenerationsStation,
) -> None:
    """It is heard and publishes, so it is not broken; nor is an equal model worse."""
    late.start("keeper")
    append(late, FLOOD)
    wait_until(
        lambda: lifecycle(late).plan.stable, lambda stable: stable == "first", LOOKS_WITHIN_S
    )
    (*_, entry) = lifecycle(late).history
    assert isinstance(entry.record, ServingChanged)
    assert (entry.record.cause, entry.record.who) == (ServingCause.ROLLED_BACK, "keeper")
    assert "second is stale: late in" in entry.record.why
    wait_until(late.pointer, lambda found: found == ("first", None))
    assert lifecycle(late).autopilots == {}
