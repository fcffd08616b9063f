"""Reasons for a rejection (poison messages): stable codes in the log and in dead letters."""

from dataclasses import dataclass
from enum import StrEnum


class RejectionReason(StrEnum):
    """Stable codes; add, never change, because the log keeps them for ever."""

    NULL_VALUE = "null_value"
    BAD_MAGIC = "bad_magic"
    UNKNOWN_SCHEMA = "unknown_schema"
    MALFORMED = "malformed"
    INVALID = "invalid"
    UNKNOWN_KIND = "unknown_kind"
    NO_TRACK = "no_track"
    TIME_OUT_OF_RANGE = "time_out_of_range"
    TOO_LARGE = "too_large"


@dataclass(frozen=True, slots=True)
class Rejected:
    """A rejected record as a value, so that it never reaches an agent as an exception."""

    reason: RejectionReason
    detail: str
