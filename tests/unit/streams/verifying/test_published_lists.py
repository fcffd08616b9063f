"""What cannot be read is an error; it never looks like lists that are not there."""

from types import SimpleNamespace

import pytest
from confluent_kafka import TopicPartition

from streams.verifying import published_lists
from streams.verifying.published_lists import committed_lists
from topics.catalogue import RECOMMENDATIONS
from topics.errors import ServerError


class SilentConsumer:
    """Of a broker that stopped answering."""

    def __init__(self, settings: dict[str, object]) -> None:
        self.is_closed = False

    def list_topics(self, name: str, timeout: float) -> SimpleNamespace:
        topic = SimpleNamespace(partitions={0: None, 1: None})
        return SimpleNamespace(topics={RECOMMENDATIONS.name: topic})

    def assign(self, places: list[TopicPartition]) -> None:
        return

    def poll(self, timeout: float) -> None:
        return

    def close(self) -> None:
        self.is_closed = True


def test_a_broker_that_falls_silent_is_an_error_and_not_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    silent = SilentConsumer({})
    monkeypatch.setattr(published_lists, "Consumer", lambda _: silent)
    with pytest.raises(ServerError, match="recommendations cannot be read"):
        next(committed_lists(""))
    assert silent.is_closed
