"""Lists and their frontier go to the topic together, gathered between two transactions."""

from collections.abc import Callable, Iterator
from contextlib import closing

import pytest
from confluent_kafka import KafkaError

from streams.lists.frontier import Frontier
from streams.publishing.topic_writer import TopicWriter
from streams.registry.memory_schema_registry import MemorySchemaRegistry
from streams.registry.registered_id import RegisteredId
from tests.support.kept_transactions import KeptTransactions, a_publication, error_of
from tests.support.station import wait_until
from topics.catalogue import RECOMMENDATIONS
from topics.errors import LogError

OWNER = 3
ABORTED = error_of(KafkaError.INVALID_TXN_STATE, txn_requires_abort=True)
FENCED = error_of(KafkaError._FENCED, fatal=True)

Writing = Callable[..., TopicWriter]


@pytest.fixture
def kafka() -> KeptTransactions:
    return KeptTransactions()


@pytest.fixture
def writing(kafka: KeptTransactions) -> Iterator[Writing]:
    """Makes a writer that is open and claimed; its thread ends with the test."""
    made: list[TopicWriter] = []

    def make(*, lists_max: int = 1_000, schema_id: RegisteredId | None = None) -> TopicWriter:
        made.append(TopicWriter(kafka.transactions(lists_max=lists_max), schema_id))
        made[-1].open()
        made[-1].claim(OWNER)
        return made[-1]

    yield make
    for each in made:
        each.close()


def published(kafka: KeptTransactions, transactions: int) -> list[dict[str, int | None]]:
    """The lists of so many transactions after the claim, as soon as there are so many."""
    return wait_until(
        lambda: [lists for lists, _ in kafka.kept[1:]], lambda it: len(it) >= transactions
    )


def test_lists_of_a_publication_that_is_not_whole_wait_for_its_frontier(
    kafka: KeptTransactions, writing: Writing
) -> None:
    topic = writing()
    topic.offer(a_publication("ann", 5))
    topic.offer(a_publication("bob", 9, more_follow=True))
    assert published(kafka, 1) == [{"ann": 5}]
    topic.offer(a_publication("cid", 9))
    assert published(kafka, 2)[1] == {"bob": 9, "cid": 9}
    assert topic.published == Frontier(0, 9, serial=9)


def test_lists_of_a_failed_transaction_come_again_and_those_committed_do_not(
    kafka: KeptTransactions, writing: Writing
) -> None:
    kafka.failures = {"commit": [None, None, ABORTED]}  # the claim, the first part, the second
    topic = writing(lists_max=2)
    for at in range(4):
        topic.offer(a_publication(f"listener-{at}", 9, more_follow=True))
    topic.offer(a_publication("listener-4", 9))
    assert [sorted(lists) for lists in published(kafka, 3)] == [
        ["listener-0", "listener-1"],
        ["listener-2", "listener-3"],
        ["listener-4"],
    ]
    assert topic.failure is None


def test_a_writer_that_is_closed_publishes_what_is_pending_first(
    kafka: KeptTransactions, writing: Writing
) -> None:
    topic = writing()
    topic.offer(a_publication("ann", 5))
    topic.close()
    assert published(kafka, 1) == [{"ann": 5}]
    assert kafka.calls[-1] == "close"


def test_a_writer_that_is_abandoned_publishes_nothing_more(
    kafka: KeptTransactions, writing: Writing
) -> None:
    topic = writing()
    topic.offer(a_publication("ann", 9))
    topic.abandon()
    wait_until(lambda: kafka.calls, lambda calls: calls[-1] == "close")
    assert published(kafka, 0) == []


def test_an_offer_after_a_fatal_error_says_what_to_do(
    kafka: KeptTransactions, writing: Writing
) -> None:
    kafka.failures = {"commit": [None, FENCED]}
    topic = writing()
    topic.offer(a_publication("ann", 5))
    wait_until(lambda: topic.failure, lambda failure: failure is not None)
    with pytest.raises(LogError, match=r"no longer be published.*Start the recommender again"):
        topic.offer(a_publication("ann", 6))


def test_a_writer_that_redis_fenced_takes_no_lists(writing: Writing) -> None:
    topic = writing()
    topic.fence()
    with pytest.raises(LogError, match="Redis knows a later owner"):
        topic.offer(a_publication("ann", 6))


@pytest.mark.parametrize("call", ["init", "committed"])
def test_a_writer_that_is_fenced_while_it_opens_says_what_to_do(
    kafka: KeptTransactions, call: str
) -> None:
    kafka.failures = {call: [FENCED]}
    with pytest.raises(LogError, match=r"no longer be published.*Start the recommender again"):
        TopicWriter(kafka.transactions()).open()


def test_a_writer_that_is_fenced_while_a_failed_claim_is_aborted_says_what_to_do(
    kafka: KeptTransactions, writing: Writing
) -> None:
    kafka.failures = {"commit": [ABORTED], "abort": [FENCED]}
    with pytest.raises(LogError, match=r"no longer be published.*Start the recommender again"):
        writing()


def test_a_writer_that_was_abandoned_before_the_claim_claims_nothing(
    kafka: KeptTransactions,
) -> None:
    topic = TopicWriter(kafka.transactions())
    topic.open()
    topic.abandon()
    with pytest.raises(LogError, match="were ended"):
        topic.claim(OWNER)
    assert kafka.kept == []


def test_a_renewed_writer_publishes_where_the_abandoned_one_no_longer_does(
    kafka: KeptTransactions, writing: Writing
) -> None:
    former = writing()
    former.abandon()
    with closing(former.renewed()) as topic:
        topic.open()
        topic.claim(OWNER + 1)
        topic.offer(a_publication("ann", 5))
        assert wait_until(lambda: topic.published, lambda it: it.as_of == 5).serial == 5


def test_lists_wait_until_the_registry_is_asked_with_success(
    kafka: KeptTransactions, writing: Writing
) -> None:
    topic = writing(schema_id=RegisteredId(MemorySchemaRegistry(), RECOMMENDATIONS))
    topic.offer(a_publication("ann", 5))
    error = wait_until(lambda: topic.schema_registry_error, lambda it: it is not None)
    assert error == "recommendations-value lacks the contract"
    assert published(kafka, 0) == []


async def test_who_is_still_the_owner_proves_it_by_a_transaction_without_lists(
    kafka: KeptTransactions, writing: Writing
) -> None:
    kafka.failures = {"commit": [None, ABORTED]}
    topic = writing()
    await topic.prove()
    assert kafka.kept == [({}, topic.published)] * 2


async def test_who_was_fenced_cannot_prove_to_be_the_owner_and_ends(
    kafka: KeptTransactions, writing: Writing
) -> None:
    kafka.failures = {"commit": [None, FENCED]}
    topic = writing()
    with pytest.raises(LogError, match="another of its identity took over"):
        await topic.prove()
    assert topic.is_fenced
    with pytest.raises(LogError):
        topic.check()
