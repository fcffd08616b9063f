"""Writes the recommender's heartbeats to `learning-progress`; they are advisory."""

import contextlib
from typing import Any

from confluent_kafka import KafkaException, Producer

from streams.folding.fold import Fold
from streams.folding.log_position import Digest
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from topics.catalogue import LEARNING_PROGRESS
from topics.learning_progress import LearningProgress, SourcePosition


def progress_of(
    fold: Fold, digest: Digest, *, recommender_id: str, generation: str
) -> LearningProgress:
    """The heartbeat that reports the state of `fold`."""
    return LearningProgress(
        recommender_id=recommender_id,
        generation=generation,
        log_epoch=fold.log_epoch,
        as_of=fold.offset,
        sources=tuple(_sources(fold)),
        digest=digest.value,
        digest_offset=digest.offset,
        applied=fold.applied,
    )


def _sources(fold: Fold) -> list[SourcePosition]:
    """One entry per partition that the fold has seen; partition -1 for a topic without any."""
    coverage = fold.coverage
    seen = {source.topic_id for source in coverage.next}
    unseen = [(topic_id, -1, 0) for topic_id in coverage.names if topic_id not in seen]
    return [
        SourcePosition(
            topic_id=topic_id,
            name=coverage.names.get(topic_id, ""),
            adopted=coverage.is_adopted(topic_id),
            partition=partition,
            next=position,
        )
        for topic_id, partition, position in sorted(
            [*((s.topic_id, s.partition, at) for s, at in coverage.next.items()), *unseen]
        )
    ]


class HeartbeatWriter:
    """Writes heartbeats; one that cannot be sent is dropped, because the next one supersedes it."""

    def __init__(self, kafka: str) -> None:
        settings: dict[str, Any] = client_settings(kafka) | {
            "linger.ms": 0,
            "message.timeout.ms": 5_000,
            "queue.buffering.max.messages": 1_000,
        }
        self._topic = prefixed(kafka, LEARNING_PROGRESS.name)
        self._producer = Producer(settings)

    def write(self, progress: LearningProgress) -> None:
        """Sends a heartbeat without waiting."""
        with contextlib.suppress(BufferError, KafkaException):  # such as: the topic was deleted
            self._producer.produce(
                self._topic,
                key=progress.recommender_id,
                value=progress.encoded(),
                partition=0,  # the one that is read, also if somebody has added others
            )
        self._producer.poll(0)

    def close(self) -> None:
        """Waits up to 2 s for the last heartbeat."""
        self._producer.flush(2.0)
