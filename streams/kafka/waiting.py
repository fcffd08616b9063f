"""Waiting for Kafka: everything that asks a server again until it answers stands here.

`until_answered` and `until_answered_blocking` wait as long as it takes, whatever a server's failure
is; workers and senders do that. `until_elected` is for looks that a person waits for: it asks again
only while a broker elects a leader or a coordinator, as it does just after a restart, and only for
a bounded time.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException

from topics.errors import EchoTuneError, ServerError

_log = structlog.get_logger(__name__)
RETRY_S = 0.5
ELECTION_MAX_S = 30.0
"""After so long an election is no longer waited for; what was asked for fails."""
_ELECTING = frozenset(
    {
        KafkaError.BROKER_NOT_AVAILABLE,
        KafkaError.COORDINATOR_LOAD_IN_PROGRESS,
        KafkaError.COORDINATOR_NOT_AVAILABLE,
        KafkaError.ELIGIBLE_LEADERS_NOT_AVAILABLE,
        KafkaError.FENCED_LEADER_EPOCH,
        KafkaError.LEADER_NOT_AVAILABLE,
        KafkaError.NOT_CONTROLLER,
        KafkaError.NOT_COORDINATOR,
        KafkaError.NOT_LEADER_FOR_PARTITION,
        KafkaError.OFFSET_NOT_AVAILABLE,
        KafkaError.PREFERRED_LEADER_NOT_AVAILABLE,
        KafkaError.REPLICA_NOT_AVAILABLE,
        KafkaError.UNKNOWN_LEADER_EPOCH,
        KafkaError.UNSTABLE_OFFSET_COMMIT,
        KafkaError._WAIT_COORD,
    }
)
"""Kafka's answers that mean "not yet"; librdkafka calls few of them `retriable` itself."""

T = TypeVar("T")


def is_retriable(error: BaseException | KafkaError) -> bool:
    """Whether Kafka said "not yet": the error itself, or one that it was made from.

    A server that does not answer at all is no such error: its time-out has been waited for.
    """
    if isinstance(error, KafkaError):
        return error.retriable() or error.code() in _ELECTING
    if isinstance(error, KafkaException):
        return bool(error.args) and is_retriable(error.args[0])
    cause = error.__cause__ if isinstance(error, EchoTuneError) else None
    return cause is not None and is_retriable(cause)


async def until_answered(ask: Callable[[], T]) -> T:
    """What `ask` returns once Kafka is there, however long that takes.

    `ask` runs in a thread: it may block, and has to end by itself each time.
    """
    said = False
    while True:
        try:
            return await asyncio.to_thread(ask)
        except (KafkaException, ServerError) as error:
            if not said:
                _log.warning("kafka does not answer; waiting", error=str(error))
            said = True
            await asyncio.sleep(RETRY_S)


def until_answered_blocking(ask: Callable[[], T], say: Callable[[str], object]) -> T:
    """What `ask` returns once a server is there, however long that takes; `say`s so once."""
    said = False
    while True:
        try:
            return ask()
        except (KafkaException, ServerError) as error:
            if not said:
                say(f"{error} Waiting ...")
            said = True
            time.sleep(RETRY_S)


def until_elected(
    ask: Callable[[], T],
    within_s: float = ELECTION_MAX_S,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """What `ask` returns, asked again while Kafka says "not yet".

    After `within_s` its last error is raised, and every other error at once.
    """
    ends_at = clock() + within_s
    while True:
        try:
            return ask()
        except (KafkaException, EchoTuneError) as error:
            if not is_retriable(error) or clock() >= ends_at:
                raise
            time.sleep(RETRY_S)
