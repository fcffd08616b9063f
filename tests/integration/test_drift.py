"""A live system notices that its listeners changed, and says so where people and programs look."""

from confluent_kafka import Consumer, TopicPartition

from tests.support.drifting import a_break_of_taste
from tests.support.station import Station
from topics.catalogue import MODEL_METRICS
from topics.codecs import Decoder
from topics.listening_event import ListeningEvent

READ_S = 15.0
BEFORE, AFTER = 3_000, 1_500


def newest_alarm(kafka: str) -> tuple[str, dict[str, object]]:
    """Key and record of the last alarm in the topic."""
    consumer = Consumer({"bootstrap.servers": kafka, "group.id": "alarms"})
    end = consumer.get_watermark_offsets(TopicPartition(MODEL_METRICS.name, 0), READ_S)[1]
    consumer.assign([TopicPartition(MODEL_METRICS.name, 0, end - 1)])
    message = consumer.poll(READ_S)
    consumer.close()
    assert message is not None
    decoded = Decoder(MODEL_METRICS.contracts).decode(message.value())
    assert isinstance(decoded, tuple)
    return (message.key() or b"").decode(), decoded[1]


def test_a_break_of_taste_is_told_in_the_topic_and_in_the_status(station: Station) -> None:
    station.start("sequencer")
    recommender = station.start("recommender")
    events = [ListeningEvent(**event) for event in a_break_of_taste(BEFORE, AFTER)]
    station.produce(events[:BEFORE])
    station.wait_applied(BEFORE)  # partitions are read in any order: the break is one for all
    station.produce(events[BEFORE:])
    drift = station.wait_applied(BEFORE + AFTER)["recommender"]["drift"]
    assert drift["raised"] == 1
    assert drift["latest"]["before"] > 0.8 > 0.4 > drift["latest"]["after"]
    recommender.stop()
    key, told = newest_alarm(station.addresses.kafka)
    assert key == told["generation"] == station.settings.generation
    assert told["as_of"] == drift["latest"]["at"]
    assert {name: told[name] for name in ("scored", "since", "before", "after")} == {
        name: drift["latest"][name] for name in ("scored", "since", "before", "after")
    }
    assert station.json("evaluate", "--log")["drift"][0]["before"] == told["before"]
