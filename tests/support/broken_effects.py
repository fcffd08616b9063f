"""Effects of a worker that fail as if a server had failed them, by name."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any

from streams.agents.recommend import Recommender
from streams.kafka.idempotent_producer import IdempotentProducer, Report
from topics.catalogue import DEAD_LETTERS, LEARNING_LOG

REPORT_AFTER_S = 0.5
"""Long enough that the records sent after the lost one have been written."""


def lose_a_batch(number: int) -> None:
    """The `number`-th batch is never written; later ones are written before it is reported."""
    _lose(LEARNING_LOG.name, lambda sent: sent == number, REPORT_AFTER_S)


def hold_dead_letters(_: int) -> None:
    """Dead letters stay in the producer for ever: neither written nor reported as failed."""
    _lose(DEAD_LETTERS.name, lambda _: True, None)


def set_the_clock(shift_s: float) -> Callable[[int], None]:
    """Sets a wrong wall clock; monotonic clocks stay right."""

    def shifted(_: int) -> None:
        now, now_ns = time.time, time.time_ns
        time.time = lambda: now() + shift_s
        time.time_ns = lambda: now_ns() + int(shift_s * 1e9)

    return shifted


def learn_slowly(records_a_second: int) -> None:
    """A recommender learns so few log records a second, and says so in its heartbeats."""
    learn: Any = Recommender.learn

    async def slow(self: Recommender, records: Sequence[Any]) -> None:
        for each in records:
            await asyncio.sleep(1 / records_a_second)
            await learn(self, [each])

    Recommender.learn = slow  # type: ignore[method-assign]


EFFECTS: dict[str, Callable[[int], None]] = {
    "lose a batch": lose_a_batch,
    "hold dead letters": hold_dead_letters,
    "learn slowly": learn_slowly,
    "set the clock ahead": set_the_clock(3 * 86_400.0),
    "set the clock behind": set_the_clock(-3_600.0),
}


def _lose(topic: str, is_lost: Callable[[int], bool], report_after_s: float | None) -> None:
    produce: Any = IdempotentProducer.produce
    sent = [0]

    async def lossy(self: IdempotentProducer, name: str, report: Report, **message: Any) -> None:
        sent[0] += name == topic
        if name != topic or not is_lost(sent[0]):
            await produce(self, name, report, **message)
        elif report_after_s is not None:
            asyncio.get_running_loop().call_later(report_after_s, report, None)

    IdempotentProducer.produce = lossy  # type: ignore[method-assign]
