"""Whether Kafka is there, as a worker asks before it begins."""

from infra.daemon import LOOPBACK, free_port
from streams.waiting import kafka_answers, wait_for_kafka


async def test_a_broker_that_is_there_answers(kafka: str) -> None:
    assert kafka_answers(kafka, 10.0)
    await wait_for_kafka(kafka)


def test_where_nobody_listens_nobody_answers() -> None:
    assert not kafka_answers(f"{LOOPBACK}:{free_port()}", 0.5)
