"""Messages come one by one, and neither silence nor a failure looks like an end."""

from types import SimpleNamespace
from typing import Any, cast

import pytest
from confluent_kafka import Consumer, KafkaError, KafkaException

from streams.kafka.partition_reader import SilentError, each_message, is_end


class AConsumer:
    """Hands out what is there by then: an item of `batches` with each wait, None after nothing."""

    def __init__(self, *batches: list[str] | None) -> None:
        self._batches = [*batches]
        self._there: list[str] = []
        self.waited_s = 0.0

    def poll(self, timeout: float) -> str | None:
        self._there += (self._batches.pop(0) if self._batches else None) or []
        if not self._there:
            self.waited_s += timeout
            return None
        return self._there.pop(0)

    def consume(self, most: int, timeout: float) -> list[str]:
        assert timeout == 0, "nobody waits for what is not there yet"
        there, self._there = self._there[:most], self._there[most:]
        return there


def read(consumer: AConsumer) -> tuple[list[Any], float]:
    """What comes before it is silent, and how long that takes to notice."""
    found: list[Any] = []
    with pytest.raises(SilentError):
        found.extend(each_message(cast(Consumer, consumer)))
    return found, consumer.waited_s


def a_message(code: int | None) -> Any:
    error = None if code is None else KafkaError(code)
    return SimpleNamespace(error=lambda: error)


def test_all_that_comes_is_handed_on_in_order_until_nothing_comes_for_long() -> None:
    many = [f"b{at}" for at in range(1_200)]
    found, waited_s = read(AConsumer(["a"], many, ["c"]))
    assert found == ["a", *many, "c"]
    assert waited_s == pytest.approx(10.0, abs=0.3)


def test_what_comes_late_is_no_silence() -> None:
    late: list[list[str] | None] = [None] * 40
    found, waited_s = read(AConsumer(["a"], *late, ["b"], *late, ["c"]))
    assert found == ["a", "b", "c"]
    assert waited_s == pytest.approx(26.0, abs=0.3)


def test_an_end_is_no_failure_and_a_failure_no_end() -> None:
    assert not is_end(a_message(None))
    assert is_end(a_message(KafkaError._PARTITION_EOF))
    with pytest.raises(KafkaException):
        is_end(a_message(KafkaError._ALL_BROKERS_DOWN))
