"""`ListeningEvent`: one thing a listener did with one track.

It states what happened, not what to learn from it. The Avro contract is
`avro/ListeningEvent.avsc`; this pydantic model is the same record with its bounds.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

ID_LENGTH_MAX = 512
TEXT_LENGTH_MAX = 1_024
PLAY_LENGTH_MAX_MS = 24 * 24 * 3_600_000
"""24 days: the maximum of ListenBrainz, and below 2^31 ms."""

EARLIEST_LISTENED_AT_MS = 1_033_430_400_000
"""2002-10-01, the first scrobble that ListenBrainz accepts."""
LATEST_AHEAD_MS = 10 * 60_000
"""Maximum by which a play may be later than its record's time."""


class EventKind(StrEnum):
    """What happened; the order is that of the Avro enum and must never change."""

    UNKNOWN = "UNKNOWN"
    LISTEN = "LISTEN"
    NOW_PLAYING = "NOW_PLAYING"
    LOVE = "LOVE"
    HATE = "HATE"
    CLEAR = "CLEAR"
    RETRACT = "RETRACT"
    ERASE = "ERASE"
    KEEP = "KEEP"
    DISMISS = "DISMISS"
    SKIP = "SKIP"


KIND_CODES: dict[str, int] = {kind.value: code for code, kind in enumerate(EventKind)}


_NO_NUL = r"^[^\x00]*$"
_Id = Annotated[str, Field(min_length=1, max_length=ID_LENGTH_MAX, pattern=_NO_NUL)]
_Text = Annotated[str, Field(max_length=TEXT_LENGTH_MAX, pattern=_NO_NUL)]
_Length = Annotated[int, Field(ge=0, le=PLAY_LENGTH_MAX_MS)]
_Time = Annotated[int, Field(ge=EARLIEST_LISTENED_AT_MS, lt=2**53)]


class ListeningEvent(BaseModel):
    """One event; unknown is None, never 0 or False. Times in ms since 1970 UTC."""

    model_config = ConfigDict(frozen=True, strict=True)

    event_id: _Id
    listener_id: _Id
    kind: Annotated[EventKind, Field(strict=False)]
    source: _Id
    track_id: _Id | None = None
    artist_id: _Id | None = None
    artist_name: _Text | None = None
    track_name: _Text | None = None
    release_name: _Text | None = None
    source_track_id: _Text | None = None
    listened_at: _Time | None = None
    ms_played: _Length | None = None
    duration_ms: _Length | None = None
    reason_end: _Text | None = None
    context: _Text | None = None
    recommendation_id: _Text | None = None


EventFields = dict[str, Any]
"""A decoded event before validation: the Avro record as a dict."""

_CheckedFields = TypedDict("_CheckedFields", ListeningEvent.__annotations__)  # type: ignore[misc]
_CheckedFields.__pydantic_config__ = ConfigDict(strict=True)  # type: ignore[attr-defined]
_checked_chunk: TypeAdapter[list[Any]] = TypeAdapter(list[_CheckedFields])


def invalid_events(events: list[EventFields]) -> dict[int, str]:
    """Position → what is wrong, for each of `events` that breaks a bound of `ListeningEvent`.

    All events are validated in one call, without an object per event, which costs less than half
    of validating `ListeningEvent`s one by one.

    >>> good = ListeningEvent(event_id="e", listener_id="l", kind="LISTEN", source="s").model_dump()
    >>> invalid_events([good, {**good, "listener_id": ""}])
    {1: 'listener_id: String should have at least 1 character'}
    """
    try:
        _checked_chunk.validate_python(events)
    except ValidationError as error:
        return _first_errors(error)
    return {}


def _first_errors(error: ValidationError) -> dict[int, str]:
    found: dict[int, str] = {}
    for one in error.errors(include_url=False, include_context=False, include_input=False):
        position, *where = one["loc"]
        found.setdefault(int(position), f"{'.'.join(map(str, where))}: {one['msg']}")
    return found
