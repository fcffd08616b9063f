"""A generation that does not hold the topic claims its identity in Kafka, and writes no list."""

import pytest
from confluent_kafka import KafkaError

from streams.lists.frontier import NOTHING_PUBLISHED, UNKNOWN_SERIAL, Frontier
from streams.publishing.redis_alone import RedisAlone
from tests.support.kept_transactions import KeptTransactions, a_publication, error_of
from topics.errors import LogError

IN_TOPIC = Frontier(0, 6, serial=5, owner=2)


def a_topic(metadata: Frontier = IN_TOPIC) -> KeptTransactions:
    kafka = KeptTransactions()
    kafka.metadata = metadata.text()
    return kafka


def test_it_claims_the_owner_number_and_writes_no_list() -> None:
    kafka = a_topic()
    alone = RedisAlone(kafka.transactions())
    assert alone.open() == IN_TOPIC
    alone.claim(3)
    alone.offer(a_publication("ann", 7))
    assert kafka.kept == [({}, IN_TOPIC._replace(owner=3))]
    assert alone.published.as_of == 7


@pytest.mark.parametrize("serial", [UNKNOWN_SERIAL, 0, 4])
def test_a_redis_that_lost_its_data_gets_no_number_that_the_topic_has_seen(serial: int) -> None:
    alone = RedisAlone(a_topic().transactions())
    alone.open()
    alone.claim(3)
    alone.note_redis(NOTHING_PUBLISHED._replace(serial=serial, owner=3))
    assert alone.published.serial == IN_TOPIC.serial


def test_what_redis_alone_has_published_goes_on_from_there() -> None:
    alone = RedisAlone(a_topic().transactions())
    alone.open()
    redis = Frontier(0, 90, serial=17, owner=3)
    alone.note_redis(redis)
    assert alone.published == redis


def test_whoever_was_fenced_in_kafka_cannot_claim() -> None:
    kafka = a_topic()
    kafka.failures["commit"] = [error_of(KafkaError._FENCED, fatal=True)]
    alone = RedisAlone(kafka.transactions())
    alone.open()
    with pytest.raises(LogError, match="another of its identity took over"):
        alone.claim(3)
    assert alone.is_fenced


def test_whom_redis_refused_kafka_has_not_fenced() -> None:
    alone = RedisAlone(a_topic().transactions())
    alone.open()
    assert not alone.is_fenced
    alone.fence()
    assert not alone.is_fenced


async def test_it_proves_in_kafka_that_nobody_has_fenced_it() -> None:
    kafka = a_topic()
    alone = RedisAlone(kafka.transactions())
    alone.open()
    alone.claim(3)
    await alone.prove()
    assert kafka.kept == [({}, IN_TOPIC._replace(owner=3))] * 2
    kafka.failures["commit"] = [error_of(KafkaError._FENCED, fatal=True)]
    with pytest.raises(LogError):
        await alone.prove()
    assert alone.is_fenced
