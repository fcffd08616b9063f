"""The catalogue of topics: name, partitions, settings and allowed contracts of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

DAY_MS = 24 * 3_600_000
MIB = 1024 * 1024

LISTENING_EVENT_BYTES_MAX = 1 * MIB
DEAD_LETTER_BYTES_MAX = 2 * MIB
LEARNING_RECORD_BYTES_MAX = 8 * MIB
KAFKA_BYTES_MAX = MIB + 12
"""Kafka's own default."""


@dataclass(frozen=True)
class Topic:
    """A topic of the catalogue; `settings` are Kafka's topic configuration, as strings."""

    name: str
    partitions: int
    settings: Mapping[str, str] = field(default_factory=dict)
    contracts: tuple[str, ...] = ()
    keyed: bool = True
    """Keyed topics never grow silently: a listener's partition would change."""


WRITABLE = {
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(KAFKA_BYTES_MAX),
}
"""Settings without which a broker may refuse records: for a worker's wrong clock, or their size."""
EVENTS_KEPT = {
    **WRITABLE,
    "cleanup.policy": "delete",
    "retention.bytes": "-1",
    "unclean.leader.election.enable": "false",
}
"""Settings of a topic whose records only time may delete. A cluster's defaults may be others."""
NEWEST_KEPT = {
    **WRITABLE,
    "cleanup.policy": "compact",
    "unclean.leader.election.enable": "false",
}
"""Settings of a topic that keeps the newest record of each key."""


LISTENING_EVENTS = Topic(
    "listening-events",
    partitions=12,
    settings={
        **EVENTS_KEPT,
        "retention.ms": str(30 * DAY_MS),
        "max.message.bytes": str(LISTENING_EVENT_BYTES_MAX),
    },
    contracts=("ListeningEvent",),
)
LEARNING_LOG = Topic(
    "learning-log",
    partitions=1,
    settings={
        **EVENTS_KEPT,
        "retention.ms": "-1",
        "max.message.bytes": str(LEARNING_RECORD_BYTES_MAX),
    },
    contracts=("LearningBatch", "SourceAdded", "SourceTruncated", "LogEpochStarted"),
    keyed=False,
)
RECOMMENDATIONS = Topic(
    "recommendations",
    partitions=12,
    settings=NEWEST_KEPT,
    contracts=("RecommendationList",),
)
LEARNING_PROGRESS = Topic(
    "learning-progress",
    partitions=1,
    settings={
        **NEWEST_KEPT,
        "segment.ms": str(DAY_MS // 24),
    },
    contracts=("LearningProgress",),
)
DEAD_LETTERS = Topic(
    "dead-letters",
    partitions=12,
    settings={
        **EVENTS_KEPT,
        "retention.ms": str(30 * DAY_MS),
        "max.message.bytes": str(DEAD_LETTER_BYTES_MAX),
    },
)
MODEL_METRICS = Topic(
    "model-metrics",
    partitions=1,
    settings={**EVENTS_KEPT, "retention.ms": str(90 * DAY_MS)},
    contracts=("DriftAlarm",),
)
MODEL_LIFECYCLE = Topic(
    "model-lifecycle",
    partitions=1,
    settings={**EVENTS_KEPT, "retention.ms": "-1"},
    contracts=(
        *("GenerationCreated", "GenerationMoved", "ServingChanged"),
        *("AutopilotSet", "GenerationsCompared", "RecordsVoided"),
    ),
)

CATALOGUE: tuple[Topic, ...] = (
    LISTENING_EVENTS,
    LEARNING_LOG,
    RECOMMENDATIONS,
    LEARNING_PROGRESS,
    DEAD_LETTERS,
    MODEL_METRICS,
    MODEL_LIFECYCLE,
)


def catalogue(partitions: int | None = None) -> tuple[Topic, ...]:
    """The catalogue with `partitions` for every topic that is spread over several.

    >>> [topic.partitions for topic in catalogue(4)][:3]
    [4, 1, 4]
    """
    if partitions is None:
        return CATALOGUE
    return tuple(
        replace(topic, partitions=partitions) if topic.partitions > 1 else topic
        for topic in CATALOGUE
    )
