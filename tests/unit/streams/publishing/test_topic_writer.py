"""Lists and their frontier go to the topic together."""

from concurrent.futures import ThreadPoolExecutor, wait
from threading import Event

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.lists.list_store import Publication
from streams.publishing.topic_writer import TopicWriter
from topics.errors import LogError
from topics.recommendation_list import RecommendationList


class KeptTransactions(TopicWriter):
    """Keeps what would go to Kafka."""

    def __init__(self, *, lists_a_transaction_max: int = 1_000, fails_at: int = -1) -> None:
        name = "echotune-recommender-first-0of1"
        super().__init__("", name, lists_a_transaction_max=lists_a_transaction_max)
        self.kept: list[tuple[dict[str, int], Frontier]] = []
        self._fails_at = fails_at

    def _transact(self, lists: dict[str, RecommendationList | None], frontier: Frontier) -> None:
        if len(self.kept) == self._fails_at:
            self._fails_at = -1
            raise KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "aborted"))
        self.kept.append(({name: each.as_of for name, each in lists.items() if each}, frontier))


def a_publication(listener_id: str, as_of: int, *, more_follow: bool = False) -> Publication:
    made = RecommendationList(
        listener_id=listener_id,
        generation="first",
        shard=0,
        log_epoch=0,
        as_of=as_of,
        event_time=0,
        items=(),
    )
    return Publication([made], (), Frontier(0, as_of, serial=as_of), more_follow=more_follow)


def test_lists_of_a_publication_that_is_not_whole_wait_for_its_frontier() -> None:
    topic = KeptTransactions()
    topic.offer(a_publication("ann", 5))
    topic.offer(a_publication("bob", 9, more_follow=True))
    topic._publish_pending()
    topic.offer(a_publication("cid", 9))
    topic._publish_pending()
    first, second = Frontier(0, 5, serial=5), Frontier(0, 9, serial=9)
    assert topic.kept == [({"ann": 5}, first), ({"bob": 9, "cid": 9}, second)]


def test_many_lists_take_several_transactions_of_which_the_last_reaches_the_frontier() -> None:
    topic = KeptTransactions(lists_a_transaction_max=2)
    topic.published = Frontier(0, 3, serial=3, agreed=2)
    for at in range(4):
        topic.offer(a_publication(f"listener-{at}", 9, more_follow=True))
    topic.offer(a_publication("listener-4", 9))
    topic._publish_pending()
    last, parts = Frontier(0, 9, serial=9), [1, 2, 0]
    assert [len(lists) for lists, _ in topic.kept] == [2, 2, 1]
    assert [frontier.part for _, frontier in topic.kept] == parts
    assert [frontier.serial for _, frontier in topic.kept] == [3, 3, 9]
    assert [frontier.complete_up_to for _, frontier in topic.kept] == [3, 3, 9]
    assert topic.published == last


def test_what_a_failed_transaction_had_comes_again_and_what_was_committed_does_not() -> None:
    topic = KeptTransactions(lists_a_transaction_max=2, fails_at=1)
    topic._recover = lambda failure: None  # type: ignore[method-assign]
    for at in range(4):
        topic.offer(a_publication(f"listener-{at}", 9, more_follow=True))
    topic.offer(a_publication("listener-4", 9))
    topic._publish_pending()
    assert topic.published.part == 1
    topic._publish_pending()
    assert [sorted(lists) for lists, _ in topic.kept] == [
        ["listener-0", "listener-1"],
        ["listener-2", "listener-3"],
        ["listener-4"],
    ]


def test_who_abandons_the_topic_forgets_what_was_begun() -> None:
    topic = KeptTransactions()
    topic.offer(a_publication("ann", 9, more_follow=True))
    topic.abandon()
    topic.offer(a_publication("bob", 9))
    topic._publish_pending()
    assert topic.kept == [({"bob": 9}, Frontier(0, 9, serial=9))]


class SlowCluster(KeptTransactions):
    """A Kafka that has no coordinators yet, whose topic is abandoned after some questions."""

    def __init__(self, answers: int) -> None:
        super().__init__()
        self.answers, self.fenced = answers, 0
        self._producer = self  # type: ignore[assignment]

    def _connect(self) -> None:
        return

    def _pause(self, seconds: float) -> None:
        return

    def init_transactions(self, timeout_s: float) -> None:
        self.fenced += 1
        if self.fenced == self.answers:
            self.abandon()
        raise KafkaException(KafkaError(KafkaError.NOT_COORDINATOR, "not yet"))


@pytest.mark.parametrize("questions", [1, 3])
def test_who_lost_the_log_while_the_topic_is_opened_fences_nobody_after_that(
    questions: int,
) -> None:
    topic = SlowCluster(questions)
    with pytest.raises(LogError, match="another's now"):
        topic.open()
    assert topic.fenced == questions


def test_who_regains_the_log_waits_for_what_it_was_about_to_fence_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cluster = BusyCluster()
    monkeypatch.setattr(TopicWriter, "_connect", lambda topic: cluster.connect(topic))
    former = TopicWriter("", "echotune-recommender-first-0of1")
    with ThreadPoolExecutor() as pool:
        late = pool.submit(former.open)
        assert cluster.is_asked.wait(10)
        former.abandon()
        regained = pool.submit(former.renewed().open)
        wait([regained], timeout=0.3)
        cluster.may_answer.set()
        with pytest.raises(LogError, match="another's now"):
            late.result(10)
        assert regained.result(10) == NOTHING_PUBLISHED
    assert cluster.steps == ["begins", "ends", "begins", "ends"]


class BusyCluster:
    """A Kafka that takes its time with the first one that it fences somebody for."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.is_asked, self.may_answer = Event(), Event()

    def connect(self, topic: TopicWriter) -> None:
        topic._producer = topic._consumer = self

    def init_transactions(self, timeout_s: float) -> None:
        self.steps.append("begins")
        self.is_asked.set()
        self.may_answer.wait(10)
        self.steps.append("ends")

    def committed(self, places: list[TopicPartition], timeout: float) -> list[TopicPartition]:
        return places


def test_who_lost_the_log_before_the_claim_claims_nothing() -> None:
    topic = KeptTransactions()
    topic.abandon()
    with pytest.raises(LogError, match="another's now"):
        topic.claim(3)
    assert topic.kept == []


class LateFencing(KeptTransactions):
    """A Kafka that says with its second answer that a later owner was faster."""

    def __init__(self, fenced_at: str) -> None:
        super().__init__()
        self._fenced_at = fenced_at
        self._producer = self  # type: ignore[assignment]

    def _connect(self) -> None:
        return

    def _transact(self, lists: dict[str, RecommendationList | None], frontier: Frontier) -> None:
        raise KafkaException(KafkaError(KafkaError.INVALID_TXN_STATE, "aborted"))

    def _answer(self, call: str) -> None:
        if call == self._fenced_at:
            raise KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))

    def init_transactions(self, timeout_s: float) -> None:
        self._answer("init")

    def abort_transaction(self, timeout_s: float) -> None:
        self._answer("abort")


def test_who_is_fenced_while_the_topic_is_opened_is_told_what_to_do() -> None:
    with pytest.raises(LogError, match=r"no longer be published.*Start the recommender again"):
        LateFencing("init").open()


def test_who_is_fenced_while_a_failed_claim_is_aborted_is_told_what_to_do() -> None:
    with pytest.raises(LogError, match=r"no longer be published.*Start the recommender again"):
        LateFencing("abort").claim(3)
