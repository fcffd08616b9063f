"""`echotune verify --deep` on real servers: silent while all is well, exact when it is not."""

from collections.abc import Iterator
from typing import Any

import pytest
from confluent_kafka import OFFSET_END, Producer, TopicPartition
from confluent_kafka.admin import AdminClient

from streams.kafka.client_settings import client_settings
from streams.verifying.published_lists import committed_lists
from tests.conftest import KAFKA_LIBS
from tests.support.events import a_stream
from tests.support.lists_seen import in_redis, redis_of
from tests.support.station import Station, StationHere, wait_until
from topics.catalogue import DEAD_LETTERS, LISTENING_EVENTS, RECOMMENDATIONS
from topics.codecs import Decoder, encode

EVENTS = 2_000
POISON = 7
TIMEOUT_S = 30.0


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Station]:
    """A station at rest, after events and some poison."""
    station = StationHere(tmp_path_factory.mktemp("deep") / "home", KAFKA_LIBS)
    station.environment["ECHOTUNE_CHUNK_RECORDS_MAX"] = "20"  # a log of many records
    station.up()
    station.start("sequencer")
    station.start("recommender")
    station.produce(a_stream(EVENTS))
    for at in range(POISON):
        station.produce_raw(f"poison {at}".encode(), key=b"ann")
    station.wait_applied(EVENTS)
    yield station
    station.close()


def broken(found: dict[str, Any]) -> dict[str, str]:
    """Where each broken promise is broken first."""
    return {each["promise"]: each["first"]["where"] for each in found["promises"] if each["first"]}


def test_every_promise_is_checked_and_kept(settled: Station) -> None:
    found = settled.json("verify", "--deep")
    assert broken(found) == {}
    assert found["kept"]
    assert found["log"] == {
        "covered": EVENTS + POISON,
        "rows": EVENTS,
        "rejected": POISON,
        "vacant": 0,
    }
    assert found["lists"] == 50
    assert all(each["checked"] for each in found["promises"]), found["promises"]


def test_a_list_that_another_generation_overwrote_in_the_topic_is_missing(
    settled: Station,
) -> None:
    decoder = Decoder(RECOMMENDATIONS.contracts)
    own = next(each for each in committed_lists(settled.addresses.kafka) if each.value())
    fields = decoder.decode(own.value())[1] | {"generation": "second"}
    producer = Producer({"bootstrap.servers": settled.addresses.kafka})
    for value in (encode("RecommendationList", fields), own.value()):
        producer.produce(RECOMMENDATIONS.name, value, key=own.key(), partition=own.partition())
        assert producer.flush(TIMEOUT_S) == 0
        found = settled.json("verify", "--deep")
        assert broken(found) == ({"complete": own.key().decode()} if value != own.value() else {})


def test_a_list_that_somebody_changed_in_redis_is_named(settled: Station) -> None:
    before = in_redis(settled)
    with redis_of(settled) as redis:
        kept = redis.hgetall("recs:first:listener-7")
        redis.hset("recs:first:listener-7", "items", '[["track-1",1.0,"own"]]')
        redis.hset("recs:first:nobody", mapping=kept)
        lost = redis.hgetall("recs:first:listener-8")
        redis.delete("recs:first:listener-8")
        found = settled.json("verify", "--deep")
        redis.delete("recs:first:nobody")
        redis.hset("recs:first:listener-7", mapping=kept)
        redis.hset("recs:first:listener-8", mapping=lost)
    assert not found["kept"]
    assert broken(found) == {
        "complete": "listener-8",
        "agreed": "listener-7",
        "ranked": f"listener-7 as of {before['listener-7'].as_of}",
    }


def test_the_verdict_is_in_words_and_in_the_exit_code(settled: Station) -> None:
    wait_until(lambda: settled.run("verify", "--deep").returncode, lambda code: code == 0)
    with redis_of(settled) as redis:
        redis.delete("recs:first:listener-9")
    ended = settled.run("verify", "--deep")
    assert ended.returncode == 1
    assert "BROKEN every listener has a list" in ended.stdout
    assert "first at listener-9: changed at" in ended.stdout


def test_what_retention_took_is_unknown_and_not_broken(settled: Station) -> None:
    admin = AdminClient(client_settings(settled.addresses.kafka))
    partitions = range(settled.settings.partitions)
    places = [
        TopicPartition(topic.name, at, OFFSET_END)
        for topic in (LISTENING_EVENTS, DEAD_LETTERS)
        for at in partitions
    ]
    for future in admin.delete_records(places).values():
        future.result(TIMEOUT_S)
    with redis_of(settled) as redis:
        redis.flushall()  # what the tests before have left
    found = wait_until(lambda: settled.json("verify", "--deep"), lambda it: bool(it["kept"]))
    unknown = {each["promise"]: each["unknown"] for each in found["promises"] if each["unknown"]}
    assert unknown == {"source": EVENTS + POISON, "letters": POISON}


def test_what_is_missing_or_was_not_compared_is_not_kept_and_no_unknown_lag_is_zero(
    settled: Station,
) -> None:
    for worker in settled.workers:
        worker.stop()
    with redis_of(settled) as redis:
        redis.flushall()
    emptied = settled.json("verify", "--deep")
    assert not emptied["kept"]
    assert "no list in redis" in _promise(emptied, "complete")["first"]["what"]
    settled.produce(a_stream(40, listeners=3))
    waiting = settled.run("verify", "--deep")
    assert waiting.returncode == 1
    assert "40 not compared" in waiting.stdout
    said = {each["check"]: each for each in settled.json("doctor")["findings"]}
    assert said["lag"]["level"] == "warning"
    assert "unknown" in said["lag"]["says"]


def _promise(found: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in found["promises"] if each["promise"] == name)
