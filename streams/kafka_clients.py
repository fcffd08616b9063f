"""What every Kafka client outside of Faust begins with."""

from typing import Any

_CRITICAL = 2


def client_settings(kafka: str) -> dict[str, Any]:
    """librdkafka's settings; it prints nothing: whoever asks it says that Kafka is away."""
    return {"bootstrap.servers": kafka, "log_level": _CRITICAL}
