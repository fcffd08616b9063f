"""Settings of every Kafka client outside of Faust."""

from typing import Any

_CRITICAL = 2
_RECONNECT_MAX_MS = 2_000
_ANSWER_MAX_MS = 20_000
"""Time after which a connection without a response is closed, ms."""


def client_settings(kafka: str) -> dict[str, Any]:
    """Settings for librdkafka. It logs nothing: each caller reports that Kafka is unavailable.

    Without `metadata.recovery.strategy=none` it would drop its broker and bootstrap again while no
    broker answers, and a transactional producer waits for the dropped one for ever (librdkafka
    2.16.0, issue 5511).
    """
    return {
        "bootstrap.servers": kafka,
        "log_level": _CRITICAL,
        "metadata.recovery.strategy": "none",
        "reconnect.backoff.max.ms": _RECONNECT_MAX_MS,
        "socket.timeout.ms": _ANSWER_MAX_MS,
    }


def reader_settings(kafka: str, group: str) -> dict[str, Any]:
    """Settings for a consumer without a group: it commits nothing, and reports partition ends.

    An offset that the partition does not have is an error, and is never reset. `group` is only a
    name for the broker's log: the consumer does not join a group.
    """
    return client_settings(kafka) | {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
    }
