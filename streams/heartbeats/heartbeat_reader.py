"""Reads `learning-progress`: advisory positions of the folds, for sequencers and operators."""

import threading
from collections.abc import Callable

from confluent_kafka import OFFSET_BEGINNING, Consumer, Message, TopicPartition

from streams.heartbeats.fold_position import FoldPosition, Generations, fold_position
from streams.kafka.client_settings import reader_settings
from streams.kafka.cluster import prefixed
from topics.catalogue import LEARNING_PROGRESS
from topics.codecs import Decoder
from topics.learning_progress import LearningProgress, SourcePosition
from topics.rejection import Rejected

_POLL_S = 0.2


class HeartbeatReader:
    """Follows the topic in its own thread; `on_progress` is called from that thread.

    No heartbeat is written in a transaction, so somebody else's open one hides none.
    """

    def __init__(
        self,
        kafka: str,
        on_progress: Callable[[FoldPosition], None],
        topic: str = LEARNING_PROGRESS.name,
        *,
        generations: Callable[[], Generations] = Generations,
    ) -> None:
        """`generations` may block, and is asked whenever the position is."""
        self._generations = generations
        self._on_progress = on_progress
        self._topic = prefixed(kafka, topic)
        self._decoder = Decoder(LEARNING_PROGRESS.contracts)
        self._heartbeats: dict[str, tuple[int, LearningProgress]] = {}
        self._ended = threading.Event()
        self._caught_up = threading.Event()
        self._consumer = Consumer(
            reader_settings(kafka, "echotune-progress-reader")
            | {"auto.offset.reset": "earliest", "isolation.level": "read_uncommitted"}
        )
        self._thread = threading.Thread(target=self._follow, name="progress", daemon=True)

    def start(self) -> None:
        """Starts to follow the topic."""
        self._thread.start()

    def wait_caught_up(self, timeout_s: float) -> bool:
        """Waits until the reader has reached the end of the topic; False after a time-out."""
        return self._caught_up.wait(timeout_s)

    @property
    def position(self) -> FoldPosition:
        """The merged position of the heartbeats that were read so far."""
        return fold_position(dict(self._heartbeats), self._generations())

    def heartbeats(self) -> dict[str, LearningProgress]:
        """The newest heartbeat of each recommender."""
        return {name: progress for name, (_, progress) in dict(self._heartbeats).items()}

    def heartbeats_with_times(self) -> dict[str, tuple[int, LearningProgress]]:
        """`heartbeats()`, each after the time (ms) at which the broker appended it."""
        return dict(self._heartbeats)

    def close(self) -> None:
        """Ends the thread."""
        self._ended.set()
        self._thread.join(5.0)
        self._consumer.close()

    def _follow(self) -> None:
        self._consumer.assign([TopicPartition(self._topic, 0, OFFSET_BEGINNING)])
        while not self._ended.is_set():
            message = self._consumer.poll(_POLL_S)
            if message is None:
                continue
            if message.error() is not None:
                if message.error().name() == "_PARTITION_EOF":
                    self._caught_up.set()
                continue
            self._note_heartbeat(message)
            if self._is_last(message):
                self._caught_up.set()
            if self._caught_up.is_set():
                self._on_progress(self.position)

    def _is_last(self, message: Message) -> bool:
        """Whether `message` is the last one; with steady heartbeats an EOF may never come."""
        _, end = self._consumer.get_watermark_offsets(TopicPartition(self._topic, 0), cached=True)
        return 0 <= end <= message.offset() + 1

    def _note_heartbeat(self, message: Message) -> None:
        if message.value() is None:  # a tombstone: its generation is retired
            self._heartbeats.pop((message.key() or b"").decode(errors="replace"), None)
            return
        progress = heartbeat_of(self._decoder, message)
        if progress is not None:
            self._heartbeats[progress.recommender_id] = (message.timestamp()[1], progress)


def heartbeat_of(decoder: Decoder, message: Message) -> LearningProgress | None:
    """The heartbeat in a record of the topic; None if it is none of this version."""
    decoded = decoder.decode(message.value())
    if isinstance(decoded, Rejected):
        return None
    record = decoded[1]
    record["sources"] = tuple(SourcePosition(**each) for each in record["sources"])
    return LearningProgress(**record)
