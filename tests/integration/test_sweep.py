"""The topic has no list of a listener whom the stable generation does not know."""

from collections.abc import Iterator

import pytest
from confluent_kafka import Producer

from streams.verifying.published_lists import committed_lists
from tests.conftest import KAFKA_LIBS
from tests.support.events import START_MS, a_stream, an_event
from tests.support.generations_station import WHY, GenerationsStation
from tests.support.journal import Journal
from tests.support.station import wait_until
from topics.catalogue import RECOMMENDATIONS

EVENTS = 300
EARLY = "early-listener"
"""Has one play, which `late` does not learn."""


@pytest.fixture(scope="module")
def station(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GenerationsStation]:
    """`first` has learnt everything and serves; `late` has learnt all but the first record."""
    folder = tmp_path_factory.mktemp("sweep")
    station = GenerationsStation(folder / "home", KAFKA_LIBS)
    station.journal = Journal(folder / "journal.jsonl")
    station.up()
    station.start("sequencer")
    station.recommend("first")
    station.produce([an_event(listener_id=EARLY, track_id="track-1", listened_at=START_MS - 1)])
    begins = station.wait_applied(1)["recommender"]["as_of"] + 1
    station.produce(a_stream(EVENTS))
    station.wait_applied(EVENTS + 1)
    create = ("generations", "create", "late", "--model", "popularity", "--start", *WHY)
    done = station.run(*create, ECHOTUNE_LEARN_FROM=str(begins))
    assert done.returncode == 0, done.stderr
    station.recommend("late")
    assert station.json("generations", "wait", "late")["caught_up"]
    yield station
    station.close()


def broken_of(station: GenerationsStation, generation: str) -> list[str]:
    found = station.json("verify", "--deep", ECHOTUNE_GENERATION=generation)
    return [
        f"{each['first']['where']}: {each['first']['what']}"
        for each in found["promises"]
        if each["first"]
    ]


def test_whom_only_the_former_generation_knew_has_no_list_after_a_promotion(
    station: GenerationsStation,
) -> None:
    assert EARLY in station.in_topic()[1]
    station.done("generations", "promote", "late", "--force", *WHY)
    station.wait_served_by("late")
    assert EARLY not in station.in_topic()[1]
    station.wait_kept("late")
    station.done("generations", "rollback", *WHY)
    station.wait_served_by("first")
    assert EARLY in station.in_topic()[1]
    station.wait_kept("first")


def test_a_list_that_another_generation_left_is_seen_and_swept_by_the_next_takeover(
    station: GenerationsStation,
) -> None:
    foreign = next(each for each in committed_lists(station.addresses.kafka) if each.value())
    station.done("generations", "promote", "late", "--force", *WHY)
    station.wait_served_by("late")
    producer = Producer({"bootstrap.servers": station.addresses.kafka})
    producer.produce(RECOMMENDATIONS.name, foreign.value(), key="nobody")
    assert producer.flush(30.0) == 0
    left = "nobody: unknown listener, but has a list of first in the topic"
    assert broken_of(station, "late") == [left]
    station.recommend("late")  # it takes over again; nothing else happens
    wait_until(lambda: station.in_topic()[1], lambda found: "nobody" not in found)
    station.wait_kept("late")
