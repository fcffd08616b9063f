"""What a record of the learning-log says: a `LearningBatch` or a control record."""

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
    """The record at `offset`; raises `LogError` where the log holds what no version wrote.

    The log is written by sequencers alone: bytes that cannot be read are damage or a newer
    version's, never poison to skip.
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
    """Hash by which a log record is known again, with the time (ms) at which the broker got it.

    Bytes alone may come again: where the log lost its tail, what is appended again is the same.
    """
    return xxhash.xxh3_128_hexdigest(appended_at.to_bytes(8, "little", signed=True) + value)


def _unreadable(offset: int, why: str) -> LogError:
    return LogError(
        f"learning-log record {offset} cannot be read ({why}).",
        "Upgrade this worker, or see docs/operations.md on a damaged log.",
    )
