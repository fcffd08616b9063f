"""The autopilot on real servers: it compares, promotes in steps, and rolls back what broke."""

from collections.abc import Iterator

import orjson
import pytest

from streams.lifecycle.journal import read_lifecycle
from streams.lifecycle.lifecycle import Lifecycle
from tests.conftest import KAFKA_LIBS
from tests.integration.test_generations import WHY, pointer
from tests.support.events import a_stream
from tests.support.station import Station, StationHere, wait_until
from topics.lifecycle import GenerationsCompared, ServingCause, ServingChanged

EVENTS = 600
EXIT_INTERRUPTED = 130


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
    assert keeper.stop() == EXIT_INTERRUPTED
    assert "Traceback" not in keeper.text()
