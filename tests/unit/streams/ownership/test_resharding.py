"""What a new M asks of Kafka; how formers are found and fenced is in integration."""

import pytest

from streams.ownership import resharding
from streams.ownership.resharding import FormerShards
from topics.errors import ServerError


class SilentReader:
    """Heartbeats of a Kafka that does not send them."""

    is_closed = False

    def __init__(self, *_: object) -> None: ...

    def start(self) -> None: ...

    def wait_caught_up(self, timeout_s: float) -> bool:
        return False

    def close(self) -> None:
        type(self).is_closed = True


def test_a_kafka_that_sends_no_heartbeats_is_not_taken_for_the_end_of_the_former_ones(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resharding, "HeartbeatReader", SilentReader)
    former = FormerShards("", "echotune-recommender-first-0of2")
    with pytest.raises(ServerError, match="Heartbeats cannot be read"):
        former.alive(["echotune-recommender-first-0of1"])
    assert SilentReader.is_closed
