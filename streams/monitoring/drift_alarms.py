"""Tells people of drift: a log line, a record in `model-metrics`, a field of the status.

The alarms themselves are state of the fold, so that live, replay and restart agree on them. What
is told is told at least once where Kafka takes it, and again where a crash came in between.
"""

import contextlib
from dataclasses import asdict
from typing import Any, Protocol

import structlog
from confluent_kafka import Producer

from online_models.evaluation.drift_watch import DriftWatch
from streams.folding.fold import Fold
from streams.kafka.client_settings import client_settings
from topics.catalogue import MODEL_METRICS
from topics.drift_alarm import DriftAlarm

_log = structlog.get_logger(__name__)
FLUSH_S = 2.0


class AlarmSink(Protocol):
    """Takes alarms."""

    def write(self, alarm: DriftAlarm) -> None:
        """Sends one without waiting."""

    def close(self) -> None:
        """Waits a little for the last one."""


class AlarmTopic:
    """`model-metrics`; an alarm that cannot be sent stays in the state and the status."""

    def __init__(self, kafka: str) -> None:
        self._producer = Producer(client_settings(kafka) | {"acks": "all"})

    def write(self, alarm: DriftAlarm) -> None:
        """Sends one without waiting."""
        with contextlib.suppress(BufferError):
            self._producer.produce(MODEL_METRICS.name, key=alarm.generation, value=alarm.encoded())
        self._producer.poll(0)

    def close(self) -> None:
        """Waits a little for the last one."""
        self._producer.flush(FLUSH_S)


class DriftAlarmPublisher:
    """Tells each alarm of one generation that was raised since it began to listen."""

    def __init__(self, generation: str, sink: AlarmSink) -> None:
        self._generation = generation
        self._sink = sink
        self._told: int | None = None

    def begin(self, fold: Fold) -> None:
        """What the state knows already was told by whoever wrote it."""
        if self._told is None:
            self._told = fold.quality.drift.raised

    def tell(self, fold: Fold) -> None:
        """Tells what is new."""
        watch = fold.quality.drift
        for alarm in new_alarms(self._generation, fold.log_epoch, watch, self._told or 0):
            _log.warning("drift: the hit rate fell", **asdict(alarm))
            self._sink.write(alarm)
        self._told = watch.raised

    def close(self) -> None:
        """Waits a little for what was told last."""
        self._sink.close()


def new_alarms(generation: str, log_epoch: int, watch: DriftWatch, told: int) -> list[DriftAlarm]:
    """The alarms after the first `told` ones, as far as they are remembered."""
    new = watch.alarms[-(watch.raised - told) :] if watch.raised > told else []
    return [
        DriftAlarm(generation, log_epoch, each.at, each.scored, each.since, each.before, each.after)
        for each in new
    ]


def drift_status(watch: DriftWatch) -> dict[str, Any]:
    """How often it was raised, and the last alarm; JSON values with stable names."""
    latest = watch.alarms[-1]._asdict() if watch.alarms else None
    return {"raised": watch.raised, "latest": latest}
