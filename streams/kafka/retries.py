"""Retries at a fixed interval (no backoff): repeats a call until Kafka answers.

`until_answered` and `until_answered_blocking` retry without a limit, regardless of the failure,
unless the server refuses this client; workers and senders use them. `until_elected` is for calls
that a person waits for: it retries only while the cluster elects a leader or a coordinator, as it
does after a broker's restart, and only for a bounded time.
"""

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from confluent_kafka import KafkaError, KafkaException

from topics.errors import EchoTuneError, RefusedError, ServerError

_log = structlog.get_logger(__name__)
RETRY_S = 0.5
ELECTION_MAX_S = 30.0
"""Maximum wait for an election, in seconds; after it the call fails."""
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
"""Kafka's errors that mean "not yet"; librdkafka marks only few of them as retriable."""

T = TypeVar("T")


def is_retriable(error: BaseException | KafkaError) -> bool:
    """Whether an error, or its cause, is a Kafka error that means "not yet".

    A server that does not answer at all is not such an error: the call has already timed out.
    """
    if isinstance(error, KafkaError):
        return error.retriable() or error.code() in _ELECTING
    if isinstance(error, KafkaException):
        return bool(error.args) and is_retriable(error.args[0])
    cause = error.__cause__ if isinstance(error, EchoTuneError) else None
    return cause is not None and is_retriable(cause)


async def until_answered(ask: Callable[[], T]) -> T:
    """Calls `ask` until it succeeds, and returns its result; the wait is logged once.

    `ask` runs in a thread: it may block, but each call must have a time limit of its own.
    """
    is_logged = False
    while True:
        try:
            return await asyncio.to_thread(ask)
        except RefusedError:
            raise
        except (KafkaException, ServerError) as error:
            if not is_logged:
                _log.warning("kafka does not answer; waiting", error=str(error))
            is_logged = True
            await asyncio.sleep(RETRY_S)


def until_answered_blocking(ask: Callable[[], T], say: Callable[[str], object]) -> T:
    """Calls `ask` until it succeeds, and returns its result; reports the wait once with `say`."""
    is_logged = False
    while True:
        try:
            return ask()
        except RefusedError:
            raise
        except (KafkaException, ServerError) as error:
            if not is_logged:
                say(f"{error} Waiting ...")
            is_logged = True
            time.sleep(RETRY_S)


def until_elected(
    ask: Callable[[], T],
    within_s: float = ELECTION_MAX_S,
    clock: Callable[[], float] = time.monotonic,
) -> T:
    """Calls `ask`, again while Kafka's error means "not yet", and returns its result.

    After `within_s` its last error is raised; any other error is raised immediately.
    """
    ends_at = clock() + within_s
    while True:
        try:
            return ask()
        except (KafkaException, EchoTuneError) as error:
            if not is_retriable(error) or clock() >= ends_at:
                raise
            time.sleep(RETRY_S)
