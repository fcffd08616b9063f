"""Lets an import send as fast as its events are learnt, so that nobody's play of now is late."""

import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, Self

from streams.heartbeats.fold_position import FoldPosition, Generations
from streams.heartbeats.heartbeat_reader import HeartbeatReader
from streams.producers.event_producer import AcknowledgedAt
from streams.producers.import_window import ImportWindow

_LOOK_AGAIN_S = 0.02


class Pace(Protocol):
    """What an import asks before it sends, and tells afterwards."""

    def wait(self, events: int) -> None:
        """Returns as soon as so many events may be sent; they count as sent."""
        ...

    def acknowledged(self, at: AcknowledgedAt) -> None:
        """Notes where the broker has stored one of them."""
        ...


class ImportPace:
    """Follows how far the folds are in the topic with `topic_id`; use as a context manager.

    Where it may not read `learning-progress`, it waits for nothing.
    """

    def __init__(self, kafka: str, topic_id: bytes, generations: Callable[[], Generations]) -> None:
        self._topic_id = topic_id
        self._window = ImportWindow()
        self._heard: deque[tuple[float, FoldPosition]] = deque(maxlen=1)
        self._reader = HeartbeatReader(kafka, self._on_progress, generations=generations)

    def __enter__(self) -> Self:
        self._reader.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def wait(self, events: int) -> None:
        """Returns as soon as so many events may be sent; they count as sent."""
        while not self._may_send(events):
            time.sleep(_LOOK_AGAIN_S)
        self._window.sent(events)

    def acknowledged(self, at: AcknowledgedAt) -> None:
        """Notes where the broker has stored one of them."""
        self._window.acknowledged(at.partition, at.offset)

    def _may_send(self, events: int) -> bool:
        while self._heard:
            heard_at, position = self._heard.pop()
            of_topic = {
                source.partition: offset
                for source, offset in position.next.items()
                if source.topic_id == self._topic_id
            }
            self._window.heard(heard_at, of_topic)
        return self._window.may_send(time.monotonic(), events)

    def _on_progress(self, position: FoldPosition) -> None:
        """Called by the reader's thread; `wait` takes what is newest."""
        self._heard.append((time.monotonic(), position))
