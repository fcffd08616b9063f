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
UNKNOWN_TOPIC_MAX_S = 5.0
"""Maximum wait for a topic that should exist: a broker may not know yet that it was created."""
_UNKNOWN_TOPIC = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNKNOWN_TOPIC_ID,
        KafkaError._UNKNOWN_TOPIC,
        KafkaError._UNKNOWN_PARTITION,
    }
)
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
    found = _kafka_error_of(error)
    return found is not None and (found.retriable() or found.code() in _ELECTING)


def _is_unknown_topic(error: BaseException) -> bool:
    found = _kafka_error_of(error)
    return found is not None and found.code() in _UNKNOWN_TOPIC


def _kafka_error_of(error: BaseException | KafkaError | None) -> KafkaError | None:
    """Kafka's error that `error` is, or that caused it."""
    if isinstance(error, KafkaException):
        error = error.args[0] if error.args else None
    if isinstance(error, EchoTuneError):
        return _kafka_error_of(error.__cause__)
    return error if isinstance(error, KafkaError) else None


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
    *,
    unknown_max_s: float = 0.0,
) -> T:
    """Calls `ask`, again while Kafka's error means "not yet", and returns its result.

    After `within_s` its last error is raised; any other error is raised immediately. That a topic
    is unknown means "not yet" for `unknown_max_s`.
    """
    began_at = clock()
    while True:
        try:
            return ask()
        except (KafkaException, EchoTuneError) as error:
            max_s = within_s if is_retriable(error) else 0.0
            if _is_unknown_topic(error):
                max_s = unknown_max_s
            if clock() - began_at >= max_s:
                raise
            time.sleep(RETRY_S)
