"""Encodes and decodes records of the learning-log: a `LearningBatch` or a control record."""

import xxhash

from topics.catalogue import LEARNING_LOG
from topics.codecs import Decoder, encode
from topics.control_records import ControlRecord, control_record, fields_of
from topics.errors import LogError
from topics.learning_batch import LearningBatch
from topics.rejection import Rejected

LogRecord = LearningBatch | ControlRecord

_decoder = Decoder(LEARNING_LOG.contracts)


def encode_log_record(record: LogRecord) -> bytes:
    """Bytes of a learning-log record, with the fixed schema id of its contract."""
    if isinstance(record, LearningBatch):
        return encode("LearningBatch", record.record())
    return encode(type(record).__name__, fields_of(record))


def decode_log_record(value: bytes | None, offset: int) -> LogRecord:
    """The record at `offset`; raises `LogError` if it cannot be read.

    The log is not written by producers. Unreadable bytes are therefore damage, or were written by a
    newer version, and must not be skipped like a poison message.
    """
    decoded = _decoder.decode(value)
    if isinstance(decoded, Rejected):
        raise _unreadable(offset, f"{decoded.reason}: {decoded.detail}")
    name, record = decoded
    if name != "LearningBatch":
        return control_record(name, record)
    try:
        return LearningBatch.of_record(record)
    except ValueError as error:
        raise _unreadable(offset, str(error)) from error


def record_hash(value: bytes, appended_at: int) -> str:
    """Hash that identifies a log record; it includes the broker's append time (ms).

    Bytes alone do not: after the log has lost its tail, equal bytes may be appended again.
    """
    return xxhash.xxh3_128_hexdigest(appended_at.to_bytes(8, "little", signed=True) + value)


def _unreadable(offset: int, why: str) -> LogError:
    return LogError(
        f"learning-log record {offset} cannot be read ({why}).",
        "Upgrade this worker, or see docs/operations.md on a damaged log.",
    )
