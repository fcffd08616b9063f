"""Places in the learning-log as people name them: an offset, or a time of appending."""

import time
from datetime import UTC, datetime

from streams.kafka.log_reader import LogReader
from topics.errors import SettingsError

_TIMES = "Write 2026-01-31, or 2026-01-31T12:00:00Z"


def first_place(log: LogReader, text: str, option: str) -> int:
    """Offset of the record `text`, or of the first record appended at that time or later.

    Raises `SettingsError`, which names the `option`, if the log has no such record.
    """
    if (offset := _offset_in(log, text, option)) is not None:
        return offset
    found = log.offset_at(time_ms_of(text, option))
    if found is None:
        raise SettingsError(
            f"{option} {text} is later than the last record of the log.", "Name an earlier time."
        )
    return found


def last_place(log: LogReader, text: str, option: str) -> int:
    """Offset of the record `text`, or of the last record appended before that time.

    Raises `SettingsError`, which names the `option`, if the log has no such record, or if the time
    is in the future.
    """
    if (offset := _offset_in(log, text, option)) is not None:
        return offset
    bounds, at_ms = log.bounds(), time_ms_of(text, option)
    if at_ms > time.time_ns() // 1_000_000:
        raise SettingsError(f"{option} {text} is in the future.", "Name an earlier time.")
    found = log.offset_at(at_ms)
    last = (bounds.end if found is None else found) - 1
    if last < bounds.start:
        raise SettingsError(
            f"{option} {text} is earlier than the first record of the log.", "Name a later time."
        )
    return last


def _offset_in(log: LogReader, text: str, option: str) -> int | None:
    """The offset that `text` is, if it is one and the log has it; None if it is a time."""
    if not (text.isascii() and text.lstrip("-").isdigit()):
        return None
    offset, bounds = int(text), log.bounds()
    if not bounds.start <= offset < bounds.end:
        has = f"records {bounds.start:,} to {bounds.end - 1:,}" if bounds.end else "no record"
        raise SettingsError(
            f"{option} {text} is outside of the log, which has {has}.",
            "Name one of its offsets, or a time.",
        )
    return offset


def time_ms_of(text: str, option: str) -> int:
    """A time in ms since 1970, UTC unless it says otherwise; raises `SettingsError`.

    >>> time_ms_of("1970-01-02", "--since"), time_ms_of("1970-01-01T00:00:01Z", "--since")
    (86400000, 1000)
    """
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise SettingsError(f"{option} {text!r} is no time.", f"{_TIMES}.") from None
    return round((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1_000)
