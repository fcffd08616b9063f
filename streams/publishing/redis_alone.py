"""The topic writer of a generation that does not hold the topic `recommendations`: it writes none.

The topic has the lists of the stable generation alone. Every other one publishes to Redis, and
takes what it published there for what the topic has. It claims its identity in Kafka nevertheless:
its owner number (fencing token) and its sequence of publications must outlive a Redis that loses
its data. Otherwise it would count from 1 again, and when it becomes stable, a new publication could
have the number of an old one in the topic, and pass for it.
"""

from streams.lists.frontier import NOTHING_PUBLISHED, Frontier
from streams.lists.list_store import Publication
from streams.publishing.topic_transactions import TopicTransactions
from streams.publishing.topic_writer import TopicWriter


class RedisAlone(TopicWriter):
    """Has the methods of `TopicWriter`, and writes no list."""

    writes_lists = False

    def __init__(self, transactions: TopicTransactions) -> None:
        super().__init__(transactions)
        self._published = NOTHING_PUBLISHED

    @property
    def published(self) -> Frontier:
        """The frontier of Redis, with a serial that the topic has not seen either."""
        return self._published

    def claim(self, owner: int) -> None:
        """Commits the owner number; no thread starts, because nothing is to be published."""
        with self._final():
            self._transactions.claim(owner)
            self._transactions.close()

    def note_redis(self, frontier: Frontier) -> None:
        """Redis is at `frontier`, and so is this."""
        serial = max(frontier.serial, self._transactions.published.serial)
        self._published = frontier._replace(serial=serial)

    def offer(self, publication: Publication) -> None:
        """Counts as published; raises like `check`."""
        self.check()
        self._published = publication.frontier

    def renewed(self) -> "RedisAlone":
        """A new one of the same identity, not opened yet."""
        return RedisAlone(self._transactions.renewed())
