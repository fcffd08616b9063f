"""Reads every list in Redis and the topic continuously, and notes lists that older ones replace."""

import threading
import time
from typing import Self

from confluent_kafka import Consumer, TopicPartition

from tests.support.lists_seen import decoded_list, in_redis
from tests.support.station import Station
from topics.catalogue import RECOMMENDATIONS

_PAUSE_S = 0.05
_ANSWER_S = 0.2


class Watcher:
    """Two threads: one reads Redis, one the committed topic in order. It is a context manager."""

    def __init__(self, station: Station) -> None:
        self._station = station
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=each) for each in (self._redis, self._topic)]
        self._newest: dict[tuple[str, str], tuple[int, int]] = {}
        self.older: list[str] = []
        """Lists that are older than an earlier one of the same listener in the same store."""
        self.seen = {"redis": 0, "topic": 0}
        self.failures: list[str] = []

    def __enter__(self) -> Self:
        for each in self._threads:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for each in self._threads:
            each.join()

    def _redis(self) -> None:
        while not self._ended.is_set():
            for listener_id, each in in_redis(self._station).items():
                self._note("redis", listener_id, each.log_epoch, each.as_of)
            time.sleep(_PAUSE_S)

    def _topic(self) -> None:
        consumer = Consumer(
            {
                "bootstrap.servers": self._station.addresses.kafka,
                "group.id": "watcher",
                "isolation.level": "read_committed",
                "enable.auto.commit": False,
            }
        )
        partitions = range(self._station.settings.partitions)
        consumer.assign([TopicPartition(RECOMMENDATIONS.name, at, 0) for at in partitions])
        while not self._ended.is_set():
            for message in consumer.consume(1_000, timeout=_ANSWER_S):
                if message.error() is not None:
                    self.failures.append(str(message.error()))
                elif message.value() is not None:
                    each = decoded_list(message.value())
                    self._note("topic", message.key().decode(), each.log_epoch, each.as_of)
        consumer.close()

    def _note(self, where: str, listener_id: str, *place: int) -> None:
        self.seen[where] += 1
        before = self._newest.get((where, listener_id), (-1, -1))
        if place < before:
            self.older.append(f"{listener_id} in {where}: as of {place} after {before}")
        self._newest[where, listener_id] = max(before, (place[0], place[1]))
