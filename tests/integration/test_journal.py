"""The journal on a real broker: several writers, and a journal that lost its tail."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest
from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient, NewTopic

from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import KafkaCluster
from streams.kafka.retries import until_answered_blocking
from streams.kafka.topic_facts import bounds_of
from streams.lifecycle.journal import SAID_CHARACTERS_MAX, Journal, operation, read_lifecycle
from streams.lifecycle.lifecycle import Lifecycle
from tests.support.events import an_event
from tests.support.station import wait_until
from topics.catalogue import MODEL_LIFECYCLE
from topics.codecs import encode
from topics.errors import LogError, SettingsError
from topics.lifecycle import (
    GenerationCreated,
    GenerationMoved,
    GenerationState,
    ServingCause,
    ServingChanged,
)

NAMES = ("first", "second")
NEWER_RECORD = b"\0" + (1_000_000_999).to_bytes(4) + b"a contract that is not known yet"


def a_journal_topic(kafka: str) -> KafkaCluster:
    """The cluster as an installation of its own sees it, with a journal without records."""
    cluster = KafkaCluster(kafka, prefix=f"journal-{uuid4().hex[:8]}.")
    name = f"{cluster.prefix}{MODEL_LIFECYCLE.name}"
    admin = AdminClient(client_settings(kafka))
    admin.create_topics([NewTopic(name, 1, 1)])[name].result(30.0)
    return cluster


def a_generation(kafka: str, name: str) -> None:
    """Creates and starts a generation."""
    created = GenerationCreated(name=name, settings="{}", fold_version=0, **operation("a test"))
    moved = GenerationMoved(name=name, to=GenerationState.STARTED, **operation("a test"))
    with Journal(kafka) as journal:
        for record in (created, moved):
            assert journal.append(lambda _, record=record: record).is_valid


def began(kafka: str) -> None:
    """Creates and starts both generations."""
    for name in NAMES:
        a_generation(kafka, name)


def produce(cluster: KafkaCluster, value: bytes | None) -> None:
    producer = Producer({"bootstrap.servers": cluster})
    producer.produce(f"{cluster.prefix}{MODEL_LIFECYCLE.name}", value, key=b"k")
    assert producer.flush(30.0) == 0


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


A_LISTENING_EVENT = encode("ListeningEvent", an_event().model_dump(mode="json"))
A_RECORD_OF_A_REGISTRY = b"\0" + (42).to_bytes(4) + b"a record"


@pytest.mark.parametrize("value", [b"hello", None, A_LISTENING_EVENT, A_RECORD_OF_A_REGISTRY])
def test_what_nothing_of_echotune_wrote_is_passed(kafka: str, value: bytes | None) -> None:
    cluster = a_journal_topic(kafka)
    produce(cluster, value)
    began(cluster)
    assert {*read_lifecycle(cluster).generations} == {*NAMES}


def test_a_reason_is_bounded_and_may_have_bytes_that_are_no_text(kafka: str) -> None:
    cluster = a_journal_topic(kafka)
    with pytest.raises(SettingsError, match="The reason has 1,001 characters"):
        operation("x" * (SAID_CHARACTERS_MAX + 1))
    with pytest.raises(SettingsError, match="ECHOTUNE_WHO"):
        operation("a test", "x" * (SAID_CHARACTERS_MAX + 1))
    said = operation("half a \udcff character")
    with Journal(cluster) as journal:
        created = GenerationCreated(name="first", settings="{}", fold_version=0, **said)
        assert journal.append(lambda _: created).own.record.why == "half a ? character"


@pytest.mark.parametrize("others", [["third", "fourth"], ["third", "fourth", "fifth"]])
def test_a_journal_that_lost_its_tail_and_grew_again_is_read_from_its_start(
    kafka: str, others: list[str]
) -> None:
    """It may have grown to the same length again."""
    cluster = a_journal_topic(kafka)
    began(cluster)
    with Journal(cluster) as journal:
        assert {*journal.read().generations} == {*NAMES}
        topic = f"{cluster.prefix}{MODEL_LIFECYCLE.name}"
        admin = AdminClient(client_settings(kafka))
        admin.delete_topics([topic])[topic].result(30.0)
        wait_until(lambda: admin.list_topics(timeout=30.0).topics, lambda it: topic not in it)
        admin.create_topics([NewTopic(topic, 1, 1)])[topic].result(30.0)
        for name in others:
            a_generation(cluster, name)
        for _ in range(41):  # the stream of the former topic fails once
            until_answered_blocking(journal.read, print)
        assert [*journal.lifecycle.generations] == others
        assert len(journal.lifecycle.history) == 2 * len(others)


def test_a_record_of_a_newer_version_leaves_what_is_known_as_it_was(kafka: str) -> None:
    cluster = a_journal_topic(kafka)
    began(cluster)
    with Journal(cluster) as journal:
        before = len(journal.read().history)
        a_generation(cluster, "third")
        produce(cluster, NEWER_RECORD)
        for _ in range(2):
            with pytest.raises(LogError, match="Upgrade"):
                journal.read()
        assert len(journal.lifecycle.history) == before
