"""One transactional producer fences, claims, commits lists with their frontier, and recovers."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import pytest
from confluent_kafka import KafkaError, KafkaException

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.publishing.gathered_lists import Lists
from streams.publishing.topic_transactions import TopicTransactions
from tests.support.kept_transactions import RECOMMENDER_ID, KeptTransactions, a_list, error_of

ABORTED = error_of(KafkaError.INVALID_TXN_STATE, txn_requires_abort=True)
TIMED_OUT = error_of(KafkaError._TIMED_OUT, retriable=True)
FENCED = error_of(KafkaError._FENCED, fatal=True)
ELECTING = error_of(KafkaError.LEADER_NOT_AVAILABLE, retriable=True)
NOT_READY = error_of(KafkaError.NOT_COORDINATOR)


def opened(kafka: KeptTransactions, *, lists_max: int = 1_000) -> TopicTransactions:
    transactions = kafka.transactions(lists_max=lists_max)
    transactions.open()
    return transactions


def lists_of(count: int, as_of: int) -> Lists:
    return {f"listener-{at}": a_list(f"listener-{at}", as_of) for at in range(count)}


def test_the_frontier_of_the_former_owner_is_read_after_it_was_fenced() -> None:
    kafka = KeptTransactions()
    kafka.metadata = Frontier(3, 7, serial=9).text()
    assert kafka.transactions().open() == Frontier(3, 7, serial=9)
    assert kafka.calls == ["init", "committed"]


def test_an_owner_claims_the_frontier_with_its_number() -> None:
    kafka = KeptTransactions()
    kafka.metadata = Frontier(3, 7, serial=9, owner=1).text()
    transactions = opened(kafka)
    transactions.claim(2)
    assert kafka.kept == [({}, Frontier(3, 7, serial=9, owner=2))]
    assert transactions.published.owner == 2


def test_a_claim_that_was_aborted_is_tried_again() -> None:
    kafka = KeptTransactions()
    kafka.failures = {"commit": [ABORTED]}
    opened(kafka).claim(2)
    assert [frontier.owner for _, frontier in kafka.kept] == [2]
    assert kafka.calls.count("abort") == 1


@pytest.mark.parametrize("call", ["offsets", "commit"])
def test_a_call_that_timed_out_is_repeated_within_its_transaction(call: str) -> None:
    kafka = KeptTransactions()
    kafka.failures = {call: [TIMED_OUT, TIMED_OUT]}
    opened(kafka).commit(lists_of(1, 9), Frontier(0, 9))
    assert kafka.kept == [({"listener-0": 9}, Frontier(0, 9))]
    assert kafka.calls.count(call) == 3


def test_a_call_is_not_repeated_once_the_transactions_are_ended() -> None:
    kafka = KeptTransactions()
    kafka.failures = {"commit": [TIMED_OUT]}
    transactions = opened(kafka)
    transactions.ended.set()
    with pytest.raises(KafkaException):
        transactions.commit(lists_of(1, 9), Frontier(0, 9))
    assert transactions.published == NOTHING_PUBLISHED


def test_an_erased_listener_leaves_a_tombstone() -> None:
    kafka = KeptTransactions()
    opened(kafka).commit({"ann": None}, Frontier(0, 9))
    assert kafka.kept == [({"ann": None}, Frontier(0, 9))]


def test_a_tombstone_is_not_left_out_while_the_partitions_are_unknown() -> None:
    kafka = KeptTransactions()
    kafka.failures = {"partitions": [ELECTING]}
    transactions = opened(kafka)
    with pytest.raises(KafkaException) as failure:
        transactions.commit({"ann": None}, Frontier(0, 5, serial=1))
    assert kafka.kept == []
    transactions.recover(failure.value)
    transactions.commit({"ann": None}, Frontier(0, 5, serial=1))
    assert kafka.kept == [({"ann": None}, Frontier(0, 5, serial=1))]


def test_many_lists_take_several_transactions_of_which_the_last_reaches_the_frontier() -> None:
    kafka = KeptTransactions()
    kafka.metadata = Frontier(0, 3, serial=3, agreed=2).text()
    transactions = opened(kafka, lists_max=2)
    transactions.commit(lists_of(5, 9), Frontier(0, 9, serial=9))
    assert [len(lists) for lists, _ in kafka.kept] == [2, 2, 1]
    assert [frontier.part for _, frontier in kafka.kept] == [1, 2, 0]
    assert [frontier.serial for _, frontier in kafka.kept] == [3, 3, 9]
    assert [frontier.complete_up_to for _, frontier in kafka.kept] == [3, 3, 9]
    assert transactions.published == Frontier(0, 9, serial=9)


def test_lists_of_a_failed_transaction_are_left_and_those_committed_before_are_not() -> None:
    kafka = KeptTransactions()
    kafka.failures = {"commit": [None, ABORTED]}
    transactions, lists = opened(kafka, lists_max=2), lists_of(5, 9)
    with pytest.raises(KafkaException) as raised:
        transactions.commit(lists, Frontier(0, 9))
    transactions.recover(raised.value)
    assert sorted(lists) == ["listener-2", "listener-3", "listener-4"]
    assert transactions.published.part == 1
    assert kafka.calls[-1] == "abort"


def test_an_abort_that_a_later_owner_refuses_is_raised() -> None:
    kafka = KeptTransactions()
    kafka.failures = {"abort": [FENCED]}
    with pytest.raises(KafkaException) as raised:
        opened(kafka).recover(ABORTED)
    assert raised.value.args[0].fatal()
    assert raised.value.__cause__ is ABORTED


@pytest.mark.parametrize("fenced_at", ["init", "committed"])
def test_an_owner_that_is_fenced_while_it_opens_raises_at_once(fenced_at: str) -> None:
    kafka = KeptTransactions()
    kafka.failures = {fenced_at: [FENCED]}
    with pytest.raises(KafkaException):
        kafka.transactions().open()
    assert kafka.calls.count(fenced_at) == 1


class SlowCluster(KeptTransactions):
    """A Kafka without coordinators, whose transactions are ended after some questions."""

    def __init__(self, questions: int) -> None:
        super().__init__()
        self.failures = {"init": [NOT_READY] * 10}
        self.opening = self.transactions()
        self._questions = questions

    def init_transactions(self, timeout_s: float) -> None:
        if self.calls.count("init") + 1 == self._questions:
            self.opening.ended.set()
        super().init_transactions(timeout_s)


@pytest.mark.parametrize("questions", [1, 3])
def test_nobody_is_fenced_after_the_log_was_lost_while_the_topic_is_opened(questions: int) -> None:
    kafka = SlowCluster(questions)
    with pytest.raises(ConnectionAbortedError, match="were ended"):
        kafka.opening.open()
    assert kafka.calls.count("init") == questions


class BusyCluster(KeptTransactions):
    """A Kafka that takes its time for the first fencing."""

    def __init__(self) -> None:
        super().__init__()
        self.is_asked, self.may_answer = Event(), Event()

    def init_transactions(self, timeout_s: float) -> None:
        self.calls.append("begins")
        self.is_asked.set()
        self.may_answer.wait(10)
        self.calls.append("ends")


def test_a_recommender_that_regains_the_log_waits_for_the_fencing_that_it_began_before() -> None:
    kafka = BusyCluster()
    former = TopicTransactions(RECOMMENDER_ID, kafka.connected)
    with ThreadPoolExecutor() as pool:
        late = pool.submit(former.open)
        assert kafka.is_asked.wait(10)
        former.ended.set()
        regained = pool.submit(former.renewed().open)
        wait([regained], timeout=0.3)
        kafka.may_answer.set()
        with pytest.raises(ConnectionAbortedError, match="were ended"):
            late.result(10)
        assert regained.result(10) == NOTHING_PUBLISHED
    assert kafka.calls == ["begins", "ends", "begins", "ends", "committed"]
