"""The doctor on real servers: a healthy system, then what somebody broke."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource
from confluent_kafka.admin import ResourceType as Type

from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.lists_seen import redis_of
from tests.support.station import Station, StationHere, wait_until

OK, NO, ERROR = 0, 1, 3


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A running EchoTune that has learnt something."""
    with closing(StationHere(tmp_path_factory.mktemp("doctor"), KAFKA_LIBS)) as station:
        station.up()
        station.start("sequencer")
        station.start("recommender")
        station.produce(a_stream(200, listeners=5))
        station.wait_applied(200)
        yield station


def found(station: Station, **environment: str) -> dict[str, Any]:
    """What the doctor says, by check."""
    return {each["check"]: each for each in station.json("doctor", **environment)["findings"]}


def test_a_running_system_is_well_and_the_exit_code_says_so(station: Station) -> None:
    done = station.run("doctor")
    assert (done.returncode, done.stderr) == (OK, "")
    assert "broken" not in done.stdout
    said = found(station)
    assert {name for name, each in said.items() if each["level"] != "ok"} == set()
    assert {"holes", "digests", "heartbeats", "topics"} <= said.keys()


def test_what_somebody_changed_is_named(station: Station) -> None:
    alter(station, "retention.ms", "1000000")
    with redis_of(station) as redis:
        redis.config_set("maxmemory", "1gb")
        redis.config_set("maxmemory-policy", "allkeys-lru")
    (station.home / "snapshots" / "somebody-else").mkdir(parents=True)
    said = found(station)
    wrong = {name for name, each in said.items() if each["level"] != "ok"}
    assert wrong == {"topics", "redis memory", "snapshots"}
    assert "learning-log: retention.ms 1000000" in said["topics"]["says"]
    assert said["topics"]["remedy"] == "Run `echotune topics apply`."
    refused = station.run("topics", "apply", ECHOTUNE_PARTITIONS="1")
    assert (refused.returncode, refused.stdout) == (ERROR, "")
    assert "partitions cannot be removed" in refused.stderr
    assert found(station)["topics"] == said["topics"], "a refused change is none at all"
    few = found(station, ECHOTUNE_PARTITIONS="1")["topics"]
    assert few["remedy"] == "Set ECHOTUNE_PARTITIONS to what the cluster has."
    many = found(station, ECHOTUNE_PARTITIONS="12")
    assert (many["kafka"]["level"], many["transactions"]["level"]) == ("ok", "ok")
    assert station.run("topics", "apply").returncode == OK
    assert found(station)["topics"]["level"] == "ok"


def test_workers_and_a_redis_that_are_gone_are_named(station: Station) -> None:
    for worker in station.workers:
        worker.kill()
    gone = wait_until(lambda: found(station), lambda it: it["recommender"]["level"] == "broken")
    assert "echotune worker sequencer" in gone["sequencers"]["remedy"]
    station.servers.kill("redis")
    done = station.run("doctor")
    assert done.returncode == NO
    assert "ECHOTUNE_REDIS" in done.stdout
    assert "Traceback" not in done.stderr


def alter(station: Station, name: str, value: str) -> None:
    """Sets a setting of the learning-log by hand."""
    entry = ConfigEntry(name, value, incremental_operation=AlterConfigOpType.SET)
    resource = ConfigResource(Type.TOPIC, "learning-log", incremental_configs=[entry])
    admin = AdminClient({"bootstrap.servers": station.addresses.kafka})
    for future in admin.incremental_alter_configs([resource]).values():
        future.result(timeout=10)
