"""Reports concept drift: a log line, a record in `model-metrics`, and a field of the status.

The alarms themselves are state of the fold, so that live state, replay and restart agree on them.
An alarm is published at least once if Kafka accepts it, and may be repeated after a crash.
"""

import contextlib
from dataclasses import asdict
from typing import Any, Protocol

import structlog
from confluent_kafka import KafkaException, Producer

from online_models.evaluation.drift_watch import DriftWatch
from streams.folding.fold import Fold
from streams.kafka.client_settings import client_settings
from streams.kafka.cluster import prefixed
from topics.catalogue import MODEL_METRICS
from topics.drift_alarm import DriftAlarm

_log = structlog.get_logger(__name__)
FLUSH_S = 2.0


class AlarmSink(Protocol):
    """Destination of alarms."""

    def write(self, alarm: DriftAlarm) -> None:
        """Sends one alarm without waiting."""

    def close(self) -> None:
        """Waits up to `FLUSH_S` for the last alarm."""


class AlarmTopic:
    """`model-metrics`; an alarm that cannot be sent stays in the state and the status."""

    def __init__(self, kafka: str) -> None:
        self._topic = prefixed(kafka, MODEL_METRICS.name)
        self._producer = Producer(client_settings(kafka) | {"acks": "all"})

    def write(self, alarm: DriftAlarm) -> None:
        """Sends one alarm without waiting."""
        with contextlib.suppress(BufferError, KafkaException):  # such as: the topic was deleted
            self._producer.produce(self._topic, key=alarm.generation, value=alarm.encoded())
        self._producer.poll(0)

    def close(self) -> None:
        """Waits up to `FLUSH_S` for the last alarm."""
        self._producer.flush(FLUSH_S)


class DriftAlarmPublisher:
    """Publishes each alarm of one generation that is raised after `begin`."""

    def __init__(self, generation: str, sink: AlarmSink) -> None:
        self._generation = generation
        self._sink = sink
        self._published_count: int | None = None

    def begin(self, fold: Fold) -> None:
        """Alarms that are already in the state were published by the process that wrote it."""
        if self._published_count is None:
            self._published_count = fold.quality.drift.raised

    def publish_new(self, fold: Fold) -> None:
        """Publishes the alarms that are new since the last call."""
        watch = fold.quality.drift
        published = self._published_count or 0
        for alarm in new_alarms(self._generation, fold.log_epoch, watch, published):
            _log.warning("drift: the hit rate fell", **asdict(alarm))
            self._sink.write(alarm)
        self._published_count = watch.raised

    def close(self) -> None:
        """Waits up to `FLUSH_S` for the last alarm."""
        self._sink.close()


def new_alarms(
    generation: str, log_epoch: int, watch: DriftWatch, published: int
) -> list[DriftAlarm]:
    """The alarms after the first `published` ones, as far as `watch` still holds them."""
    new = watch.alarms[-(watch.raised - published) :] if watch.raised > published else []
    return [
        DriftAlarm(generation, log_epoch, each.at, each.scored, each.since, each.before, each.after)
        for each in new
    ]


def drift_status(watch: DriftWatch) -> dict[str, Any]:
    """Number of alarms, and the last one; JSON values with stable names."""
    latest = watch.alarms[-1]._asdict() if watch.alarms else None
    return {"raised": watch.raised, "latest": latest}
