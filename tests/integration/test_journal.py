"""The journal on a real broker: several writers, and a journal that lost its tail."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import KafkaCluster
from streams.kafka.topic_facts import bounds_of
from streams.lifecycle.journal import Journal, operation, read_lifecycle
from streams.lifecycle.lifecycle import Lifecycle
from topics.catalogue import MODEL_LIFECYCLE
from topics.lifecycle import (
    GenerationCreated,
    GenerationMoved,
    GenerationState,
    ServingCause,
    ServingChanged,
)

NAMES = ("first", "second")


def a_journal_topic(kafka: str) -> KafkaCluster:
    """The cluster as an installation of its own sees it, with a journal without records."""
    cluster = KafkaCluster(kafka, prefix=f"journal-{uuid4().hex[:8]}.")
    name = f"{cluster.prefix}{MODEL_LIFECYCLE.name}"
    admin = AdminClient(client_settings(kafka))
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30.0)
    return cluster


def began(kafka: str) -> None:
    """Creates and starts both generations."""
    with Journal(kafka) as journal:
        for name in NAMES:
            created = GenerationCreated(
                name=name, settings="{}", fold_version=0, **operation("a test")
            )
            moved = GenerationMoved(name=name, to=GenerationState.STARTED, **operation("a test"))
            for record in (created, moved):
                assert journal.append(lambda _, record=record: record).is_valid


def serve(kafka: str, who: int) -> int:
    """Changes the plan ten times, as an operator who looks at it each time; how often valid."""

    def make(lifecycle: Lifecycle) -> ServingChanged:
        return ServingChanged(
            expected=lifecycle.plan.version,
            stable=NAMES[who % 2],
            cause=ServingCause.PROMOTED,
            **operation("a test", f"operator {who}"),
        )

    with Journal(kafka) as journal:
        return sum(journal.append(make).is_valid for _ in range(10))


def test_of_several_operators_exactly_one_changes_each_plan_and_all_agree(kafka: str) -> None:
    cluster = a_journal_topic(kafka)
    began(cluster)
    with ThreadPoolExecutor(3) as pool:
        valid = sum(pool.map(lambda who: serve(cluster, who), range(3)))
    lifecycle = read_lifecycle(cluster)
    plans = [each for each in lifecycle.history if isinstance(each.record, ServingChanged)]
    assert len(plans) == 30
    assert sum(not each.void for each in plans) == valid
    assert valid >= 10
    assert bounds_of(cluster, MODEL_LIFECYCLE.name, [0])[0].end == 34


def test_a_void_record_names_who_was_faster(kafka: str) -> None:
    cluster = a_journal_topic(kafka)
    began(cluster)
    late = ServingChanged(
        expected=-1, stable="first", cause=ServingCause.PROMOTED, **operation("a test", "late")
    )
    with Journal(cluster) as journal:
        assert serve(cluster, 1) == 10
        appended = journal.append(lambda _: late)
    assert not appended.is_valid
    assert appended.faster is not None
    assert appended.faster.record.who == "operator 1"


@pytest.mark.parametrize("value", [b"hello", None])
def test_what_nothing_of_echotune_wrote_is_passed(kafka: str, value: bytes | None) -> None:
    cluster = a_journal_topic(kafka)
    producer = Producer({"bootstrap.servers": kafka})
    producer.produce(f"{cluster.prefix}{MODEL_LIFECYCLE.name}", value, key=b"k")
    assert producer.flush(30.0) == 0
    began(cluster)
    assert {*read_lifecycle(cluster).generations} == {*NAMES}
