"""Reads what is assigned to a consumer, message after message; where to end is the caller's."""

from collections.abc import Iterator

from confluent_kafka import Consumer, KafkaError, KafkaException, Message

SILENT_MAX_S = 10.0
_CALL_TIMEOUT_S = 0.2
_MESSAGES_AT_ONCE = 500


class SilentError(KafkaException):
    """Nothing came for too long: no record, and not the end of a partition either."""


def each_message(consumer: Consumer, silent_max_s: float = SILENT_MAX_S) -> Iterator[Message]:
    """Each record and each end of what is assigned, as soon as it is there, and for ever.

    Raises `SilentError` where nothing comes for `silent_max_s`. Whoever goes on later, with the
    same places, has to go on with the same iterator: it may hold what came at once.
    """
    silent_s = 0.0
    while silent_s < silent_max_s:
        message = consumer.poll(_CALL_TIMEOUT_S)
        if message is None:
            silent_s += _CALL_TIMEOUT_S
            continue
        silent_s = 0.0
        yield message
        yield from consumer.consume(_MESSAGES_AT_ONCE, timeout=0)  # waits for none
    raise SilentError(KafkaError(KafkaError._TIMED_OUT))


def is_end(message: Message) -> bool:
    """Whether it is the end of its partition; raises `KafkaException` for what is no record."""
    error = message.error()
    if error is not None and error.code() != KafkaError._PARTITION_EOF:
        raise KafkaException(error)
    return error is not None
