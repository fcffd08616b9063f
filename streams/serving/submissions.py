"""Reads the body of ListenBrainz' `submit-listens`: the good listens, and what the bad ones lack.

A body that is no submission at all is refused as a whole. A bad listen in it is not: clients that
are refused send the whole batch again with each later listen, or give up for good. The bounds
are those of ListenBrainz' own API; types are as lenient as its real clients need. Pure.
"""

import math
import uuid
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, NamedTuple

import orjson

from streams.sequencing.validation import ADDITIONAL_INFO_BYTES_MAX
from streams.serving.client_stamps import known_duration_ms
from streams.serving.json_values import can_be_kept, is_nested_within, number_of
from topics.listening_event import (
    EARLIEST_LISTENED_AT_MS,
    LATEST_AHEAD_MS,
    PLAY_LENGTH_MAX_MS,
    TEXT_LENGTH_MAX,
)

LISTENS_MAX = 1_000
INFO_LEVELS_MAX = 16
"""How deep `additional_info` may be nested to be kept: an answer that gives it back goes deeper."""
_S = 1_000


class SubmissionError(ValueError):
    """The body is no submission; the message says why."""


class ListenType(StrEnum):
    """What a submission is about."""

    SINGLE = "single"
    PLAYING_NOW = "playing_now"
    IMPORT = "import"


class Listen(NamedTuple):
    """One listen as its client stated it; times and lengths in ms, unknown is None."""

    artist_name: str
    track_name: str
    release_name: str | None
    listened_at: int | None
    """As the client stamped it; None for what is playing now."""
    duration_ms: int | None
    ms_played: int | None
    recording_mbid: str | None
    client: str
    """The program that submits, or else the player; empty if it does not say."""
    player: str
    additional_info: bytes = b""
    """What the client says beside it, as JSON: given back as it came, learnt from never."""


class BadListen(NamedTuple):
    """A listen that cannot be an event, and why."""

    listen: Any
    why: str


class Submission(NamedTuple):
    """The listens of a body, in its order."""

    listen_type: ListenType
    listens: list[Listen]
    bad: list[BadListen]


def submission_of(body: Any, now_ms: int) -> Submission:
    """The submission in a decoded JSON body; raises `SubmissionError` if it is none."""
    if not isinstance(body, Mapping):
        raise SubmissionError("the body is not a JSON object")
    listen_type, payload = _listen_type(body.get("listen_type")), body.get("payload")
    if not isinstance(payload, list) or not payload:
        raise SubmissionError("payload is not a list with at least one listen")
    if len(payload) > (LISTENS_MAX if listen_type is ListenType.IMPORT else 1):
        raise SubmissionError(
            f"payload has {len(payload)} listens; {listen_type} may have "
            f"{LISTENS_MAX if listen_type is ListenType.IMPORT else 1}"
        )
    found = Submission(listen_type, [], [])
    for each in payload:
        try:
            found.listens.append(_listen(each, listen_type, now_ms))
        except ValueError as error:
            found.bad.append(BadListen(each, str(error)))
    return found


def _listen_type(value: Any) -> ListenType:
    try:
        return ListenType(value)
    except ValueError:
        raise SubmissionError("listen_type is not one of single, playing_now, import") from None


def _listen(value: Any, listen_type: ListenType, now_ms: int) -> Listen:
    if not isinstance(value, Mapping):
        raise ValueError("the listen is not a JSON object")
    track = value.get("track_metadata")
    if not isinstance(track, Mapping):
        raise ValueError("track_metadata is not a JSON object")
    more = track.get("additional_info")
    more = more if isinstance(more, Mapping) else {}
    player = _optional_text(more.get("media_player"))
    return Listen(
        artist_name=_name(track, "artist_name"),
        track_name=_name(track, "track_name"),
        release_name=_optional_text(track.get("release_name")) or None,
        listened_at=_listened_at(value, listen_type, now_ms),
        duration_ms=known_duration_ms(more.get("duration"), more.get("duration_ms"), player),
        ms_played=_length_ms(more.get("duration_played"), _S),
        recording_mbid=_mbid(more.get("recording_mbid")) or _mbid(track.get("recording_mbid")),
        client=_optional_text(more.get("submission_client")) or player,
        player=player,
        additional_info=_kept(more),
    )


def _kept(more: Mapping[str, Any]) -> bytes:
    """What a client says beside a listen, as JSON; nothing of it if that is too much."""
    if not more or not is_nested_within(more, INFO_LEVELS_MAX):
        return b""
    try:
        text = orjson.dumps(more)
    except orjson.JSONEncodeError:  # half a surrogate pair, or a number of more than 64 bits
        return b""
    return text if len(text) <= ADDITIONAL_INFO_BYTES_MAX else b""


def _name(track: Mapping[str, Any], key: str) -> str:
    value = track.get(key)
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{key} is not a text with at least one letter")
    if len(value) > TEXT_LENGTH_MAX:
        raise ValueError(f"{key} is longer than {TEXT_LENGTH_MAX} letters")
    if not can_be_kept(value):
        raise ValueError(f"{key} has a NUL or half a surrogate pair")
    return value.strip()


def _optional_text(value: Any) -> str:
    """A text that may be missing; one that cannot be kept is as good as missing."""
    if not isinstance(value, str) or len(value) > TEXT_LENGTH_MAX or not can_be_kept(value):
        return ""
    return value.strip()


def _listened_at(value: Mapping[str, Any], listen_type: ListenType, now_ms: int) -> int | None:
    """The time in ms, cut to whole seconds; some clients send a fraction, or a text."""
    if listen_type is ListenType.PLAYING_NOW:
        return None
    seconds = number_of(value.get("listened_at"))
    if seconds is None:
        raise ValueError("listened_at is not a number of seconds")
    listened_at = math.floor(seconds) * _S
    if not EARLIEST_LISTENED_AT_MS <= listened_at <= now_ms + LATEST_AHEAD_MS:
        raise ValueError("listened_at is before 2002-10-01, or in the future")
    return listened_at


def _length_ms(value: Any, scale: int) -> int | None:
    number = number_of(value)
    if number is None or not 0 < number * scale <= PLAY_LENGTH_MAX_MS:
        return None
    return round(number * scale)


def _mbid(value: Any) -> str | None:
    """A MusicBrainz id in lower case; null, "" and everything else is none."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        value = value[0] if len(value) == 1 else None
    try:
        return str(uuid.UUID(value)) if isinstance(value, str) else None
    except ValueError:
        return None
