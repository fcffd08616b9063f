"""What every Kafka client outside of Faust begins with."""

from typing import Any

_CRITICAL = 2
_RECONNECT_MAX_MS = 2_000
_ANSWER_MAX_MS = 20_000
"""After so long a connection on which nothing comes back is given up."""


def client_settings(kafka: str) -> dict[str, Any]:
    """librdkafka's settings; it prints nothing: whoever asks it says that Kafka is away.

    Without `metadata.recovery.strategy=none` it would drop its broker and begin anew while none
    answers, and a transactional producer waits for the dropped one for ever (librdkafka 2.16.0, its
    issue 5511).
    """
    return {
        "bootstrap.servers": kafka,
        "log_level": _CRITICAL,
        "metadata.recovery.strategy": "none",
        "reconnect.backoff.max.ms": _RECONNECT_MAX_MS,
        "socket.timeout.ms": _ANSWER_MAX_MS,
    }


def reader_settings(kafka: str, group: str) -> dict[str, Any]:
    """Of a consumer that reads what it is assigned: nothing is committed, and each end is said.

    An offset that the partition does not have is an error and never replaced. `group` is a name for
    the broker's log, not a membership.
    """
    return client_settings(kafka) | {
        "group.id": group,
        "enable.auto.commit": False,
        "auto.offset.reset": "error",
        "enable.partition.eof": True,
    }
