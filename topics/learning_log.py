"""Encodes and decodes records of the learning-log: a `LearningBatch` or a control record."""

import xxhash

from topics.catalogue import LEARNING_LOG
from topics.codecs import Decoder, encode
from topics.control_records import ControlRecord, StrayRecord, control_record, fields_of
from topics.errors import LogError, UndecodableRecordError
from topics.learning_batch import LearningBatch
from topics.rejection import Rejected, RejectionReason
from topics.stray_records import why_stray

LogRecord = LearningBatch | ControlRecord

_decoder = Decoder(LEARNING_LOG.contracts)


def encode_log_record(record: LogRecord) -> bytes:
    """Bytes of a learning-log record, with the fixed schema id of its contract."""
    if isinstance(record, LearningBatch):
        return encode("LearningBatch", record.record())
    return encode(type(record).__name__, fields_of(record))


def decode_log_record(value: bytes | None, offset: int) -> LogRecord:
    """The record at `offset`; raises `UndecodableRecordError` if it cannot be read.

    Bytes that no version of EchoTune writes to the log are a `StrayRecord`, for each version.
    All others that cannot be read are damage, or were written by a newer version, and must not be
    skipped like a poison message.
    """
    if why := why_stray(value, LEARNING_LOG):
        return StrayRecord(why)
    decoded = _decoder.decode(value)
    if isinstance(decoded, Rejected):
        is_unknown = decoded.reason is RejectionReason.UNKNOWN_SCHEMA
        why = f"{decoded.reason}: {decoded.detail}"
        raise _unreadable(offset, why, may_be_newer=is_unknown)
    name, record = decoded
    if name != "LearningBatch":
        return control_record(name, record)
    try:
        return LearningBatch.of_record(record)
    except ValueError as error:
        raise _unreadable(offset, str(error)) from error


def record_hash(value: bytes | None, appended_at: int) -> str:
    """Hash that identifies a log record; it includes the broker's append time (ms).

    Bytes alone do not: after the log has lost its tail, equal bytes may be appended again.
    """
    return xxhash.xxh3_128_hexdigest(
        appended_at.to_bytes(8, "little", signed=True) + (value or b"")
    )


def gap_error(expected: int, following: int) -> LogError:
    """The log goes on at `following`, where `expected` should be."""
    return LogError(
        f"{LEARNING_LOG.name} has no record {expected}; the next one is {following}.",
        "If the log was cut or is another one, start from a snapshot that fits it. If it is whole, "
        "somebody's transaction has left the gap. To pass it, for every reader: "
        f"echotune topics void {LEARNING_LOG.name} 0 {expected} --why WHY",
    )


def _unreadable(offset: int, why: str, *, may_be_newer: bool = False) -> UndecodableRecordError:
    command = f"echotune topics void {LEARNING_LOG.name} 0 {offset} --why WHY"
    error = UndecodableRecordError(
        f"learning-log record {offset} cannot be read ({why}).",
        f"Upgrade this worker, if a newer version has written it; if none has: {command} "
        "--not-newer"
        if may_be_newer
        else f"It is damaged, or something else wrote it. To pass it, for every reader: {command}",
    )
    error.may_be_newer = may_be_newer
    return error
